//! What a queue is told from outside, and why it may refuse.

use mailwright_core::Domain;
use mailwright_store::{Cause, QueueEntry};
use thiserror::Error;
use tokio::sync::oneshot;

/// What the loop is told from outside.
#[derive(Debug)]
pub(super) enum Command {
    /// A destination is to be tried again at once.
    Resume(Domain),
    /// An entry goes back to its sender.
    Bounce(Box<QueueEntry>, oneshot::Sender<Result<(), AdminError>>),
}

/// Why an entry cannot be changed.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum AdminError {
    /// It has been delivered, has bounced, or never was.
    #[error("there is no such message in the queue")]
    NoSuchEntry,
    /// Somebody is delivering it.
    #[error("the message is being delivered now: hold it first, and try again when the attempt has ended")]
    UnderWay,
    /// The store cannot.
    #[error("the queue cannot be changed now: {0}")]
    Store(Cause),
}

impl From<Cause> for AdminError {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::NoSuchEntry(_) => Self::NoSuchEntry,
            Cause::EntryLeased(_) => Self::UnderWay,
            cause => Self::Store(cause),
        }
    }
}
