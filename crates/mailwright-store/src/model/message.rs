//! Operations on messages.

use std::borrow::Cow;

use mailwright_core::{BlobId, MailboxId, ThreadId, Uid, UidSet};

use super::block::{Block, Marks, Summary};
use super::select::{Beside, rows_of};
use super::state::{Counter, Message, Vanished};
use super::table::Base;
use super::txn::{Txn, all_blocks_of, all_changed_blocks_of, all_changes_of, all_of};
use crate::batch::{Append, Expunge, OnOverQuota, StoreFlags, Target, Transfer};
use crate::flags::{Flags, SystemFlag};
use crate::limits::Limit;
use crate::outcome::{Appended, Cause, Expunged, OpOutcome, Stored, StoredRow, Transferred};
use crate::page::Opaque;
use crate::quota::Usage;

/// Messages that were taken out of their mailbox.
#[derive(Default)]
struct Removed {
    uids: UidSet,
    /// With a reference less to come, if they are nowhere else now.
    blobs: Vec<BlobId>,
}

/// A message that is to be put elsewhere.
struct Picked {
    uid: Uid,
    message: Message,
    flags: Flags,
    scan: Opaque,
}

impl<B: Base> Txn<'_, B> {
    pub(super) fn append(&mut self, append: Append) -> Result<OpOutcome, Cause> {
        if append.scan.bytes.len() > self.limits.scan_bytes {
            return Err(Cause::Over(Limit::ScanBytes));
        }
        let mailbox = self.target(&append.to)?;
        let mut edit = self.edit(mailbox)?;
        let (account, before) = (edit.account(), edit.mailbox.status.highest_modseq);
        let size = self.state.blobs.get(&append.blob).ok_or(Cause::BlobGone(append.blob))?.size;
        match (self.charge(account, Usage::message(size)), append.on_over_quota) {
            (Err(Cause::OverQuota { .. }), OnOverQuota::Queue(entry)) => {
                let id = entry.id;
                self.enqueue(*entry)?;
                return Ok(OpOutcome::Queued(id));
            }
            (charged, _) => charged?,
        }
        let thread = append.thread.unwrap_or_else(|| ThreadId(self.draw(Counter::Thread)));
        let modseq = self.modseq(account)?;
        let message = Message { blob: append.blob, size, date: append.date, saved: self.now, thread };
        let uid = edit.insert(self, message, append.flags, modseq, append.scan)?;
        self.refer(append.blob)?;
        let uid_validity = edit.mailbox.status.uid_validity;
        self.finish(edit);
        Ok(OpOutcome::Appended(Appended { mailbox, uid_validity, uid, modseq, before, thread }))
    }

    fn target(&mut self, target: &Target) -> Result<MailboxId, Cause> {
        match target {
            Target::Id(id) => self.mailbox(*id).map(|_| *id),
            Target::Name { account, name, create } => match self.state.names.get(&(*account, name.clone())) {
                Some(id) => Ok(*id),
                None if *create => self.create_mailbox(*account, name.clone(), None).map(|(id, _)| id),
                None if self.state.accounts.contains(account) => Err(Cause::NoSuchMailbox),
                None => Err(Cause::NoSuchAccount),
            },
        }
    }

    pub(super) fn store_flags(&mut self, store: &StoreFlags) -> Result<OpOutcome, Cause> {
        let mut edit = self.edit(store.mailbox)?;
        let mut stored = Stored { before: edit.mailbox.status.highest_modseq, ..Stored::default() };
        let (mut deleted, mut undeleted) = (UidSet::new(), UidSet::new());
        for (block, marks) in self.existing(store.mailbox, &store.uids)? {
            let mut marks = marks.to_vec();
            let (before, mut is_changed) = (Summary::of(&marks), false);
            for mark in marks.iter_mut().filter(|mark| store.uids.contains(mark.uid)) {
                let (uid, previous) = (mark.uid, mark.modseq);
                if store.unchanged_since.is_some_and(|since| previous > since) {
                    stored.modified.insert(uid);
                    continue;
                }
                let flags = store.change.apply(&mark.flags);
                if flags != mark.flags {
                    mark.modseq = self.modseq(edit.account())?;
                    edit.turn(self, &mark.flags, &flags, mark.modseq)?;
                    match (mark.flags.has(SystemFlag::Deleted), flags.has(SystemFlag::Deleted)) {
                        (false, true) => deleted.insert(uid),
                        (true, false) => undeleted.insert(uid),
                        _ => {}
                    }
                    mark.flags = flags.clone();
                    is_changed = true;
                }
                stored.rows.push(StoredRow { uid, flags, modseq: mark.modseq, previous });
            }
            if is_changed {
                self.state.put_block(store.mailbox, block, before, &marks);
            }
        }
        let deleted_size = &mut edit.mailbox.status.deleted_size;
        *deleted_size = deleted_size.saturating_add(self.size_of(store.mailbox, &deleted));
        *deleted_size = deleted_size.saturating_sub(self.size_of(store.mailbox, &undeleted));
        self.finish(edit);
        Ok(OpOutcome::Stored(stored))
    }

    pub(super) fn copy(&mut self, transfer: &Transfer) -> Result<OpOutcome, Cause> {
        let mut edit = self.edit(transfer.to)?;
        let (account, uid_validity) = (edit.account(), edit.mailbox.status.uid_validity);
        self.existing(transfer.from, &transfer.uids)?;
        let mut bill = self.bill(account)?;
        let mut copied = Transferred { uid_validity, uids: Vec::new(), modseq: None };
        for Picked { uid, message, flags, scan } in self.pick(transfer.from, &transfer.uids) {
            bill.add(Usage::message(message.size))?;
            let modseq = self.modseq(account)?;
            self.refer(message.blob)?;
            let message = Message { saved: self.now, ..message };
            copied.uids.push((uid, edit.insert(self, message, flags, modseq, scan)?));
            copied.modseq = Some(modseq);
        }
        self.pay(bill);
        self.finish(edit);
        Ok(OpOutcome::Copied(copied))
    }

    pub(super) fn move_messages(&mut self, transfer: &Transfer) -> Result<OpOutcome, Cause> {
        self.mailbox(transfer.to)?;
        self.existing(transfer.from, &transfer.uids)?;
        self.move_all(transfer).map(OpOutcome::Moved)
    }

    /// Moves messages, however many. Within a quota root that changes nothing, however full it is.
    pub(super) fn move_all(&mut self, transfer: &Transfer) -> Result<Transferred, Cause> {
        let source = self.mailbox(transfer.from)?.account;
        let mut edit = self.edit(transfer.to)?;
        let (target, uid_validity) = (edit.account(), edit.mailbox.status.uid_validity);
        let is_same_root = self.root_of(source)? == self.root_of(target)?;
        let mut bill = self.bill(target)?;
        let mut moved = Transferred { uid_validity, uids: Vec::new(), modseq: None };
        for Picked { uid, message, flags, scan } in self.pick(transfer.from, &transfer.uids) {
            let (size, modseq) = (message.size, self.modseq(target)?);
            let message = Message { saved: self.now, ..message };
            moved.uids.push((uid, edit.insert(self, message, flags, modseq, scan)?));
            moved.modseq = Some(modseq);
            self.modseq(source)?;
            if is_same_root {
                // Whatever the limits: it was there before.
                bill.add_anyway(Usage::message(size));
            } else {
                bill.add(Usage::message(size))?;
            }
        }
        // In first, as another edit: they may be one mailbox. The blobs have as many references as before.
        self.finish(edit);
        let from = moved.uids.iter().map(|(uid, _)| *uid).collect();
        self.remove(transfer.from, &from)?;
        self.pay(bill);
        Ok(moved)
    }

    pub(super) fn expunge(&mut self, expunge: &Expunge) -> Result<OpOutcome, Cause> {
        let Expunge { mailbox, ref uids, only_deleted } = *expunge;
        let account = self.mailbox(mailbox)?.account;
        let Removed { uids, blobs } = if only_deleted {
            let deleted: UidSet =
                self.state.deleted_of(mailbox, uids).take(self.limits.rows_per_batch + 1).collect();
            self.count_rows(usize::try_from(deleted.len()).unwrap_or(usize::MAX))?;
            self.remove(mailbox, &deleted)?
        } else {
            self.existing(mailbox, uids)?;
            self.remove(mailbox, uids)?
        };
        blobs.into_iter().for_each(|blob| self.forget(blob));
        let modseq = if uids.is_empty() { None } else { Some(self.modseq(account)?) };
        Ok(OpOutcome::Expunged(Expunged { uids, modseq }))
    }

    /// The blocks that have some of `uids`. Counts these.
    fn existing(&mut self, mailbox: MailboxId, uids: &UidSet) -> Result<Vec<(Block, Marks)>, Cause> {
        self.mailbox(mailbox)?;
        let (mut blocks, mut rows) = (Vec::new(), 0);
        for (block, marks) in self.state.blocks(mailbox, uids) {
            let found = marks.iter().filter(|mark| uids.contains(mark.uid)).count();
            if found > 0 {
                blocks.push((block, marks.into_owned()));
            }
            rows += found;
            if rows > self.limits.rows_per_batch {
                break;
            }
        }
        self.count_rows(rows)?;
        Ok(blocks)
    }

    /// All of those of `uids` that exist.
    fn pick(&self, mailbox: MailboxId, uids: &UidSet) -> Vec<Picked> {
        let mut messages = Beside::new(rows_of(&self.state.messages, mailbox, uids, usize::MAX));
        let mut scans = Beside::new(rows_of(&self.state.scans, mailbox, uids, usize::MAX));
        let picked = self.state.marks_of(mailbox, uids, usize::MAX).filter_map(|mark| {
            let message = messages.of(mark.uid)?.into_owned();
            let scan = scans.of(mark.uid).map(Cow::into_owned).unwrap_or_default();
            Some(Picked { uid: mark.uid, message, flags: mark.flags, scan })
        });
        picked.collect()
    }

    /// The octets of messages.
    fn size_of(&self, mailbox: MailboxId, uids: &UidSet) -> u64 {
        rows_of(&self.state.messages, mailbox, uids, usize::MAX).map(|(_, message)| message.size).sum()
    }

    /// Takes those of `uids` that exist out of their mailbox, and remembers them as vanished.
    fn remove(&mut self, mailbox: MailboxId, uids: &UidSet) -> Result<Removed, Cause> {
        let mut edit = self.edit(mailbox)?;
        let account = edit.account();
        let mut removed = Removed::default();
        let mut freed = Usage::default();
        let blocks: Vec<(Block, Marks)> =
            self.state.blocks(mailbox, uids).map(|(block, marks)| (block, marks.into_owned())).collect();
        for (block, marks) in blocks {
            let mut marks = marks.to_vec();
            let before = Summary::of(&marks);
            let out: Vec<_> = marks.extract_if(.., |mark| uids.contains(mark.uid)).collect();
            if out.is_empty() {
                continue;
            }
            let modseq = self.modseq(account)?;
            for mark in out {
                let key = (mailbox, mark.uid);
                // If a part of the log was lost, its messages have gone before their marks.
                let message = self.state.messages.take(&key);
                let size = message.as_ref().map_or(0, |message| message.size);
                self.state.scans.take(&key);
                edit.remove(self, &mark.flags, size, modseq)?;
                freed = freed.plus(Usage::message(size));
                self.state.vanished.put((mailbox, modseq, mark.uid), ());
                removed.uids.insert(mark.uid);
                if let Some(Message { blob, .. }) = message {
                    self.state.gone.put(key, Vanished { modseq, blob });
                    removed.blobs.push(blob);
                }
            }
            self.state.put_block(mailbox, block, before, &marks);
        }
        self.finish(edit);
        self.release(account, freed)?;
        Ok(removed)
    }

    /// Drops all messages of a mailbox that goes away, with what is remembered of them.
    pub(super) fn drop_messages(&mut self, mailbox: MailboxId) {
        let messages = self.state.messages.take_range(all_of(mailbox));
        self.state.scans.take_range(all_of(mailbox));
        self.state.gone.take_range(all_of(mailbox));
        self.state.vanished.take_range(all_changes_of(mailbox));
        self.state.marks.take_range(all_blocks_of(mailbox));
        self.state.unseen.take_range(all_blocks_of(mailbox));
        self.state.deleted.take_range(all_blocks_of(mailbox));
        self.state.changed.take_range(all_changed_blocks_of(mailbox));
        let keywords = self.state.keywords_of(mailbox).map(|(folded, _)| folded);
        for folded in keywords.collect::<Vec<_>>() {
            self.state.keywords.take(&(mailbox, folded));
        }
        for (_, message) in &messages {
            self.forget(message.blob);
        }
    }
}
