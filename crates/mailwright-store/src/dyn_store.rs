//! Any store behind one type.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};

use crate::account::{AccountInfo, AccountKey, Credential};
use crate::batch::Batch;
use crate::blob::{BlobHint, BlobInfo, BlobReader, BlobWriter, Reclaimed, StagedBlob};
use crate::boxed::BoxFuture;
use crate::change::{ChangeHints, Topic};
use crate::error::{BlobError, Health, ReadError, Unavailable};
use crate::limits::Limits;
use crate::listing::{ChangeCursor, Changes, Columns, RowPage, Snapshot};
use crate::mailbox::{
    EntryName, Grantee, MailboxInfo, MailboxStatus, MetadataTarget, Rights, SharedMailbox, Visibility,
};
use crate::name::MailboxName;
use crate::outcome::{Outcome, Rejected};
use crate::page::Page;
use crate::queue::{Claim, Claimed, Destination, Lease, QueueEntry};
use crate::quota::{Quota, QuotaRootId};
use crate::store::{Store, Trace};

/// A [`BlobWriter`] of any store: `Box<dyn DynBlobWriter>` is one itself.
pub trait DynBlobWriter: ErasedWriter {}

impl<T: BlobWriter> DynBlobWriter for T {}

/// The methods of [`DynBlobWriter`].
pub trait ErasedWriter: Send + 'static {
    /// See [`BlobWriter::write`].
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>>;
    /// See [`BlobWriter::finish`].
    fn finish(self: Box<Self>, now: Timestamp) -> BoxFuture<'static, Result<StagedBlob, BlobError>>;
}

impl<W: BlobWriter> ErasedWriter for W {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(BlobWriter::write(self, chunk))
    }

    fn finish(self: Box<Self>, now: Timestamp) -> BoxFuture<'static, Result<StagedBlob, BlobError>> {
        Box::pin(BlobWriter::finish(*self, now))
    }
}

impl BlobWriter for Box<dyn DynBlobWriter> {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        ErasedWriter::write(&mut **self, chunk).await
    }

    async fn finish(self, now: Timestamp) -> Result<StagedBlob, BlobError> {
        ErasedWriter::finish(self, now).await
    }
}

/// A [`BlobReader`] of any store: `Box<dyn DynBlobReader>` is one itself.
pub trait DynBlobReader: ErasedReader {}

impl<T: BlobReader> DynBlobReader for T {}

/// The methods of [`DynBlobReader`].
pub trait ErasedReader: Send + 'static {
    /// See [`BlobReader::next`].
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, BlobError>>;
}

impl<R: BlobReader> ErasedReader for R {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, BlobError>> {
        Box::pin(BlobReader::next(self))
    }
}

impl BlobReader for Box<dyn DynBlobReader> {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        ErasedReader::next(&mut **self).await
    }
}

