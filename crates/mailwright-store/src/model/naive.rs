//! Mailboxes as maps: what the blocks must be as good as.

use std::collections::{BTreeMap, BTreeSet};

use mailwright_core::{MailboxId, ModSeq, ThreadId, Uid, UidSet, UidValidity};

use crate::batch::{Op, StoreFlags, Transfer};
use crate::flags::{Flags, Keyword, SystemFlag};
use crate::limits::{Limit, Limits};
use crate::mailbox::{MailboxOp, MailboxStatus};
use crate::outcome::{Appended, Cause, Expunged, OpOutcome, Rejected, Stored, StoredRow, Transferred};

#[derive(Debug, Clone)]
pub(super) struct NaiveMessage {
    pub(super) flags: Flags,
    pub(super) modseq: ModSeq,
}

#[derive(Debug, Clone)]
pub(super) struct NaiveMailbox {
    pub(super) messages: BTreeMap<Uid, NaiveMessage>,
    pub(super) uid_next: Uid,
    pub(super) highest: ModSeq,
    pub(super) floor: ModSeq,
    uid_validity: UidValidity,
    vanished: BTreeSet<(ModSeq, Uid)>,
    /// Octets of each message.
    size: u64,
}

impl NaiveMailbox {
    fn having(&self, flag: SystemFlag) -> u32 {
        self.messages.values().filter(|message| message.flags.has(flag)).count() as u32
    }

    pub(super) fn status(&self) -> MailboxStatus {
        let messages = self.messages.len() as u32;
        MailboxStatus {
            uid_validity: self.uid_validity,
            uid_next: self.uid_next,
            highest_modseq: self.highest,
            messages,
            unseen: messages - self.having(SystemFlag::Seen),
            deleted: self.having(SystemFlag::Deleted),
            size: u64::from(messages) * self.size,
            deleted_size: u64::from(self.having(SystemFlag::Deleted)) * self.size,
        }
    }

    pub(super) fn first_unseen(&self) -> Option<Uid> {
        self.messages.iter().find(|(_, message)| !message.flags.has(SystemFlag::Seen)).map(|(uid, _)| *uid)
    }

    pub(super) fn keywords(&self) -> BTreeSet<String> {
        let keywords = self.messages.values().flat_map(|message| message.flags.keywords());
        keywords.map(Keyword::folded).collect()
    }

    pub(super) fn vanished_since(&self, since: ModSeq) -> UidSet {
        self.vanished.iter().filter(|(modseq, _)| *modseq > since).map(|(_, uid)| *uid).collect()
    }

    fn existing(&self, uids: &UidSet) -> Vec<Uid> {
        self.messages.keys().copied().filter(|uid| uids.contains(*uid)).collect()
    }

    /// Gives a message flags; a new one if there is none.
    fn set(&mut self, uid: Uid, flags: Flags, modseq: ModSeq, limits: &Limits) -> Result<(), Cause> {
        let before = self.messages.remove(&uid).map(|message| message.flags).unwrap_or_default();
        if flags.keywords().len() > limits.keywords_per_message && flags.keywords() != before.keywords() {
            return Err(Cause::Over(Limit::KeywordsPerMessage));
        }
        let mut used = self.keywords();
        let (kept, added): (Vec<&Keyword>, Vec<&Keyword>) =
            flags.keywords().iter().partition(|keyword| before.has_keyword(keyword));
        used.extend(kept.into_iter().map(Keyword::folded));
        for keyword in added {
            if !used.contains(&keyword.folded()) && used.len() >= limits.keywords_per_mailbox {
                return Err(Cause::Over(Limit::KeywordsPerMailbox));
            }
            used.insert(keyword.folded());
        }
        self.messages.insert(uid, NaiveMessage { flags, modseq });
        self.highest = self.highest.max(modseq);
        Ok(())
    }

    fn insert(&mut self, flags: Flags, modseq: ModSeq, limits: &Limits) -> Result<Uid, Cause> {
        let uid = self.uid_next;
        self.uid_next = uid.next().unwrap();
        self.set(uid, flags, modseq, limits)?;
        Ok(uid)
    }

