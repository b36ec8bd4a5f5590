//! A store that does not keep its word.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};
use mailwright_store::{
    AccountInfo, AccountKey, Batch, BatchId, BlobError, BlobHint, BlobInfo, ChangeCursor, ChangeHints,
    Changes, Claim, Claimed, Columns, Credential, Destination, EntryName, Grantee, Health, Lease, Limits,
    MailboxInfo, MailboxName, MailboxStatus, MetadataTarget, Op, Outcome, Page, QueueEntry, Quota,
    QuotaRootId, ReadError, Reclaimed, Rejected, Rights, RowPage, SharedMailbox, Snapshot, Store, Topic,
    Trace, Unavailable, Visibility,
};
use mailwright_store_sqlite::testing::SimStore;

/// What becomes of a batch that brings new mail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Breach {
    /// It is answered before it is done.
    Early,
    /// What is for mailboxes is done first, and then the rest.
    Twofold,
}

/// See the module.
pub(super) struct TamperedStore {
    pub(super) store: SimStore,
    pub(super) breach: Breach,
}

impl TamperedStore {
    async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
        let is_new = |op: &Op| matches!(op, Op::Append(_) | Op::Enqueue(_));
        if !batch.ops.iter().any(is_new) {
            return self.store.commit(batch).await;
        }
        match self.breach {
            Breach::Early => {
                let store = self.store.clone();
                tokio::spawn(async move { store.commit(batch).await });
                Ok(Outcome::default())
            }
            Breach::Twofold => {
                let Batch { id, now, ops } = batch;
                let (local, rest) = ops.into_iter().partition(|op| matches!(op, Op::Append(_)));
                let other = BatchId(id.0.map(|octet| !octet));
                self.store.commit(Batch { ops: local, ..Batch::new(other, now) }).await?;
                self.store.commit(Batch { ops: rest, ..Batch::new(id, now) }).await
            }
        }
    }
}

/// All that is as the real store has it.
macro_rules! faithful {
    ($(fn $name:ident($($arg:ident: $of:ty),*) -> $output:ty;)*) => {
        impl Store for TamperedStore {
            type BlobWriter = <SimStore as Store>::BlobWriter;
            type BlobReader = <SimStore as Store>::BlobReader;

            fn limits(&self) -> &Limits {
                self.store.limits()
            }

            fn health(&self) -> Health {
                self.store.health()
            }

            fn changes(&self, topics: &[Topic]) -> ChangeHints {
                self.store.changes(topics)
            }

            async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
                self.commit(batch).await
            }

            $(
                async fn $name(&self, $($arg: $of),*) -> $output {
                    self.store.$name($($arg),*).await
                }
            )*
        }
    };
}

faithful! {
    fn blob_writer(hint: BlobHint) -> Result<Self::BlobWriter, BlobError>;
    fn read_blob(id: BlobId, range: Range<u64>) -> Result<Self::BlobReader, BlobError>;
    fn reclaim(now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable>;
    fn blob(id: BlobId) -> Result<BlobInfo, BlobError>;
    fn read_blobs(wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>>;
    fn open(mailbox: MailboxId) -> Result<Snapshot, ReadError>;
    fn rows(
        snapshot: &Snapshot, selection: &UidSet, columns: Columns, after: Option<Uid>, limit: usize
    ) -> Result<RowPage, ReadError>;
    fn changed_since(
        mailbox: MailboxId, since: ModSeq, columns: Columns, after: Option<ChangeCursor>, limit: usize
    ) -> Result<Changes, ReadError>;
    fn status(mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable>;
    fn mailboxes(
        account: AccountId, after: Option<MailboxName>, limit: usize
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError>;
    fn mailbox(account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError>;
    fn subscriptions(
        account: AccountId, after: Option<MailboxName>, limit: usize
    ) -> Result<Page<MailboxName, MailboxName>, ReadError>;
    fn shared_with(
        account: AccountId, after: Option<MailboxId>, limit: usize
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError>;
    fn acl(mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError>;
    fn metadata(target: MetadataTarget, visibility: Visibility) -> Result<Vec<(EntryName, Bytes)>, ReadError>;
    fn account(id: AccountId) -> Result<AccountInfo, ReadError>;
    fn find_account(key: &AccountKey) -> Result<AccountInfo, ReadError>;
    fn accounts(after: Option<AccountId>, limit: usize) -> Result<Page<AccountInfo, AccountId>, Unavailable>;
    fn credentials(account: AccountId) -> Result<Vec<Credential>, ReadError>;
    fn domains(after: Option<Domain>, limit: usize) -> Result<Page<Domain, Domain>, Unavailable>;
    fn has_domain(domain: &Domain) -> Result<bool, Unavailable>;
    fn quota(root: QuotaRootId) -> Result<Option<Quota>, Unavailable>;
    fn claim(claim: &Claim) -> Result<Vec<Claimed>, Unavailable>;
    fn renew(leases: &[Lease], now: Timestamp, duration: Duration) -> Result<Vec<Option<Lease>>, Unavailable>;
    fn next_due() -> Result<Option<Timestamp>, Unavailable>;
    fn destinations(after: Option<Domain>, limit: usize) -> Result<Page<Destination, Domain>, Unavailable>;
    fn queue_page(
        route: Option<Domain>, after: Option<QueueId>, limit: usize
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable>;
    fn queue_entry(id: QueueId) -> Result<Option<QueueEntry>, Unavailable>;
    fn trace(id: TraceId) -> Result<Trace, Unavailable>;
    fn traces(after: Option<TraceId>, limit: usize) -> Result<Page<TraceId, TraceId>, Unavailable>;
}
