//! What the engine is asked to do.

use std::time::Duration;

use mailwright_core::{BlobId, Timestamp};
use mailwright_store::{
    Batch, Cause, Claim, Claimed, Lease, OnOverQuota, Op, Outcome, Reclaimed, Rejected, Settlement,
    Unavailable,
};
use tokio::sync::oneshot;

use crate::shared::Shared;

/// Something to write, and who waits for it.
pub(crate) enum Job {
    Commit(Batch, oneshot::Sender<Result<Outcome, Rejected>>),
    Claim(Claim, oneshot::Sender<Result<Vec<Claimed>, Unavailable>>),
    Renew(Vec<Lease>, Timestamp, Duration, oneshot::Sender<Result<Vec<Option<Lease>>, Unavailable>>),
    Reclaim(Timestamp, usize, oneshot::Sender<Result<Reclaimed, Unavailable>>),
    /// The index is to show all that is answered.
    Show(oneshot::Sender<Result<(), Unavailable>>),
}

impl Job {
    /// Whether it is about leases, which are not durable: they end with the process.
    pub(crate) fn is_about_leases(&self) -> bool {
        matches!(self, Self::Claim(..) | Self::Renew(..))
    }

    /// Whether nobody is kept waiting if it takes a little longer: an entry that is delivered leaves the queue.
    pub(crate) fn can_wait(&self) -> bool {
        let leaves =
            |op: &Op| matches!(op, Op::Settle { settlement: Settlement::Ack, .. } | Op::Trace { .. });
        matches!(self, Self::Commit(batch, _) if batch.ops.iter().all(leaves))
    }

    /// Whether the index is to show at once what its group has done.
    pub(crate) fn is_to_be_seen(&self) -> bool {
        matches!(self, Self::Reclaim(..) | Self::Show(..))
    }

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
