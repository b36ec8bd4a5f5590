//! Reading messages.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use mailwright_core::{MailboxId, ModSeq, Uid, UidSet};

use super::block::Block;
use super::mark::Mark;
use super::select::{Beside, rows_of};
use super::state::{Message, State};
use super::table::Base;
use super::txn::{LAST, all_blocks_of};
use crate::error::ReadError;
use crate::flags::SystemFlag;
use crate::listing::{ChangeCursor, ChangePage, Changes, Columns, Gone, RowPage, Snapshot};
use crate::page::Opaque;

impl<B: Base> State<B> {
    /// As [`Store::open`](crate::Store::open).
    pub fn open(&self, id: MailboxId) -> Result<Snapshot, ReadError> {
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        let mut unseen =
            self.unseen.range(all_blocks_of(id)).flat_map(|((_, block), _)| self.block(id, block));
        let first_unseen = unseen.find(|mark| !mark.flags.has(SystemFlag::Seen));
        Ok(Snapshot {
            mailbox: id,
            account: mailbox.account,
            status: mailbox.status,
            first_unseen: first_unseen.map(|mark| mark.uid),
            keywords: self.keywords_of(id).map(|(_, used)| used.into_owned().keyword).collect(),
        })
    }

    /// As [`Store::rows`](crate::Store::rows).
    pub fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, ReadError> {
        let id = snapshot.mailbox;
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        if mailbox.floor > snapshot.status.highest_modseq {
            return Err(ReadError::SnapshotTooOld);
        }
        let start = after.map_or(Some(Uid::FIRST), Uid::next);
        // UIDNEXT is no member.
        let last = Uid::new(snapshot.status.uid_next.get() - 1);
        let (Some(start), Some(last)) = (start, last) else { return Ok(RowPage::default()) };
        let uids = selection.intersection(&UidSet::range(start, last));
        let mut page = RowPage::default();
        let (mut left, mut last_seen) = (limit.max(1), None);
        // One more tells whether there is a next page.
        let expected = left.saturating_add(1);
        let mut live = self.marks_of(id, &uids, expected).peekable();
        let is_later = |vanished: ModSeq| vanished > snapshot.status.highest_modseq;
        let mut gone = rows_of(&self.gone, id, &uids, expected)
            .filter(|(_, vanished)| is_later(vanished.modseq))
            .peekable();
        let mut messages =
            has_fixed(columns).then(|| Beside::new(rows_of(&self.messages, id, &uids, expected)));
        let mut scans =
            columns.has(Columns::SCAN).then(|| Beside::new(rows_of(&self.scans, id, &uids, expected)));
        loop {
            let is_live = match (live.peek(), gone.peek()) {
                (None, None) => break,
                (Some(live), Some((gone, _))) => live.uid < *gone,
                (live, _) => live.is_some(),
            };
            if left == 0 {
                page.next = last_seen;
                break;
            }
            left -= 1;
            if is_live {
                let Some(mark) = live.next() else { break };
                last_seen = Some(mark.uid);
                let message = messages.as_mut().map(|messages| messages.of(mark.uid));
                let scan = scans.as_mut().map(|scans| scans.of(mark.uid));
                push(&mut page, mark, columns, message, scan);
            } else {
                let Some((uid, vanished)) = gone.next() else { break };
                last_seen = Some(uid);
                page.gone.push(Gone { uid, blob: vanished.blob });
            }
        }
        Ok(page)
    }

