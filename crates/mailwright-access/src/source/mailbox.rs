//! What a folder was like when it was last looked at, and what has changed since the session began.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Instant;

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, ThreadId, Uid, UidSet, UidValidity};
use mailwright_store::{
    ChangeCursor, ChangePage, Changes, Columns, Flags, InternalDate, Keyword, MailboxInfo, MailboxName,
    MailboxStatus, Opaque, RowPage, Snapshot, SpecialUse, SystemFlag,
};

use super::contract::Entry;

/// A folder.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) id: MailboxId,
    pub(super) name: MailboxName,
    pub(super) uid_validity: UidValidity,
    pub(super) special_use: Option<SpecialUse>,
    /// When its messages were last asked for; nothing if that must be done anew.
    pub(super) seen_at: Option<Instant>,
    uid_next: Uid,
    rows: BTreeMap<Uid, Row>,
    /// Rows by their latest change.
    changed: BTreeSet<(ModSeq, Uid)>,
    vanished: Vec<(ModSeq, Uid)>,
    highest: ModSeq,
    /// What was before is not known.
    floor: ModSeq,
}

#[derive(Debug)]
struct Row {
    flags: Flags,
    date: InternalDate,
    size: u64,
    modseq: ModSeq,
}

impl Mailbox {
    /// One of which nothing is known, from `now` on: the time is its MODSEQ, so that who has one of an earlier session
    /// is told that all may have changed.
    pub(super) fn new(
        id: MailboxId,
        name: MailboxName,
        uid_validity: UidValidity,
        special_use: Option<SpecialUse>,
        now: ModSeq,
    ) -> Self {
        Self {
            id,
            name,
            uid_validity,
            special_use,
            seen_at: None,
            uid_next: Uid::FIRST,
            rows: BTreeMap::new(),
            changed: BTreeSet::new(),
            vanished: Vec::new(),
            highest: now,
            floor: now,
        }
    }

    /// Numbers up to there were given.
    pub(super) fn given(&mut self, uid_next: u32) {
        self.uid_next = self.uid_next.max(Uid::new(uid_next).unwrap_or(Uid::FIRST));
    }

    /// Takes in what is there now.
    pub(super) fn refresh(&mut self, entries: Vec<Entry>, now: ModSeq, vanished_most: usize) {
        let next = self.highest.next().unwrap_or(self.highest).max(now);
        let mut there = BTreeSet::new();
        for entry in entries {
            let Some(uid) = Uid::new(entry.uid) else { continue };
            there.insert(uid);
            let same = self.rows.get(&uid).is_some_and(|row| row.flags == entry.flags);
            if !same {
                self.put(uid, Row { flags: entry.flags, date: entry.date, size: entry.size, modseq: next });
            }
        }
        let gone: Vec<Uid> = self.rows.keys().filter(|uid| !there.contains(uid)).copied().collect();
        for uid in gone {
            self.take(uid, next);
        }
        let excess = self.vanished.len().saturating_sub(vanished_most);
        if let Some((modseq, _)) = self.vanished.drain(..excess).next_back() {
            self.floor = self.floor.max(modseq);
        }
    }

    fn put(&mut self, uid: Uid, row: Row) {
        self.highest = self.highest.max(row.modseq);
        self.changed.insert((row.modseq, uid));
        self.uid_next = self.uid_next.max(uid.next().unwrap_or(uid));
        if let Some(before) = self.rows.insert(uid, row) {
            self.changed.remove(&(before.modseq, uid));
        }
    }

    fn take(&mut self, uid: Uid, modseq: ModSeq) {
        if let Some(row) = self.rows.remove(&uid) {
            self.changed.remove(&(row.modseq, uid));
            self.vanished.push((modseq, uid));
            self.highest = self.highest.max(modseq);
        }
    }

    /// A message's flags and MODSEQ.
    pub(super) fn row(&self, uid: Uid) -> Option<(&Flags, ModSeq)> {
        self.rows.get(&uid).map(|row| (&row.flags, row.modseq))
    }

    pub(super) fn size(&self, uid: Uid) -> Option<u64> {
        self.rows.get(&uid).map(|row| row.size)
    }

    /// The messages of `uids` that there are.
    pub(super) fn members(&self, uids: &UidSet) -> Vec<Uid> {
        self.rows.keys().filter(|uid| uids.contains(**uid)).copied().collect()
    }

    /// A message has other flags now; says since when.
    pub(super) fn set_flags(&mut self, uid: Uid, flags: Flags, now: ModSeq) -> Option<ModSeq> {
        let modseq = self.highest.next().unwrap_or(self.highest).max(now);
        let Row { date, size, .. } = *self.rows.get(&uid)?;
        self.put(uid, Row { flags, date, size, modseq });
        Some(modseq)
    }

