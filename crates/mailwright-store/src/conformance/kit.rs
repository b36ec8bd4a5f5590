//! What the properties are written with.

use std::fmt::{Debug, Write};

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, ReversePath, Timestamp, TraceId, Uid, UidSet,
};

use crate::*;

pub(super) const ALL: usize = usize::MAX;

/// A store under test, a clock, and batch ids.
pub(super) struct Kit<S> {
    pub(super) store: S,
    pub(super) now: Timestamp,
    batches: u64,
}

/// An account with its INBOX and quota root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) id: AccountId,
    pub(super) inbox: MailboxId,
    pub(super) root: QuotaRootId,
}

impl<S: Store> Kit<S> {
    pub(super) fn new(store: S) -> Self {
        Self { store, now: Timestamp(1_795_363_201_000), batches: 0 }
    }

    pub(super) fn later(&mut self, millis: i64) -> Timestamp {
        self.now.0 += millis;
        self.now
    }

    pub(super) fn batch(&mut self) -> Batch {
        self.batches += 1;
        Batch::new(BatchId(u128::from(self.batches).to_be_bytes()), self.now)
    }

    pub(super) async fn commit(&mut self, ops: Vec<Op>) -> Vec<OpOutcome> {
        let batch = Batch { ops, ..self.batch() };
        let count = batch.ops.len();
        let outcome = self.store.commit(batch).await.expect("the batch is taken");
        assert_eq!(outcome.ops.len(), count, "one outcome for each operation");
        outcome.ops
    }

    pub(super) async fn one(&mut self, op: impl Into<Op>) -> OpOutcome {
        self.commit(vec![op.into()]).await.remove(0)
    }

    /// The batch is refused, and nothing that can be read tells of it.
    pub(super) async fn refused(&mut self, ops: Vec<Op>) -> Rejected {
        let before = self.digest().await;
        let batch = Batch { ops, ..self.batch() };
        let rejected = self.store.commit(batch).await.expect_err("the batch is refused");
        assert_eq!(self.digest().await, before, "a refused batch leaves no trace: {rejected:?}");
        rejected
    }

    pub(super) async fn refused_one(&mut self, op: impl Into<Op>) -> Cause {
        let rejected = self.refused(vec![op.into()]).await;
        assert_eq!(rejected.op, 0);
        rejected.cause
    }

    pub(super) async fn account(&mut self, login: &str) -> Account {
        self.new_account(NewAccount { login: login.to_owned(), ..NewAccount::default() }).await
    }

    pub(super) async fn new_account(&mut self, new: NewAccount) -> Account {
        match self.one(AccountOp::Create(new)).await {
            OpOutcome::AccountCreated { account: id, inbox, quota_root: root } => Account { id, inbox, root },
            other => panic!("an account is created: {other:?}"),
        }
    }

    pub(super) async fn create(&mut self, account: Account, name: &str) -> MailboxId {
        let op = MailboxOp::Create { account: account.id, name: mailbox_name(name), special_use: None };
        match self.one(op).await {
            OpOutcome::MailboxCreated { mailbox, .. } => mailbox,
            other => panic!("a mailbox is created: {other:?}"),
        }
    }

    pub(super) async fn upload(&mut self, content: &str) -> BlobId {
        self.upload_parts(&[content]).await.id()
    }

    pub(super) async fn upload_parts(&mut self, parts: &[&str]) -> StagedBlob {
        let hint = BlobHint { now: self.now, size: None };
        let mut writer = self.store.blob_writer(hint).await.expect("a blob is begun");
        for part in parts {
            writer.write(Bytes::copy_from_slice(part.as_bytes())).await.expect("a part is taken");
        }
        writer.finish(self.now).await.expect("a blob is finished")
    }

    /// Uploads `content` and appends it.
    pub(super) async fn append(&mut self, to: MailboxId, content: &str) -> Appended {
        let blob = self.upload(content).await;
        let append = Append::new(to, blob, self.now);
        self.appended(append).await
    }

