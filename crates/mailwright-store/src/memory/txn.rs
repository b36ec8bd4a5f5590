//! A batch on its way: what all operations share.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, Timestamp, Uid};

use super::state::{Counter, Mailbox, State};
use crate::change::Topic;
use crate::limits::{Limit, Limits};
use crate::mailbox::Grantee;
use crate::outcome::Cause;
use crate::quota::{QuotaRootId, Usage};

/// A batch that is being applied. If one operation fails, the caller rolls the state back.
pub(super) struct Txn<'a> {
    pub(super) state: &'a mut State,
    pub(super) limits: &'a Limits,
    pub(super) now: Timestamp,
    /// What has been drawn: one an account.
    modseqs: BTreeMap<AccountId, ModSeq>,
    /// What to tell once it stands.
    pub(super) hints: BTreeSet<Topic>,
    /// Messages touched.
    rows: usize,
}

impl<'a> Txn<'a> {
    pub(super) fn new(state: &'a mut State, limits: &'a Limits, now: Timestamp) -> Self {
        Self { state, limits, now, modseqs: BTreeMap::new(), hints: BTreeSet::new(), rows: 0 }
    }

    /// The account's MODSEQ in this batch.
    pub(super) fn modseq(&mut self, account: AccountId) -> Result<ModSeq, Cause> {
        if let Some(drawn) = self.modseqs.get(&account) {
            return Ok(*drawn);
        }
        let latest = self.state.modseqs.get(&account).copied().unwrap_or_default();
        let next = latest.next().ok_or(Cause::CountersExhausted)?;
        self.state.modseqs.put(account, next);
        self.modseqs.insert(account, next);
        Ok(next)
    }

    /// Counts messages touched by commands that can be split.
    pub(super) fn count_rows(&mut self, rows: usize) -> Result<(), Cause> {
        self.rows += rows;
        if self.rows > self.limits.rows_per_batch { Err(Cause::Over(Limit::RowsPerBatch)) } else { Ok(()) }
    }

    pub(super) fn mailbox(&self, id: MailboxId) -> Result<&Mailbox, Cause> {
        self.state.mailboxes.get(&id).ok_or(Cause::NoSuchMailbox)
    }

    pub(super) fn root_of(&self, account: AccountId) -> Result<QuotaRootId, Cause> {
        self.state.accounts.get(&account).map(|account| account.root).ok_or(Cause::NoSuchAccount)
    }

    /// Charges `more` to the account's root, if its limits allow.
    pub(super) fn charge(&mut self, account: AccountId, more: Usage) -> Result<(), Cause> {
        let root = self.root_of(account)?;
        let quota = self.state.roots.get(&root).map(|root| root.quota).unwrap_or_default();
        if let Some(resource) = quota.exceeded_by(more) {
            return Err(Cause::OverQuota { root, resource });
        }
        self.charge_anyway(account, more)
    }

    /// Charges `more` to the account's root, whatever its limits.
    pub(super) fn charge_anyway(&mut self, account: AccountId, more: Usage) -> Result<(), Cause> {
        let root = self.root_of(account)?;
        self.state.roots.change(&root, |root| root.quota.usage = root.quota.usage.plus(more));
        self.state.accounts.change(&account, |account| account.share = account.share.plus(more));
        Ok(())
    }

    /// Gives `less` back to the account's root.
    pub(super) fn release(&mut self, account: AccountId, less: Usage) -> Result<(), Cause> {
        let root = self.root_of(account)?;
        self.state.roots.change(&root, |root| root.quota.usage = root.quota.usage.minus(less));
        self.state.accounts.change(&account, |account| account.share = account.share.minus(less));
        Ok(())
    }

    /// One more reference to a blob. Gives its size.
    pub(super) fn refer(&mut self, id: BlobId) -> Result<u64, Cause> {
        let used = self.state.blobs.change(&id, |blob| {
            blob.references += 1;
            (blob.size, blob.idle_since.take())
        });
        let (size, idle_since) = used.ok_or(Cause::BlobGone(id))?;
        if let Some(since) = idle_since {
            self.state.idle.take(&(since, id));
        }
        Ok(size)
    }

    /// One reference less to a blob. The last one starts its grace period.
    pub(super) fn forget(&mut self, id: BlobId) {
        let now = self.now;
        let idle = self.state.blobs.change(&id, |blob| {
            blob.references = blob.references.saturating_sub(1);
            if blob.references == 0 {
                blob.idle_since = Some(now);
            }
            blob.references == 0
        });
        if idle == Some(true) {
            self.state.idle.put((now, id), ());
        }
    }

    pub(super) fn draw(&mut self, counter: Counter) -> u64 {
        self.state.draw(counter)
    }
}

/// All messages of a mailbox, as bounds of a table sorted by mailbox and UID.
pub(super) fn all_of(mailbox: MailboxId) -> RangeInclusive<(MailboxId, Uid)> {
    (mailbox, Uid::FIRST)..=(mailbox, LAST)
}

/// All messages of a mailbox, as bounds of a table sorted by mailbox, MODSEQ and UID.
pub(super) fn all_changes_of(mailbox: MailboxId) -> RangeInclusive<(MailboxId, ModSeq, Uid)> {
    (mailbox, ModSeq::ZERO, Uid::FIRST)..=(mailbox, ModSeq::MAX, LAST)
}

/// The last UID there is. Never given, so that UIDNEXT always has a value.
pub(super) const LAST: Uid = Uid(NonZeroU32::MAX);

/// Behind all grantees, of which [`Grantee::Anyone`] is the first.
pub(super) const LAST_GRANTEE: Grantee = Grantee::Account(AccountId(u64::MAX));
