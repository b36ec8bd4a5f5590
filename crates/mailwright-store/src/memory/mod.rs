//! A store in memory: the reference that other backends are compared with, and enough for tests and development.

mod blob;
mod rope;
mod shared;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet, UidValidity,
};

pub use self::blob::{MemoryBlobReader, MemoryBlobWriter};
use self::shared::{Contents, Inner, Shared};
use crate::account::{AccountInfo, AccountKey, Credential};
use crate::batch::Batch;
use crate::blob::{BlobHint, BlobInfo, Reclaimed};
use crate::change::{ChangeHints, ChangeHub, Topic};
use crate::error::{BlobError, Health, ReadError, Unavailable};
use crate::limits::Limits;
use crate::listing::{ChangeCursor, Changes, Columns, RowPage, Snapshot};
use crate::mailbox::{
    EntryName, Grantee, MailboxInfo, MailboxStatus, MetadataTarget, Rights, SharedMailbox, Visibility,
};
use crate::model::{Applied, Nothing, State};
use crate::name::MailboxName;
use crate::outcome::{Outcome, Rejected};
use crate::page::Page;
use crate::queue::{Claim, Claimed, Destination, Fence, Lease, QueueEntry};
use crate::quota::{Quota, QuotaRootId};
use crate::store::{Store, Trace};

/// How a [`MemoryStore`] begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// What it takes.
    pub limits: Limits,
    /// Bytes of all blobs together, those on their way in included. From 15/16 of it on the store says
    /// [`Health::LowSpace`]. Default 1 GiB.
    pub capacity: u64,
    /// The first UIDVALIDITY. Clients keep what they know of a mailbox by it: a store that begins anew at the same
    /// address should begin above the last one's, with the seconds since 1970 for instance. Default 1.
    pub first_uid_validity: UidValidity,
    /// Which opening of the store this is, for the fences of leases. Default 0.
    pub epoch: u64,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            capacity: 1 << 30,
            first_uid_validity: UidValidity(NonZeroU32::MIN),
            epoch: 0,
        }
    }
}

/// A store in memory: everything behind one lock, O(log n) an operation, gone with its last clone.
///
/// Clones are the same store.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Shared>);

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryConfig::default())
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new(config: MemoryConfig) -> Self {
        let MemoryConfig { limits, capacity, first_uid_validity, epoch } = config;
        let mut state = State::new(Nothing);
        state.begin(first_uid_validity);
        let fence = Fence { epoch, counter: 0 };
        let inner = Mutex::new(Inner { state, fence, contents: Contents::new(), uploading: 0 });
        Self(Arc::new(Shared { limits, capacity, hub: ChangeHub::default(), inner }))
    }

    fn read<T>(&self, read: impl FnOnce(&State<Nothing>) -> T) -> Result<T, Unavailable> {
        Ok(read(&self.0.lock()?.state))
    }

    /// What a page may have.
    fn items(&self, limit: usize) -> usize {
        limit.min(self.0.limits.items_per_page)
    }

    fn rows_of_page(&self, limit: usize) -> usize {
        limit.min(self.0.limits.rows_per_page)
    }
}

impl MemoryStore {
    fn apply(&self, batch: Batch) -> Result<Outcome, Rejected> {
        let mut inner = self.0.lock().map_err(|cause| Rejected { op: 0, cause: cause.into() })?;
        let Applied { outcome, hints, .. } = inner.state.apply(batch, &self.0.limits)?;
        drop(inner);
        self.0.hub.tell(&hints);
        Ok(outcome)
    }

    fn drop_unused(&self, now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable> {
        let mut inner = self.0.lock()?;
        let (reclaimed, dropped) = inner.state.reclaim(now, limit, &self.0.limits);
        dropped.iter().for_each(|id| drop(inner.contents.remove(id)));
        Ok(reclaimed)
    }
}

impl Store for MemoryStore {
    type BlobWriter = MemoryBlobWriter;
    type BlobReader = MemoryBlobReader;

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn health(&self) -> Health {
        let Ok(inner) = self.0.lock() else { return Health::Poisoned };
        let used = inner.state.blob_bytes() + inner.uploading;
        if used >= self.0.capacity - self.0.capacity / 16 { Health::LowSpace } else { Health::Ok }
    }

    fn changes(&self, topics: &[Topic]) -> ChangeHints {
        self.0.hub.listen(topics, self.0.limits.hints)
    }

