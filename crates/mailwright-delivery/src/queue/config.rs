//! How a queue works.

use std::time::Duration;

use mailwright_queue::{SchedulerConfig, SettleConfig};
use mailwright_store::WorkerId;

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
            report_accounts: 100,
        }
    }
}
