//! Operations on messages.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use mailwright_core::{MailboxId, ModSeq, ThreadId, Uid, UidSet};

use super::state::{Counter, KeywordUse, Message, Vanished};
use super::table::Base;
use super::txn::{LAST, Txn, all_changes_of, all_of};
use crate::batch::{Append, Expunge, OnOverQuota, StoreFlags, Target, Transfer};
use crate::change::Topic;
use crate::flags::{Flags, Keyword, SystemFlag};
use crate::limits::Limit;
use crate::outcome::{Appended, Cause, Expunged, OpOutcome, Stored, StoredRow, Transferred};
use crate::page::Opaque;
use crate::quota::Usage;

impl<B: Base> Txn<'_, B> {
    pub(super) fn append(&mut self, append: Append) -> Result<OpOutcome, Cause> {
        if append.scan.bytes.len() > self.limits.scan_bytes {
            return Err(Cause::Over(Limit::ScanBytes));
        }
        let mailbox = self.target(&append.to)?;
        let account = self.mailbox(mailbox)?.account;
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
        let message = Message {
            blob: append.blob,
            size,
            flags: append.flags,
            modseq,
            date: append.date,
            saved: self.now,
            thread,
        };
        let uid = self.insert(mailbox, message, append.scan)?;
        let uid_validity = self.mailbox(mailbox)?.status.uid_validity;
        Ok(OpOutcome::Appended(Appended { mailbox, uid_validity, uid, modseq, thread }))
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
        let account = self.mailbox(store.mailbox)?.account;
        let uids = self.existing(store.mailbox, &store.uids)?;
        let mut stored = Stored::default();
        for uid in uids {
            let Some(message) = self.state.messages.get(&(store.mailbox, uid)) else { continue };
            let previous = message.modseq;
            if store.unchanged_since.is_some_and(|since| previous > since) {
                stored.modified.insert(uid);
                continue;
            }
            let before = message.flags.clone();
            let flags = store.change.apply(&before);
            let modseq = if flags == before { previous } else { self.modseq(account)? };
            if flags != before {
                self.set_flags(store.mailbox, uid, &before, &flags, modseq)?;
            }
            stored.rows.push(StoredRow { uid, flags, modseq, previous });
        }
        Ok(OpOutcome::Stored(stored))
    }

    pub(super) fn copy(&mut self, transfer: &Transfer) -> Result<OpOutcome, Cause> {
        let uid_validity = self.mailbox(transfer.to)?.status.uid_validity;
        let account = self.mailbox(transfer.to)?.account;
        let uids = self.existing(transfer.from, &transfer.uids)?;
        let mut copied = Transferred { uid_validity, uids: Vec::with_capacity(uids.len()), modseq: None };
        for uid in uids {
            let Some(message) = self.state.messages.get(&(transfer.from, uid)).map(Cow::into_owned) else {
                continue;
            };
            self.charge(account, Usage::message(message.size))?;
            let modseq = self.modseq(account)?;
            let scan = self.state.scan(transfer.from, uid);
            let new = self.insert(transfer.to, Message { modseq, saved: self.now, ..message }, scan)?;
            copied.uids.push((uid, new));
            copied.modseq = Some(modseq);
        }
        Ok(OpOutcome::Copied(copied))
    }

    pub(super) fn move_messages(&mut self, transfer: &Transfer) -> Result<OpOutcome, Cause> {
        let uid_validity = self.mailbox(transfer.to)?.status.uid_validity;
        let uids = self.existing(transfer.from, &transfer.uids)?;
        let mut moved = Transferred { uid_validity, uids: Vec::with_capacity(uids.len()), modseq: None };
        for uid in uids {
            if let Some((new, modseq)) = self.move_one(transfer.from, uid, transfer.to)? {
                moved.uids.push((uid, new));
                moved.modseq = Some(modseq);
            }
        }
        Ok(OpOutcome::Moved(moved))
    }

    /// Moves a message. Out first, then in: within a quota root that changes nothing, however full it is.
    pub(super) fn move_one(
        &mut self,
        from: MailboxId,
        uid: Uid,
        to: MailboxId,
    ) -> Result<Option<(Uid, ModSeq)>, Cause> {
        let (source, target) = (self.mailbox(from)?.account, self.mailbox(to)?.account);
        let Some(message) = self.state.messages.get(&(from, uid)).map(Cow::into_owned) else {
            return Ok(None);
        };
        let same_root = self.root_of(source)? == self.root_of(target)?;
        let modseq = self.modseq(target)?;
        // Before the old reference goes, so that the blob is never idle.
        let scan = self.state.scan(from, uid);
        let new = self.insert(to, Message { modseq, saved: self.now, ..message.clone() }, scan)?;
        self.remove(from, uid)?;
        if same_root {
            // Already given back by `remove`: whatever the limits, it was there before.
            self.charge_anyway(target, Usage::message(message.size))?;
        } else {
            self.charge(target, Usage::message(message.size))?;
        }
        Ok(Some((new, modseq)))
    }

    pub(super) fn expunge(&mut self, expunge: &Expunge) -> Result<OpOutcome, Cause> {
        let account = self.mailbox(expunge.mailbox)?.account;
        let uids = if expunge.only_deleted {
            let deleted = &self.state.deleted;
            let marked = ranges(expunge.mailbox, &expunge.uids).flat_map(|range| deleted.range(range));
            let marked: Vec<Uid> =
                marked.map(|((_, uid), _)| uid).take(self.limits.rows_per_batch + 1).collect();
            self.count_rows(marked.len())?;
            marked
        } else {
            self.existing(expunge.mailbox, &expunge.uids)?
        };
        let modseq = if uids.is_empty() { None } else { Some(self.modseq(account)?) };
        for uid in &uids {
            self.remove(expunge.mailbox, *uid)?;
        }
        Ok(OpOutcome::Expunged(Expunged { uids: uids.into_iter().collect(), modseq }))
    }

    /// Those of `uids` that exist.
    fn existing(&mut self, mailbox: MailboxId, uids: &UidSet) -> Result<Vec<Uid>, Cause> {
        self.mailbox(mailbox)?;
        let messages = &self.state.messages;
        let existing = ranges(mailbox, uids).flat_map(|range| messages.range(range));
        let existing: Vec<Uid> =
            existing.map(|((_, uid), _)| uid).take(self.limits.rows_per_batch + 1).collect();
        self.count_rows(existing.len())?;
        Ok(existing)
    }

    /// Puts a message into a mailbox, under its next UID. The caller has charged it.
    fn insert(&mut self, mailbox: MailboxId, message: Message, scan: Opaque) -> Result<Uid, Cause> {
        let uid = self.mailbox(mailbox)?.status.uid_next;
        if uid == LAST {
            return Err(Cause::UidsExhausted);
        }
        let uid_next = uid.next().ok_or(Cause::UidsExhausted)?;
        self.refer(message.blob)?;
        let (size, modseq) = (message.size, message.modseq);
        self.state.mailboxes.change(&mailbox, |mailbox| {
            let status = &mut mailbox.status;
            status.uid_next = uid_next;
            status.messages += 1;
            status.size += size;
            status.unseen += 1;
        });
        if scan != Opaque::default() {
            self.state.scans.put((mailbox, uid), scan);
        }
        self.state.unseen.put((mailbox, uid), ());
        self.state.changed.put((mailbox, modseq, uid), ());
        let flags = message.flags.clone();
        self.state.messages.put((mailbox, uid), Message { flags: Flags::new(), ..message });
        self.set_flags(mailbox, uid, &Flags::new(), &flags, modseq)?;
        Ok(uid)
    }

    /// Changes a message's flags and MODSEQ, and all that is counted by them.
    fn set_flags(
        &mut self,
        mailbox: MailboxId,
        uid: Uid,
        before: &Flags,
        flags: &Flags,
        modseq: ModSeq,
    ) -> Result<(), Cause> {
        if flags.keywords().len() > self.limits.keywords_per_message && flags.keywords() != before.keywords()
        {
            return Err(Cause::Over(Limit::KeywordsPerMessage));
        }
        let key = (mailbox, uid);
        let changed = self.state.messages.change(&key, |message| {
            message.flags = flags.clone();
            (std::mem::replace(&mut message.modseq, modseq), message.size)
        });
        let Some((previous, size)) = changed else { return Ok(()) };
        if previous != modseq {
            self.state.changed.take(&(mailbox, previous, uid));
            self.state.changed.put((mailbox, modseq, uid), ());
        }
        let turned = |flag| (before.has(flag), flags.has(flag));
        match turned(SystemFlag::Seen) {
            (false, true) => drop(self.state.unseen.take(&key)),
            (true, false) => self.state.unseen.put(key, ()),
            _ => {}
        }
        match turned(SystemFlag::Deleted) {
            (true, false) => drop(self.state.deleted.take(&key)),
            (false, true) => self.state.deleted.put(key, ()),
            _ => {}
        }
        for keyword in before.keywords().iter().filter(|keyword| !flags.has_keyword(keyword)) {
            self.count_keyword(mailbox, keyword, false)?;
        }
        for keyword in flags.keywords().iter().filter(|keyword| !before.has_keyword(keyword)) {
            self.count_keyword(mailbox, keyword, true)?;
        }
        self.state.mailboxes.change(&mailbox, |mailbox| {
            let status = &mut mailbox.status;
            status.highest_modseq = status.highest_modseq.max(modseq);
            match turned(SystemFlag::Seen) {
                (false, true) => status.unseen -= 1,
                (true, false) => status.unseen += 1,
                _ => {}
            }
            match turned(SystemFlag::Deleted) {
                (true, false) => {
                    status.deleted -= 1;
                    status.deleted_size -= size;
                }
                (false, true) => {
                    status.deleted += 1;
                    status.deleted_size += size;
                }
                _ => {}
            }
        });
        self.hints.insert(Topic::Mailbox(mailbox));
        Ok(())
    }

    fn count_keyword(&mut self, mailbox: MailboxId, keyword: &Keyword, more: bool) -> Result<(), Cause> {
        let key = (mailbox, keyword.folded());
        let known = self.state.keywords.get(&key).map(Cow::into_owned);
        let KeywordUse { keyword, messages: count } =
            known.unwrap_or_else(|| KeywordUse { keyword: keyword.clone(), messages: 0 });
        let count = if more { count + 1 } else { count.saturating_sub(1) };
        let different = self.mailbox(mailbox)?.keywords;
        match (more, count) {
            (true, 1) if different >= self.limits.keywords_per_mailbox => {
                return Err(Cause::Over(Limit::KeywordsPerMailbox));
            }
            (true, 1) => drop(self.state.mailboxes.change(&mailbox, |mailbox| mailbox.keywords += 1)),
            (false, 0) => drop(self.state.mailboxes.change(&mailbox, |mailbox| mailbox.keywords -= 1)),
            _ => {}
        }
        if count == 0 {
            self.state.keywords.take(&key);
        } else {
            self.state.keywords.put(key, KeywordUse { keyword, messages: count });
        }
        Ok(())
    }

    /// Takes a message out of its mailbox; its UID is remembered as vanished.
    fn remove(&mut self, mailbox: MailboxId, uid: Uid) -> Result<(), Cause> {
        let account = self.mailbox(mailbox)?.account;
        let Some(message) = self.state.messages.get(&(mailbox, uid)).map(Cow::into_owned) else {
            return Ok(());
        };
        let modseq = self.modseq(account)?;
        // Without flags it is unseen, not deleted and of no keyword: so only that remains to be taken back.
        self.set_flags(mailbox, uid, &message.flags, &Flags::new(), modseq)?;
        self.state.messages.take(&(mailbox, uid));
        self.state.scans.take(&(mailbox, uid));
        self.state.unseen.take(&(mailbox, uid));
        self.state.changed.take(&(mailbox, modseq, uid));
        self.state.mailboxes.change(&mailbox, |mailbox| {
            mailbox.status.messages -= 1;
            mailbox.status.unseen -= 1;
            mailbox.status.size -= message.size;
            mailbox.vanished += 1;
        });
        self.state.vanished.put((mailbox, modseq, uid), ());
        self.state.gone.put((mailbox, uid), Vanished { modseq, blob: message.blob });
        self.forget_vanished(mailbox)?;
        self.forget(message.blob);
        self.release(account, Usage::message(message.size))
    }

    /// Keeps the memory of what vanished within its bound, the oldest first.
    fn forget_vanished(&mut self, mailbox: MailboxId) -> Result<(), Cause> {
        while self.mailbox(mailbox)?.vanished > self.limits.vanished_rows {
            let oldest = self.state.vanished.range(all_changes_of(mailbox)).next().map(|(key, _)| key);
            let Some(key @ (_, modseq, uid)) = oldest else { break };
            self.state.vanished.take(&key);
            self.state.gone.take(&(mailbox, uid));
            self.state.mailboxes.change(&mailbox, |mailbox| {
                mailbox.vanished -= 1;
                mailbox.floor = mailbox.floor.max(modseq);
            });
        }
        Ok(())
    }

    /// Drops all messages of a mailbox that goes away, with what is remembered of them.
    pub(super) fn drop_messages(&mut self, mailbox: MailboxId) {
        let messages = self.state.messages.take_range(all_of(mailbox));
        self.state.scans.take_range(all_of(mailbox));
        self.state.unseen.take_range(all_of(mailbox));
        self.state.deleted.take_range(all_of(mailbox));
        self.state.gone.take_range(all_of(mailbox));
        self.state.changed.take_range(all_changes_of(mailbox));
        self.state.vanished.take_range(all_changes_of(mailbox));
        let words: Vec<_> = messages
            .iter()
            .flat_map(|(_, message)| message.flags.keywords().iter().map(Keyword::folded))
            .collect();
        for keyword in words {
            self.state.keywords.take(&(mailbox, keyword));
        }
        for (_, message) in &messages {
            self.forget(message.blob);
        }
    }
}

/// The runs of `uids`, as bounds of a table sorted by mailbox and UID.
fn ranges(mailbox: MailboxId, uids: &UidSet) -> impl Iterator<Item = RangeInclusive<(MailboxId, Uid)>> + '_ {
    uids.ranges()
        .filter_map(move |run| Some((mailbox, Uid::new(*run.start())?)..=(mailbox, Uid::new(*run.end())?)))
}
