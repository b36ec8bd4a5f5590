//! What the engine is asked to do.

use std::time::Duration;

use mailwright_core::{BlobId, Timestamp};
use mailwright_store::{
    Batch, Cause, Claim, Claimed, Lease, OnOverQuota, Op, Outcome, Reclaimed, Rejected, Unavailable,
};
use tokio::sync::oneshot;

use crate::shared::Shared;

/// Something to write, and who waits for it.
pub(crate) enum Job {
    Commit(Batch, oneshot::Sender<Result<Outcome, Rejected>>),
    Claim(Claim, oneshot::Sender<Result<Vec<Claimed>, Unavailable>>),
    Renew(Vec<Lease>, Timestamp, Duration, oneshot::Sender<Result<Vec<Option<Lease>>, Unavailable>>),
    Reclaim(Timestamp, usize, oneshot::Sender<Result<Reclaimed, Unavailable>>),
}

impl Job {
    /// Octets of the bodies that come with it.
    pub(crate) fn octets(&self, shared: &Shared) -> u64 {
        match self {
            Self::Commit(batch, _) => {
                blobs(batch).filter_map(|id| shared.staging.get(id)).map(|staged| staged.info.size).sum()
            }
            _ => 0,
        }
    }
}

/// An answer that may be given once the group is durable.
pub(crate) struct Answer(Box<dyn FnOnce(Result<(), Cause>)>);

impl Answer {
    /// `done`, to a caller whose errors are [`Rejected`].
    pub(crate) fn outcome(
        to: oneshot::Sender<Result<Outcome, Rejected>>,
        done: Result<Outcome, Rejected>,
    ) -> Self {
        Self(Box::new(move |durable| {
            let answer = match durable {
                Ok(()) => done,
                Err(cause) => done.and(Err(Rejected { op: 0, cause })),
            };
            // Who no longer waits can commit the same id again to learn what became of it.
            let _ = to.send(answer);
        }))
    }

    /// `done`, to a caller whose errors are [`Unavailable`].
    pub(crate) fn value<T: 'static>(
        to: oneshot::Sender<Result<T, Unavailable>>,
        done: Result<T, Unavailable>,
    ) -> Self {
        Self(Box::new(move |durable| {
            let answer = match durable {
                Ok(()) => done,
                Err(Cause::Unavailable(unavailable)) => done.and(Err(unavailable)),
                Err(_) => done.and(Err(Unavailable::default())),
            };
            let _ = to.send(answer);
        }))
    }

    /// What was done is durable, or never was.
    pub(crate) fn give(self, durable: Result<(), Cause>) {
        (self.0)(durable);
    }
}

/// The blobs that a batch refers to.
pub(crate) fn blobs(batch: &Batch) -> impl Iterator<Item = BlobId> + '_ {
    batch
        .ops
        .iter()
        .flat_map(|op| match op {
            Op::Append(append) => {
                let queued = match &append.on_over_quota {
                    OnOverQuota::Queue(entry) => Some(entry.blob),
                    OnOverQuota::Fail => None,
                };
                [Some(append.blob), queued]
            }
            Op::Enqueue(entry) => [Some(entry.blob), None],
            _ => [None, None],
        })
        .flatten()
}
