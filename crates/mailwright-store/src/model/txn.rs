//! A batch on its way: what all operations share.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, Timestamp, Uid};

use super::block::Block;
use super::state::{Counter, Mailbox, State};
use super::table::Base;
use crate::batch::{Batch, Op};
use crate::change::Topic;
use crate::limits::{Limit, Limits};
use crate::mailbox::Grantee;
use crate::outcome::{Cause, OpOutcome, Outcome, Rejected};
use crate::quota::{Quota, QuotaRootId, Usage};

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What it did, now or when its id was first committed.
    pub outcome: Outcome,
    /// What to tell listeners once it can be read.
    pub hints: BTreeSet<Topic>,
    /// Whether it was done now.
    pub is_new: bool,
}

impl<B: Base> State<B> {
    /// Does all of a batch, or nothing. With what is refused, or was done before, goes all that was written since the
    /// last write that stands, such as a [`stage`](Self::stage) for this batch.
    ///
    /// # Errors
    /// If one operation cannot be done, or the base could not be read.
    pub fn apply(&mut self, batch: Batch, limits: &Limits) -> Result<Applied, Rejected> {
        let applied = self.try_apply(batch, limits);
        let applied = match self.fault() {
            Ok(()) => applied,
            Err(fault) => Err(Rejected { op: 0, cause: fault.into() }),
        };
        if applied.as_ref().is_ok_and(|applied| applied.is_new) {
            self.keep();
        } else {
            self.roll_back();
        }
        applied
    }

    fn try_apply(&mut self, batch: Batch, limits: &Limits) -> Result<Applied, Rejected> {
        let Batch { id, now, ops } = batch;
        if let Some(outcome) = self.outcomes.get(&id) {
            return Ok(Applied { outcome: outcome.into_owned(), hints: BTreeSet::new(), is_new: false });
        }
        if ops.len() > limits.ops_per_batch {
            return Err(Rejected { op: limits.ops_per_batch, cause: Cause::TooManyOps });
        }
        let mut txn = Txn::new(self, limits, now);
        let outcomes = ops
            .into_iter()
            .enumerate()
            .map(|(op, operation)| txn.operation(operation).map_err(|cause| Rejected { op, cause }));
        let outcome = Outcome { ops: outcomes.collect::<Result<_, _>>()? };
        let hints = txn.hints;
        self.outcomes.put_new(id, outcome.clone());
        self.outcome_times.put_new((now, id), ());
        Ok(Applied { outcome, hints, is_new: true })
    }
}

/// A batch that is being applied. If one operation fails, the caller rolls the state back.
pub(super) struct Txn<'a, B> {
    pub(super) state: &'a mut State<B>,
    pub(super) limits: &'a Limits,
    pub(super) now: Timestamp,
    /// What has been drawn: one an account.
    modseqs: BTreeMap<AccountId, ModSeq>,
    /// What to tell once it stands.
    pub(super) hints: BTreeSet<Topic>,
    /// Messages touched.
    rows: usize,
}

impl<'a, B: Base> Txn<'a, B> {
    pub(super) fn new(state: &'a mut State<B>, limits: &'a Limits, now: Timestamp) -> Self {
        Self { state, limits, now, modseqs: BTreeMap::new(), hints: BTreeSet::new(), rows: 0 }
    }

    fn operation(&mut self, op: Op) -> Result<OpOutcome, Cause> {
        match op {
            Op::Append(append) => self.append(append),
            Op::StoreFlags(store) => self.store_flags(&store),
            Op::Copy(transfer) => self.copy(&transfer),
            Op::Move(transfer) => self.move_messages(&transfer),
            Op::Expunge(expunge) => self.expunge(&expunge),
            Op::Mailbox(op) => self.mailbox_op(op),
            Op::Quota(op) => self.quota_op(op),
            Op::Account(op) => self.account_op(op),
            Op::Domain(op) => Ok(self.domain_op(op)),
            Op::Enqueue(entry) => self.enqueue(*entry),
            Op::Settle { lease, settlement } => self.settle(&lease, settlement),
            Op::Queue { entry, op } => self.queue_op(entry, op),
            Op::Trace { id, events } => {
                self.add_events(id, events);
                Ok(OpOutcome::Done)
            }
        }
    }

