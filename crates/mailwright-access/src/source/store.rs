//! A source, shown as a store to one session.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mailwright_auth::Credentials;
use mailwright_core::{
    AccountId, BlobId, Clock, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};
use mailwright_store::{
    AccountInfo, AccountKey, Append, Appended, Batch, BlobError, BlobHint, BlobInfo, Cause, ChangeCursor,
    ChangeHints, ChangeHub, Changes, Claim, Claimed, Columns, Credential, Destination, EntryName, Expunge,
    Expunged, Grantee, Health, Lease, Limits, MailboxInfo, MailboxName, MailboxStatus, MetadataTarget, Op,
    OpOutcome, Outcome, Page, QueueEntry, Quota, QuotaRootId, ReadError, Reclaimed, Rejected, Rights,
    RowPage, SharedMailbox, Snapshot, Store, StoreFlags, Stored, StoredRow, Target, Topic, Trace,
    Unavailable, Visibility,
};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::contract::Source;
use super::mailbox::{Mailbox, place};
use super::staged::{Stage, StagedWriter, WholeReader};
use super::state::State;
use crate::authenticate::{Authenticate, LoginError, User};
use crate::unsupported::Unsupported;

/// The session's only account.
const ACCOUNT: AccountId = AccountId(1);

/// For how long what a source has said is taken for what it would say.
const FRESH: Duration = Duration::from_secs(1);

/// A source as one session sees it.
pub(super) struct SourceStore<S: Source>(Arc<Inner<S>>);

struct Inner<S: Source> {
    source: Arc<S>,
    state: Mutex<State<S::User>>,
    stage: Arc<Stage>,
    limits: Limits,
    hub: ChangeHub,
    clock: Arc<dyn Clock>,
    logged_in: Notify,
}

impl<S: Source> Clone for SourceStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Source> Authenticate for SourceStore<S> {
    async fn login(&self, _from: IpAddr, credentials: Credentials) -> Result<User, LoginError> {
        let password = std::str::from_utf8(credentials.password.expose()).map_err(|_| LoginError::Wrong)?;
        if credentials.authzid.is_some() {
            return Err(LoginError::Wrong);
        }
        let user = self.0.source.login(&credentials.user, password).await.ok_or(LoginError::Wrong)?;
        let mut state = self.state();
        (state.user, state.login) = (Some(user), credentials.user.clone());
        drop(state);
        self.0.logged_in.notify_one();
        Ok(User { account: ACCOUNT, login: credentials.user })
    }
}

impl<S: Source> SourceStore<S> {
    pub(super) fn new(source: Arc<S>, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let stage = Arc::new(Stage::new(limits.blob_bytes));
        let state = Mutex::default();
        let (hub, logged_in) = (ChangeHub::default(), Notify::new());
        Self(Arc::new(Inner { source, state, stage, limits, hub, clock, logged_in }))
    }

