//! UIDs and flags of whole mailboxes, kept in memory between commands: SELECT, FETCH FLAGS and SEARCH by flags ask for
//! them again and again, and mostly little has changed.
//!
//! The store stays the truth. Whoever uses a listing first asks for the mailbox's HIGHESTMODSEQ, and takes in what has
//! changed since the listing's own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mailwright_core::{MailboxId, ModSeq, Uid, UidSet};
use mailwright_store::{Columns, Flags, RowPage};

/// What a listing has of each message.
pub(super) const LISTED: Columns = Columns::FLAGS.and(Columns::MODSEQ);

/// A mailbox as it is at a MODSEQ.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) upto: ModSeq,
    /// Ascending.
    uids: Vec<Uid>,
    flags: Vec<Flags>,
    modseqs: Vec<ModSeq>,
    /// The UIDs as a set, once it was asked for.
    set: OnceLock<UidSet>,
}

impl Listing {
    /// The messages below `end`.
    pub(super) fn uids(&self, end: Uid) -> UidSet {
        let all = self.set.get_or_init(|| self.uids.iter().copied().collect());
        match Uid::new(end.get() - 1) {
            Some(last) if all.last().is_some_and(|highest| highest > last) => {
                all.intersection(&UidSet::range(Uid::FIRST, last))
            }
            Some(_) => all.clone(),
            None => UidSet::new(),
        }
    }

    /// Messages of `selection` below `end`, as a store gives them.
    pub(super) fn page(
        &self,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        end: Uid,
        limit: usize,
    ) -> RowPage {
        let mut page = RowPage::default();
        let start = after.map_or(1, |after| after.get().saturating_add(1));
        for range in selection.ranges() {
            let (first, last) = ((*range.start()).max(start), (*range.end()).min(end.get() - 1));
            let from = self.uids.partition_point(|uid| uid.get() < first);
            let to = self.uids.partition_point(|uid| uid.get() <= last);
            if from >= to {
                continue;
            }
            let room = limit.max(1).saturating_sub(page.uids.len());
            if room == 0 {
                page.next = page.uids.last().copied();
                return page;
            }
            let cut = to.min(from.saturating_add(room));
            page.uids.extend_from_slice(self.uids.get(from..cut).unwrap_or_default());
            if columns.has(Columns::FLAGS) {
                page.flags.extend_from_slice(self.flags.get(from..cut).unwrap_or_default());
            }
            if columns.has(Columns::MODSEQ) {
                page.modseqs.extend_from_slice(self.modseqs.get(from..cut).unwrap_or_default());
            }
            if cut < to {
                page.next = page.uids.last().copied();
                return page;
            }
        }
        page
    }

    /// At this MODSEQ, and without messages yet.
    pub(super) fn at(upto: ModSeq) -> Self {
        Self { upto, ..Self::default() }
    }

