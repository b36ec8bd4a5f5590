//! What a batch has done, or why it has done nothing.

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, QueueId, ThreadId, Uid, UidSet, UidValidity};
use thiserror::Error;

use crate::error::Unavailable;
use crate::flags::Flags;
use crate::limits::Limit;
use crate::quota::{QuotaRootId, Resource};

/// What a batch has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// One for each operation, in order.
    pub ops: Vec<OpOutcome>,
}

/// What an operation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpOutcome {
    /// Nothing to tell.
    Done,
    /// The message is in the mailbox.
    Appended(Appended),
    /// The message was over quota and is in the queue.
    Queued(QueueId),
    /// The flags are stored.
    Stored(Stored),
    /// The messages are copied.
    Copied(Transferred),
    /// The messages are moved.
    Moved(Transferred),
    /// The messages are removed.
    Expunged(Expunged),
    /// The mailbox is there.
    MailboxCreated {
        /// Its id.
        mailbox: MailboxId,
        /// Of its UIDs.
        uid_validity: UidValidity,
    },
    /// The mailbox, and those below, have their new names.
    Renamed {
        /// Which one bears the new name: a new one if INBOX was renamed, else the same.
        mailbox: MailboxId,
    },
    /// The account is there.
    AccountCreated {
        /// Its id.
        account: AccountId,
        /// Its INBOX.
        inbox: MailboxId,
        /// What it is charged to.
        quota_root: QuotaRootId,
    },
}

/// Of an [`Append`](crate::Append): what APPENDUID (RFC 9051 §7.1) tells, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The mailbox it went to.
    pub mailbox: MailboxId,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// The message's UID.
    pub uid: Uid,
    /// Its MODSEQ.
    pub modseq: ModSeq,
    /// The mailbox's HIGHESTMODSEQ before: who knows the mailbox as it was then knows it as it is.
    /// [`ModSeq::MAX`] if that cannot be told.
    pub before: ModSeq,
    /// Its thread.
    pub thread: ThreadId,
}

/// Of a [`StoreFlags`](crate::StoreFlags).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The messages that now have the flags asked for, ascending.
    pub rows: Vec<StoredRow>,
    /// Those left alone because they had changed since (RFC 7162 §3.1.3 MODIFIED).
    pub modified: UidSet,
    /// The mailbox's HIGHESTMODSEQ before, as in [`Appended`].
    pub before: ModSeq,
}

/// A message after STORE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// Its MODSEQ.
    pub modseq: ModSeq,
    /// The one before; the same if nothing changed.
    pub previous: ModSeq,
}

/// Of a [`Transfer`](crate::Transfer): what COPYUID (RFC 9051 §7.1) tells, and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Of the UIDs where they are now.
    pub uid_validity: UidValidity,
    /// Old UID and new UID, ascending in both.
    pub uids: Vec<(Uid, Uid)>,
    /// The new messages' MODSEQ, and that of the old ones' removal if they were moved within an account; `None`
    /// if there were none.
    pub modseq: Option<ModSeq>,
}

/// Of an [`Expunge`](crate::Expunge).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunged {
    /// Which.
    pub uids: UidSet,
    /// The mailbox's MODSEQ after it; `None` if there were none.
    pub modseq: Option<ModSeq>,
}

/// A batch that was refused. It has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("operation {op} was refused")]
pub struct Rejected {
    /// Which operation, counted from zero, could not be done.
    pub op: usize,
    /// Why.
    #[source]
    pub cause: Cause,
}

/// Why an operation could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Cause {
    /// There is no such account.
    #[error("no such account")]
    NoSuchAccount,
    /// The login belongs to another account.
    #[error("the account exists")]
    AccountExists,
    /// The address belongs to another account.
    #[error("the address belongs to another account")]
    AddressTaken,
    /// There is no such mailbox.
    #[error("no such mailbox")]
    NoSuchMailbox,
    /// There is a mailbox of that name.
    #[error("the mailbox exists")]
    MailboxExists,
    /// The name of a mailbox, account or credential is none, or would not be one after the rename.
    #[error("the name is not allowed")]
    NameInvalid,
    /// INBOX cannot be deleted.
    #[error("INBOX cannot be deleted")]
    Inbox,
    /// There is no such quota root.
    #[error("no such quota root")]
    NoSuchQuotaRoot,
    /// The quota does not allow it.
    #[error("over quota")]
    OverQuota {
        /// Whose.
        root: QuotaRootId,
        /// Of what.
        resource: Resource,
    },
    /// The blob was never finished, or is reclaimed: upload it again.
    #[error("the blob is gone")]
    BlobGone(BlobId),
    /// The entry is settled, removed, or someone else's by now.
    #[error("the lease is lost")]
    LeaseLost(QueueId),
    /// Someone is at work on the entry.
    #[error("someone is at work on the queue entry")]
    EntryLeased(QueueId),
    /// There is no such queue entry.
    #[error("no such queue entry")]
    NoSuchEntry(QueueId),
    /// There is a queue entry of that id.
    #[error("the queue entry exists")]
    EntryExists(QueueId),
    /// A queue entry needs a recipient.
    #[error("a queue entry needs a recipient")]
    NoRecipient,
    /// The mailbox has no UID left: its messages must move to a new one.
    #[error("the mailbox has no UID left")]
    UidsExhausted,
    /// The account has no MODSEQ left, or the store no UIDVALIDITY.
    #[error("a counter has come to its end")]
    CountersExhausted,
    /// The batch has more operations than [`Limits::ops_per_batch`](crate::Limits::ops_per_batch).
    #[error("too many operations")]
    TooManyOps,
    /// Another bound is exceeded.
    #[error("a limit is exceeded")]
    Over(Limit),
    /// There is no room.
    #[error("the store is full")]
    NoSpace,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