    /// Tells the session when something may have changed: when the source says so, and now and then.
    pub(super) async fn watch(&self, poll: Duration) {
        self.0.logged_in.notified().await;
        let Ok(user) = self.user() else { return };
        loop {
            tokio::select! {
                () = self.0.source.changed(&user) => {
                    self.state().mailboxes.values_mut().for_each(|mailbox| mailbox.seen_at = None);
                }
                () = sleep(poll) => {}
            }
            let topics: BTreeSet<Topic> =
                self.state().mailboxes.keys().copied().map(Topic::Mailbox).collect();
            self.0.hub.tell(&topics);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<S::User>> {
        // What is under the lock is whole between any two statements.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn user(&self) -> Result<S::User, ReadError> {
        self.state().user.clone().ok_or(ReadError::NoSuchAccount)
    }

    /// The time as a MODSEQ.
    fn now(&self) -> ModSeq {
        u64::try_from(self.0.clock.wall().as_millis()).ok().and_then(ModSeq::new).unwrap_or_default()
    }

    /// Asks which folders there are.
    async fn look(&self) -> Result<(), ReadError> {
        let user = self.user()?;
        let folders = self.0.source.folders(&user).await.map_err(Unavailable::from)?;
        let now = self.now();
        self.state().refresh(folders, now);
        Ok(())
    }

    /// Asks what is in a folder, if it was not asked just now.
    async fn look_into(&self, id: MailboxId) -> Result<(), ReadError> {
        let now = self.0.clock.mono();
        let name = {
            let state = self.state();
            let mailbox = state.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
            if mailbox.seen_at.is_some_and(|seen_at| now.saturating_duration_since(seen_at) < FRESH) {
                return Ok(());
            }
            mailbox.name.to_string()
        };
        let user = self.user()?;
        let entries = self.0.source.entries(&user, &name).await.map_err(Unavailable::from)?;
        let (modseq, most) = (self.now(), self.0.limits.vanished_rows);
        self.with(id, |mailbox| {
            mailbox.refresh(entries, modseq, most);
            mailbox.seen_at = Some(now);
        })
    }

    fn with<T>(&self, id: MailboxId, work: impl FnOnce(&mut Mailbox) -> T) -> Result<T, ReadError> {
        let mut state = self.state();
        Ok(work(state.mailboxes.get_mut(&id).ok_or(ReadError::NoSuchMailbox)?))
    }

    async fn whole(&self, id: BlobId) -> Result<Bytes, BlobError> {
        if let Some((_, bytes)) = self.state().last_read.as_ref().filter(|(last, _)| *last == id) {
            return Ok(bytes.clone());
        }
        let gone = || BlobError::Gone(id);
        let (mailbox, uid) = place(id).ok_or_else(gone)?;
        let (name, size) = self
            .with(mailbox, |mailbox| (mailbox.name.to_string(), mailbox.size(uid)))
            .map_err(|_| gone())?;
        let user = self.user().map_err(|_| gone())?;
        let message = self.0.source.message(&user, &name, uid.get()).await.map_err(Unavailable::from)?;
        let message = Bytes::from(message);
        if Some(message.len() as u64) != size {
            tracing::warn!(folder = name, %uid, len = message.len(), entry = size, "a message is not as long as its entry says");
            return Err(BlobError::Damaged(id));
        }
        self.state().last_read = Some((id, message.clone()));
        Ok(message)
    }

    async fn slice(&self, id: BlobId, range: &Range<u64>) -> Result<Bytes, BlobError> {
        let whole = self.whole(id).await?;
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        match (start, end) {
            (Ok(start), Ok(end)) if start <= end && end <= whole.len() => Ok(whole.slice(start..end)),
            _ => Err(BlobError::OutOfRange(id)),
        }
    }

    async fn apply(&self, op: Op) -> Result<OpOutcome, Cause> {
        match op {
            Op::StoreFlags(op) => self.store_flags(op).await,
            Op::Expunge(op) => self.expunge(op).await,
            Op::Append(op) => self.append(op).await,
            _ => Err(Cause::Unavailable(Unavailable::new(Unsupported))),
        }
    }

    async fn store_flags(&self, op: StoreFlags) -> Result<OpOutcome, Cause> {
        let user = self.user().map_err(cause)?;
        let mut stored = Stored { before: ModSeq::MAX, ..Stored::default() };
        let uids = self.with(op.mailbox, |mailbox| mailbox.members(&op.uids)).map_err(cause)?;
        for uid in uids {
            let row = self.with(op.mailbox, |mailbox| {
                mailbox.row(uid).map(|(flags, modseq)| (mailbox.name.to_string(), flags.clone(), modseq))
            });
            let Some((name, flags, previous)) = row.map_err(cause)? else { continue };
            if op.unchanged_since.is_some_and(|since| previous > since) {
                stored.modified.insert(uid);
                continue;
            }
            let new = op.change.apply(&flags);
            let mut modseq = previous;
            if new != flags {
                let set = self.0.source.set_flags(&user, &name, uid.get(), &new).await;
                set.map_err(Unavailable::from)?;
                let now = self.now();
                let set = self.with(op.mailbox, |mailbox| mailbox.set_flags(uid, new.clone(), now));
                modseq = set.map_err(cause)?.unwrap_or(previous);
            }
            stored.rows.push(StoredRow { uid, flags: new, modseq, previous });
        }
        Ok(OpOutcome::Stored(stored))
    }

    async fn expunge(&self, op: Expunge) -> Result<OpOutcome, Cause> {
        let user = self.user().map_err(cause)?;
        let mut expunged = Expunged { uids: UidSet::new(), modseq: None };
        let uids = self.with(op.mailbox, |mailbox| mailbox.members(&op.uids)).map_err(cause)?;
        for uid in uids {
            let name = self.with(op.mailbox, |mailbox| {
                let is_deleted =
                    |flags: &mailwright_store::Flags| flags.has(mailwright_store::SystemFlag::Deleted);
                let (flags, _) = mailbox.row(uid)?;
                (!op.only_deleted || is_deleted(flags)).then(|| mailbox.name.to_string())
            });
            let Some(name) = name.map_err(cause)? else { continue };
            self.0.source.remove(&user, &name, uid.get()).await.map_err(Unavailable::from)?;
            let now = self.now();
            expunged.modseq = Some(self.with(op.mailbox, |mailbox| mailbox.remove(uid, now)).map_err(cause)?);
            expunged.uids.insert(uid);
        }
        Ok(OpOutcome::Expunged(expunged))
    }

    async fn append(&self, op: Append) -> Result<OpOutcome, Cause> {
        let Target::Id(id) = op.to else { return Err(Cause::NoSuchMailbox) };
        let user = self.user().map_err(cause)?;
        let name = self.with(id, |mailbox| mailbox.name.to_string()).map_err(cause)?;
        let message = self.0.stage.take(op.blob).ok_or(Cause::BlobGone(op.blob))?;
        let uid = self.0.source.append(&user, &name, &op.flags, op.date, message.to_vec()).await;
        let uid = Uid::new(uid.map_err(Unavailable::from)?).ok_or(Cause::UidsExhausted)?;
        let appended = self.with(id, |mailbox| {
            mailbox.seen_at = None;
            let modseq = mailbox.status().highest_modseq;
            let thread = mailwright_core::ThreadId(uid.get().into());
            // What it has become is known when it is looked at the next time.
            let before = ModSeq::MAX;
            Appended { mailbox: id, uid_validity: mailbox.uid_validity, uid, modseq, before, thread }
        });
        Ok(OpOutcome::Appended(appended.map_err(cause)?))
    }
}

fn cause(error: ReadError) -> Cause {
    match error {
        ReadError::NoSuchAccount => Cause::NoSuchAccount,
        ReadError::Unavailable(unavailable) => Cause::Unavailable(unavailable),
        _ => Cause::NoSuchMailbox,
    }
}

fn whole_page<T, C>(items: Vec<T>) -> Page<T, C> {
    Page { items, next: None }
}

impl<S: Source> Store for SourceStore<S> {
    type BlobWriter = StagedWriter;
    type BlobReader = WholeReader;

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn health(&self) -> Health {
        Health::Ok
    }

    fn changes(&self, topics: &[Topic]) -> ChangeHints {
        self.0.hub.listen(topics, self.0.limits.hints)
    }

    /// One operation after the other; those before one that fails are done.
    async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
        let mut outcome = Outcome::default();
        let mut failed = None;
        for (at, op) in batch.ops.into_iter().enumerate() {
            match self.apply(op).await {
                Ok(done) => outcome.ops.push(done),
                Err(cause) => {
                    failed = Some(Rejected { op: at, cause });
                    break;
                }
            }
        }
        self.0.stage.clear();
        let topics: BTreeSet<Topic> = self.state().mailboxes.keys().copied().map(Topic::Mailbox).collect();
        self.0.hub.tell(&topics);
        failed.map_or(Ok(outcome), Err)
    }

    async fn reclaim(&self, _now: Timestamp, _limit: usize) -> Result<Reclaimed, Unavailable> {
        Ok(Reclaimed::default())
    }

    async fn blob_writer(&self, hint: BlobHint) -> Result<StagedWriter, BlobError> {
        if hint.size.is_some_and(|size| size > self.0.limits.blob_bytes) {
            return Err(BlobError::TooLarge);
        }
        Ok(StagedWriter::new(&self.0.stage))
    }

    async fn blob(&self, id: BlobId) -> Result<BlobInfo, BlobError> {
        let whole = self.whole(id).await?;
        let mut checksum = mailwright_store::Checksum::default();
        checksum.update(&whole);
        Ok(BlobInfo { id, size: whole.len() as u64, checksum: checksum.value() })
    }

    async fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<WholeReader, BlobError> {
        Ok(WholeReader(self.slice(id, &range).await?))
    }

    async fn read_blobs(&self, wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>> {
        let mut read = Vec::with_capacity(wanted.len());
        for (id, range) in wanted {
            // A copy: a slice would keep the whole message.
            read.push(self.slice(*id, range).await.map(|slice| Bytes::copy_from_slice(&slice)));
        }
        read
    }

    async fn open(&self, mailbox: MailboxId) -> Result<Snapshot, ReadError> {
        self.look_into(mailbox).await?;
        self.with(mailbox, |mailbox| mailbox.snapshot(ACCOUNT))
    }

    async fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        self.with(snapshot.mailbox, |mailbox| mailbox.rows(snapshot, selection, columns, after, limit))
    }

    async fn changed_since(
        &self,
        mailbox: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Result<Changes, ReadError> {
        self.look_into(mailbox).await?;
        self.with(mailbox, |mailbox| mailbox.changed_since(since, columns, after, limit))
    }

    async fn status(&self, mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable> {
        let mut all = Vec::with_capacity(mailboxes.len());
        for &mailbox in mailboxes {
            all.push(match self.look_into(mailbox).await {
                Ok(()) => self.with(mailbox, |mailbox| mailbox.status()).ok(),
                Err(ReadError::Unavailable(error)) => return Err(error),
                Err(_) => None,
            });
        }
        Ok(all)
    }

    async fn mailboxes(
        &self,
        _account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError> {
        if after.is_none() {
            self.look().await?;
        }
        let state = self.state();
        let mut infos: Vec<MailboxInfo> =
            state.mailboxes.values().map(|mailbox| mailbox.info(ACCOUNT)).collect();
        infos.retain(|info| after.as_ref().is_none_or(|after| info.name > *after));
        infos.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(Page::collect(infos, limit, |info| info.name.clone()))
    }

    async fn mailbox(&self, _account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        self.look().await?;
        let state = self.state();
        let found = state.mailboxes.values().find(|mailbox| mailbox.name == *name);
        found.map(|mailbox| mailbox.info(ACCOUNT)).ok_or(ReadError::NoSuchMailbox)
    }

    /// All there are.
    async fn subscriptions(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        let page = self.mailboxes(account, after, limit).await?;
        Ok(Page { items: page.items.into_iter().map(|info| info.name).collect(), next: page.next })
    }

    async fn shared_with(
        &self,
        _account: AccountId,
        _after: Option<MailboxId>,
        _limit: usize,
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError> {
        Ok(whole_page(Vec::new()))
    }

    async fn acl(&self, _mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        Ok(Vec::new())
    }

    async fn metadata(
        &self,
        _target: MetadataTarget,
        _visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        Ok(Vec::new())
    }

    async fn account(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        let login = self.state().login.clone();
        let (quota_root, inbox) = (QuotaRootId(0), MailboxId(0));
        Ok(AccountInfo { id, login, enabled: true, quota_root, inbox, addresses: Vec::new() })
    }

    async fn find_account(&self, _key: &AccountKey) -> Result<AccountInfo, ReadError> {
        Err(ReadError::NoSuchAccount)
    }

    async fn accounts(
        &self,
        _after: Option<AccountId>,
        _limit: usize,
    ) -> Result<Page<AccountInfo, AccountId>, Unavailable> {
        Ok(whole_page(Vec::new()))
    }

    async fn credentials(&self, _account: AccountId) -> Result<Vec<Credential>, ReadError> {
        Ok(Vec::new())
    }

    async fn domains(
        &self,
        _after: Option<Domain>,
        _limit: usize,
    ) -> Result<Page<Domain, Domain>, Unavailable> {
        Ok(whole_page(Vec::new()))
    }

    async fn has_domain(&self, _domain: &Domain) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn quota(&self, _root: QuotaRootId) -> Result<Option<Quota>, Unavailable> {
        Ok(None)
    }

    async fn claim(&self, _claim: &Claim) -> Result<Vec<Claimed>, Unavailable> {
        Ok(Vec::new())
    }

    async fn renew(
        &self,
        leases: &[Lease],
        _now: Timestamp,
        _duration: Duration,
    ) -> Result<Vec<Option<Lease>>, Unavailable> {
        Ok(leases.iter().map(|_| None).collect())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        Ok(None)
    }

    async fn destinations(
        &self,
        _after: Option<Domain>,
        _limit: usize,
    ) -> Result<Page<Destination, Domain>, Unavailable> {
        Ok(whole_page(Vec::new()))
    }

    async fn queue_page(
        &self,
        _route: Option<Domain>,
        _after: Option<QueueId>,
        _limit: usize,
    ) -> Result<Page<QueueEntry, QueueId>, Unavailable> {
        Ok(whole_page(Vec::new()))
    }

    async fn queue_entry(&self, _id: QueueId) -> Result<Option<QueueEntry>, Unavailable> {
        Ok(None)
    }

    async fn trace(&self, _id: TraceId) -> Result<Trace, Unavailable> {
        Ok(Trace::default())
    }

    async fn traces(
        &self,
        _after: Option<TraceId>,
        _limit: usize,
    ) -> Result<Page<TraceId, TraceId>, Unavailable> {
        Ok(whole_page(Vec::new()))
    }
}
