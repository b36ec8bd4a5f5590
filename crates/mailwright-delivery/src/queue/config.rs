//! How a queue works.

use std::time::Duration;

use mailwright_queue::{SchedulerConfig, SettleConfig};
use mailwright_store::WorkerId;

/// How many accounts a report reaches at most.
pub(super) const REPORT_ACCOUNTS: usize = 100;

/// How a queue works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// What is tried at once. See there.
    pub scheduler: SchedulerConfig,
    /// Retries, reports, expiry. See there.
    pub settle: SettleConfig,
    /// How long nobody else gets an entry that is being tried; renewed meanwhile, each third of that time. After a
    /// crash of another worker of the same store its entries wait that long. Default: 10 minutes.
    pub lease: Duration,
    /// Who this is, for administrators. Default: 1.
    pub worker: WorkerId,
    /// How long to wait when the store cannot answer, before it is asked again. Default: 5 seconds.
    pub store_retry: Duration,
    /// Events that a slow listener may lag behind; what comes beyond is lost to it, and it is told how many.
    /// Default: 1,024.
    pub events: usize,
    /// Accounts that a report may reach by way of aliases. Default: 100.
    pub report_accounts: usize,
    /// What [`Queue::submit`](crate::Queue::submit) takes. See there.
    pub submit: SubmitLimits,
}

/// What [`Queue::submit`](crate::Queue::submit) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubmitLimits {
    /// Octets of a message, its lines ended in CRLF. Default: 25 MiB; most servers take no more. A store has a limit of
    /// its own, 150 MiB by default.
    pub octets: u64,
    /// Recipients of a message. Default: 500. All of their entries are committed at once, and a store takes 1,000
    /// operations.
    pub recipients: usize,
}

impl Default for SubmitLimits {
    fn default() -> Self {
        Self { octets: 25 << 20, recipients: 500 }
    }
}

impl QueueConfig {
    /// With the defaults.
    pub fn new(settle: SettleConfig) -> Self {
        Self {
            scheduler: SchedulerConfig::default(),
            settle,
            lease: Duration::from_secs(600),
            worker: WorkerId(1),
            store_retry: Duration::from_secs(5),
            events: 1_024,
            report_accounts: REPORT_ACCOUNTS,
            submit: SubmitLimits::default(),
        }
    }
}
