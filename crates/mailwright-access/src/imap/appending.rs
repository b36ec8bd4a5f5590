//! An APPEND under way.

use mailwright_core::MailboxId;
use mailwright_imap::Rejection;
use mailwright_message::Scanner;
use mailwright_store::{Append, Flags, InternalDate, Usage};

/// Messages on their way in.
pub(super) struct Appending<W> {
    pub(super) name: String,
    /// Known from the first message on.
    pub(super) to: Option<MailboxId>,
    pub(super) message: Option<Arriving<W>>,
    /// Those that are whole.
    pub(super) arrived: Vec<Append>,
    /// What they use together.
    pub(super) usage: Usage,
    /// What went wrong since the client was last answered.
    pub(super) failed: Option<Rejection>,
}

/// One of which more is to come.
pub(super) struct Arriving<W> {
    pub(super) blob: W,
    pub(super) scanner: Scanner,
    pub(super) flags: Flags,
    pub(super) date: InternalDate,
}

impl<W> Appending<W> {
    /// To the mailbox of that name.
    pub(super) fn new(name: String) -> Self {
        Self { name, to: None, message: None, arrived: Vec::new(), usage: Usage::default(), failed: None }
    }
}
