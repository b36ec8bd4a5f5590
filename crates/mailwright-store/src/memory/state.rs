//! All that the store knows, as tables. Whoever writes a backend over SQL finds here which indexes it needs.

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_auth::Verifier;
use mailwright_core::{
    AccountId, Address, BlobId, Domain, MailboxId, ModSeq, QueueId, ThreadId, Timestamp, TraceEvent, TraceId,
    Uid,
};

use super::rope::Rope;
use super::undo::Table;
use crate::batch::BatchId;
use crate::flags::{Flags, Keyword};
use crate::listing::InternalDate;
use crate::mailbox::{EntryName, Grantee, MailboxStatus, MetadataTarget, Rights, SpecialUse, Visibility};
use crate::name::MailboxName;
use crate::outcome::Outcome;
use crate::page::Opaque;
use crate::queue::{Priority, QueueEntry};
use crate::quota::{Quota, QuotaRootId, Usage};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty,)*) => {
        /// The tables. One place lists them all, so that none can be forgotten when a batch is taken back.
        #[derive(Debug, Default)]
        pub(super) struct State {
            $($(#[$doc])* pub(super) $name: Table<$key, $value>,)*
        }

        impl State {
            /// All writes so far stand.
            pub(super) fn keep(&mut self) {
                $(self.$name.keep();)*
            }

            /// All writes since the last [`keep`](Self::keep) never were.
            pub(super) fn roll_back(&mut self) {
                $(self.$name.roll_back();)*
            }
        }
    };
}

tables! {
    counters: Counter => u64,

    accounts: AccountId => Account,
    /// By folded login.
    logins: String => AccountId,
    /// By folded address.
    addresses: String => AccountId,
    account_addresses: (AccountId, String) => Address,
    credentials: (AccountId, String) => Verifier,
    /// The latest of each account.
    modseqs: AccountId => ModSeq,
    roots: QuotaRootId => Root,

    mailboxes: MailboxId => Mailbox,
    names: (AccountId, MailboxName) => MailboxId,
    subscriptions: (AccountId, MailboxName) => (),
    acl: (MailboxId, Grantee) => Rights,
    granted: (Grantee, MailboxId) => (),
    metadata: (MetadataTarget, Visibility, EntryName) => Bytes,
    /// Private metadata by whose it is.
    private: (AccountId, MetadataTarget, EntryName) => (),

    messages: (MailboxId, Uid) => Message,
    changed: (MailboxId, ModSeq, Uid) => (),
    unseen: (MailboxId, Uid) => (),
    deleted: (MailboxId, Uid) => (),
    /// How many messages have each keyword.
    keywords: (MailboxId, Keyword) => u64,
    vanished: (MailboxId, ModSeq, Uid) => (),
    gone: (MailboxId, Uid) => Vanished,

    blobs: BlobId => Blob,
    /// Blobs without reference, by since when.
    idle: (Timestamp, BlobId) => (),

    entries: QueueId => QueueEntry,
    by_route: (Domain, QueueId) => (),
    /// Entries that are not held, by when they wake: when they are due, or their lease runs out.
    ready: (Domain, Reverse<Priority>, Timestamp, QueueId) => (),
    destinations: Domain => Totals,
    /// Destinations by when their first entry wakes.
    wakes: (Timestamp, Domain) => (),

    outcomes: BatchId => Arc<Outcome>,
    outcome_times: (Timestamp, BatchId) => (),
    traces: TraceId => TraceHead,
    events: (TraceId, u64) => TraceEvent,
}

/// What is given out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    Account,
    Mailbox,
    Thread,
    QuotaRoot,
    UidValidity,
    Blob,
    Fence,
    /// Not given out: the bytes of all blobs.
    BlobBytes,
}

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) enabled: bool,
    pub(super) root: QuotaRootId,
    pub(super) inbox: MailboxId,
    /// How much it has, so that it can move to another root. Its own share of the root's usage.
    pub(super) share: Usage,
    pub(super) subscriptions: usize,
    pub(super) addresses: usize,
    pub(super) credentials: usize,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Root {
    pub(super) quota: Quota,
    pub(super) accounts: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Mailbox {
    pub(super) account: AccountId,
    pub(super) name: MailboxName,
    pub(super) special_use: Option<SpecialUse>,
    pub(super) status: MailboxStatus,
    /// Different keywords in use.
    pub(super) keywords: usize,
    /// Rows in `vanished`.
    pub(super) vanished: usize,
    /// What vanished at or before this is no longer known.
    pub(super) floor: ModSeq,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) blob: BlobId,
    pub(super) size: u64,
    pub(super) flags: Flags,
    pub(super) modseq: ModSeq,
    pub(super) date: InternalDate,
    pub(super) saved: Timestamp,
    pub(super) thread: ThreadId,
    pub(super) scan: Opaque,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Vanished {
    pub(super) modseq: ModSeq,
    pub(super) blob: BlobId,
}

#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) size: u64,
    pub(super) checksum: u32,
    pub(super) content: Rope,
    /// By messages and queue entries.
    pub(super) references: u64,
    /// Where it stands in `idle`, while nothing refers to it.
    pub(super) idle_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) entries: u64,
    pub(super) held: u64,
    pub(super) recipients: u64,
    pub(super) size: u64,
    pub(super) wake: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TraceHead {
    pub(super) kept: u64,
    pub(super) dropped: u64,
}

impl State {
    pub(super) fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(&counter).copied().unwrap_or_default()
    }

    /// The next number of a counter; the first is 1.
    pub(super) fn draw(&mut self, counter: Counter) -> u64 {
        let next = self.counter(counter).saturating_add(1);
        self.counters.put(counter, next);
        next
    }
}
