//! All that a store knows, as tables.

use std::borrow::Cow;
use std::cmp::Reverse;

use bytes::Bytes;
use mailwright_auth::Verifier;
use mailwright_core::{
    AccountId, Address, BlobId, Domain, MailboxId, ModSeq, QueueId, ThreadId, Timestamp, TraceEvent, TraceId,
    Uid, UidValidity,
};

use super::block::{Block, Marks};
use super::field::Field;
use super::table::{Base, Table};
use crate::batch::BatchId;
use crate::blob::BlobInfo;
use crate::error::Unavailable;
use crate::flags::Keyword;
use crate::listing::InternalDate;
use crate::mailbox::{EntryName, Grantee, MailboxStatus, MetadataTarget, Rights, SpecialUse, Visibility};
use crate::name::MailboxName;
use crate::outcome::Outcome;
use crate::page::Opaque;
use crate::queue::{Priority, QueueEntry};
use crate::quota::{Quota, QuotaRootId, Usage};

macro_rules! tables {
    ($($(#[$doc:meta])* $number:literal $name:ident: $key:ty => $value:ty,)*) => {
        /// All that a store knows, and the rules by which batches change it: sorted tables, in memory or over a
        /// [`Base`].
        ///
        /// A backend brings the base, makes what [`give`](Self::give) tells durable, and keeps the contents of
        /// blobs. One place lists the tables, so that none can be forgotten when a batch is taken back.
        #[derive(Debug)]
        pub struct State<B> {
            base: B,
            $($(#[$doc])* pub(super) $name: Table<$key, $value, B>,)*
        }

        impl<B: Base> State<B> {
            /// What `base` has.
            pub fn new(base: B) -> Self {
                Self { $($name: Table::new($number, base.clone()),)* base }
            }

            /// The numbers of all tables, with what they are called.
            pub const TABLES: &'static [(u8, &'static str)] = &[$(($number, stringify!($name))),*];

            /// All writes so far stand.
            pub fn keep(&mut self) {
                $(self.$name.keep();)*
            }

            /// All writes since the last [`keep`](Self::keep) never were.
            pub fn roll_back(&mut self) {
                $(self.$name.roll_back();)*
            }

            /// Gives out every row that changed since it was last called, by table and key: its new value, or `None`
            /// if it is gone. For a log, say.
            pub fn give(&mut self, mut to: impl FnMut(u8, &[u8], Option<&[u8]>)) {
                $(self.$name.give(&mut to);)*
            }

            /// Gives out every row that the base does not have, by table and key: its value, or `None` if it is gone.
            /// From then on the base is taken to have them.
            pub fn store(&mut self, mut to: impl FnMut(u8, &[u8], Option<&[u8]>)) {
                $(self.$name.store(&mut to);)*
            }

            /// Gives out every row that there is, in the order of tables and keys.
            pub fn all(&self, mut to: impl FnMut(u8, &[u8], &[u8])) {
                $(for (key, value) in self.$name.range(..) {
                    to($number, &key.to_octets(), &value.to_octets());
                })*
            }

            /// How many rows are held in memory.
            pub fn held(&self) -> usize {
                [$(self.$name.held()),*].into_iter().sum()
            }

            /// Holds no rows any more, neither those that the base has nor those that it was not given.
            pub fn forget(&mut self) {
                $(self.$name.forget();)*
            }

            /// Whether a row's octets are what its table can have.
            pub fn is_sound(table: u8, key: &[u8], value: &[u8]) -> bool {
                match table {
                    $($number => {
                        <$key as Field>::from_octets(key).is_some() && <$value as Field>::from_octets(value).is_some()
                    })*
                    _ => false,
                }
            }
        }
    };
}

tables! {
    0 counters: Counter => u64,

    1 accounts: AccountId => Account,
    /// By folded login.
    2 logins: String => AccountId,
    /// By folded address.
    3 addresses: String => AccountId,
    4 account_addresses: (AccountId, String) => Address,
    5 credentials: (AccountId, String) => Verifier,
    /// The latest of each account.
    6 modseqs: AccountId => ModSeq,
    7 roots: QuotaRootId => Root,
    /// Besides those of the configuration.
    8 domains: Domain => (),

    10 mailboxes: MailboxId => Mailbox,
    11 names: (AccountId, MailboxName) => MailboxId,
    12 subscriptions: (AccountId, MailboxName) => (),
    13 acl: (MailboxId, Grantee) => Rights,
    14 granted: (Grantee, MailboxId) => (),
    15 metadata: (MetadataTarget, Visibility, EntryName) => Bytes,
    /// Private metadata by whose it is.
    16 private: (AccountId, MetadataTarget, EntryName) => (),

    /// What changes about messages, by blocks of UIDs.
    17 marks: (MailboxId, Block) => Marks,
    /// Blocks by the highest MODSEQ of their messages, with the lowest.
    18 changed: (MailboxId, ModSeq, Block) => ModSeq,
    /// What never changes about messages.
    19 messages: (MailboxId, Uid) => Message,
    /// What the scanner found; apart, since lists of messages seldom want it.
    21 scans: (MailboxId, Uid) => Opaque,
    /// By keyword in lower case.
    25 keywords: (MailboxId, String) => KeywordUse,
    26 vanished: (MailboxId, ModSeq, Uid) => (),
    27 gone: (MailboxId, Uid) => Vanished,
    /// Blocks that have a message without `\Seen`.
    28 unseen: (MailboxId, Block) => (),
    /// Blocks that have a message with `\Deleted`.
    29 deleted: (MailboxId, Block) => (),

    30 blobs: BlobId => Blob,
    /// Blobs without reference, by since when.
    31 idle: (Timestamp, BlobId) => (),

    40 entries: QueueId => QueueEntry,
    41 by_route: (Domain, QueueId) => (),
    /// Entries that are not held, by when they wake: when they are due, or their lease runs out.
    42 ready: (Domain, Reverse<Priority>, Timestamp, QueueId) => (),
    43 destinations: Domain => Totals,
    /// Destinations by when their first entry wakes.
    44 wakes: (Timestamp, Domain) => (),
    /// Entries with a lease, so that they are found when all leases end.
    45 leased: QueueId => (),

    50 outcomes: BatchId => Outcome,
    51 outcome_times: (Timestamp, BatchId) => (),
    52 traces: TraceId => TraceHead,
    53 events: (TraceId, u64) => TraceEvent,
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
    /// Not given out: the bytes of all blobs.
    BlobBytes,
    /// How often the store was opened.
    Epoch,
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
    pub(super) date: InternalDate,
    pub(super) saved: Timestamp,
    pub(super) thread: ThreadId,
}

#[derive(Debug, Clone)]
pub(super) struct KeywordUse {
    /// As first spelled.
    pub(super) keyword: Keyword,
    /// How many messages have it.
    pub(super) messages: u64,
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

impl<B: Base> State<B> {
    /// Whether all that was read since it was last asked can be believed.
    ///
    /// # Errors
    /// If the base could not read something.
    pub fn fault(&self) -> Result<(), Unavailable> {
        self.base.fault()
    }

    /// Begins a new store, whose first UIDVALIDITY will be this one.
    pub fn begin(&mut self, first_uid_validity: UidValidity) {
        self.counters.put(Counter::UidValidity, u64::from(first_uid_validity.get() - 1));
        self.keep();
    }

    /// Counts that the store was opened: the epoch of the leases from now on.
    pub fn begin_epoch(&mut self) -> u64 {
        let epoch = self.draw(Counter::Epoch);
        self.keep();
        epoch
    }

    /// A number that was never given out, for the id of a blob.
    pub fn draw_blob(&mut self) -> u64 {
        let number = self.draw(Counter::Blob);
        self.keep();
        number
    }

    /// Takes in a blob that is written, and that nothing refers to since `now`. Can be taken back until the next
    /// write that stands.
    pub fn stage(&mut self, blob: BlobInfo, now: Timestamp) {
        let bytes = self.counter(Counter::BlobBytes).saturating_add(blob.size);
        self.counters.put(Counter::BlobBytes, bytes);
        self.idle.put_new((now, blob.id), ());
        let row = Blob { size: blob.size, checksum: blob.checksum, references: 0, idle_since: Some(now) };
        self.blobs.put_new(blob.id, row);
    }

    /// What a blob is.
    pub fn blob(&self, id: BlobId) -> Option<BlobInfo> {
        let blob = self.blobs.get(&id)?;
        Some(BlobInfo { id, size: blob.size, checksum: blob.checksum })
    }

    /// The bytes of all blobs.
    pub fn blob_bytes(&self) -> u64 {
        self.counter(Counter::BlobBytes)
    }

    pub(super) fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(&counter).map_or(0, Cow::into_owned)
    }

    /// The next number of a counter; the first is 1.
    pub(super) fn draw(&mut self, counter: Counter) -> u64 {
        let next = self.counter(counter).saturating_add(1);
        self.counters.put(counter, next);
        next
    }
}

#[cfg(test)]
impl<B: Base> State<B> {
    pub(crate) fn set_uid_next(&mut self, mailbox: MailboxId, uid: Uid) {
        self.mailboxes.change(&mailbox, |mailbox| mailbox.status.uid_next = uid);
    }

    pub(crate) fn set_modseq(&mut self, account: AccountId, modseq: ModSeq) {
        self.modseqs.put(account, modseq);
    }

    pub(crate) fn rows_besides_counters(&self) -> usize {
        self.held() - self.counters.held()
    }
}
