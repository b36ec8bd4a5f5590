//! The trait: what is read comes straight from the index.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};
use mailwright_store::{
    AccountInfo, AccountKey, Batch, BlobError, BlobHint, BlobInfo, ChangeCursor, ChangeHints, Changes, Claim,
    Claimed, Columns, Credential, Destination, EntryName, Grantee, Health, Lease, Limits, MailboxInfo,
    MailboxName, MailboxStatus, MetadataTarget, Outcome, Page, QueueEntry, Quota, QuotaRootId, ReadError,
    Reclaimed, Rejected, Rights, RowPage, SharedMailbox, Snapshot, Store, Topic, Trace, Unavailable,
    Visibility,
};

use super::blob::{SimBlobReader, SimBlobWriter};
use super::store::SimStore;
use crate::jobs::Job;

impl SimStore {
    /// What a page may have.
    fn items(&self, limit: usize) -> usize {
        limit.min(self.0.config.limits.items_per_page)
    }

    fn rows_of_page(&self, limit: usize) -> usize {
        limit.min(self.0.config.limits.rows_per_page)
    }
}

impl Store for SimStore {
    type BlobWriter = SimBlobWriter;
    type BlobReader = SimBlobReader;

    fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    fn health(&self) -> Health {
        if self.0.shared.poisoned.load(Ordering::Acquire) {
            Health::Poisoned
        } else if self.0.shared.low_space.load(Ordering::Relaxed) {
            Health::LowSpace
        } else {
            Health::Ok
        }
    }

    fn changes(&self, topics: &[Topic]) -> ChangeHints {
        self.0.shared.hub.listen(topics, self.0.config.limits.hints)
    }

    async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
        let done = self.ask(|answer| Job::Commit(batch, answer)).await;
        done.unwrap_or_else(|cause| Err(Rejected { op: 0, cause: cause.into() }))
    }

    async fn reclaim(&self, now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable> {
        self.ask(|answer| Job::Reclaim(now, limit, answer)).await?
    }

    async fn blob_writer(&self, hint: BlobHint) -> Result<SimBlobWriter, BlobError> {
        if hint.size.is_some_and(|size| size > self.0.config.limits.blob_bytes) {
            return Err(BlobError::TooLarge);
        }
        match self.health() {
            Health::Ok => {}
            Health::LowSpace => return Err(BlobError::NoSpace),
            _ => return Err(Unavailable::default().into()),
        }
        self.0.power.is_on().await;
        let [_, _, time @ ..] = hint.now.as_millis().to_be_bytes();
        let [_, _, number @ ..] = self.0.blobs.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut id = [0; 16];
        let octets = time.into_iter().chain(self.0.epoch.to_be_bytes()).chain(number);
        id.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        Ok(SimBlobWriter::new(Arc::clone(&self.0), BlobId(id)))
    }

    async fn blob(&self, id: BlobId) -> Result<BlobInfo, BlobError> {
        self.0.power.is_on().await;
        self.0.blob(id)
    }

    async fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<SimBlobReader, BlobError> {
        self.0.power.is_on().await;
        self.0.read_blob(id, range).map(SimBlobReader)
    }

    async fn read_blobs(&self, wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>> {
        self.0.power.is_on().await;
        let mut budget = self.0.config.limits.read_blobs_bytes;
        let one = |(id, range): &(BlobId, Range<u64>)| {
            let length = range.end.checked_sub(range.start).ok_or(BlobError::OutOfRange(*id))?;
            budget = budget.checked_sub(length).ok_or(BlobError::TooLarge)?;
            self.0.read_blob(*id, range.clone())
        };
        wanted.iter().map(one).collect()
    }

    async fn open(&self, mailbox: MailboxId) -> Result<Snapshot, ReadError> {
        self.read(|state| state.open(mailbox)).await?
    }

    async fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        let limit = self.rows_of_page(limit);
        self.read(|state| state.rows(snapshot, selection, columns, after, limit)).await?
    }

    async fn changed_since(
        &self,
        mailbox: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Result<Changes, ReadError> {
        let limit = self.rows_of_page(limit);
        self.read(|state| state.changed_since(mailbox, since, columns, after, limit)).await?
    }

    async fn status(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable> {
        self.read(|state| mailboxes.iter().map(|id| state.status(*id)).collect()).await
    }

    async fn mailboxes(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError> {
        let limit = self.items(limit);
        self.read(|state| state.mailboxes(account, after, limit)).await?
    }

    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        self.read(|state| state.mailbox(account, name)).await?
    }

    async fn subscriptions(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        let limit = self.items(limit);
        self.read(|state| state.subscriptions(account, after, limit)).await?
    }

    async fn shared_with(
        &self,
        account: AccountId,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError> {
        let limit = self.items(limit);
        self.read(|state| state.shared_with(account, after, limit)).await?
    }

    async fn acl(&self, mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        self.read(|state| state.acl(mailbox)).await?
    }

    async fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        self.read(|state| state.metadata(target, visibility)).await?
    }

    async fn account(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        self.read(|state| state.account(id)).await?
    }

    async fn find_account(&self, key: &AccountKey) -> Result<AccountInfo, ReadError> {
        self.read(|state| state.find_account(key)).await?
    }

    async fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Page<AccountInfo, AccountId>, Unavailable> {
        let limit = self.items(limit);
        self.read(|state| state.accounts(after, limit)).await
    }

    async fn credentials(&self, account: AccountId) -> Result<Vec<Credential>, ReadError> {
        self.read(|state| state.credentials(account)).await?
    }

    async fn domains(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Domain, Domain>, Unavailable> {
        let limit = self.items(limit);
        self.read(|state| state.domains(after, limit)).await
    }

    async fn has_domain(&self, domain: &Domain) -> Result<bool, Unavailable> {
        self.read(|state| state.has_domain(domain)).await
    }

    async fn quota(&self, root: QuotaRootId) -> Result<Option<Quota>, Unavailable> {
        self.read(|state| state.quota(root)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, Unavailable> {
        let claim = claim.clone();
        self.ask(|answer| Job::Claim(claim, answer)).await?
    }

    async fn renew(
        &self,
        leases: &[Lease],
        now: Timestamp,
        duration: Duration,
    ) -> Result<Vec<Option<Lease>>, Unavailable> {
        let leases = leases.to_vec();
        self.ask(|answer| Job::Renew(leases, now, duration, answer)).await?
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.read(|_| ()).await?;
        Ok(self.0.shared.next_due())
    }

    async fn destinations(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Destination, Domain>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(|state| state.destinations(after, limit)).await
    }

    async fn queue_page(
        &self,
        route: Option<Domain>,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(|state| state.queue_page(route, after, limit)).await
    }

    async fn queue_entry(&self, id: QueueId) -> Result<Option<QueueEntry>, Unavailable> {
        self.read_all(|state| state.queue_entry(id)).await
    }

    async fn trace(&self, id: TraceId) -> Result<Trace, Unavailable> {
        self.read_all(|state| state.trace(id)).await
    }

    async fn traces(
        &self,
        after: Option<TraceId>,
        limit: usize,
    ) -> Result<Page<TraceId, TraceId>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(|state| state.traces(after, limit)).await
    }
}