    pub(super) async fn appended(&mut self, append: Append) -> Appended {
        match self.one(append).await {
            OpOutcome::Appended(appended) => appended,
            other => panic!("a message is appended: {other:?}"),
        }
    }

    pub(super) async fn flag(&mut self, mailbox: MailboxId, uids: UidSet, change: FlagChange) -> Stored {
        match self.one(StoreFlags { mailbox, uids, change, unchanged_since: None }).await {
            OpOutcome::Stored(stored) => stored,
            other => panic!("flags are stored: {other:?}"),
        }
    }

    pub(super) async fn expunge(&mut self, mailbox: MailboxId, uids: UidSet) -> Expunged {
        match self.one(Expunge { mailbox, uids, only_deleted: false }).await {
            OpOutcome::Expunged(expunged) => expunged,
            other => panic!("messages are expunged: {other:?}"),
        }
    }

    pub(super) async fn status(&self, mailbox: MailboxId) -> MailboxStatus {
        let status = self.store.status(&[mailbox]).await.expect("status is read");
        status.into_iter().next().flatten().expect("the mailbox exists")
    }

    /// All rows of a new snapshot.
    pub(super) async fn rows(&self, mailbox: MailboxId, columns: Columns) -> RowPage {
        let snapshot = self.store.open(mailbox).await.expect("the mailbox is opened");
        self.rows_of(&snapshot, columns, ALL).await
    }

    /// All rows of a snapshot, by pages of `limit`.
    pub(super) async fn rows_of(&self, snapshot: &Snapshot, columns: Columns, limit: usize) -> RowPage {
        let mut all = RowPage::default();
        let mut after = None;
        loop {
            let page =
                self.store.rows(snapshot, &every_uid(), columns, after, limit).await.expect("rows are read");
            assert!(page.uids.len() + page.gone.len() <= limit.max(1), "a page has its limit");
            let next = page.next;
            join(&mut all, page);
            match next {
                Some(_) => after = next,
                None => return all,
            }
        }
    }

    /// All changes since, by pages of `limit`; `None` if that is too long ago.
    pub(super) async fn changes(
        &self,
        mailbox: MailboxId,
        since: ModSeq,
        limit: usize,
    ) -> Option<ChangePage> {
        let mut rows = RowPage::default();
        let mut after = None;
        loop {
            let columns = Columns::FLAGS.and(Columns::MODSEQ);
            let changes = self.store.changed_since(mailbox, since, columns, after, limit).await;
            match changes.expect("changes are read") {
                Changes::TooOld => return None,
                Changes::Page(page) => {
                    join(&mut rows, page.rows);
                    match page.next {
                        Some(_) => after = page.next,
                        None => return Some(ChangePage { rows, ..page }),
                    }
                }
            }
        }
    }

    pub(super) async fn quota(&self, root: QuotaRootId) -> Quota {
        self.store.quota(root).await.expect("the quota is read").expect("the root exists")
    }

    pub(super) async fn mailboxes(&self, account: AccountId) -> Vec<MailboxInfo> {
        self.store.mailboxes(account, None, ALL).await.expect("mailboxes are listed").items
    }

    pub(super) fn entry(&self, number: u32, route: &str, blob: BlobId) -> NewEntry {
        NewEntry {
            id: QueueId { trace: TraceId::new(self.now, number.to_be_bytes()), entry: number },
            route: domain(route),
            priority: Priority::default(),
            due: self.now,
            expires: Timestamp(self.now.0 + 1_000_000_000),
            sender: ReversePath::Null,
            recipients: vec![recipient("carl"), recipient("dora")],
            envelope: Opaque { version: 1, bytes: Bytes::from_static(b"BODY=8BITMIME") },
            blob,
        }
    }

