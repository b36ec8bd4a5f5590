//! Blobs that are written and that no durable batch refers to yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{BlobId, Timestamp};
use mailwright_store::BlobInfo;

/// A blob that waits for its batch.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) info: BlobInfo,
    /// When it was finished.
    pub(crate) since: Timestamp,
    pub(crate) body: StagedBody,
}

/// Where its octets are.
#[derive(Debug, Clone)]
pub(crate) enum StagedBody {
    /// Here, until they go into the log with their batch.
    Inline(Vec<Bytes>),
    /// In a file of their own, which is synced.
    Bulk,
}

/// All blobs that wait, shared by those who write them and the engine.
#[derive(Debug, Default)]
pub(crate) struct Staging(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    blobs: BTreeMap<BlobId, Staged>,
    /// Octets in memory, of these and of blobs on their way in.
    held: u64,
}

impl Staging {
    /// Takes `octets` of memory, unless more than `budget` would then be in use.
    pub(crate) fn reserve(&self, octets: u64, budget: u64) -> bool {
        let mut inner = self.lock();
        let fits = inner.held.saturating_add(octets) <= budget;
        if fits {
            inner.held += octets;
        }
        fits
    }

    /// Gives memory back.
    pub(crate) fn release(&self, octets: u64) {
        let mut inner = self.lock();
        inner.held = inner.held.saturating_sub(octets);
    }

    /// From here on a batch may refer to it. What an inline body takes is reserved already.
    pub(crate) fn insert(&self, staged: Staged) {
        self.lock().blobs.insert(staged.info.id, staged);
    }

    pub(crate) fn get(&self, id: BlobId) -> Option<Staged> {
        self.lock().blobs.get(&id).cloned()
    }

    /// It is durable, or to be dropped.
    pub(crate) fn remove(&self, id: BlobId) {
        let mut inner = self.lock();
        if let Some(Staged { info, body: StagedBody::Inline(_), .. }) = inner.blobs.remove(&id) {
            inner.held = inner.held.saturating_sub(info.size);
        }
    }

    /// Those that have waited for longer than `grace`, at most `limit`.
    pub(crate) fn overdue(&self, now: Timestamp, grace: Duration, limit: usize) -> Vec<Staged> {
        let inner = self.lock();
        let overdue = inner.blobs.values().filter(|staged| staged.since.saturating_add(grace) <= now);
        overdue.take(limit).cloned().collect()
    }

    /// What is under the lock is whole between any two statements.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