    /// A message is not there any more; says since when.
    pub(super) fn remove(&mut self, uid: Uid, now: ModSeq) -> ModSeq {
        let modseq = self.highest.next().unwrap_or(self.highest).max(now);
        self.take(uid, modseq);
        modseq
    }

    pub(super) fn info(&self, account: AccountId) -> MailboxInfo {
        MailboxInfo {
            id: self.id,
            account,
            name: self.name.clone(),
            special_use: self.special_use,
            subscribed: true,
            uid_validity: self.uid_validity,
        }
    }

    pub(super) fn status(&self) -> MailboxStatus {
        let count = |is: &dyn Fn(&Row) -> bool| {
            u32::try_from(self.rows.values().filter(|row| is(row)).count()).unwrap_or(u32::MAX)
        };
        let is_deleted = |row: &Row| row.flags.has(SystemFlag::Deleted);
        MailboxStatus {
            uid_validity: self.uid_validity,
            uid_next: self.uid_next,
            highest_modseq: self.highest,
            messages: count(&|_| true),
            unseen: count(&|row| !row.flags.has(SystemFlag::Seen)),
            deleted: count(&is_deleted),
            size: self.rows.values().map(|row| row.size).sum(),
            deleted_size: self.rows.values().filter(|row| is_deleted(row)).map(|row| row.size).sum(),
        }
    }

    pub(super) fn snapshot(&self, account: AccountId) -> Snapshot {
        let keywords: BTreeSet<&Keyword> = self.rows.values().flat_map(|row| row.flags.keywords()).collect();
        let unseen = self.rows.iter().find(|(_, row)| !row.flags.has(SystemFlag::Seen));
        Snapshot {
            mailbox: self.id,
            account,
            status: self.status(),
            first_unseen: unseen.map(|(uid, _)| *uid),
            keywords: keywords.into_iter().cloned().collect(),
        }
    }

    pub(super) fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> RowPage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = RowPage::default();
        let range = self.rows.range((from, Bound::Excluded(snapshot.status.uid_next)));
        for (&uid, row) in range.filter(|(uid, _)| selection.contains(**uid)) {
            if page.uids.len() >= limit.max(1) {
                page.next = page.uids.last().copied();
                break;
            }
            push(&mut page, self.id, uid, row, columns);
        }
        page
    }

    pub(super) fn changed_since(
        &self,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Changes {
        if since < self.floor {
            return Changes::TooOld;
        }
        let last = Uid::new(u32::MAX).unwrap_or(Uid::FIRST);
        let from = after.map_or((since, last), |after| (after.modseq, after.uid));
        let mut changed = self.changed.range((Bound::Excluded(from), Bound::Unbounded));
        let (mut rows, mut end) = (RowPage::default(), None);
        for &(modseq, uid) in changed.by_ref().take(limit.max(1)) {
            self.rows.get(&uid).into_iter().for_each(|row| push(&mut rows, self.id, uid, row, columns));
            end = Some(ChangeCursor { modseq, uid });
        }
        let next = changed.next().and(end);
        let vanished = match next {
            Some(_) => UidSet::new(),
            None => {
                let vanished = self.vanished.iter().filter(|(modseq, _)| *modseq > since);
                let vanished: BTreeSet<Uid> = vanished.map(|(_, uid)| *uid).collect();
                vanished.into_iter().collect()
            }
        };
        Changes::Page(ChangePage { rows, vanished, upto: self.highest, next })
    }
}

fn push(page: &mut RowPage, mailbox: MailboxId, uid: Uid, row: &Row, columns: Columns) {
    let has = |column| columns.has(column);
    page.uids.push(uid);
    page.flags.extend(has(Columns::FLAGS).then(|| row.flags.clone()));
    page.modseqs.extend(has(Columns::MODSEQ).then_some(row.modseq));
    page.sizes.extend(has(Columns::SIZE).then_some(row.size));
    page.dates.extend(has(Columns::DATE).then_some(row.date));
    page.saved.extend(has(Columns::SAVED).then_some(row.date.at));
    page.blobs.extend(has(Columns::BLOB).then(|| blob(mailbox, uid)));
    page.threads.extend(has(Columns::THREAD).then(|| ThreadId(uid.get().into())));
    // Scanned when it is needed.
    page.scans.extend(has(Columns::SCAN).then(Opaque::default));
}

/// A message by where it is.
pub(super) fn blob(mailbox: MailboxId, uid: Uid) -> BlobId {
    let number = u128::from(mailbox.0) << 64 | u128::from(uid.get());
    BlobId(number.to_be_bytes())
}

/// Where a message is.
pub(super) fn place(blob: BlobId) -> Option<(MailboxId, Uid)> {
    let number = u128::from_be_bytes(blob.0);
    let uid = Uid::new(u32::try_from(number & u128::from(u64::MAX)).ok()?)?;
    Some((MailboxId(u64::try_from(number >> 64).ok()?), uid))
}