    pub(super) async fn enqueue(&mut self, number: u32, route: &str) -> QueueId {
        let blob = self.upload("a message that waits").await;
        let entry = self.entry(number, route, blob);
        let id = entry.id;
        self.one(entry).await;
        id
    }

    pub(super) async fn claim(&self, worker: u64, limit: usize) -> Vec<Claimed> {
        self.claim_by(worker, limit, Selector::Any { room: ALL, except: Default::default() }).await
    }

    pub(super) async fn claim_by(&self, worker: u64, limit: usize, selector: Selector) -> Vec<Claimed> {
        let lease = std::time::Duration::from_secs(60);
        let claim = Claim { now: self.now, worker: WorkerId(worker), lease, selector, limit };
        self.store.claim(&claim).await.expect("entries are claimed")
    }

    pub(super) async fn queue(&self) -> Vec<QueueEntry> {
        self.store.queue_page(None, None, ALL).await.expect("the queue is listed").items
    }

    /// All that can be read, as text.
    pub(super) async fn digest(&self) -> String {
        let mut text = String::new();
        let store = &self.store;
        for account in store.accounts(None, ALL).await.expect("accounts are listed").items {
            let id = account.id;
            note(&mut text, &account);
            note(&mut text, store.quota(account.quota_root).await);
            note(&mut text, store.credentials(id).await);
            note(&mut text, store.subscriptions(id, None, ALL).await);
            note(&mut text, store.shared_with(id, None, ALL).await);
            note(&mut text, store.metadata(MetadataTarget::Server, Visibility::Private(id)).await);
            for mailbox in self.mailboxes(id).await {
                note(&mut text, &mailbox);
                note(&mut text, store.open(mailbox.id).await);
                note(&mut text, self.rows(mailbox.id, Columns::ALL).await);
                note(&mut text, self.changes(mailbox.id, ModSeq::ZERO, ALL).await);
                note(&mut text, store.acl(mailbox.id).await);
                let target = MetadataTarget::Mailbox(mailbox.id);
                note(&mut text, store.metadata(target, Visibility::Shared).await);
                note(&mut text, store.metadata(target, Visibility::Private(id)).await);
            }
        }
        note(&mut text, store.metadata(MetadataTarget::Server, Visibility::Shared).await);
        note(&mut text, self.queue().await);
        note(&mut text, store.destinations(None, ALL).await);
        note(&mut text, store.next_due().await);
        for id in store.traces(None, ALL).await.expect("traces are listed").items {
            note(&mut text, store.trace(id).await);
        }
        text
    }
}

fn note(text: &mut String, what: impl Debug) {
    writeln!(text, "{what:?}").expect("text is written");
}

fn join(all: &mut RowPage, page: RowPage) {
    all.uids.extend(page.uids);
    all.flags.extend(page.flags);
    all.modseqs.extend(page.modseqs);
    all.sizes.extend(page.sizes);
    all.dates.extend(page.dates);
    all.saved.extend(page.saved);
    all.blobs.extend(page.blobs);
    all.threads.extend(page.threads);
    all.scans.extend(page.scans);
    all.gone.extend(page.gone);
}

pub(super) fn uid(number: u32) -> Uid {
    Uid::new(number).expect("a UID is not zero")
}

pub(super) fn uids(numbers: impl IntoIterator<Item = u32>) -> UidSet {
    numbers.into_iter().map(uid).collect()
}

pub(super) fn every_uid() -> UidSet {
    UidSet::range(Uid::FIRST, uid(u32::MAX))
}

pub(super) fn mailbox_name(name: &str) -> MailboxName {
    name.parse().expect("a mailbox name")
}

pub(super) fn domain(text: &str) -> Domain {
    text.parse().expect("a domain")
}

pub(super) fn keyword(text: &str) -> Keyword {
    text.parse().expect("a keyword")
}

pub(super) fn recipient(local: &str) -> QueueRecipient {
    QueueRecipient::from(
        format!("{local}@example.net").parse::<mailwright_core::Address>().expect("an address"),
    )
}
