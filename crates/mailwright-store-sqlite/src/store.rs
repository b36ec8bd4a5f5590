//! The store: threads around the engine.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};
use mailwright_store::model::State;
use mailwright_store::{
    AccountInfo, AccountKey, Batch, BlobError, BlobHint, BlobInfo, ChangeCursor, ChangeHints, Changes, Claim,
    Claimed, Columns, Credential, Destination, EntryName, Grantee, Health, Lease, Limits, MailboxInfo,
    MailboxName, MailboxStatus, MetadataTarget, Outcome, Page, QueueEntry, Quota, QuotaRootId, ReadError,
    Reclaimed, Rejected, Rights, RowPage, SharedMailbox, Snapshot, Store, Topic, Trace, Unavailable,
    Visibility,
};
use tokio::sync::oneshot;

use crate::blob::{SqliteBlobReader, SqliteBlobWriter};
use crate::index::Index;
use crate::inner::{Inner, Source};
use crate::jobs::Job;
use crate::staged::{Staged, StagedBody};

/// A store in a directory.
///
/// Clones are the same store. It ends with the last of them, or with [`close`](Self::close).
#[derive(Debug, Clone)]
pub struct SqliteStore(pub(crate) Arc<Inner>);

impl SqliteStore {
    /// Finishes what was asked and ends the threads; what is asked from here on is refused. Blocks.
    pub fn close(&self) {
        self.0.close();
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unavailable> {
        let (answer, done) = oneshot::channel();
        {
            let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let writer = writer.as_ref().ok_or_else(Unavailable::default)?;
            writer.jobs.try_send(job(answer)).map_err(|_| Unavailable::default())?;
        }
        done.await.map_err(|_| Unavailable::default())
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State<Index>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.0.pool.read(|state, _| read(state)).await
    }

    /// Reads what the index may not show yet.
    async fn read_all<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State<Index>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        if self.0.shared.lags.load(Ordering::Acquire) {
            self.ask(Job::Show).await??;
        }
        self.read(read).await
    }

    /// What a page may have.
    fn items(&self, limit: usize) -> usize {
        limit.min(self.0.config.limits.items_per_page)
    }

    fn rows_of_page(&self, limit: usize) -> usize {
        limit.min(self.0.config.limits.rows_per_page)
    }

    /// What a blob is, and where its octets are.
    async fn find(&self, id: BlobId) -> Result<(BlobInfo, Source), BlobError> {
        // Of most messages that are passed on the body is still here.
        if let Some(Staged { info, body: StagedBody::Inline(chunks), .. }) = self.0.shared.staging.get(id) {
            return Ok((info, Source::Memory(chunks)));
        }
        let found = self.find_all(vec![id]).await?;
        found.into_iter().next().unwrap_or(Err(BlobError::Gone(id)))
    }

    async fn find_all(
        &self,
        ids: Vec<BlobId>,
    ) -> Result<Vec<Result<(BlobInfo, Source), BlobError>>, Unavailable> {
        let inner = Arc::clone(&self.0);
        let find = move |state: &State<Index>, index: &Index| {
            let staged = inner.staged(&ids);
            ids.iter().zip(staged).map(|(id, staged)| inner.find(*id, staged, state, index)).collect()
        };
        self.0.pool.read(find).await
    }
}

impl Store for SqliteStore {
    type BlobWriter = SqliteBlobWriter;
    type BlobReader = SqliteBlobReader;

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

    async fn blob_writer(&self, hint: BlobHint) -> Result<SqliteBlobWriter, BlobError> {
        if hint.size.is_some_and(|size| size > self.0.config.limits.blob_bytes) {
            return Err(BlobError::TooLarge);
        }
        match self.health() {
            Health::Ok => {}
            Health::LowSpace => return Err(BlobError::NoSpace),
            _ => return Err(Unavailable::default().into()),
        }
        let [_, _, time @ ..] = hint.now.as_millis().to_be_bytes();
        let [_, _, number @ ..] = self.0.blobs.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut id = [0; 16];
        let octets = time.into_iter().chain(self.0.epoch.to_be_bytes()).chain(number);
        id.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        Ok(SqliteBlobWriter::new(Arc::clone(&self.0), BlobId(id)))
    }

    async fn blob(&self, id: BlobId) -> Result<BlobInfo, BlobError> {
        Ok(self.find(id).await?.0)
    }

    async fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<SqliteBlobReader, BlobError> {
        let (info, source) = self.find(id).await?;
        SqliteBlobReader::new(Arc::clone(&self.0), info, source, range)
    }

