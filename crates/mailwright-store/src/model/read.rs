//! Reading what is no message.

use std::borrow::Cow;
use std::ops::Bound;

use bytes::Bytes;
use mailwright_core::{AccountId, Domain, MailboxId, QueueId, Timestamp, TraceId};

use super::state::{KeywordUse, Mailbox, State};
use super::table::Base;
use super::txn::LAST_GRANTEE;
use crate::account::{AccountInfo, AccountKey, Credential};
use crate::directory::{fold_address, fold_login};
use crate::error::ReadError;
use crate::mailbox::{
    EntryName, Grantee, MailboxInfo, MailboxStatus, MetadataTarget, Rights, SharedMailbox, Visibility,
};
use crate::name::MailboxName;
use crate::page::Page;
use crate::queue::{Destination, QueueEntry};
use crate::quota::{Quota, QuotaRootId};
use crate::store::Trace;

/// Behind the cursor, or from `first` on.
pub(super) fn after<K>(cursor: Option<K>, first: K) -> (Bound<K>, Bound<K>) {
    (cursor.map_or(Bound::Included(first), Bound::Excluded), Bound::Unbounded)
}

impl<B: Base> State<B> {
    // Mailboxes.

    /// As [`Store::status`](crate::Store::status).
    pub fn status(&self, id: MailboxId) -> Option<MailboxStatus> {
        self.mailboxes.get(&id).map(|mailbox| mailbox.status)
    }

    /// The keywords in use in a mailbox, in lower case and as they are known.
    pub(super) fn keywords_of(&self, id: MailboxId) -> impl Iterator<Item = (String, Cow<'_, KeywordUse>)> {
        let keywords = self.keywords.range(after(None, (id, String::new())));
        keywords.take_while(move |((of, _), _)| *of == id).map(|((_, folded), used)| (folded, used))
    }

    pub(super) fn mailbox_info(&self, id: MailboxId) -> Option<MailboxInfo> {
        let Mailbox { account, name, special_use, status, .. } = self.mailboxes.get(&id)?.into_owned();
        let subscribed = self.subscriptions.contains(&(account, name.clone()));
        Some(MailboxInfo { id, account, name, special_use, subscribed, uid_validity: status.uid_validity })
    }

