//! What a queue tells of its work.

use mailwright_core::{Address, Domain, QueueId, Timestamp};
use mailwright_queue::Diagnostic;

/// What has happened to a message. The trace in the store keeps the same for later; this is for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueEvent {
    /// An attempt begins.
    Started {
        /// Of which entry.
        entry: QueueId,
        /// Where to.
        route: Domain,
    },
    /// The message has arrived, or the next server answers for it now.
    Delivered {
        /// Of which entry.
        entry: QueueId,
        /// For whom.
        to: Address,
        /// What the server said.
        reply: Diagnostic,
    },
    /// It has not, and is tried again.
    Deferred {
        /// Of which entry.
        entry: QueueId,
        /// For whom.
        to: Address,
        /// Why; nothing if the attempt did not come to this recipient.
        reply: Option<Diagnostic>,
        /// When; `None` if it is up to what becomes of others.
        next: Option<Timestamp>,
    },
    /// It never will. The sender is told, if there is one who wants to know.
    Bounced {
        /// Of which entry.
        entry: QueueId,
        /// For whom.
        to: Address,
        /// Why.
        reply: Diagnostic,
    },
    /// The attempt came to nothing here: somebody else has the entry by now, or the store could not take what came of
    /// it. It stays in the queue as it was.
    Abandoned {
        /// Which entry.
        entry: QueueId,
        /// Why, for people.
        why: String,
    },
}
