//! How a simulated store is opened.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use mailwright_core::UidValidity;
use mailwright_store::Limits;

/// How long a group waits before it is made durable: a sleep of the simulation's clock, say. Batches that come
/// meanwhile are of the same group.
pub type Pause = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// How a [`SimStore`](super::SimStore) is opened.
#[derive(Clone)]
#[non_exhaustive]
pub struct SimConfig {
    /// What the store takes.
    pub limits: Limits,
    /// The first UIDVALIDITY of a new store. Default 1.
    pub first_uid_validity: UidValidity,
    /// The id of a new store's log. Default: zeros.
    pub store_id: [u8; 16],
    /// Octets of a segment of the log: few, so that there are many. Default 64 KiB.
    pub segment_bytes: u64,
    /// Octets of the largest body that is written into the log with its batch; a larger one gets a file of its own.
    /// Default 4 KiB.
    pub inline_bytes: u64,
    /// Rows that the engine keeps in memory between groups, at most. Default 1,000.
    pub cached_rows: usize,
    /// As [`SqliteConfig::lag_rows`](crate::SqliteConfig::lag_rows). Default 100.
    pub lag_rows: usize,
    /// As [`SqliteConfig::lag_bytes`](crate::SqliteConfig::lag_bytes). Default 64 KiB.
    pub lag_bytes: u64,
    /// After so many groups what the index then has is kept: after a crash it may be back. Default 8.
    pub image_groups: u64,
    /// How long a group waits. Default: not at all.
    pub pause: Pause,
    /// In which operation of the disks, from the beginning of the opening on, the power goes off, and how many octets
    /// are written if it is a write: see [`SimStore::cut_power`](super::SimStore::cut_power). Default: `None`, it stays.
    pub cut_power: Option<(u64, usize)>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            first_uid_validity: UidValidity(std::num::NonZeroU32::MIN),
            store_id: [0; 16],
            segment_bytes: 64 << 10,
            inline_bytes: 4 << 10,
            cached_rows: 1000,
            lag_rows: 100,
            lag_bytes: 64 << 10,
            image_groups: 8,
            pause: Arc::new(|| Box::pin(ready(()))),
            cut_power: None,
        }
    }
}

impl fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimConfig").field("limits", &self.limits).finish_non_exhaustive()
    }
}