/// Writes, for each method that only differs from [`Store`]'s in its boxed future, the method of [`ErasedStore`], its
/// implementation for any store, and the way back. `ref &` marks what is borrowed.
macro_rules! boxed {
    ($(fn $name:ident($($arg:ident: $(ref $amp:tt)? $of:ty),*) -> $output:ty;)*) => {
        /// Any store behind one type: `Arc<dyn DynStore>` is itself a [`Store`], at the price of a box a call.
        ///
        /// ```
        /// use std::sync::Arc;
        ///
        /// use mailwright_store::{DynStore, Health, MemoryStore, Store};
        ///
        /// let store: Arc<dyn DynStore> = Arc::new(MemoryStore::default());
        /// assert_eq!(store.health(), Health::Ok);
        /// ```
        pub trait DynStore: ErasedStore {}

        impl<S: Store> DynStore for S {}

        /// The methods of [`DynStore`]. Never in scope by name, so that they do not compete with [`Store`]'s.
        pub trait ErasedStore: Send + Sync + 'static {
            /// See [`Store::limits`].
            fn limits(&self) -> &Limits;
            /// See [`Store::health`].
            fn health(&self) -> Health;
            /// See [`Store::changes`].
            fn changes(&self, topics: &[Topic]) -> ChangeHints;
            /// See [`Store::blob_writer`].
            fn blob_writer(&self, hint: BlobHint) -> BoxFuture<'_, Result<Box<dyn DynBlobWriter>, BlobError>>;
            /// See [`Store::read_blob`].
            fn read_blob(
                &self,
                id: BlobId,
                range: Range<u64>,
            ) -> BoxFuture<'_, Result<Box<dyn DynBlobReader>, BlobError>>;
            $(
                #[doc = concat!("See [`Store::", stringify!($name), "`].")]
                fn $name<'a>(&'a self, $($arg: $($amp 'a)? $of),*) -> BoxFuture<'a, $output>;
            )*
        }

        impl<S: Store> ErasedStore for S {
            fn limits(&self) -> &Limits {
                Store::limits(self)
            }

            fn health(&self) -> Health {
                Store::health(self)
            }

            fn changes(&self, topics: &[Topic]) -> ChangeHints {
                Store::changes(self, topics)
            }

            fn blob_writer(&self, hint: BlobHint) -> BoxFuture<'_, Result<Box<dyn DynBlobWriter>, BlobError>> {
                Box::pin(async move { Ok(Box::new(Store::blob_writer(self, hint).await?) as _) })
            }

            fn read_blob(
                &self,
                id: BlobId,
                range: Range<u64>,
            ) -> BoxFuture<'_, Result<Box<dyn DynBlobReader>, BlobError>> {
                Box::pin(async move { Ok(Box::new(Store::read_blob(self, id, range).await?) as _) })
            }

            $(
                fn $name<'a>(&'a self, $($arg: $($amp 'a)? $of),*) -> BoxFuture<'a, $output> {
                    Box::pin(Store::$name(self, $($arg),*))
                }
            )*
        }

        impl Store for Arc<dyn DynStore> {
            type BlobWriter = Box<dyn DynBlobWriter>;
            type BlobReader = Box<dyn DynBlobReader>;

            fn limits(&self) -> &Limits {
                ErasedStore::limits(&**self)
            }

            fn health(&self) -> Health {
                ErasedStore::health(&**self)
            }

            fn changes(&self, topics: &[Topic]) -> ChangeHints {
                ErasedStore::changes(&**self, topics)
            }

            async fn blob_writer(&self, hint: BlobHint) -> Result<Self::BlobWriter, BlobError> {
                ErasedStore::blob_writer(&**self, hint).await
            }

            async fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<Self::BlobReader, BlobError> {
                ErasedStore::read_blob(&**self, id, range).await
            }

            $(
                async fn $name(&self, $($arg: $($amp)? $of),*) -> $output {
                    ErasedStore::$name(&**self, $($arg),*).await
                }
            )*
        }
    };
}

boxed! {
    fn commit(batch: Batch) -> Result<Outcome, Rejected>;
    fn reclaim(now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable>;
    fn blob(id: BlobId) -> Result<BlobInfo, BlobError>;
    fn read_blobs(wanted: ref &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>>;
    fn open(mailbox: MailboxId) -> Result<Snapshot, ReadError>;
    fn rows(
        snapshot: ref &Snapshot, selection: ref &UidSet, columns: Columns, after: Option<Uid>, limit: usize
    ) -> Result<RowPage, ReadError>;
    fn changed_since(
        mailbox: MailboxId, since: ModSeq, columns: Columns, after: Option<ChangeCursor>, limit: usize
    ) -> Result<Changes, ReadError>;
    fn status(mailboxes: ref &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable>;
    fn mailboxes(
        account: AccountId, after: Option<MailboxName>, limit: usize
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError>;
    fn mailbox(account: AccountId, name: ref &MailboxName) -> Result<MailboxInfo, ReadError>;
    fn subscriptions(
        account: AccountId, after: Option<MailboxName>, limit: usize
    ) -> Result<Page<MailboxName, MailboxName>, ReadError>;
    fn shared_with(
        account: AccountId, after: Option<MailboxId>, limit: usize
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError>;
    fn acl(mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError>;
    fn metadata(target: MetadataTarget, visibility: Visibility) -> Result<Vec<(EntryName, Bytes)>, ReadError>;
    fn account(id: AccountId) -> Result<AccountInfo, ReadError>;
    fn find_account(key: ref &AccountKey) -> Result<AccountInfo, ReadError>;
    fn accounts(after: Option<AccountId>, limit: usize) -> Result<Page<AccountInfo, AccountId>, Unavailable>;
    fn credentials(account: AccountId) -> Result<Vec<Credential>, ReadError>;
    fn domains(after: Option<Domain>, limit: usize) -> Result<Page<Domain, Domain>, Unavailable>;
    fn has_domain(domain: ref &Domain) -> Result<bool, Unavailable>;
    fn quota(root: QuotaRootId) -> Result<Option<Quota>, Unavailable>;
    fn claim(claim: ref &Claim) -> Result<Vec<Claimed>, Unavailable>;
    fn renew(leases: ref &[Lease], now: Timestamp, duration: Duration) -> Result<Vec<Option<Lease>>, Unavailable>;
    fn next_due() -> Result<Option<Timestamp>, Unavailable>;
    fn destinations(after: Option<Domain>, limit: usize) -> Result<Page<Destination, Domain>, Unavailable>;
    fn queue_page(
        route: Option<Domain>, after: Option<QueueId>, limit: usize
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable>;
    fn queue_entry(id: QueueId) -> Result<Option<QueueEntry>, Unavailable>;
    fn trace(id: TraceId) -> Result<Trace, Unavailable>;
    fn traces(after: Option<TraceId>, limit: usize) -> Result<Page<TraceId, TraceId>, Unavailable>;
}
