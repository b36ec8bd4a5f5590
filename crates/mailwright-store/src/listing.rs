//! Messages read as columns, page by page, from a logical snapshot.

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, ThreadId, Timestamp, Uid, UidSet};

use crate::flags::{Flags, Keyword};
use crate::mailbox::MailboxStatus;
use crate::page::Opaque;

/// A mailbox as SELECT finds it. Holds nothing open: it says which messages belong to the view, namely those that
/// were there when it was taken. What is read of them is their present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Of which mailbox.
    pub mailbox: MailboxId,
    /// Whose it is.
    pub account: AccountId,
    /// Its counts. Messages from [`uid_next`](MailboxStatus::uid_next) on do not belong to the snapshot.
    pub status: MailboxStatus,
    /// The first message without `\Seen`.
    pub first_unseen: Option<Uid>,
    /// The keywords in use.
    pub keywords: Vec<Keyword>,
}

/// When a message arrived, as IMAP's INTERNALDATE shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InternalDate {
    /// The moment.
    pub at: Timestamp,
    /// The offset it was written with: minutes east of UTC.
    pub offset: i16,
}

impl From<Timestamp> for InternalDate {
    fn from(at: Timestamp) -> Self {
        Self { at, offset: 0 }
    }
}

/// Which columns a page is to have, besides the UIDs.
///
/// ```
/// use mailwright_store::Columns;
///
/// let columns = Columns::FLAGS.and(Columns::MODSEQ);
/// assert!(columns.has(Columns::MODSEQ) && !columns.has(Columns::SCAN));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns(u16);

impl Columns {
    /// UIDs only.
    pub const UIDS: Self = Self(0);
    /// [`RowPage::flags`]
    pub const FLAGS: Self = Self(1 << 0);
    /// [`RowPage::modseqs`]
    pub const MODSEQ: Self = Self(1 << 1);
    /// [`RowPage::sizes`]
    pub const SIZE: Self = Self(1 << 2);
    /// [`RowPage::dates`]
    pub const DATE: Self = Self(1 << 3);
    /// [`RowPage::saved`]
    pub const SAVED: Self = Self(1 << 4);
    /// [`RowPage::blobs`]
    pub const BLOB: Self = Self(1 << 5);
    /// [`RowPage::threads`]
    pub const THREAD: Self = Self(1 << 6);
    /// [`RowPage::scans`]
    pub const SCAN: Self = Self(1 << 7);
    /// All.
    pub const ALL: Self = Self((1 << 8) - 1);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A page of messages, in columns: each column that was asked for is as long as `uids`, each other one empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowPage {
    /// UIDs, ascending in [`rows`](crate::Store::rows).
    pub uids: Vec<Uid>,
    /// Flags and keywords, as they are now.
    pub flags: Vec<Flags>,
    /// Of their latest change.
    pub modseqs: Vec<ModSeq>,
    /// Bytes (RFC822.SIZE).
    pub sizes: Vec<u64>,
    /// INTERNALDATE.
    pub dates: Vec<InternalDate>,
    /// When it came into this mailbox (RFC 8514).
    pub saved: Vec<Timestamp>,
    /// The content; equal for copies, and thus the EMAILID of RFC 8474 too.
    pub blobs: Vec<BlobId>,
    /// The thread.
    pub threads: Vec<ThreadId>,
    /// What the scanner found.
    pub scans: Vec<Opaque>,
    /// Those within this page's stretch that were expunged after the snapshot, ascending.
    pub gone: Vec<Gone>,
    /// The `after` of the next page; `None` at the end.
    pub next: Option<Uid>,
}

/// A message that belongs to a snapshot and was expunged since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its UID.
    pub uid: Uid,
    /// Its content, readable for [`Limits::blob_grace`](crate::Limits::blob_grace) at least, unless reclaimed.
    pub blob: BlobId,
}

/// What has happened to a mailbox since a MODSEQ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub enum Changes {
    /// A page of it.
    Page(ChangePage),
    /// More has vanished than the mailbox remembers: read it anew.
    TooOld,
}

/// A page of changes, in the order of MODSEQs: who has taken in all pages up to the last knows the mailbox as it
/// is at the last one's `upto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePage {
    /// Messages that are new or whose flags changed. Its own `next` is not used.
    pub rows: RowPage,
    /// On the last page only: all UIDs expunged since, also some that came since.
    pub vanished: UidSet,
    /// The mailbox's highest MODSEQ.
    pub upto: ModSeq,
    /// The `after` of the next page; `None` on the last.
    pub next: Option<ChangeCursor>,
}

/// A place in the order of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeCursor {
    /// Of the last row given.
    pub modseq: ModSeq,
    /// Of the last row given.
    pub uid: Uid,
}
