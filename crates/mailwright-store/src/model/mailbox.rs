//! Operations on mailboxes.

use std::borrow::Cow;
use std::ops::Bound;

use mailwright_core::{AccountId, MailboxId, ModSeq, Uid, UidSet, UidValidity};

use super::state::{Counter, Mailbox};
use super::table::Base;
use super::txn::{LAST, LAST_GRANTEE, Txn};
use crate::batch::Transfer;
use crate::change::Topic;
use crate::limits::Limit;
use crate::mailbox::{
    EntryName, Grantee, MailboxOp, MailboxStatus, MetadataTarget, RightsChange, SpecialUse, Visibility,
};
use crate::name::MailboxName;
use crate::outcome::{Cause, OpOutcome};
use crate::quota::Usage;

impl<B: Base> Txn<'_, B> {
    pub(super) fn mailbox_op(&mut self, op: MailboxOp) -> Result<OpOutcome, Cause> {
        match op {
            MailboxOp::Create { account, name, special_use } => {
                let (mailbox, uid_validity) = self.create_mailbox(account, name, special_use)?;
                return Ok(OpOutcome::MailboxCreated { mailbox, uid_validity });
            }
            MailboxOp::Rename { mailbox, to } => {
                return self.rename(mailbox, &to).map(|mailbox| OpOutcome::Renamed { mailbox });
            }
            MailboxOp::Delete { mailbox } => {
                if self.mailbox(mailbox)?.name.is_inbox() {
                    return Err(Cause::Inbox);
                }
                self.delete_mailbox(mailbox)?;
            }
            MailboxOp::Subscribe { account, name } => self.subscribe(account, name)?,
            MailboxOp::Unsubscribe { account, name } => self.unsubscribe(account, name)?,
            MailboxOp::Acl { mailbox, grantee, change } => self.change_rights(mailbox, grantee, change)?,
            MailboxOp::Metadata { target, visibility, entry, value } => {
                self.set_metadata(target, visibility, entry, value)?;
            }
        }
        Ok(OpOutcome::Done)
    }

    pub(super) fn create_mailbox(
        &mut self,
        account: AccountId,
        name: MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<(MailboxId, UidValidity), Cause> {
        let share = self.state.accounts.get(&account).ok_or(Cause::NoSuchAccount)?.share;
        if self.state.names.contains(&(account, name.clone())) {
            return Err(Cause::MailboxExists);
        }
        if share.mailboxes >= u64::try_from(self.limits.mailboxes_per_account).unwrap_or(u64::MAX) {
            return Err(Cause::Over(Limit::MailboxesPerAccount));
        }
        self.charge(account, Usage::mailbox())?;
        let uid_validity = u32::try_from(self.draw(Counter::UidValidity)).ok().and_then(UidValidity::new);
        let uid_validity = uid_validity.ok_or(Cause::CountersExhausted)?;
        let id = MailboxId(self.draw(Counter::Mailbox));
        let status = MailboxStatus {
            uid_validity,
            uid_next: Uid::FIRST,
            highest_modseq: self.modseq(account)?,
            messages: 0,
            unseen: 0,
            deleted: 0,
            size: 0,
            deleted_size: 0,
        };
        self.state.names.put((account, name.clone()), id);
        let mailbox =
            Mailbox { account, name, special_use, status, keywords: 0, vanished: 0, floor: ModSeq::ZERO };
        self.state.mailboxes.put(id, mailbox);
        self.hints.insert(Topic::Account(account));
        Ok((id, uid_validity))
    }

    /// RFC 9051 §6.3.6.
    fn rename(&mut self, id: MailboxId, to: &MailboxName) -> Result<MailboxId, Cause> {
        let Mailbox { account, name: from, .. } = self.mailbox(id)?.into_owned();
        if self.state.names.contains(&(account, to.clone())) {
            return Err(Cause::MailboxExists);
        }
        if from.is_inbox() {
            let (new, _) = self.create_mailbox(account, to.clone(), None)?;
            self.move_all(&Transfer { from: id, uids: UidSet::range(Uid::FIRST, LAST), to: new })?;
            return Ok(new);
        }
        if to.is_below(&from) {
            return Err(Cause::NameInvalid);
        }
        let below = from.range_below();
        let mut renamed = self.state.names.take_range((account, below.start)..(account, below.end));
        renamed
            .extend(self.state.names.take(&(account, from.clone())).map(|id| ((account, from.clone()), id)));
        for ((_, name), id) in renamed {
            let name = name.moved(&from, to).ok_or(Cause::NameInvalid)?.map_err(|_| Cause::NameInvalid)?;
            if self.state.names.contains(&(account, name.clone())) {
                return Err(Cause::MailboxExists);
            }
            self.state.mailboxes.change(&id, |mailbox| mailbox.name = name.clone());
            self.state.names.put((account, name), id);
            self.hints.insert(Topic::Mailbox(id));
        }
        self.hints.insert(Topic::Account(account));
        Ok(id)
    }

    pub(super) fn delete_mailbox(&mut self, id: MailboxId) -> Result<(), Cause> {
        let mailbox = self.state.mailboxes.take(&id).ok_or(Cause::NoSuchMailbox)?;
        let Mailbox { account, name, status, .. } = mailbox;
        self.drop_messages(id);
        self.state.names.take(&(account, name));
        for ((_, grantee), _) in self.state.acl.take_range((id, Grantee::Anyone)..=(id, LAST_GRANTEE)) {
            self.state.granted.take(&(grantee, id));
        }
        let target = MetadataTarget::Mailbox(id);
        let noted: Vec<_> = self
            .state
            .metadata
            .range((Bound::Included((target, Visibility::Shared, EntryName::first())), Bound::Unbounded))
            .take_while(|((of, ..), _)| *of == target)
            .map(|(key, _)| key)
            .collect();
        for key in noted {
            self.state.metadata.take(&key);
            if let (_, Visibility::Private(viewer), entry) = key {
                self.state.private.take(&(viewer, target, entry));
            }
        }
        let messages = u64::from(status.messages);
        self.release(account, Usage { storage: status.size, messages, mailboxes: 1 })?;
        self.hints.extend([Topic::Mailbox(id), Topic::Account(account)]);
        Ok(())
    }

    pub(super) fn subscribe(&mut self, account: AccountId, name: MailboxName) -> Result<(), Cause> {
        let count = self.state.accounts.get(&account).ok_or(Cause::NoSuchAccount)?.subscriptions;
        if self.state.subscriptions.contains(&(account, name.clone())) {
            return Ok(());
        }
        if count >= self.limits.subscriptions_per_account {
            return Err(Cause::Over(Limit::SubscriptionsPerAccount));
        }
        self.state.subscriptions.put((account, name), ());
        self.state.accounts.change(&account, |account| account.subscriptions += 1);
        self.hints.insert(Topic::Account(account));
        Ok(())
    }

    fn unsubscribe(&mut self, account: AccountId, name: MailboxName) -> Result<(), Cause> {
        if !self.state.accounts.contains(&account) {
            return Err(Cause::NoSuchAccount);
        }
        if self.state.subscriptions.take(&(account, name)).is_some() {
            self.state.accounts.change(&account, |account| account.subscriptions -= 1);
            self.hints.insert(Topic::Account(account));
        }
        Ok(())
    }

    fn change_rights(&mut self, id: MailboxId, grantee: Grantee, change: RightsChange) -> Result<(), Cause> {
        self.mailbox(id)?;
        if let Grantee::Account(account) = grantee {
            if !self.state.accounts.contains(&account) {
                return Err(Cause::NoSuchAccount);
            }
            self.hints.insert(Topic::Account(account));
        }
        let before = self.state.acl.get(&(id, grantee)).map(Cow::into_owned);
        let rights = change.apply(before.unwrap_or_default());
        if rights.is_empty() {
            self.state.acl.take(&(id, grantee));
            self.state.granted.take(&(grantee, id));
            return Ok(());
        }
        if before.is_none()
            && self.state.acl.range((id, Grantee::Anyone)..=(id, LAST_GRANTEE)).count()
                >= self.limits.acl_entries
        {
            return Err(Cause::Over(Limit::AclEntries));
        }
        self.state.acl.put((id, grantee), rights);
        self.state.granted.put((grantee, id), ());
        Ok(())
    }

    fn set_metadata(
        &mut self,
        target: MetadataTarget,
        visibility: Visibility,
        entry: EntryName,
        value: Option<bytes::Bytes>,
    ) -> Result<(), Cause> {
        if let MetadataTarget::Mailbox(id) = target {
            self.mailbox(id)?;
            self.hints.insert(Topic::Mailbox(id));
        }
        if let Visibility::Private(viewer) = visibility {
            if !self.state.accounts.contains(&viewer) {
                return Err(Cause::NoSuchAccount);
            }
            let key = (viewer, target, entry.clone());
            match value {
                Some(_) => self.state.private.put(key, ()),
                None => drop(self.state.private.take(&key)),
            }
        }
        let key = (target, visibility, entry);
        let Some(value) = value else {
            self.state.metadata.take(&key);
            return Ok(());
        };
        if value.len() > self.limits.metadata_bytes {
            return Err(Cause::Over(Limit::MetadataBytes));
        }
        let full = self.state.metadata_of(target, visibility).count() >= self.limits.metadata_entries;
        if full && !self.state.metadata.contains(&key) {
            return Err(Cause::Over(Limit::MetadataEntries));
        }
        self.state.metadata.put(key, value);
        Ok(())
    }
}
