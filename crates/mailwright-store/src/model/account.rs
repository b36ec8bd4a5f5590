//! Operations on accounts and quotas.

use std::ops::Bound;

use mailwright_core::{AccountId, Address, MailboxId};

use super::state::{Account, Counter, Root};
use super::table::Base;
use super::txn::Txn;
use crate::account::{AccountOp, Credential, DomainOp, NewAccount, QuotaOp};
use crate::change::Topic;
use crate::directory::{fold_address, fold_login};
use crate::limits::Limit;
use crate::mailbox::{EntryName, Grantee, MetadataTarget, Visibility};
use crate::name::MailboxName;
use crate::outcome::{Cause, OpOutcome};
use crate::quota::{Quota, QuotaRootId, Usage};

impl<B: Base> Txn<'_, B> {
    pub(super) fn account_op(&mut self, op: AccountOp) -> Result<OpOutcome, Cause> {
        let account = match op {
            AccountOp::Create(new) => return self.create_account(new),
            AccountOp::Remove { account } => {
                self.remove_account(account)?;
                account
            }
            AccountOp::Enable { account, enabled } => {
                self.account(account, |account| account.enabled = enabled)?;
                account
            }
            AccountOp::PutCredential { account, credential } => {
                self.put_credential(account, credential)?;
                account
            }
            AccountOp::RemoveCredential { account, name } => {
                let removed = self.state.credentials.take(&(account, name)).is_some();
                self.account(account, |account| account.credentials -= usize::from(removed))?;
                account
            }
            AccountOp::AddAddress { account, address } => {
                self.add_address(account, address)?;
                account
            }
            AccountOp::RemoveAddress { account, address } => {
                let folded = fold_address(&address);
                let removed = self.state.account_addresses.take(&(account, folded.clone())).is_some();
                if removed {
                    self.state.addresses.take(&folded);
                }
                self.account(account, |account| account.addresses -= usize::from(removed))?;
                account
            }
        };
        self.hints.insert(Topic::Account(account));
        Ok(OpOutcome::Done)
    }

    pub(super) fn domain_op(&mut self, op: DomainOp) -> OpOutcome {
        match op {
            DomainOp::Add { domain } => self.state.domains.put(domain, ()),
            DomainOp::Remove { domain } => drop(self.state.domains.take(&domain)),
        }
        OpOutcome::Done
    }

    fn account(&mut self, id: AccountId, change: impl FnOnce(&mut Account)) -> Result<(), Cause> {
        self.state.accounts.change(&id, change).ok_or(Cause::NoSuchAccount)
    }

    fn create_account(&mut self, new: NewAccount) -> Result<OpOutcome, Cause> {
        let NewAccount { login, addresses, credentials, mailboxes, quota_root } = new;
        if login.is_empty() || login.chars().any(char::is_control) {
            return Err(Cause::NameInvalid);
        }
        if login.len() > self.limits.login_bytes {
            return Err(Cause::Over(Limit::LoginBytes));
        }
        let folded = fold_login(&login);
        if self.state.logins.contains(&folded) {
            return Err(Cause::AccountExists);
        }
        let root = match quota_root {
            Some(root) => {
                self.state.roots.change(&root, |root| root.accounts += 1).ok_or(Cause::NoSuchQuotaRoot)?;
                root
            }
            None => {
                let root = QuotaRootId(self.draw(Counter::QuotaRoot));
                self.state.roots.put(root, Root { quota: Quota::default(), accounts: 1 });
                root
            }
        };
        let id = AccountId(self.draw(Counter::Account));
        self.state.logins.put(folded, id);
        let account = Account {
            login,
            enabled: true,
            root,
            // Until it is created, a few lines below.
            inbox: MailboxId(0),
            share: Usage::default(),
            subscriptions: 0,
            addresses: 0,
            credentials: 0,
        };
        self.state.accounts.put(id, account);
        let (inbox, _) = self.create_mailbox(id, MailboxName::inbox(), None)?;
        self.account(id, |account| account.inbox = inbox)?;
        self.subscribe(id, MailboxName::inbox())?;
        for (name, special_use) in mailboxes {
            self.create_mailbox(id, name.clone(), special_use)?;
            self.subscribe(id, name)?;
        }
        for address in addresses {
            self.add_address(id, address)?;
        }
        for credential in credentials {
            self.put_credential(id, credential)?;
        }
        Ok(OpOutcome::AccountCreated { account: id, inbox, quota_root: root })
    }

    fn remove_account(&mut self, id: AccountId) -> Result<(), Cause> {
        if !self.state.accounts.contains(&id) {
            return Err(Cause::NoSuchAccount);
        }
        for mailbox in self.state.mailboxes_of(id) {
            self.delete_mailbox(mailbox)?;
        }
        let below = |(of, _): &(AccountId, MailboxName)| *of == id;
        let from = Bound::Included((id, MailboxName::first()));
        let names: Vec<_> = self
            .state
            .subscriptions
            .range((from, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(below)
            .collect();
        for key in names {
            self.state.subscriptions.take(&key);
        }
        let grantee = Grantee::Account(id);
        let granted = self.state.granted.take_range((grantee, MailboxId(0))..=(grantee, MailboxId(u64::MAX)));
        for ((_, mailbox), ()) in granted {
            self.state.acl.take(&(mailbox, grantee));
        }
        let from = Bound::Included((id, MetadataTarget::Server, EntryName::first()));
        let noted: Vec<_> = self
            .state
            .private
            .range((from, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|(of, ..)| *of == id)
            .collect();
        for key in noted {
            self.state.private.take(&key);
            let (_, target, entry) = key;
            self.state.metadata.take(&(target, Visibility::Private(id), entry));
        }
        let own = |key: &(AccountId, String)| key.0 == id;
        let from = || (Bound::Included((id, String::new())), Bound::Unbounded);
        let addresses: Vec<_> =
            self.state.account_addresses.range(from()).map(|(key, _)| key).take_while(own).collect();
        for key in addresses {
            self.state.account_addresses.take(&key);
            self.state.addresses.take(&key.1);
        }
        let credentials: Vec<_> =
            self.state.credentials.range(from()).map(|(key, _)| key).take_while(own).collect();
        for key in credentials {
            self.state.credentials.take(&key);
        }
        let account = self.state.accounts.take(&id).ok_or(Cause::NoSuchAccount)?;
        self.state.logins.take(&fold_login(&account.login));
        self.state.modseqs.take(&id);
        self.leave_root(account.root, account.share);
        Ok(())
    }

    fn put_credential(&mut self, id: AccountId, credential: Credential) -> Result<(), Cause> {
        let Credential { name, verifier } = credential;
        let count = self.state.accounts.get(&id).ok_or(Cause::NoSuchAccount)?.credentials;
        if name.is_empty() || name.chars().any(char::is_control) || name.len() > self.limits.login_bytes {
            return Err(Cause::NameInvalid);
        }
        if !self.state.credentials.contains(&(id, name.clone())) {
            if count >= self.limits.credentials_per_account {
                return Err(Cause::Over(Limit::CredentialsPerAccount));
            }
            self.account(id, |account| account.credentials += 1)?;
        }
        self.state.credentials.put((id, name), verifier);
        Ok(())
    }

    fn add_address(&mut self, id: AccountId, address: Address) -> Result<(), Cause> {
        let count = self.state.accounts.get(&id).ok_or(Cause::NoSuchAccount)?.addresses;
        let folded = fold_address(&address);
        match self.state.addresses.get(&folded).as_deref() {
            Some(owner) if *owner == id => return Ok(()),
            Some(_) => return Err(Cause::AddressTaken),
            None => {}
        }
        if count >= self.limits.addresses_per_account {
            return Err(Cause::Over(Limit::AddressesPerAccount));
        }
        self.state.addresses.put(folded.clone(), id);
        self.state.account_addresses.put((id, folded), address);
        self.account(id, |account| account.addresses += 1)
    }

    pub(super) fn quota_op(&mut self, op: QuotaOp) -> Result<OpOutcome, Cause> {
        match op {
            QuotaOp::SetLimits { root, limits } => {
                let set = self.state.roots.change(&root, |root| root.quota.limits = limits);
                set.ok_or(Cause::NoSuchQuotaRoot)?;
            }
            QuotaOp::Assign { account, root } => {
                let (old, share) = match self.state.accounts.get(&account) {
                    Some(account) => (account.root, account.share),
                    None => return Err(Cause::NoSuchAccount),
                };
                let joined = self.state.roots.change(&root, |root| {
                    root.accounts += 1;
                    root.quota.usage = root.quota.usage.plus(share);
                });
                joined.ok_or(Cause::NoSuchQuotaRoot)?;
                self.account(account, |account| account.root = root)?;
                self.leave_root(old, share);
            }
        }
        Ok(OpOutcome::Done)
    }

    /// One account less at a root, with its share. The last one takes the root along.
    fn leave_root(&mut self, root: QuotaRootId, share: Usage) {
        let left = self.state.roots.change(&root, |root| {
            root.quota.usage = root.quota.usage.minus(share);
            root.accounts = root.accounts.saturating_sub(1);
            root.accounts
        });
        if left == Some(0) {
            self.state.roots.take(&root);
        }
    }
}
