//! What came of an attempt.

use mailwright_core::Timestamp;

use crate::diagnostic::Diagnostic;

/// What came of a claimed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It was tried.
    Tried {
        /// What came of it for each recipient, in the order of the entry. Those for whom nothing stands here were not
        /// tried.
        outcomes: Vec<RecipientOutcome>,
        /// The earliest time of the next attempt, if the destination is left alone until then.
        not_before: Option<Timestamp>,
    },
    /// It was not tried. It stays as it is and no attempt is counted, unless there is something to tell its sender.
    Untried {
        /// When it may be.
        until: Timestamp,
        /// Why not: what is told if it expires, or if its sender is warned.
        why: Option<Diagnostic>,
    },
}

/// What came of an attempt for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// It is in the mailbox.
    Delivered(Diagnostic),
    /// The next server has taken it.
    Relayed {
        /// Its words.
        diagnostic: Diagnostic,
        /// Whether it offers DSN, was given the parameters, and so reports in our place (RFC 3461 §5.2.1). If not and
        /// the sender asked to know, we report that it was passed on (RFC 3461 §5.2.2 b).
        dsn: bool,
        /// Whether it offers DELIVERBY, and so knows by when it is to be delivered. If not, and the message has time
        /// left, its sender is told that it was passed on (RFC 2852 §4.1.4.2).
        deliver_by: bool,
    },
    /// It has gone on to several others who stand behind this address (RFC 3461 §5.2.7.3).
    Expanded(Diagnostic),
    /// It goes on in another entry of this queue, which answers for it from now on: nobody is told.
    Requeued(Diagnostic),
    /// Not now.
    Deferred(Diagnostic),
    /// Never.
    Failed(Diagnostic),
    /// The attempt did not come to this recipient.
    NotTried,
}