    /// As [`Store::mailboxes`](crate::Store::mailboxes).
    pub fn mailboxes(
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

    /// As [`Store::mailbox`](crate::Store::mailbox).
    pub fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError> {
        self.known(account)?;
        let id = self.names.get(&(account, name.clone()));
        id.and_then(|id| self.mailbox_info(*id)).ok_or(ReadError::NoSuchMailbox)
    }

    /// As [`Store::subscriptions`](crate::Store::subscriptions).
    pub fn subscriptions(
        &self,
        account: AccountId,
        cursor: Option<MailboxName>,
        limit: usize,
    ) -> Result<Page<MailboxName, MailboxName>, ReadError> {
        self.known(account)?;
        let cursor = cursor.map(|name| (account, name));
        let names = self.subscriptions.range(after(cursor, (account, MailboxName::first())));
        let of_account = names.take_while(|((of, _), _)| *of == account).map(|((_, name), _)| name);
        Ok(Page::collect(of_account, limit, Clone::clone))
    }

    /// As [`Store::shared_with`](crate::Store::shared_with).
    pub fn shared_with(
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
            self.granted.range(range).map(|((_, id), _)| id)
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
            let of = |grantee| self.acl.get(&(id, grantee)).map(Cow::into_owned).unwrap_or_default();
            Some(SharedMailbox { mailbox, rights: of(Grantee::Account(account)).union(of(Grantee::Anyone)) })
        });
        Ok(Page::collect(shared, limit, |shared| shared.mailbox.id))
    }

    /// As [`Store::acl`](crate::Store::acl).
    pub fn acl(&self, id: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError> {
        self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        let entries = self.acl.range((id, Grantee::Anyone)..=(id, LAST_GRANTEE));
        Ok(entries.map(|((_, grantee), rights)| (grantee, rights.into_owned())).collect())
    }

    /// As [`Store::metadata`](crate::Store::metadata).
    pub fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> Result<Vec<(EntryName, Bytes)>, ReadError> {
        if let MetadataTarget::Mailbox(id) = target {
            self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        }
        Ok(self.metadata_of(target, visibility).map(|(name, value)| (name, value.into_owned())).collect())
    }

    pub(super) fn metadata_of(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> impl Iterator<Item = (EntryName, Cow<'_, Bytes>)> {
        let entries = self.metadata.range(after(None, (target, visibility, EntryName::first())));
        let of_target =
            entries.take_while(move |((of, seen_by, _), _)| (*of, *seen_by) == (target, visibility));
        of_target.map(|((.., name), value)| (name, value))
    }

    // Accounts.

    fn known(&self, account: AccountId) -> Result<(), ReadError> {
        if self.accounts.contains(&account) { Ok(()) } else { Err(ReadError::NoSuchAccount) }
    }

    /// As [`Store::account`](crate::Store::account).
    pub fn account(&self, id: AccountId) -> Result<AccountInfo, ReadError> {
        let account = self.accounts.get(&id).ok_or(ReadError::NoSuchAccount)?;
        let addresses = self.account_addresses.range(after(None, (id, String::new())));
        let addresses =
            addresses.take_while(|((of, _), _)| *of == id).map(|(_, address)| address.into_owned());
        Ok(AccountInfo {
            id,
            login: account.login.clone(),
            enabled: account.enabled,
            quota_root: account.root,
            inbox: account.inbox,
            addresses: addresses.collect(),
        })
    }

    /// As [`Store::find_account`](crate::Store::find_account).
    pub fn find_account(&self, key: &AccountKey) -> Result<AccountInfo, ReadError> {
        let id = match key {
            AccountKey::Login(login) => self.logins.get(&fold_login(login)),
            AccountKey::Address(address) => self.addresses.get(&fold_address(address)),
        };
        self.account(*id.ok_or(ReadError::NoSuchAccount)?)
    }

    /// As [`Store::accounts`](crate::Store::accounts).
    pub fn accounts(&self, cursor: Option<AccountId>, limit: usize) -> Page<AccountInfo, AccountId> {
        let accounts = self.accounts.range(after(cursor, AccountId(0)));
        let infos = accounts.filter_map(|(id, _)| self.account(id).ok());
        Page::collect(infos, limit, |info| info.id)
    }

    /// As [`Store::credentials`](crate::Store::credentials).
    pub fn credentials(&self, account: AccountId) -> Result<Vec<Credential>, ReadError> {
        self.known(account)?;
        let credentials = self.credentials.range(after(None, (account, String::new())));
        let of_account = credentials.take_while(|((of, _), _)| *of == account);
        let owned =
            of_account.map(|((_, name), verifier)| Credential { name, verifier: verifier.into_owned() });
        Ok(owned.collect())
    }

    /// As [`Store::domains`](crate::Store::domains).
    pub fn domains(&self, cursor: Option<Domain>, limit: usize) -> Page<Domain, Domain> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        Page::collect(
            self.domains.range((start, Bound::Unbounded)).map(|(domain, _)| domain),
            limit,
            Clone::clone,
        )
    }

    /// As [`Store::has_domain`](crate::Store::has_domain).
    pub fn has_domain(&self, domain: &Domain) -> bool {
        self.domains.contains(domain)
    }

    /// As [`Store::quota`](crate::Store::quota).
    pub fn quota(&self, root: QuotaRootId) -> Option<Quota> {
        self.roots.get(&root).map(|root| root.quota)
    }

    // The queue.

    /// As [`Store::next_due`](crate::Store::next_due).
    pub fn next_due(&self) -> Option<Timestamp> {
        self.wakes.first().map(|((at, _), _)| at)
    }

    /// As [`Store::queue_entry`](crate::Store::queue_entry).
    pub fn queue_entry(&self, id: QueueId) -> Option<QueueEntry> {
        self.entries.get(&id).map(Cow::into_owned)
    }

    /// As [`Store::destinations`](crate::Store::destinations).
    pub fn destinations(&self, cursor: Option<Domain>, limit: usize) -> Page<Destination, Domain> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let destinations =
            self.destinations.range((start, Bound::Unbounded)).map(|(route, totals)| Destination {
                route,
                entries: totals.entries,
                held: totals.held,
                recipients: totals.recipients,
                size: totals.size,
                next_due: totals.wake,
            });
        Page::collect(destinations, limit, |destination| destination.route.clone())
    }

    /// As [`Store::queue_page`](crate::Store::queue_page).
    pub fn queue_page(
        &self,
        route: Option<Domain>,
        cursor: Option<QueueId>,
        limit: usize,
    ) -> Page<QueueEntry, QueueId> {
        let first = QueueId { trace: TraceId::from_bytes([0; 10]), entry: 0 };
        let Some(route) = route else {
            let entries = self.entries.range(after(cursor, first)).map(|(_, entry)| entry.into_owned());
            return Page::collect(entries, limit, |entry| entry.id);
        };
        let ids = self.by_route.range(after(cursor.map(|id| (route.clone(), id)), (route.clone(), first)));
        let of_route = ids.take_while(|((of, _), _)| *of == route);
        let entries = of_route.filter_map(|((_, id), _)| self.entries.get(&id).map(Cow::into_owned));
        Page::collect(entries, limit, |entry| entry.id)
    }

    // Traces.

    /// As [`Store::trace`](crate::Store::trace).
    pub fn trace(&self, id: TraceId) -> Trace {
        let Some(head) = self.traces.get(&id) else { return Trace::default() };
        let events = self.events.range((id, 0)..=(id, u64::MAX)).map(|(_, event)| event.into_owned());
        Trace { events: events.collect(), dropped: head.dropped }
    }

    /// As [`Store::traces`](crate::Store::traces).
    pub fn traces(&self, cursor: Option<TraceId>, limit: usize) -> Page<TraceId, TraceId> {
        let ids = self.traces.range(after(cursor, TraceId::from_bytes([0; 10]))).map(|(id, _)| id);
        Page::collect(ids, limit, |id| *id)
    }
}
