#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account;
mod batch;
mod blob;
mod boxed;
mod change;
#[cfg(feature = "conformance")]
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it is a test, and fails as tests do"
)]
pub mod conformance;
mod directory;
pub mod disk;
mod dyn_store;
mod error;
mod flags;
mod limits;
mod listing;
mod mailbox;
mod memory;
pub mod model;
mod name;
mod outcome;
mod page;
mod queue;
mod quota;
mod store;

pub use account::{AccountInfo, AccountKey, AccountOp, Credential, DomainOp, NewAccount, QuotaOp};
pub use batch::{Append, Batch, BatchId, Expunge, OnOverQuota, Op, StoreFlags, Target, Transfer};
pub use blob::{BlobHint, BlobInfo, BlobReader, BlobWriter, Checksum, Reclaimed, StagedBlob};
pub use boxed::BoxFuture;
pub use change::{ChangeHints, ChangeHub, Topic};
pub use directory::{
    AccountCredentials, Directory, DirectoryConfig, DynDirectory, ManagedDirectory, Resolution,
    StaticAccount, StaticDirectory, ascii_domain, canonical, fold_address, fold_local, fold_login,
};
pub use dyn_store::{DynBlobReader, DynBlobWriter, DynStore};
pub use error::{BlobError, Health, ReadError, Unavailable};
pub use flags::{FlagChange, Flags, InvalidKeyword, Keyword, SystemFlag};
pub use limits::{Limit, Limits};
pub use listing::{ChangeCursor, ChangePage, Changes, Columns, Gone, InternalDate, RowPage, Snapshot};
pub use mailbox::{
    EntryName, Grantee, InvalidEntryName, InvalidRights, MailboxInfo, MailboxOp, MailboxStatus,
    MetadataTarget, Rights, RightsChange, SharedMailbox, SpecialUse, Visibility,
};
pub use memory::{MemoryBlobReader, MemoryBlobWriter, MemoryConfig, MemoryStore};
pub use name::{InvalidMailboxName, MailboxName};
pub use outcome::{Appended, Cause, Expunged, OpOutcome, Outcome, Rejected, Stored, StoredRow, Transferred};
pub use page::{Opaque, Page};
pub use queue::{
    Claim, Claimed, Destination, Fence, Lease, LeaseHolder, NewEntry, Priority, QueueEntry, QueueOp,
    QueueRecipient, Selector, Settlement, WorkerId,
};
pub use quota::{Quota, QuotaLimits, QuotaRootId, Resource, Usage};
pub use store::{Store, Trace};