    fn remove(&mut self, uid: Uid, modseq: ModSeq, limits: &Limits) {
        self.messages.remove(&uid);
        self.highest = self.highest.max(modseq);
        self.vanished.insert((modseq, uid));
        while self.vanished.len() > limits.vanished_rows {
            let (modseq, _) = self.vanished.pop_first().unwrap();
            self.floor = self.floor.max(modseq);
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Naive {
    pub(super) mailboxes: BTreeMap<MailboxId, NaiveMailbox>,
    /// The latest of the account.
    pub(super) modseq: u64,
    /// Whether this batch has drawn it.
    is_drawn: bool,
    /// How many mailboxes there ever were.
    created: u64,
    rows: usize,
    size: u64,
}

impl Naive {
    /// INBOX, whose next UID is given, and another one.
    pub(super) fn begun(size: u64, uid_next: Uid) -> Self {
        let mut naive =
            Self { mailboxes: BTreeMap::new(), modseq: 0, is_drawn: false, created: 0, rows: 0, size };
        naive.create();
        naive.create();
        naive.mailboxes.get_mut(&MailboxId(1)).unwrap().uid_next = uid_next;
        naive
    }

    fn create(&mut self) -> MailboxId {
        self.created += 1;
        let id = MailboxId(self.created);
        let mailbox = NaiveMailbox {
            messages: BTreeMap::new(),
            uid_next: Uid::FIRST,
            highest: self.draw(),
            floor: ModSeq::ZERO,
            uid_validity: UidValidity::new(self.created as u32).unwrap(),
            vanished: BTreeSet::new(),
            size: self.size,
        };
        self.mailboxes.insert(id, mailbox);
        id
    }

    /// The account's MODSEQ in this batch.
    fn draw(&mut self) -> ModSeq {
        if !std::mem::replace(&mut self.is_drawn, true) {
            self.modseq += 1;
        }
        ModSeq::new(self.modseq).unwrap()
    }

    /// As [`State::apply`](super::State::apply).
    pub(super) fn apply(&mut self, ops: &[Op], limits: &Limits) -> Result<Vec<OpOutcome>, Rejected> {
        let before = self.clone();
        (self.is_drawn, self.rows) = (false, 0);
        let outcomes = ops.iter().enumerate();
        let outcomes = outcomes.map(|(op, of)| self.op(of, limits).map_err(|cause| Rejected { op, cause }));
        let outcomes: Result<Vec<_>, _> = outcomes.collect();
        if outcomes.is_err() {
            *self = before;
        }
        outcomes
    }

    fn op(&mut self, op: &Op, limits: &Limits) -> Result<OpOutcome, Cause> {
        match op {
            Op::Append(append) => {
                let crate::Target::Id(mailbox) = append.to else { panic!("by id") };
                self.mailbox(mailbox)?;
                let modseq = self.draw();
                let to = self.mailbox(mailbox)?;
                let before = to.highest;
                let uid = to.insert(append.flags.clone(), modseq, limits)?;
                let uid_validity = to.uid_validity;
                let thread = ThreadId(1);
                Ok(OpOutcome::Appended(Appended { mailbox, uid_validity, uid, modseq, before, thread }))
            }
            Op::StoreFlags(store) => self.store(store, limits).map(OpOutcome::Stored),
            Op::Copy(transfer) => {
                self.mailbox(transfer.to)?;
                self.count(transfer, limits)?;
                self.put(transfer, limits).map(OpOutcome::Copied)
            }
            Op::Move(transfer) => {
                self.mailbox(transfer.to)?;
                self.count(transfer, limits)?;
                self.move_all(transfer, limits).map(OpOutcome::Moved)
            }
            Op::Expunge(expunge) => {
                let mailbox = self.mailbox(expunge.mailbox)?;
                let mut uids = mailbox.existing(&expunge.uids);
                uids.retain(|uid| {
                    !expunge.only_deleted || mailbox.messages[uid].flags.has(SystemFlag::Deleted)
                });
                self.count_rows(uids.len(), limits)?;
                let modseq = (!uids.is_empty()).then(|| self.draw());
                self.remove(expunge.mailbox, &uids, limits)?;
                Ok(OpOutcome::Expunged(Expunged { uids: uids.into_iter().collect(), modseq }))
            }
            Op::Mailbox(MailboxOp::Rename { mailbox, .. }) => {
                let to = self.create();
                let uids = UidSet::range(Uid::FIRST, Uid::new(u32::MAX).unwrap());
                self.move_all(&Transfer { from: *mailbox, uids, to }, limits)?;
                Ok(OpOutcome::Renamed { mailbox: to })
            }
            Op::Mailbox(MailboxOp::Delete { mailbox }) => {
                self.mailbox(*mailbox)?;
                if *mailbox == MailboxId(1) {
                    return Err(Cause::Inbox);
                }
                self.mailboxes.remove(mailbox);
                Ok(OpOutcome::Done)
            }
            other => panic!("{other:?}"),
        }
    }

    fn mailbox(&mut self, id: MailboxId) -> Result<&mut NaiveMailbox, Cause> {
        self.mailboxes.get_mut(&id).ok_or(Cause::NoSuchMailbox)
    }

    fn count(&mut self, transfer: &Transfer, limits: &Limits) -> Result<(), Cause> {
        let count = self.mailbox(transfer.from)?.existing(&transfer.uids).len();
        self.count_rows(count, limits)
    }

    fn count_rows(&mut self, rows: usize, limits: &Limits) -> Result<(), Cause> {
        self.rows += rows;
        if self.rows > limits.rows_per_batch { Err(Cause::Over(Limit::RowsPerBatch)) } else { Ok(()) }
    }

    fn store(&mut self, store: &StoreFlags, limits: &Limits) -> Result<Stored, Cause> {
        let uids = self.mailbox(store.mailbox)?.existing(&store.uids);
        self.count_rows(uids.len(), limits)?;
        let before = self.mailbox(store.mailbox)?.highest;
        let mut stored = Stored { before, ..Stored::default() };
        for uid in uids {
            let message = self.mailbox(store.mailbox)?.messages[&uid].clone();
            let NaiveMessage { flags: before, modseq: previous } = message;
            if store.unchanged_since.is_some_and(|since| previous > since) {
                stored.modified.insert(uid);
                continue;
            }
            let flags = store.change.apply(&before);
            let modseq = if flags == before { previous } else { self.draw() };
            if flags != before {
                self.mailbox(store.mailbox)?.set(uid, flags.clone(), modseq, limits)?;
            }
            stored.rows.push(StoredRow { uid, flags, modseq, previous });
        }
        Ok(stored)
    }

    /// Copies what exists.
    fn put(&mut self, transfer: &Transfer, limits: &Limits) -> Result<Transferred, Cause> {
        let from = self.mailbox(transfer.from)?;
        let uids = from.existing(&transfer.uids).into_iter();
        let uids: Vec<(Uid, Flags)> = uids.map(|uid| (uid, from.messages[&uid].flags.clone())).collect();
        let modseq = (!uids.is_empty()).then(|| self.draw());
        let to = self.mailbox(transfer.to)?;
        let uid_validity = to.uid_validity;
        let new = |(uid, flags)| Ok((uid, to.insert(flags, modseq.unwrap_or_default(), limits)?));
        let uids = uids.into_iter().map(new).collect::<Result<_, Cause>>()?;
        Ok(Transferred { uid_validity, uids, modseq })
    }

    fn move_all(&mut self, transfer: &Transfer, limits: &Limits) -> Result<Transferred, Cause> {
        let moved = self.put(transfer, limits)?;
        let uids: Vec<Uid> = moved.uids.iter().map(|(uid, _)| *uid).collect();
        self.remove(transfer.from, &uids, limits)?;
        Ok(moved)
    }

    fn remove(&mut self, from: MailboxId, uids: &[Uid], limits: &Limits) -> Result<(), Cause> {
        for uid in uids {
            let modseq = self.draw();
            self.mailbox(from)?.remove(*uid, modseq, limits);
        }
        Ok(())
    }
}