    /// Takes in rows that are new or have changed, in any order.
    pub(super) fn take_in(&mut self, rows: RowPage) {
        self.set = OnceLock::new();
        for ((uid, flags), modseq) in rows.uids.into_iter().zip(rows.flags).zip(rows.modseqs) {
            match self.uids.binary_search(&uid) {
                Ok(at) => {
                    self.flags.get_mut(at).into_iter().for_each(|old| old.clone_from(&flags));
                    self.modseqs.get_mut(at).into_iter().for_each(|old| *old = modseq);
                }
                Err(at) => {
                    self.uids.insert(at, uid);
                    self.flags.insert(at, flags);
                    self.modseqs.insert(at, modseq);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, uids: &UidSet) {
        if uids.is_empty() {
            return;
        }
        self.set = OnceLock::new();
        let stays: Vec<bool> = self.uids.iter().map(|uid| !uids.contains(*uid)).collect();
        retain(&mut self.uids, &stays);
        retain(&mut self.flags, &stays);
        retain(&mut self.modseqs, &stays);
    }
}

fn retain<T>(column: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    column.retain(|_| stays.next().is_none_or(|stays| *stays));
}

/// The listings of some mailboxes, those that were used last.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    mailboxes: HashMap<MailboxId, Entry>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    listing: Arc<Listing>,
    used: u64,
}

impl Listings {
    pub(super) fn get(&self, mailbox: MailboxId) -> Option<Arc<Listing>> {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        let entry = kept.mailboxes.get_mut(&mailbox)?;
        entry.used = used;
        Some(Arc::clone(&entry.listing))
    }

    pub(super) fn put(&self, mailbox: MailboxId, listing: Arc<Listing>, most: usize) {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        // Another session may have been faster, and know more.
        let newer = kept.mailboxes.get(&mailbox).is_some_and(|entry| entry.listing.upto > listing.upto);
        if !newer {
            kept.mailboxes.insert(mailbox, Entry { listing, used });
        }
        while kept.rows() > most {
            let oldest = kept.mailboxes.iter().min_by_key(|(_, entry)| entry.used).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            kept.mailboxes.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn rows(&self) -> usize {
        self.mailboxes.values().map(|entry| entry.listing.uids.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use mailwright_store::SystemFlag;

    use super::*;

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    fn set(numbers: &[u32]) -> UidSet {
        numbers.iter().map(|&number| uid(number)).collect()
    }

    fn rows(numbers: &[u32], modseq: u64) -> RowPage {
        RowPage {
            uids: numbers.iter().map(|&number| uid(number)).collect(),
            flags: numbers.iter().map(|_| SystemFlag::Seen.into()).collect(),
            modseqs: numbers.iter().map(|_| ModSeq::new(modseq).unwrap()).collect(),
            ..RowPage::default()
        }
    }

    #[test]
    fn changes_lead_to_what_there_is() {
        let mut listing = Listing::default();
        listing.take_in(rows(&[1, 2, 4, 9], 3));
        listing.take_in(rows(&[7, 2], 5));
        listing.remove(&set(&[1, 5]));
        let page = listing.page(&set(&[1, 2, 3, 4, 7, 8, 9]), LISTED, None, uid(9), 10);
        assert_eq!((page.uids, page.next), (vec![uid(2), uid(4), uid(7)], None));
        assert_eq!(page.modseqs.iter().map(|modseq| modseq.get()).collect::<Vec<_>>(), [5, 3, 5]);
    }

    #[test]
    fn sets_follow_the_changes() {
        let mut listing = Listing::default();
        assert_eq!(listing.uids(uid(9)), set(&[]));
        listing.take_in(rows(&[1, 2, 4, 9], 3));
        assert_eq!((listing.uids(uid(9)), listing.uids(uid(10))), (set(&[1, 2, 4]), set(&[1, 2, 4, 9])));
        listing.take_in(rows(&[10], 4));
        listing.remove(&set(&[2]));
        assert_eq!((listing.uids(uid(1)), listing.uids(uid(99))), (set(&[]), set(&[1, 4, 9, 10])));
    }

    #[test]
    fn pages_are_the_whole() {
        let mut listing = Listing::default();
        listing.take_in(rows(&[1, 2, 4, 5, 8, 9, 10], 3));
        let wanted = set(&[2, 3, 4, 5, 8, 10, 11]);
        for limit in 1..9 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = listing.page(&wanted, Columns::UIDS, after, uid(100), limit);
                assert!(page.uids.len() <= limit && page.flags.is_empty());
                seen.extend(page.uids);
                match page.next {
                    Some(_) => after = page.next,
                    None => break,
                }
            }
            assert_eq!(seen.iter().copied().collect::<UidSet>(), set(&[2, 4, 5, 8, 10]), "by {limit}");
        }
    }

    #[test]
    fn those_used_last_are_kept() {
        let listings = Listings::default();
        let listing = |numbers: &[u32]| {
            let mut listing = Listing::default();
            listing.take_in(rows(numbers, 1));
            Arc::new(listing)
        };
        listings.put(MailboxId(1), listing(&[1, 2]), 4);
        listings.put(MailboxId(2), listing(&[1]), 4);
        assert!(listings.get(MailboxId(1)).is_some());
        listings.put(MailboxId(3), listing(&[1, 2]), 4);
        assert!(listings.get(MailboxId(2)).is_none() && listings.get(MailboxId(1)).is_some());
    }
}