    /// As [`Store::changed_since`](crate::Store::changed_since).
    pub fn changed_since(
        &self,
        id: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> Result<Changes, ReadError> {
        let mailbox = self.mailboxes.get(&id).ok_or(ReadError::NoSuchMailbox)?;
        if since < mailbox.floor {
            return Ok(Changes::TooOld);
        }
        let after = after.unwrap_or(ChangeCursor { modseq: since, uid: LAST });
        let limit = limit.max(1);
        // One more tells whether there is a next page.
        let mut changed = self.changed_after(id, after, limit.saturating_add(1));
        let more = changed.len() > limit;
        changed.truncate(limit);
        let last = changed.last().map(|mark| ChangeCursor { modseq: mark.modseq, uid: mark.uid });
        let next = last.filter(|_| more);
        let mut rows = RowPage::default();
        for mark in changed {
            let key = (id, mark.uid);
            let message = has_fixed(columns).then(|| self.messages.get(&key));
            let scan = columns.has(Columns::SCAN).then(|| self.scans.get(&key));
            push(&mut rows, mark, columns, message, scan);
        }
        let vanished = match next {
            Some(_) => UidSet::new(),
            None => {
                let range = (Bound::Excluded((id, since, LAST)), Bound::Included((id, ModSeq::MAX, LAST)));
                let mut uids: Vec<Uid> = self.vanished.range(range).map(|((.., uid), _)| uid).collect();
                uids.sort_unstable();
                uids.into_iter().collect()
            }
        };
        Ok(Changes::Page(ChangePage { rows, vanished, upto: mailbox.status.highest_modseq, next }))
    }

    /// The first `limit` messages behind a place in the order of changes.
    ///
    /// Only blocks that have changed since are read, those with the earliest changes first, and no more of them than
    /// can have one of those messages.
    fn changed_after(&self, id: MailboxId, after: ChangeCursor, limit: usize) -> Vec<Mark> {
        let after = (after.modseq, after.uid);
        // Of blocks whose latest change is of that very MODSEQ, those before the cursor's are done with.
        let range = (id, after.0, Block::of(after.1))..=(id, ModSeq::MAX, Block::LAST);
        let blocks = self.changed.range_of(range, Block::filled_by(limit));
        let mut blocks: Vec<(ModSeq, Block)> =
            blocks.map(|((.., block), earliest)| (earliest.into_owned(), block)).collect();
        blocks.sort_unstable();
        let mut found: BTreeMap<(ModSeq, Uid), Mark> = BTreeMap::new();
        for (earliest, block) in blocks {
            // What is behind this is not wanted any more.
            let end = found.last_key_value().map(|(place, _)| *place).filter(|_| found.len() >= limit);
            if end.is_some_and(|end| end < (earliest, block.first_uid())) {
                break;
            }
            for mark in self.block(id, block) {
                let place = (mark.modseq, mark.uid);
                if place > after && end.is_none_or(|end| place < end) {
                    found.insert(place, mark);
                }
                if found.len() > limit {
                    found.pop_last();
                }
            }
        }
        found.into_values().collect()
    }
}

/// Adds a message to the columns that are wanted, of which `message` and `scan` were looked up if they are.
fn push(
    page: &mut RowPage,
    mark: Mark,
    columns: Columns,
    message: Option<Option<Cow<'_, Message>>>,
    scan: Option<Option<Cow<'_, Opaque>>>,
) {
    fn add<T>(wanted: bool, column: &mut Vec<T>, value: T) {
        column.extend(wanted.then_some(value));
    }
    let Mark { uid, flags, modseq } = mark;
    match message {
        Some(Some(message)) => {
            add(columns.has(Columns::SIZE), &mut page.sizes, message.size);
            add(columns.has(Columns::DATE), &mut page.dates, message.date);
            add(columns.has(Columns::SAVED), &mut page.saved, message.saved);
            add(columns.has(Columns::BLOB), &mut page.blobs, message.blob);
            add(columns.has(Columns::THREAD), &mut page.threads, message.thread);
        }
        // A part of the log was lost, and with it the message.
        Some(None) => return,
        None => {}
    }
    page.uids.push(uid);
    add(columns.has(Columns::FLAGS), &mut page.flags, flags);
    add(columns.has(Columns::MODSEQ), &mut page.modseqs, modseq);
    page.scans.extend(scan.map(|scan| scan.map(Cow::into_owned).unwrap_or_default()));
}

/// Whether columns are wanted that never change, but for the scanner's.
fn has_fixed(columns: Columns) -> bool {
    let fixed = [Columns::SIZE, Columns::DATE, Columns::SAVED, Columns::BLOB, Columns::THREAD];
    fixed.into_iter().any(|column| columns.has(column))
}
