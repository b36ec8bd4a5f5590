//! The bounds of the scheduler.

use std::time::{Duration, Instant};

/// How much is tried at once, and how those are spared who cannot take it. No duration counts for more than a year.
///
/// Memory: about 300 octets a remembered destination, and what was said when it was last out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerConfig {
    /// Attempts at the same time, over all destinations. Default: 200. Each costs a connection and its buffers.
    pub concurrency: usize,
    /// Attempts at the same time at a destination of which nothing is known. Default: 5.
    pub destination_initial: usize,
    /// Attempts at the same time at one destination at most, however well it takes them. Default: 60. It begins with
    /// [`destination_initial`](Self::destination_initial), comes to more only while all goes well, and goes back when
    /// the destination says that it is too much.
    pub destination_max: usize,
    /// Destinations remembered: those at work, out of reach, or known to take more or less than others. The least
    /// recently tried is forgotten first, and then treated as a new one. Default: 4,096. Each claim names them all.
    pub destinations: usize,
    /// Entries that one claim asks for. Default: 100.
    pub claim_entries: usize,
    /// How long a destination that is out of reach is left alone at first; each time after that twice as long.
    /// Default: 1 minute.
    pub pause_first: Duration,
    /// The longest that it is left alone. Default: 1 hour.
    pub pause_max: Duration,
    /// How long it is remembered how many attempts were too many for a destination, before one more is tried.
    /// Default: 10 minutes.
    pub ceiling_kept: Duration,
    /// How often the entries of a destination that is out of reach are looked at, without an attempt: for delay
    /// warnings, and for what has expired. Default: 1 hour.
    pub sweep_every: Duration,
    /// Entries that are looked at together. Default: 100.
    pub sweep_entries: usize,
    /// How often the store is asked when it has entries due that cannot be tried now. Default: 5 seconds.
    pub poll: Duration,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            concurrency: 200,
            destination_initial: 5,
            destination_max: 60,
            destinations: 4_096,
            claim_entries: 100,
            pause_first: Duration::from_secs(60),
            pause_max: Duration::from_secs(3_600),
            ceiling_kept: Duration::from_secs(600),
            sweep_every: Duration::from_secs(3_600),
            sweep_entries: 100,
            poll: Duration::from_secs(5),
        }
    }
}

impl SchedulerConfig {
    /// What a destination of which nothing is known takes.
    pub(super) fn initial(&self) -> usize {
        self.destination_initial.clamp(1, self.destination_max.max(1))
    }

    /// How long it is left alone when it was out of reach that many times in a row.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        self.pause_first.saturating_mul(doubled).min(self.pause_max)
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// `wait` after `now`, and at most a year.
pub(super) fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait.min(YEAR)).unwrap_or(now)
}
