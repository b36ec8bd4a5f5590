//! Time as an argument: deadlines are [`Instant`]s, dates are [`Timestamp`]s, and one [`Clock`] has both.

use std::fmt;
use std::time::{Duration, Instant};

/// A date: milliseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted.
///
/// Conversions to and from the formats of mail live in the crates above, so that the codecs know no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `duration` later; at the end of time, the end of time.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time since `earlier`; nothing if that lies later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.as_secs(), self.0.rem_euclid(1000))
    }
}

/// The two clocks that mail needs. Implemented by the drivers, and by a fake for tests and simulation.
pub trait Clock: Send + Sync {
    /// For deadlines: never goes back.
    fn mono(&self) -> Instant;
    /// For dates: what the world calls now.
    fn wall(&self) -> Timestamp;
}

/// Random bytes, injected like time. Implemented by the drivers, and by a seed for tests and simulation.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}