    /// The account's MODSEQ in this batch.
    pub(super) fn modseq(&mut self, account: AccountId) -> Result<ModSeq, Cause> {
        if let Some(drawn) = self.modseqs.get(&account) {
            return Ok(*drawn);
        }
        let latest = self.state.modseqs.get(&account).map(Cow::into_owned).unwrap_or_default();
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

    pub(super) fn mailbox(&self, id: MailboxId) -> Result<Cow<'_, Mailbox>, Cause> {
        self.state.mailboxes.get(&id).ok_or(Cause::NoSuchMailbox)
    }

    pub(super) fn root_of(&self, account: AccountId) -> Result<QuotaRootId, Cause> {
        self.state.accounts.get(&account).map(|account| account.root).ok_or(Cause::NoSuchAccount)
    }

    /// Charges `more` to the account's root, if its limits allow.
    pub(super) fn charge(&mut self, account: AccountId, more: Usage) -> Result<(), Cause> {
        let mut bill = self.bill(account)?;
        bill.add(more)?;
        self.pay(bill);
        Ok(())
    }

    /// Begins to charge an account.
    pub(super) fn bill(&self, account: AccountId) -> Result<Bill, Cause> {
        let root = self.root_of(account)?;
        let quota = self.state.roots.get(&root).map(|root| root.quota).unwrap_or_default();
        Ok(Bill { account, root, quota, total: Usage::default() })
    }

    /// Charges the account and its root.
    pub(super) fn pay(&mut self, bill: Bill) {
        let Bill { account, root, total, .. } = bill;
        if total == Usage::default() {
            return;
        }
        self.state.roots.change(&root, |root| root.quota.usage = root.quota.usage.plus(total));
        self.state.accounts.change(&account, |account| account.share = account.share.plus(total));
    }

    /// Gives `less` back to the account's root.
    pub(super) fn release(&mut self, account: AccountId, less: Usage) -> Result<(), Cause> {
        if less == Usage::default() {
            return Ok(());
        }
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
            self.state.idle.put_new((now, id), ());
        }
    }

    pub(super) fn draw(&mut self, counter: Counter) -> u64 {
        self.state.draw(counter)
    }
}

/// What an operation charges to an account: summed up message by message, and written once.
pub(super) struct Bill {
    account: AccountId,
    root: QuotaRootId,
    /// As it will be.
    quota: Quota,
    total: Usage,
}

impl Bill {
    /// And `more`, if the limits allow.
    pub(super) fn add(&mut self, more: Usage) -> Result<(), Cause> {
        match self.quota.exceeded_by(more) {
            Some(resource) => Err(Cause::OverQuota { root: self.root, resource }),
            None => {
                self.add_anyway(more);
                Ok(())
            }
        }
    }

    /// And `more`, whatever the limits.
    pub(super) fn add_anyway(&mut self, more: Usage) {
        self.quota.usage = self.quota.usage.plus(more);
        self.total = self.total.plus(more);
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

/// All blocks of a mailbox, as bounds of a table sorted by mailbox and block.
pub(super) fn all_blocks_of(mailbox: MailboxId) -> RangeInclusive<(MailboxId, Block)> {
    (mailbox, Block::FIRST)..=(mailbox, Block::LAST)
}

/// All blocks of a mailbox, as bounds of a table sorted by mailbox, MODSEQ and block.
pub(super) fn all_changed_blocks_of(mailbox: MailboxId) -> RangeInclusive<(MailboxId, ModSeq, Block)> {
    (mailbox, ModSeq::ZERO, Block::FIRST)..=(mailbox, ModSeq::MAX, Block::LAST)
}

/// The last UID there is. Never given, so that UIDNEXT always has a value.
pub(super) const LAST: Uid = Uid(NonZeroU32::MAX);

/// Behind all grantees, of which [`Grantee::Anyone`] is the first.
pub(super) const LAST_GRANTEE: Grantee = Grantee::Account(AccountId(u64::MAX));
