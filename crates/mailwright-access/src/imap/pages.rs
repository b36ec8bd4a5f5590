//! Reading messages page by page.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use mailwright_core::{MailboxId, Uid, UidSet};
use mailwright_store::{Changes, Columns, ReadError, RowPage, Store};

use super::listings::{LISTED, Listing};
use super::session::Session;
use super::stop::Stop;

/// Pages of the mailbox in view, of which the next is read while one is worked on.
pub(super) struct Pages<'a> {
    selection: Arc<UidSet>,
    columns: Columns,
    /// Messages of the next page.
    limit: usize,
    /// Messages of a page at most.
    most: usize,
    next: Next<'a>,
}

/// Where the next page comes from.
enum Next<'a> {
    /// It is to be read: behind this message.
    After(Option<Uid>),
    /// It is being read: behind this message.
    Begun(Uid, Reading<'a>),
    /// There is none.
    Nowhere,
}

/// A page that is being read, or was.
enum Reading<'a> {
    Reads(Pin<Box<dyn Future<Output = Result<RowPage, ReadError>> + Send + 'a>>),
    Read(Box<Result<RowPage, ReadError>>),
}

impl<'a> Pages<'a> {
    /// Messages of the first page.
    const FIRST: usize = 64;

    /// Of the messages of `selection` these columns, of at most `most` messages at once.
    pub(super) fn new(selection: UidSet, columns: Columns, most: usize) -> Self {
        let next = if selection.is_empty() { Next::Nowhere } else { Next::After(None) };
        // A small one first, since it is waited for; what lies in memory is not.
        let limit = if LISTED.has(columns) { most } else { most.min(Self::FIRST) };
        Self { selection: Arc::new(selection), columns, limit, most, next }
    }

    /// The next page. Between two of them others have their turn.
    pub(super) async fn next<S: Store, A>(
        &mut self,
        session: &mut Session<'a, S, A>,
    ) -> Result<Option<RowPage>, Stop> {
        let page = match mem::replace(&mut self.next, Next::Nowhere) {
            Next::Nowhere => return Ok(None),
            Next::After(after) => {
                if after.is_some() {
                    session.pause().await?;
                }
                session.page(&self.selection, self.columns, after, self.limit).await?
            }
            Next::Begun(after, reading) => {
                session.pause().await?;
                let read = match reading {
                    Reading::Read(read) => *read,
                    Reading::Reads(reading) => session.driver.attend(reading).await,
                };
                match read {
                    Err(ReadError::SnapshotTooOld) => {
                        session.page(&self.selection, self.columns, Some(after), self.limit).await?
                    }
                    read => read?,
                }
            }
        };
        self.limit = self.limit.saturating_mul(2).min(self.most);
        if let Some(last) = page.next {
            // What lies in memory is not read ahead.
            self.next = if LISTED.has(self.columns) {
                Next::After(Some(last))
            } else {
                let (store, (_, snapshot)) = (session.shared.store, session.selected()?);
                let (selection, columns, limit) = (Arc::clone(&self.selection), self.columns, self.limit);
                let read = async move { store.rows(&snapshot, &selection, columns, Some(last), limit).await };
                Next::Begun(last, Reading::begin(read).await)
            };
        }
        Ok(Some(page))
    }
}

impl<'a> Reading<'a> {
    /// Begins to read, and does not wait.
    async fn begin(read: impl Future<Output = Result<RowPage, ReadError>> + Send + 'a) -> Self {
        let mut reading: Pin<Box<dyn Future<Output = _> + Send + 'a>> = Box::pin(read);
        let begun = poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await;
        match begun {
            Poll::Ready(read) => Self::Read(Box::new(read)),
            Poll::Pending => Self::Reads(reading),
        }
    }
}

impl<S: Store, A> Session<'_, S, A> {
    /// A page of the mailbox in view.
    async fn page(
        &mut self,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> Result<RowPage, Stop> {
        let store = self.shared.store;
        let (mailbox, snapshot) = self.selected()?;
        if LISTED.has(columns)
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
            // The view itself is as old as it was.
            selected.snapshot = Arc::new(fresh);
        }
        Ok(page)
    }

    /// The listing of a mailbox, as it is now; nothing if it is too large to be kept.
    pub(super) async fn listing(&mut self, mailbox: MailboxId) -> Result<Option<Arc<Listing>>, Stop> {
        let store = self.shared.store;
        let status = self.driver.attend(store.status(&[mailbox])).await?;
        let Some(status) = status.first().copied().flatten() else {
            return Err(ReadError::NoSuchMailbox.into());
        };
        let most = self.shared.limits.listed_rows;
        if status.messages as usize > most {
            return Ok(None);
        }
        let kept = self.shared.listings.get(mailbox);
        let listing = match kept {
            Some(listing) if listing.upto == status.highest_modseq => return Ok(Some(listing)),
            Some(listing) => self.catch_up(mailbox, listing).await?,
            None => None,
        };
        let listing = match listing {
            Some(listing) => listing,
            None => self.list_all(mailbox).await?,
        };
        self.shared.listings.put(mailbox, Arc::clone(&listing), most);
        Ok(Some(listing))
    }

    /// Takes in what has changed since; nothing if that cannot be told.
    async fn catch_up(
        &mut self,
        mailbox: MailboxId,
        mut listing: Arc<Listing>,
    ) -> Result<Option<Arc<Listing>>, Stop> {
        let store = self.shared.store;
        let (since, mut after) = (listing.upto, None);
        loop {
            let limit = self.shared.limits.rows_per_page;
            let changes = store.changed_since(mailbox, since, LISTED, after, limit);
            let Changes::Page(page) = self.driver.attend(changes).await? else { return Ok(None) };
            let known = Arc::make_mut(&mut listing);
            known.take_in(page.rows);
            if page.next.is_none() {
                known.remove(&page.vanished);
                known.upto = page.upto;
                return Ok(Some(listing));
            }
            after = page.next;
            self.pause().await?;
        }
    }

    async fn list_all(&mut self, mailbox: MailboxId) -> Result<Arc<Listing>, Stop> {
        let store = self.shared.store;
        let snapshot = self.driver.attend(store.open(mailbox)).await?;
        // What changes while it is read has a higher MODSEQ, and is taken in the next time.
        let mut listing = Listing::at(snapshot.status.highest_modseq);
        let all = UidSet::range(Uid::FIRST, snapshot.status.uid_next);
        let mut after = None;
        loop {
            let limit = self.shared.limits.rows_per_page;
            let page = self.driver.attend(store.rows(&snapshot, &all, LISTED, after, limit)).await?;
            after = page.next;
            listing.take_in(page);
            if after.is_none() {
                return Ok(Arc::new(listing));
            }
            self.pause().await?;
        }
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
                parts.push(mem::take(&mut part));
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