    async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
        self.apply(batch)
    }

    async fn reclaim(&self, now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable> {
        self.drop_unused(now, limit)
    }

    async fn blob_writer(&self, hint: BlobHint) -> Result<MemoryBlobWriter, BlobError> {
        MemoryBlobWriter::new(&self.0, hint)
    }

    async fn blob(&self, id: BlobId) -> Result<BlobInfo, BlobError> {
        self.read(|state| state.blob(id).ok_or(BlobError::Gone(id)))?
    }

    async fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<MemoryBlobReader, BlobError> {
        self.0.lock()?.blob_reader(id, range)
    }

    async fn read_blobs(&self, wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>> {
        let mut budget = self.0.limits.read_blobs_bytes;
        let one =
            |(id, range): &(BlobId, Range<u64>)| self.0.lock()?.read_blob(*id, range.clone(), &mut budget);
        wanted.iter().map(one).collect()
    }

    async fn open(&self, mailbox: MailboxId) -> Result<Snapshot, ReadError> {
        self.read(|state| state.open(mailbox))?
    }

    async fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        self.read(|state| state.rows(snapshot, selection, columns, after, self.rows_of_page(limit)))?
    }

    async fn changed_since(
        &self,
        mailbox: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Result<Changes, ReadError> {
        self.read(|state| state.changed_since(mailbox, since, columns, after, self.rows_of_page(limit)))?
    }

    async fn status(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable> {
        self.read(|state| mailboxes.iter().map(|id| state.status(*id)).collect())
    }

    async fn mailboxes(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError> {
        self.read(|state| state.mailboxes(account, after, self.items(limit)))?
    }

    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        self.read(|state| state.mailbox(account, name))?
    }

    async fn subscriptions(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        self.read(|state| state.subscriptions(account, after, self.items(limit)))?
    }

    async fn shared_with(
        &self,
        account: AccountId,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError> {
        self.read(|state| state.shared_with(account, after, self.items(limit)))?
    }

    async fn acl(&self, mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        self.read(|state| state.acl(mailbox))?
    }

    async fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        self.read(|state| state.metadata(target, visibility))?
    }

    async fn account(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        self.read(|state| state.account(id))?
    }

    async fn find_account(&self, key: &AccountKey) -> Result<AccountInfo, ReadError> {
        self.read(|state| state.find_account(key))?
    }

    async fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Page<AccountInfo, AccountId>, Unavailable> {
        self.read(|state| state.accounts(after, self.items(limit)))
    }

    async fn credentials(&self, account: AccountId) -> Result<Vec<Credential>, ReadError> {
        self.read(|state| state.credentials(account))?
    }

    async fn domains(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Domain, Domain>, Unavailable> {
        self.read(|state| state.domains(after, self.items(limit)))
    }

    async fn has_domain(&self, domain: &Domain) -> Result<bool, Unavailable> {
        self.read(|state| state.has_domain(domain))
    }

    async fn quota(&self, root: QuotaRootId) -> Result<Option<Quota>, Unavailable> {
        self.read(|state| state.quota(root))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, Unavailable> {
        let mut inner = self.0.lock()?;
        let Inner { state, fence, .. } = &mut *inner;
        Ok(state.claim(claim, &self.0.limits, fence))
    }

    async fn renew(
        &self,
        leases: &[Lease],
        now: Timestamp,
        duration: Duration,
    ) -> Result<Vec<Option<Lease>>, Unavailable> {
        Ok(self.0.lock()?.state.renew(leases, now, duration))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.read(State::next_due)
    }

    async fn destinations(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Destination, Domain>, Unavailable> {
        self.read(|state| state.destinations(after, self.items(limit)))
    }

    async fn queue_page(
        &self,
        route: Option<Domain>,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable> {
        self.read(|state| state.queue_page(route, after, self.items(limit)))
    }

    async fn queue_entry(&self, id: QueueId) -> Result<Option<QueueEntry>, Unavailable> {
        self.read(|state| state.queue_entry(id))
    }

    async fn trace(&self, id: TraceId) -> Result<Trace, Unavailable> {
        self.read(|state| state.trace(id))
    }

    async fn traces(
        &self,
        after: Option<TraceId>,
        limit: usize,
    ) -> Result<Page<TraceId, TraceId>, Unavailable> {
        self.read(|state| state.traces(after, self.items(limit)))
    }
}
