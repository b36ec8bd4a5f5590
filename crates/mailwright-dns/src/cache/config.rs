//! How much a cache remembers, and for how long.

use std::time::Duration;

/// How much a [`Cache`](crate::Cache) remembers, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Questions that something is remembered about. Default 50,000.
    pub entries: usize,
    /// Bytes of all entries, as estimated. Default 32 MiB.
    pub bytes: usize,
    /// Bytes of an answer, as estimated; a larger one is passed on, but not remembered. Default 64 KiB.
    pub answer_bytes: usize,
    /// Answers are kept at least so long, also those that say something does not exist. Default 5 seconds; more
    /// delays changes that were announced to come at once.
    pub ttl_min: Duration,
    /// Answers are kept at most so long. Default 1 day (RFC 8767 §4 wants a bound of days).
    pub ttl_max: Duration,
    /// That something does not exist is believed at most so long. Default 1 hour (RFC 2308 §5: one to three hours).
    pub negative_ttl_max: Duration,
    /// A failure is believed so long, and twice as long each time it comes again. Default 5 seconds; at least one
    /// second counts (RFC 9520 §3.2).
    pub failure_ttl: Duration,
    /// A failure is believed at most so long. Default 5 minutes, and no more counts (RFC 9520 §3.2).
    pub failure_ttl_max: Duration,
    /// How long after its end an answer may still be given if asking again fails (RFC 8767 §5: one to three days).
    /// Default 3 days; zero for never.
    pub stale: Duration,
    /// What is left to such an answer, for whoever keeps it in turn. Default 30 seconds (RFC 8767 §4).
    pub stale_ttl: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            entries: 50_000,
            bytes: 32 << 20,
            answer_bytes: 64 << 10,
            ttl_min: Duration::from_secs(5),
            ttl_max: 24 * HOUR,
            negative_ttl_max: HOUR,
            failure_ttl: Duration::from_secs(5),
            failure_ttl_max: Duration::from_secs(300),
            stale: 72 * HOUR,
            stale_ttl: Duration::from_secs(30),
        }
    }
}

impl CacheConfig {
    pub(super) fn positive(&self, ttl: Duration) -> Duration {
        ttl.max(self.ttl_min).min(self.ttl_max)
    }

    pub(super) fn negative(&self, ttl: Duration) -> Duration {
        ttl.max(self.ttl_min).min(self.negative_ttl_max)
    }

    /// For the failure that comes after `earlier` others.
    pub(super) fn failure(&self, earlier: u32) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        const LONGEST: Duration = Duration::from_secs(300);
        let doubled = self.failure_ttl.max(SHORTEST).saturating_mul(1 << earlier.min(16));
        doubled.min(self.failure_ttl_max.clamp(SHORTEST, LONGEST))
    }
}
