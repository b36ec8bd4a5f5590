//! Reading.

use std::ops::Bound;

use bytes::Bytes;
use mailwright_core::{AccountId, Domain, MailboxId, ModSeq, QueueId, TraceId, Uid, UidSet};

use super::state::{Mailbox, Message, State};
use super::txn::{LAST, LAST_GRANTEE, all_of};
use crate::account::{AccountInfo, AccountKey, Credential};
use crate::directory::{fold_address, fold_login};
use crate::error::ReadError;
use crate::flags::Keyword;
use crate::listing::{ChangeCursor, ChangePage, Changes, Columns, Gone, RowPage, Snapshot};
use crate::mailbox::{
    EntryName, Grantee, MailboxInfo, MailboxStatus, MetadataTarget, Rights, SharedMailbox, Visibility,
};
use crate::name::MailboxName;
use crate::page::Page;
use crate::queue::{Destination, QueueEntry};
use crate::store::Trace;

/// Behind the cursor, or from `first` on.
fn after<K>(cursor: Option<K>, first: K) -> (Bound<K>, Bound<K>) {
    (cursor.map_or(Bound::Included(first), Bound::Excluded), Bound::Unbounded)
}

impl State {
    // Messages.

    pub(super) fn open(&self, id: MailboxId) -> Result<Snapshot, ReadError> {
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        let keywords = self.keywords.range((Bound::Included((id, Keyword::first())), Bound::Unbounded));
        let keywords = keywords.take_while(|((of, _), _)| *of == id);
        Ok(Snapshot {
            mailbox: id,
            account: mailbox.account,
            status: mailbox.status,
            first_unseen: self.unseen.range(all_of(id)).next().map(|((_, uid), ())| *uid),
            keywords: keywords.map(|((_, keyword), _)| keyword.clone()).collect(),
        })
    }

