//! Time that passes when nobody has anything to do.

use std::time::{Duration, Instant};

use mailwright_core::testing::FakeClock;
use mailwright_core::{Clock, Timestamp};

/// The clock of tokio, which is paused; it begins where a [`FakeClock`] does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimClock(tokio::time::Instant);

impl SimClock {
    /// At its beginning. Called in the runtime.
    pub(crate) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for SimClock {
    fn mono(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> Timestamp {
        FakeClock::EPOCH.saturating_add(self.elapsed())
    }
}
