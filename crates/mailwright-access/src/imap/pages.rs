//! Reading messages page by page.

use std::sync::Arc;

use mailwright_core::{Uid, UidSet};
use mailwright_store::{Columns, ReadError, RowPage, Store};

use super::listings::Listing;
use super::session::Session;
use super::stop::Stop;

impl<S: Store, A> Session<'_, S, A> {
    /// A page of the mailbox in view.
    pub(super) async fn page(
        &mut self,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, Stop> {
        let store = self.shared.store;
        let (mailbox, snapshot) = self.selected()?;
        if Listing::has(columns)
            && let Some(listing) = self.listing(mailbox).await?
        {
            return Ok(listing.page(selection, columns, after, snapshot.status.uid_next, limit));
        }
        match self.driver.attend(store.rows(&snapshot, selection, columns, after, limit)).await {
            Err(ReadError::SnapshotTooOld) => {}
            page => return Ok(page?),
        }
        let fresh = self.driver.attend(store.open(mailbox)).await?;
        let page = self.driver.attend(store.rows(&fresh, selection, columns, after, limit)).await?;
        if let Some(selected) = &mut self.selected {
            selected.snapshot = Arc::new(fresh);
        }
        Ok(page)
    }
}

/// The set in parts of at most `most` members.
pub(super) fn parts(uids: &UidSet, most: usize) -> Vec<UidSet> {
    let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    let mut parts = Vec::new();
    let (mut part, mut room) = (UidSet::new(), most);
    for range in uids.ranges() {
        let mut next = Some(*range.start());
        while let Some(first) = next {
            let last = (*range.end()).min(first.saturating_add(room - 1));
            if let (Some(first), Some(last)) = (Uid::new(first), Uid::new(last)) {
                part.insert_range(first..=last);
            }
            room -= last - first + 1;
            if room == 0 {
                parts.push(std::mem::take(&mut part));
                room = most;
            }
            next = last.checked_add(1).filter(|next| next <= range.end());
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole() {
        let uids: UidSet =
            [1, 2, 3, 4, 5, 8, 9, u32::MAX - 1, u32::MAX].into_iter().filter_map(Uid::new).collect();
        for most in 1..12 {
            let parts = parts(&uids, most);
            assert_eq!(parts.len(), 9usize.div_ceil(most));
            assert!(parts.iter().all(|part| part.len() <= most as u64));
            assert_eq!(parts.iter().fold(UidSet::new(), |all, part| all.union(part)), uids);
        }
    }
}