    pub(super) fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        let id = snapshot.mailbox;
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        if mailbox.floor > snapshot.status.highest_modseq {
            return Err(ReadError::SnapshotTooOld);
        }
        let start = after.map_or(Some(Uid::FIRST), Uid::next);
        // UIDNEXT is no member.
        let last = Uid::new(snapshot.status.uid_next.get() - 1);
        let (Some(start), Some(last)) = (start, last) else { return Ok(RowPage::default()) };
        let mut page = RowPage::default();
        let mut left = limit.max(1);
        for run in selection.intersection(&UidSet::range(start, last)).ranges() {
            let (Some(first), Some(last)) = (Uid::new(*run.start()), Uid::new(*run.end())) else { continue };
            let range = || (id, first)..=(id, last);
            let mut live = self.messages.range(range()).map(|((_, uid), message)| (*uid, message)).peekable();
            let gone = self.gone.range(range()).map(|((_, uid), vanished)| (*uid, *vanished));
            let mut gone =
                gone.filter(|(_, vanished)| vanished.modseq > snapshot.status.highest_modseq).peekable();
            loop {
                let is_live = match (live.peek(), gone.peek()) {
                    (None, None) => break,
                    (Some((live, _)), Some((gone, _))) => live < gone,
                    (live, _) => live.is_some(),
                };
                if left == 0 {
                    page.next = page.uids.last().copied().max(page.gone.last().map(|gone| gone.uid));
                    return Ok(page);
                }
                left -= 1;
                if is_live {
                    live.next().into_iter().for_each(|(uid, message)| page.push(uid, message, columns));
                } else {
                    page.gone.extend(gone.next().map(|(uid, vanished)| Gone { uid, blob: vanished.blob }));
                }
            }
        }
        Ok(page)
    }

    pub(super) fn changed_since(
        &self,
        id: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Result<Changes, ReadError> {
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        if since < mailbox.floor {
            return Ok(Changes::TooOld);
        }
        let from = after.map_or((id, since, LAST), |after| (id, after.modseq, after.uid));
        let range = (Bound::Excluded(from), Bound::Included((id, ModSeq::MAX, LAST)));
        let mut changed = self.changed.range(range).map(|((_, modseq, uid), ())| (*modseq, *uid));
        let mut rows = RowPage::default();
        let mut last = None;
        for (modseq, uid) in changed.by_ref().take(limit.max(1)) {
            if let Some(message) = self.messages.get(&(id, uid)) {
                rows.push(uid, message, columns);
            }
            last = Some(ChangeCursor { modseq, uid });
        }
        let next = changed.next().and(last);
        let vanished = match next {
            Some(_) => UidSet::new(),
            None => {
                let range = (Bound::Excluded((id, since, LAST)), Bound::Included((id, ModSeq::MAX, LAST)));
                let mut uids: Vec<Uid> = self.vanished.range(range).map(|((.., uid), ())| *uid).collect();
                uids.sort_unstable();
                uids.into_iter().collect()
            }
        };
        Ok(Changes::Page(ChangePage { rows, vanished, upto: mailbox.status.highest_modseq, next }))
    }

    // Mailboxes.

    pub(super) fn status(&self, id: MailboxId) -> Option<MailboxStatus> {
        self.mailboxes.get(&id).map(|mailbox| mailbox.status)
    }

    pub(super) fn mailbox_info(&self, id: MailboxId) -> Option<MailboxInfo> {
        let Mailbox { account, name, special_use, status, .. } = self.mailboxes.get(&id)?.clone();
        let subscribed = self.subscriptions.contains(&(account, name.clone()));
        Some(MailboxInfo { id, account, name, special_use, subscribed, uid_validity: status.uid_validity })
    }

    pub(super) fn mailboxes(
        &self,
        account: AccountId,
        cursor: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxInfo, MailboxName>, ReadError> {
        self.known(account)?;
        let cursor = cursor.map(|name| (account, name));
        let names = self.names.range(after(cursor, (account, MailboxName::first())));
        let of_account = names.take_while(|((of, _), _)| *of == account);
        let infos = of_account.filter_map(|(_, id)| self.mailbox_info(*id));
        Ok(Page::collect(infos, limit, |info| info.name.clone()))
    }

    pub(super) fn mailboxes_of(&self, account: AccountId) -> Vec<MailboxId> {
        let names = self.names.range(after(None, (account, MailboxName::first())));
        names.take_while(|((of, _), _)| *of == account).map(|(_, id)| *id).collect()
    }

    pub(super) fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        self.known(account)?;
        let id = self.names.get(&(account, name.clone()));
        id.and_then(|id| self.mailbox_info(*id)).ok_or(ReadError::NoSuchMailbox)
    }

    pub(super) fn subscriptions(
        &self,
        account: AccountId,
        cursor: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        self.known(account)?;
        let cursor = cursor.map(|name| (account, name));
        let names = self.subscriptions.range(after(cursor, (account, MailboxName::first())));
        let of_account = names.take_while(|((of, _), ())| *of == account).map(|((_, name), ())| name.clone());
        Ok(Page::collect(of_account, limit, Clone::clone))
    }

    pub(super) fn shared_with(
        &self,
        account: AccountId,
        cursor: Option<MailboxId>,
        limit: usize,
    ) -> Result<Page<SharedMailbox, MailboxId>, ReadError> {
        self.known(account)?;
        let granted = |grantee| {
            let range = (
                after(cursor, MailboxId(0)).0.map(|id| (grantee, id)),
                Bound::Included((grantee, MailboxId(u64::MAX))),
            );
            self.granted.range(range).map(|((_, id), ())| *id)
        };
        let (mut mine, mut everyones) =
            (granted(Grantee::Account(account)).peekable(), granted(Grantee::Anyone).peekable());
        // Both ascend: merged, each once.
        let merged = std::iter::from_fn(move || {
            let next = [mine.peek(), everyones.peek()].into_iter().flatten().min().copied()?;
            mine.next_if_eq(&next);
            everyones.next_if_eq(&next);
            Some(next)
        });
        let shared = merged.filter_map(|id| {
            let mailbox = self.mailbox_info(id).filter(|mailbox| mailbox.account != account)?;
            let of = |grantee| self.acl.get(&(id, grantee)).copied().unwrap_or_default();
            Some(SharedMailbox { mailbox, rights: of(Grantee::Account(account)).union(of(Grantee::Anyone)) })
        });
        Ok(Page::collect(shared, limit, |shared| shared.mailbox.id))
    }

    pub(super) fn acl(&self, id: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        let entries = self.acl.range((id, Grantee::Anyone)..=(id, LAST_GRANTEE));
        Ok(entries.map(|((_, grantee), rights)| (*grantee, *rights)).collect())
    }

    pub(super) fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        if let MetadataTarget::Mailbox(id) = target {
            self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        }
        Ok(self.metadata_of(target, visibility).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    pub(super) fn metadata_of(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> impl Iterator<Item = (&EntryName, &Bytes)> {
        let entries = self.metadata.range(after(None, (target, visibility, EntryName::first())));
        let of_target =
            entries.take_while(move |((of, seen_by, _), _)| (*of, *seen_by) == (target, visibility));
        of_target.map(|((.., name), value)| (name, value))
    }

    // Accounts.

    fn known(&self, account: AccountId) -> Result<(), ReadError> {
        if self.accounts.contains(&account) { Ok(()) } else { Err(ReadError::NoSuchAccount) }
    }

    pub(super) fn account_info(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        let account = self.accounts.get(&id).ok_or(ReadError::NoSuchAccount)?;
        let addresses = self.account_addresses.range(after(None, (id, String::new())));
        let addresses = addresses.take_while(|((of, _), _)| *of == id).map(|(_, address)| address.clone());
        Ok(AccountInfo {
            id,
            login: account.login.clone(),
            enabled: account.enabled,
            quota_root: account.root,
            inbox: account.inbox,
            addresses: addresses.collect(),
        })
    }

    pub(super) fn find_account(&self, key: &AccountKey) -> Result<AccountInfo, ReadError> {
        let id = match key {
            AccountKey::Login(login) => self.logins.get(&fold_login(login)),
            AccountKey::Address(address) => self.addresses.get(&fold_address(address)),
        };
        self.account_info(*id.ok_or(ReadError::NoSuchAccount)?)
    }

    pub(super) fn accounts(&self, cursor: Option<AccountId>, limit: usize) -> Page<AccountInfo, AccountId> {
        let accounts = self.accounts.range(after(cursor, AccountId(0)));
        let infos = accounts.filter_map(|(id, _)| self.account_info(*id).ok());
        Page::collect(infos, limit, |info| info.id)
    }

    pub(super) fn credentials(&self, account: AccountId) -> Result<Vec<Credential>, ReadError> {
        self.known(account)?;
        let credentials = self.credentials.range(after(None, (account, String::new())));
        let of_account = credentials.take_while(|((of, _), _)| *of == account);
        let owned = of_account
            .map(|((_, name), verifier)| Credential { name: name.clone(), verifier: verifier.clone() });
        Ok(owned.collect())
    }

    // The queue.

    pub(super) fn destinations(&self, cursor: Option<Domain>, limit: usize) -> Page<Destination, Domain> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let destinations =
            self.destinations.range((start, Bound::Unbounded)).map(|(route, totals)| Destination {
                route: route.clone(),
                entries: totals.entries,
                held: totals.held,
                recipients: totals.recipients,
                size: totals.size,
                next_due: totals.wake,
            });
        Page::collect(destinations, limit, |destination| destination.route.clone())
    }

    pub(super) fn queue_page(
        &self,
        route: Option<Domain>,
        cursor: Option<QueueId>,
        limit: usize,
    ) -> Page<QueueEntry, QueueId> {
        let first = QueueId { trace: TraceId::from_bytes([0; 10]), entry: 0 };
        let Some(route) = route else {
            let entries = self.entries.range(after(cursor, first)).map(|(_, entry)| entry.clone());
            return Page::collect(entries, limit, |entry| entry.id);
        };
        let ids = self.by_route.range(after(cursor.map(|id| (route.clone(), id)), (route.clone(), first)));
        let of_route = ids.take_while(|((of, _), ())| *of == route);
        let entries = of_route.filter_map(|((_, id), ())| self.entries.get(id).cloned());
        Page::collect(entries, limit, |entry| entry.id)
    }

    // Traces.

    pub(super) fn trace(&self, id: TraceId) -> Trace {
        let Some(head) = self.traces.get(&id) else { return Trace::default() };
        let events = self.events.range((id, 0)..=(id, u64::MAX)).map(|(_, event)| event.clone());
        Trace { events: events.collect(), dropped: head.dropped }
    }

    pub(super) fn trace_ids(&self, cursor: Option<TraceId>, limit: usize) -> Page<TraceId, TraceId> {
        let ids = self.traces.range(after(cursor, TraceId::from_bytes([0; 10]))).map(|(id, _)| *id);
        Page::collect(ids, limit, |id| *id)
    }
}

impl RowPage {
    fn push(&mut self, uid: Uid, message: &Message, columns: Columns) {
        fn add<T: Clone>(wanted: bool, column: &mut Vec<T>, value: &T) {
            column.extend(wanted.then(|| value.clone()));
        }
        self.uids.push(uid);
        add(columns.has(Columns::FLAGS), &mut self.flags, &message.flags);
        add(columns.has(Columns::MODSEQ), &mut self.modseqs, &message.modseq);
        add(columns.has(Columns::SIZE), &mut self.sizes, &message.size);
        add(columns.has(Columns::DATE), &mut self.dates, &message.date);
        add(columns.has(Columns::SAVED), &mut self.saved, &message.saved);
        add(columns.has(Columns::BLOB), &mut self.blobs, &message.blob);
        add(columns.has(Columns::THREAD), &mut self.threads, &message.thread);
        add(columns.has(Columns::SCAN), &mut self.scans, &message.scan);
    }
}
