//! The one write: a batch of operations, all of which happen or none.

use std::fmt;

use mailwright_core::{
    AccountId, BlobId, MailboxId, ModSeq, QueueId, ThreadId, Timestamp, TraceEvent, TraceId, UidSet,
};

use crate::account::{AccountOp, DomainOp, QuotaOp};
use crate::flags::{FlagChange, Flags};
use crate::listing::InternalDate;
use crate::mailbox::MailboxOp;
use crate::name::MailboxName;
use crate::page::Opaque;
use crate::queue::{Lease, NewEntry, QueueOp, Settlement};

/// Names a batch for ever: 16 random bytes, or what the accepted transaction makes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub [u8; 16]);

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// Operations that happen together, in this order, or not at all.
///
/// A batch draws one MODSEQ from each account that it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Committing the same id again within [`Limits::outcome_kept`](crate::Limits::outcome_kept) changes nothing
    /// and gives the first outcome, whatever the operations. A refused batch leaves its id free.
    pub id: BatchId,
    /// The time.
    pub now: Timestamp,
    /// At most [`Limits::ops_per_batch`](crate::Limits::ops_per_batch).
    pub ops: Vec<Op>,
}

impl Batch {
    /// Without operations.
    pub fn new(id: BatchId, now: Timestamp) -> Self {
        Self { id, now, ops: Vec::new() }
    }

    /// And this one.
    #[must_use]
    pub fn with(mut self, op: impl Into<Op>) -> Self {
        self.ops.push(op.into());
        self
    }
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Puts a message into a mailbox.
    Append(Append),
    /// Changes flags.
    StoreFlags(StoreFlags),
    /// Copies messages (RFC 9051 §6.4.7).
    Copy(Transfer),
    /// Moves messages (RFC 9051 §6.4.8).
    Move(Transfer),
    /// Removes messages.
    Expunge(Expunge),
    /// Changes mailboxes.
    Mailbox(MailboxOp),
    /// Changes quotas.
    Quota(QuotaOp),
    /// Changes accounts.
    Account(AccountOp),
    /// Changes the domains.
    Domain(DomainOp),
    /// Puts a message into the queue.
    Enqueue(Box<NewEntry>),
    /// Ends an attempt.
    Settle {
        /// The right to.
        lease: Lease,
        /// How.
        settlement: Settlement,
    },
    /// Changes an entry of the queue for an administrator.
    Queue {
        /// Which.
        entry: QueueId,
        /// How.
        op: QueueOp,
    },
    /// Adds to a message's trace.
    Trace {
        /// Whose.
        id: TraceId,
        /// What.
        events: Vec<TraceEvent>,
    },
}

macro_rules! ops {
    ($($variant:ident($of:ty)),*) => {$(
        impl From<$of> for Op {
            fn from(op: $of) -> Self {
                Self::$variant(op.into())
            }
        }
    )*};
}

ops!(
    Append(Append),
    StoreFlags(StoreFlags),
    Expunge(Expunge),
    Mailbox(MailboxOp),
    Quota(QuotaOp),
    Account(AccountOp),
    Domain(DomainOp),
    Enqueue(NewEntry)
);

/// A message for a mailbox. For several recipients: one each, of the same blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub to: Target,
    /// The content: staged, or already in use by another message or queue entry.
    pub blob: BlobId,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
    /// The thread that it belongs to, taken as given; `None` begins a new one.
    pub thread: Option<ThreadId>,
    /// What the scanner found in it.
    pub scan: Opaque,
    /// If the quota does not allow it.
    pub on_over_quota: OnOverQuota,
}

impl Append {
    /// An unread message without flags, refused if it is over quota.
    pub fn new(to: impl Into<Target>, blob: BlobId, date: impl Into<InternalDate>) -> Self {
        Self {
            to: to.into(),
            blob,
            flags: Flags::new(),
            date: date.into(),
            thread: None,
            scan: Opaque::default(),
            on_over_quota: OnOverQuota::Fail,
        }
    }
}

/// Where a message is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This mailbox.
    Id(MailboxId),
    /// The mailbox of that name: delivery need not look it up first.
    Name {
        /// Whose.
        account: AccountId,
        /// Its name.
        name: MailboxName,
        /// Whether to create it if it does not exist (RFC 5490 §3.2).
        create: bool,
    },
}

impl Target {
    /// An account's INBOX.
    pub fn inbox(account: AccountId) -> Self {
        Self::Name { account, name: MailboxName::inbox(), create: false }
    }
}

impl From<MailboxId> for Target {
    fn from(id: MailboxId) -> Self {
        Self::Id(id)
    }
}

/// What becomes of a message that the quota does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnOverQuota {
    /// The batch is refused.
    Fail,
    /// It goes into the queue instead, for a local retry; the rest of the batch is not affected.
    Queue(Box<NewEntry>),
}

/// STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3). A message whose flags stay as they were keeps its MODSEQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFlags {
    /// Where.
    pub mailbox: MailboxId,
    /// Which messages; those that do not exist are passed over.
    pub uids: UidSet,
    /// What becomes of their flags.
    pub change: FlagChange,
    /// Only those whose MODSEQ is not above this one.
    pub unchanged_since: Option<ModSeq>,
}

/// Messages and where they are to go. Those that do not exist are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Where they are.
    pub from: MailboxId,
    /// Which messages.
    pub uids: UidSet,
    /// Where to. Its quota root is charged. May be where they are.
    pub to: MailboxId,
}

/// EXPUNGE, UID EXPUNGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunge {
    /// Where.
    pub mailbox: MailboxId,
    /// Which messages; those that do not exist are passed over.
    pub uids: UidSet,
    /// Only those with `\Deleted`.
    pub only_deleted: bool,
}
