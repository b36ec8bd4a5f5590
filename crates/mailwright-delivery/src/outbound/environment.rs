//! What the world around an attempt is made of, all of it injected.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailwright_core::{Clock, Entropy};
use mailwright_dns::DynResolver;

use super::dial::Dial;

/// What the world is made of. With a paused runtime, a clock that follows it, and its like for the others, the same
/// mail takes the same way each time.
#[derive(Clone)]
pub struct Environment {
    /// Finds hosts.
    pub resolver: Arc<dyn DynResolver>,
    /// Opens connections.
    pub dial: Arc<dyn Dial>,
    /// Knows the time.
    pub clock: Arc<dyn Clock>,
    /// Draws the order of hosts of the same preference.
    pub entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    /// Waits for `work`, but neither longer than `limit` nor past `deadline`.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, OutOfTime> {
        let left = deadline.saturating_duration_since(self.clock.mono());
        match tokio::time::timeout(limit.min(left), work).await {
            Ok(done) => Ok(done),
            Err(_) if left <= limit => Err(OutOfTime::Attempt),
            Err(_) => Err(OutOfTime::Stage),
        }
    }
}

/// Whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutOfTime {
    /// That of the stage.
    Stage,
    /// That of the whole attempt.
    Attempt,
}
