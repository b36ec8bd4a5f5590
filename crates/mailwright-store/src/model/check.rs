//! Whether what stands in several tables is the same in each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use mailwright_core::{MailboxId, ModSeq, Uid, UidSet};

use super::block::{Block, Summary};
use super::edit::count_in;
use super::field::Field;
use super::select::{Beside, rows_of};
use super::state::{Mailbox, State};
use super::table::{Base, Table};
use super::txn::{LAST, all_blocks_of, all_changed_blocks_of, all_changes_of};
use crate::flags::Keyword;
use crate::mailbox::MailboxStatus;

/// What else the marks and the messages of a mailbox make.
struct Derived {
    changed: BTreeMap<(ModSeq, Block), ModSeq>,
    unseen: BTreeSet<Block>,
    deleted: BTreeSet<Block>,
    /// By keyword in lower case: how many messages have it.
    keywords: BTreeMap<String, u64>,
    status: MailboxStatus,
    /// Whether every block has its own UIDs, each message one mark, and each mark one message.
    is_paired: bool,
}

impl<B: Base> State<B> {
    /// Tells where the tables of messages contradict each other.
    ///
    /// Every message has one mark, and nothing else has one; what is looked up about a block is what its marks say, and
    /// so are the counts of the mailbox and of its keywords; nothing that vanished is a message; every row is of a
    /// mailbox that there is. All rows of these tables are read: what cannot be is told by [`fault`](Self::fault).
    pub fn contradictions(&self, mut tell: impl FnMut(MailboxId, &'static str)) {
        for (id, mailbox) in self.mailboxes.range(..) {
            for (what, holds) in
                self.check_messages(id, &mailbox).into_iter().chain(self.check_gone(id, &mailbox))
            {
                if !holds {
                    tell(id, what);
                }
            }
        }
        for (what, stranger) in self.strangers() {
            if let Some(id) = stranger {
                tell(id, what);
            }
        }
    }

    fn derive(&self, id: MailboxId, mailbox: &Mailbox) -> Derived {
        let none =
            MailboxStatus { messages: 0, unseen: 0, deleted: 0, size: 0, deleted_size: 0, ..mailbox.status };
        let mut derived = Derived {
            changed: BTreeMap::new(),
            unseen: BTreeSet::new(),
            deleted: BTreeSet::new(),
            keywords: BTreeMap::new(),
            status: none,
            is_paired: true,
        };
        let all = UidSet::range(Uid::FIRST, LAST);
        let mut messages = rows_of(&self.messages, id, &all, usize::MAX);
        for ((_, block), marks) in self.marks.range(all_blocks_of(id)) {
            let marks = marks.to_vec();
            let Some(summary) = Summary::of(&marks) else { continue };
            derived.changed.insert((summary.latest, block), summary.earliest);
            derived.unseen.extend(summary.unseen.then_some(block));
            derived.deleted.extend(summary.deleted.then_some(block));
            for mark in marks {
                let message = messages.next();
                derived.is_paired &= message.as_ref().is_some_and(|(uid, _)| *uid == mark.uid);
                derived.is_paired &= Block::of(mark.uid) == block && mark.uid < mailbox.status.uid_next;
                count_in(&mut derived.status, &mark.flags, message.map_or(0, |(_, message)| message.size));
                for keyword in mark.flags.keywords().iter().map(Keyword::folded) {
                    *derived.keywords.entry(keyword).or_default() += 1;
                }
            }
        }
        derived.is_paired &= messages.next().is_none();
        derived
    }

    fn check_messages(&self, id: MailboxId, mailbox: &Mailbox) -> [(&'static str, bool); 7] {
        let derived = self.derive(id, mailbox);
        let highest = derived.changed.last_key_value().map_or(ModSeq::ZERO, |((latest, _), _)| *latest);
        let blocks = |table: &Table<(MailboxId, Block), (), B>| -> BTreeSet<Block> {
            table.range(all_blocks_of(id)).map(|((_, block), _)| block).collect()
        };
        let changed = self.changed.range(all_changed_blocks_of(id));
        let changed: BTreeMap<_, _> =
            changed.map(|((_, latest, block), earliest)| ((latest, block), earliest.into_owned())).collect();
        let keywords: BTreeMap<_, _> =
            self.keywords_of(id).map(|(folded, used)| (folded, used.messages)).collect();
        [
            ("messages and marks are not of the same UIDs", derived.is_paired),
            ("the blocks that have changed are others", derived.changed == changed),
            ("the blocks that have unseen messages are others", derived.unseen == blocks(&self.unseen)),
            ("the blocks that have deleted messages are others", derived.deleted == blocks(&self.deleted)),
            ("the keywords are others", derived.keywords == keywords && keywords.len() == mailbox.keywords),
            ("the counts are others", derived.status == mailbox.status),
            ("a message is newer than the mailbox", highest <= mailbox.status.highest_modseq),
        ]
    }

    fn check_gone(&self, id: MailboxId, mailbox: &Mailbox) -> [(&'static str, bool); 2] {
        let all = UidSet::range(Uid::FIRST, LAST);
        let mut messages = Beside::new(rows_of(&self.messages, id, &all, usize::MAX));
        let mut scans = rows_of(&self.scans, id, &all, usize::MAX);
        let have_messages = scans.all(|(uid, _)| messages.of(uid).is_some());
        let mut messages = Beside::new(rows_of(&self.messages, id, &all, usize::MAX));
        let gone: BTreeSet<_> =
            rows_of(&self.gone, id, &all, usize::MAX).map(|(uid, vanished)| (uid, vanished.modseq)).collect();
        let are_gone = gone.iter().all(|(uid, _)| messages.of(*uid).is_none());
        let vanished = self.vanished.range(all_changes_of(id)).map(|((_, modseq, uid), _)| (uid, modseq));
        let vanished: BTreeSet<_> = vanished.collect();
        let is_same = gone == vanished && vanished.len() == mailbox.vanished;
        [
            ("what was found in a message has none", have_messages),
            ("what vanished is another", are_gone && is_same),
        ]
    }

    /// Of each table a mailbox that has rows in it, and is none.
    fn strangers(&self) -> [(&'static str, Option<MailboxId>); 9] {
        let uid = |id| (id, Uid::FIRST);
        let block = |id| (id, Block::FIRST);
        [
            ("marks of no mailbox", self.stranger(&self.marks, block, |key| key.0)),
            ("changed blocks of no mailbox", {
                self.stranger(&self.changed, |id| (id, ModSeq::ZERO, Block::FIRST), |key| key.0)
            }),
            ("messages of no mailbox", self.stranger(&self.messages, uid, |key| key.0)),
            ("what was found in messages of no mailbox", self.stranger(&self.scans, uid, |key| key.0)),
            ("keywords of no mailbox", self.stranger(&self.keywords, |id| (id, String::new()), |key| key.0)),
            ("what vanished of no mailbox", {
                self.stranger(&self.vanished, |id| (id, ModSeq::ZERO, Uid::FIRST), |key| key.0)
            }),
            ("what is gone of no mailbox", self.stranger(&self.gone, uid, |key| key.0)),
            ("unseen blocks of no mailbox", self.stranger(&self.unseen, block, |key| key.0)),
            ("deleted blocks of no mailbox", self.stranger(&self.deleted, block, |key| key.0)),
        ]
    }

    fn stranger<K: Ord + Clone + Field, V: Clone + Field>(
        &self,
        table: &Table<K, V, B>,
        first_of: impl Fn(MailboxId) -> K,
        mailbox_of: impl Fn(&K) -> MailboxId,
    ) -> Option<MailboxId> {
        let mut from = MailboxId(0);
        loop {
            let (key, _) = table.range((Bound::Included(first_of(from)), Bound::Unbounded)).next()?;
            let id = mailbox_of(&key);
            if !self.mailboxes.contains(&id) {
                return Some(id);
            }
            from = MailboxId(id.0.checked_add(1)?);
        }
    }
}