    async fn read_blobs(&self, wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>> {
        let (inner, wanted) = (Arc::clone(&self.0), wanted.to_vec());
        let count = wanted.len();
        let read = move |state: &State<Index>, index: &Index| {
            let ids: Vec<BlobId> = wanted.iter().map(|(id, _)| *id).collect();
            let staged = inner.staged(&ids);
            let mut budget = inner.config.limits.read_blobs_bytes;
            let one = |((id, range), staged): ((BlobId, Range<u64>), Option<Staged>)| {
                let (info, source) = inner.find(id, staged, state, index)?;
                if range.start > range.end || range.end > info.size {
                    return Err(BlobError::OutOfRange(id));
                }
                budget = budget.checked_sub(range.end - range.start).ok_or(BlobError::TooLarge)?;
                inner.read_piece(&source, id, range)
            };
            wanted.into_iter().zip(staged).map(one).collect()
        };
        match self.0.pool.read(read).await {
            Ok(pieces) => pieces,
            Err(cause) => vec![Err(cause.into()); count],
        }
    }

    async fn open(&self, mailbox: MailboxId) -> Result<Snapshot, ReadError> {
        let hot = &self.0.shared.hot;
        if let Some(snapshot) = hot.snapshot(mailbox) {
            return Ok(snapshot);
        }
        let moment = hot.moment();
        let snapshot = self.read(move |state| state.open(mailbox)).await??;
        hot.put_snapshot(moment, &snapshot);
        Ok(snapshot)
    }

    async fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        let (snapshot, selection, limit) = (snapshot.clone(), selection.clone(), self.rows_of_page(limit));
        self.read(move |state| state.rows(&snapshot, &selection, columns, after, limit)).await?
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
        self.read(move |state| state.changed_since(mailbox, since, columns, after, limit)).await?
    }

    async fn status(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable> {
        let hot = &self.0.shared.hot;
        let known: Option<Vec<_>> = mailboxes.iter().map(|id| hot.status(*id).map(Some)).collect();
        if let Some(known) = known {
            return Ok(known);
        }
        let (moment, ids) = (hot.moment(), mailboxes.to_vec());
        let read = move |state: &State<Index>| ids.iter().map(|id| state.status(*id)).collect();
        let read: Vec<Option<MailboxStatus>> = self.read(read).await?;
        for (id, status) in mailboxes.iter().zip(&read) {
            status.iter().for_each(|status| hot.put_status(moment, *id, *status));
        }
        Ok(read)
    }

    async fn mailboxes(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError> {
        let limit = self.items(limit);
        self.read(move |state| state.mailboxes(account, after, limit)).await?
    }

    async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        let hot = &self.0.shared.hot;
        if let Some(mailbox) = hot.mailbox(account, name) {
            return Ok(mailbox);
        }
        let (moment, name) = (hot.moment(), name.clone());
        let mailbox = self.read(move |state| state.mailbox(account, &name)).await??;
        hot.put_mailbox(moment, &mailbox);
        Ok(mailbox)
    }

    async fn subscriptions(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        let limit = self.items(limit);
        self.read(move |state| state.subscriptions(account, after, limit)).await?
    }

    async fn shared_with(
        &self,
        account: AccountId,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError> {
        let limit = self.items(limit);
        self.read(move |state| state.shared_with(account, after, limit)).await?
    }

    async fn acl(&self, mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        self.read(move |state| state.acl(mailbox)).await?
    }

    async fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        self.read(move |state| state.metadata(target, visibility)).await?
    }

    async fn account(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        self.read(move |state| state.account(id)).await?
    }

    async fn find_account(&self, key: &AccountKey) -> Result<AccountInfo, ReadError> {
        let key = key.clone();
        self.read(move |state| state.find_account(&key)).await?
    }

    async fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Page<AccountInfo, AccountId>, Unavailable> {
        let limit = self.items(limit);
        self.read(move |state| state.accounts(after, limit)).await
    }

    async fn credentials(&self, account: AccountId) -> Result<Vec<Credential>, ReadError> {
        self.read(move |state| state.credentials(account)).await?
    }

    async fn domains(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Domain, Domain>, Unavailable> {
        let limit = self.items(limit);
        self.read(move |state| state.domains(after, limit)).await
    }

    async fn has_domain(&self, domain: &Domain) -> Result<bool, Unavailable> {
        let hot = &self.0.shared.hot;
        if let Some(known) = hot.has_domain(domain) {
            return Ok(known);
        }
        let (moment, asked) = (hot.moment(), domain.clone());
        let known = self.read(move |state| state.has_domain(&asked)).await?;
        hot.put_domain(moment, domain, known);
        Ok(known)
    }

    async fn quota(&self, root: QuotaRootId) -> Result<Option<Quota>, Unavailable> {
        self.read(move |state| state.quota(root)).await
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
        Ok(self.0.shared.next_due())
    }

    async fn destinations(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> Result<Page<Destination, Domain>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(move |state| state.destinations(after, limit)).await
    }

    async fn queue_page(
        &self,
        route: Option<Domain>,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(move |state| state.queue_page(route, after, limit)).await
    }

    async fn queue_entry(&self, id: QueueId) -> Result<Option<QueueEntry>, Unavailable> {
        self.read_all(move |state| state.queue_entry(id)).await
    }

    async fn trace(&self, id: TraceId) -> Result<Trace, Unavailable> {
        self.read_all(move |state| state.trace(id)).await
    }

    async fn traces(
        &self,
        after: Option<TraceId>,
        limit: usize,
    ) -> Result<Page<TraceId, TraceId>, Unavailable> {
        let limit = self.items(limit);
        self.read_all(move |state| state.traces(after, limit)).await
    }
}
