//! What an operation does to the messages of a mailbox: summed up as it goes, and written once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use mailwright_core::{AccountId, MailboxId, ModSeq, Uid};

use super::block::{Block, Marks, Summary};
use super::mark::Mark;
use super::state::{KeywordUse, Mailbox, Message, State};
use super::table::Base;
use super::txn::{Txn, all_changes_of};
use crate::change::Topic;
use crate::flags::{Flags, Keyword, SystemFlag};
use crate::limits::Limit;
use crate::mailbox::MailboxStatus;
use crate::outcome::Cause;
use crate::page::Opaque;

/// A mailbox whose messages are being changed. Until it is [finished](Txn::finish), the row of the mailbox and those of
/// its keywords stand as they were.
pub(super) struct Edit {
    pub(super) id: MailboxId,
    pub(super) mailbox: Mailbox,
    /// Of those that were looked up, in lower case: what is known now.
    keywords: BTreeMap<String, Option<KeywordUse>>,
    /// The marks of new messages, ascending.
    added: Vec<Mark>,
    /// The highest of what was changed; `None`: nothing yet.
    modseq: Option<ModSeq>,
}

impl Edit {
    pub(super) fn account(&self) -> AccountId {
        self.mailbox.account
    }

    /// Puts a message into the mailbox, under its next UID. The caller has charged it, and refers to its blob.
    pub(super) fn insert<B: Base>(
        &mut self,
        txn: &mut Txn<'_, B>,
        message: Message,
        flags: Flags,
        modseq: ModSeq,
        scan: Opaque,
    ) -> Result<Uid, Cause> {
        let uid = self.mailbox.status.uid_next;
        // The last one is never given, so that UIDNEXT always has a value.
        self.mailbox.status.uid_next = uid.next().ok_or(Cause::UidsExhausted)?;
        self.count_keywords(txn, &Flags::new(), &flags)?;
        count_in(&mut self.mailbox.status, &flags, message.size);
        self.modseq = self.modseq.max(Some(modseq));
        let key = (self.id, uid);
        if scan != Opaque::default() {
            txn.state.scans.put(key, scan);
        }
        txn.state.messages.put(key, message);
        self.added.push(Mark { uid, flags, modseq });
        Ok(uid)
    }

    /// Counts a message out whose rows are taken away.
    pub(super) fn remove<B: Base>(
        &mut self,
        txn: &Txn<'_, B>,
        flags: &Flags,
        size: u64,
        modseq: ModSeq,
    ) -> Result<(), Cause> {
        self.count_keywords(txn, flags, &Flags::new())?;
        count_out(&mut self.mailbox.status, flags, size);
        self.mailbox.vanished += 1;
        self.modseq = self.modseq.max(Some(modseq));
        Ok(())
    }

    /// Counts that a message has other flags than before, but for the octets that have `\Deleted`.
    pub(super) fn turn<B: Base>(
        &mut self,
        txn: &Txn<'_, B>,
        before: &Flags,
        flags: &Flags,
        modseq: ModSeq,
    ) -> Result<(), Cause> {
        self.count_keywords(txn, before, flags)?;
        count_out(&mut self.mailbox.status, before, 0);
        count_in(&mut self.mailbox.status, flags, 0);
        self.modseq = self.modseq.max(Some(modseq));
        Ok(())
    }

    fn count_keywords<B: Base>(
        &mut self,
        txn: &Txn<'_, B>,
        before: &Flags,
        flags: &Flags,
    ) -> Result<(), Cause> {
        if flags.keywords() == before.keywords() {
            return Ok(());
        }
        if flags.keywords().len() > txn.limits.keywords_per_message {
            return Err(Cause::Over(Limit::KeywordsPerMessage));
        }
        for keyword in before.keywords().iter().filter(|keyword| !flags.has_keyword(keyword)) {
            self.uncount_keyword(txn, keyword);
        }
        let mut more = flags.keywords().iter().filter(|keyword| !before.has_keyword(keyword));
        more.try_for_each(|keyword| self.count_keyword(txn, keyword))
    }

    fn count_keyword<B: Base>(&mut self, txn: &Txn<'_, B>, keyword: &Keyword) -> Result<(), Cause> {
        let is_full = self.mailbox.keywords >= txn.limits.keywords_per_mailbox;
        match self.keyword(txn, keyword) {
            Some(used) => used.messages += 1,
            None if is_full => return Err(Cause::Over(Limit::KeywordsPerMailbox)),
            unused => {
                *unused = Some(KeywordUse { keyword: keyword.clone(), messages: 1 });
                self.mailbox.keywords += 1;
            }
        }
        Ok(())
    }

    fn uncount_keyword<B: Base>(&mut self, txn: &Txn<'_, B>, keyword: &Keyword) {
        match self.keyword(txn, keyword) {
            Some(used) if used.messages > 1 => used.messages -= 1,
            unused => {
                *unused = None;
                self.mailbox.keywords = self.mailbox.keywords.saturating_sub(1);
            }
        }
    }

    fn keyword<B: Base>(&mut self, txn: &Txn<'_, B>, keyword: &Keyword) -> &mut Option<KeywordUse> {
        let id = self.id;
        let stored = |folded: &String| txn.state.keywords.get(&(id, folded.clone())).map(Cow::into_owned);
        self.keywords.entry(keyword.folded()).or_insert_with_key(stored)
    }
}

/// One message more.
pub(super) fn count_in(status: &mut MailboxStatus, flags: &Flags, size: u64) {
    status.messages += 1;
    status.size += size;
    status.unseen += u32::from(!flags.has(SystemFlag::Seen));
    if flags.has(SystemFlag::Deleted) {
        status.deleted += 1;
        status.deleted_size += size;
    }
}

/// One message less. If a part of the log was lost there may be more messages than were counted.
fn count_out(status: &mut MailboxStatus, flags: &Flags, size: u64) {
    let less = |count: &mut u32, by: bool| *count = count.saturating_sub(by.into());
    less(&mut status.messages, true);
    status.size = status.size.saturating_sub(size);
    less(&mut status.unseen, !flags.has(SystemFlag::Seen));
    if flags.has(SystemFlag::Deleted) {
        less(&mut status.deleted, true);
        status.deleted_size = status.deleted_size.saturating_sub(size);
    }
}

impl<B: Base> Txn<'_, B> {
    /// Begins to change the messages of a mailbox.
    pub(super) fn edit(&self, id: MailboxId) -> Result<Edit, Cause> {
        let mailbox = self.mailbox(id)?.into_owned();
        Ok(Edit { id, mailbox, keywords: BTreeMap::new(), added: Vec::new(), modseq: None })
    }

    /// Writes what was summed up.
    pub(super) fn finish(&mut self, edit: Edit) {
        let Edit { id, mut mailbox, keywords, added, modseq } = edit;
        let Some(modseq) = modseq else { return };
        for added in added.chunk_by(|a, b| Block::of(a.uid) == Block::of(b.uid)) {
            let Some(block) = added.first().map(|mark| Block::of(mark.uid)) else { continue };
            let mut marks = self.state.block(id, block);
            let before = Summary::of(&marks);
            marks.extend_from_slice(added);
            self.state.put_block(id, block, before, &marks);
        }
        for (folded, used) in keywords {
            match used {
                Some(used) => self.state.keywords.put((id, folded), used),
                None => drop(self.state.keywords.take(&(id, folded))),
            }
        }
        self.forget_vanished(id, &mut mailbox);
        mailbox.status.highest_modseq = mailbox.status.highest_modseq.max(modseq);
        self.state.mailboxes.put(id, mailbox);
        self.hints.insert(Topic::Mailbox(id));
    }

    /// Keeps the memory of what vanished within its bound, the oldest first.
    fn forget_vanished(&mut self, id: MailboxId, mailbox: &mut Mailbox) {
        let excess = mailbox.vanished.saturating_sub(self.limits.vanished_rows);
        let oldest = self.state.vanished.range_of(all_changes_of(id), excess).map(|(key, _)| key);
        let oldest: Vec<_> = oldest.take(excess).collect();
        for key @ (_, modseq, uid) in oldest {
            self.state.vanished.take(&key);
            self.state.gone.take(&(id, uid));
            mailbox.vanished = mailbox.vanished.saturating_sub(1);
            mailbox.floor = mailbox.floor.max(modseq);
        }
    }
}

impl<B: Base> State<B> {
    /// Writes the marks of a block, and what is looked up about it. `before` is what it was.
    pub(super) fn put_block(
        &mut self,
        mailbox: MailboxId,
        block: Block,
        before: Option<Summary>,
        marks: &[Mark],
    ) {
        let now = Summary::of(marks);
        let key = (mailbox, block);
        match Marks::new(marks) {
            Some(marks) => self.marks.put(key, marks),
            None => drop(self.marks.take(&key)),
        }
        let is = |which: fn(Summary) -> bool| (before.is_some_and(which), now.is_some_and(which));
        for (table, is) in [
            (&mut self.unseen, is(|summary| summary.unseen)),
            (&mut self.deleted, is(|summary| summary.deleted)),
        ] {
            match is {
                (false, true) => table.put(key, ()),
                (true, false) => drop(table.take(&key)),
                _ => {}
            }
        }
        let changed = |summary: Summary| (summary.latest, summary.earliest);
        let (before, now) = (before.map(changed), now.map(changed));
        if before == now {
            return;
        }
        if let Some((latest, _)) = before
            && now.is_none_or(|(now, _)| now != latest)
        {
            self.changed.take(&(mailbox, latest, block));
        }
        if let Some((latest, earliest)) = now {
            self.changed.put((mailbox, latest, block), earliest);
        }
    }
}
