//! FETCH.

use std::borrow::Cow;
use std::iter;

use bytes::Bytes;
use mailwright_core::{Causes, Ticket, Uid, UidSet};
use mailwright_imap::Rejection;
use mailwright_imap::server::{Changed, Fetch, ask};
use mailwright_imap::types::FetchItem;
use mailwright_message::Scan;
use mailwright_store::{
    BlobError, BlobReader, Columns, FlagChange, Flags, OpOutcome, RowPage, Store, StoreFlags, StoredRow,
    SystemFlag,
};
use tracing::warn;

use super::calendar::shown;
use super::flags::names;
use super::pages::Pages;
use super::refusal::of_blob;
use super::scans::Content;
use super::section::{Need, Ready, Value, Wanted, columns, needs_octets};
use super::session::Session;
use super::stop::Stop;

/// Messages that are read together. Bounds what is held besides octets.
const TOGETHER: usize = 64;

/// What is known of a message besides its row in the page.
#[derive(Default)]
struct Known<'a> {
    scan: Option<&'a Scan>,
    /// One for each item, or none at all.
    values: &'a [Value],
    read: &'a [Result<Bytes, BlobError>],
    /// It was made `\Seen`.
    seen: Option<&'a StoredRow>,
}

impl<S: Store, A> Session<'_, S, A> {
    pub(super) async fn fetch(&mut self, fetch: &Fetch, ticket: &Ticket<ask::Fetch>) -> Result<(), Stop> {
        let mut uids = Cow::Borrowed(&fetch.uids);
        if let Some(since) = fetch.changed_since {
            if let Some(vanished) = &fetch.vanished {
                let vanished = self.vanished(vanished, since).await?;
                self.driver.machine.fetch_vanished(ticket, &vanished)?;
            }
            if let Some(changed) = self.changed_uids(since).await? {
                uids = Cow::Owned(uids.intersection(&changed));
            }
        }
        let columns = columns(fetch);
        let limits = self.shared.limits;
        let limit = if columns.has(Columns::SCAN) { limits.scans_per_page } else { limits.rows_per_page };
        let (mut told, mut refused) = (UidSet::new(), None);
        let mut pages = Pages::new(uids.clone().into_owned(), columns, limit);
        while let Some(page) = pages.next(self).await? {
            self.fetch_page(fetch, &page, ticket, &mut refused).await?;
            told.extend(page.uids);
        }
        if fetch.changed_since.is_none() {
            for uid in uids.difference(&told).iter() {
                self.driver.machine.fetch_gone(ticket, uid)?;
            }
        }
        // One that cannot be read does not keep the client from the others.
        refused.map_or(Ok(()), |refused| Err(Stop::Refused(refused)))
    }

    async fn fetch_page(
        &mut self,
        fetch: &Fetch,
        page: &RowPage,
        ticket: &Ticket<ask::Fetch>,
        refused: &mut Option<Rejection>,
    ) -> Result<(), Stop> {
        let rows = (0..page.uids.len()).filter(|at| is_wanted(fetch, page, *at));
        let (need, reads) = (Need::of(&fetch.items), fetch.items.iter().any(needs_octets));
        let (mut ready, mut wanted) = (Vec::new(), Wanted::default());
        for at in rows {
            let Some(&uid) = page.uids.get(at) else { continue };
            let content = Content::of(page, at);
            let mut scan = None;
            if need.is_any() {
                scan = whole(self.scan_for(need, uid, content, page.scans.get(at)).await, uid, refused)?;
                if scan.is_none() {
                    continue;
                }
            }
            if !reads {
                self.drained().await?;
                let row =
                    self.row(fetch, page, at, Known { scan: scan.as_ref(), ..Known::default() }, ticket);
                whole(row.await, uid, refused)?;
                continue;
            }
            let values = self.values(&fetch.items, content, scan.as_ref(), &mut wanted).await;
            let Some(values) = whole(values, uid, refused)? else { continue };
            let streams = values.iter().any(|value| matches!(value, Value::Stream(_)));
            ready.push(Ready { at, uid, scan, values });
            if streams || ready.len() >= TOGETHER || wanted.octets >= self.shared.limits.sections {
                self.tell(fetch, page, &ready, &wanted, ticket, refused).await?;
                (ready, wanted) = (Vec::new(), Wanted::default());
                self.pause().await?;
            }
        }
        self.tell(fetch, page, &ready, &wanted, ticket, refused).await
    }

    /// Reads what is wanted, and writes the rows.
    async fn tell(
        &mut self,
        fetch: &Fetch,
        page: &RowPage,
        ready: &[Ready],
        wanted: &Wanted,
        ticket: &Ticket<ask::Fetch>,
        refused: &mut Option<Rejection>,
    ) -> Result<(), Stop> {
        let read = match wanted.ranges.as_slice() {
            [] => Vec::new(),
            ranges => self.driver.attend(self.shared.store.read_blobs(ranges)).await,
        };
        let mut there = Vec::with_capacity(ready.len());
        for ready in ready {
            let uid = ready.uid;
            match ready.values.iter().find_map(|value| value.failed(&read)) {
                None => there.push(ready),
                Some(BlobError::Gone(_)) => self.driver.machine.fetch_gone(ticket, uid)?,
                Some(error) => {
                    warn!(%uid, error = %Causes(error), "a message cannot be read");
                    *refused = Some(of_blob(error.clone()));
                }
            }
        }
        let seen = self.see(fetch, page, &there).await?;
        for Ready { at, uid, scan, values } in there {
            self.drained().await?;
            let seen = seen.binary_search_by_key(uid, |row| row.uid).ok().and_then(|at| seen.get(at));
            let known = Known { scan: scan.as_ref(), values, read: &read, seen };
            whole(self.row(fetch, page, *at, known, ticket).await, *uid, refused)?;
        }
        Ok(())
    }

    /// Makes those `\Seen` that are not, if that is asked for; by UID.
    async fn see(&mut self, fetch: &Fetch, page: &RowPage, ready: &[&Ready]) -> Result<Vec<StoredRow>, Stop> {
        if !fetch.sets_seen {
            return Ok(Vec::new());
        }
        let is_unseen = |ready: &&&Ready| {
            page.flags.get(ready.at).is_some_and(|flags: &Flags| !flags.has(SystemFlag::Seen))
        };
        let uids: UidSet = ready.iter().filter(is_unseen).map(|ready| ready.uid).collect();
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let (mailbox, _) = self.selected()?;
        let change = FlagChange::Add(SystemFlag::Seen.into());
        match self.commit(StoreFlags { mailbox, uids, change, unchanged_since: None }).await {
            Ok(OpOutcome::Stored(stored)) => {
                self.changed_flags(&stored);
                Ok(stored.rows)
            }
            Ok(_) => Ok(Vec::new()),
            Err(error) => {
                // Reading goes before.
                warn!(cause = %Causes(&error), "messages that were read could not be made \\Seen");
                Ok(Vec::new())
            }
        }
    }

    async fn row(
        &mut self,
        fetch: &Fetch,
        page: &RowPage,
        at: usize,
        known: Known<'_>,
        ticket: &Ticket<ask::Fetch>,
    ) -> Result<(), Stop> {
        let Known { scan, values, read, seen } = known;
        let has = |wanted: fn(&FetchItem) -> bool| scan.filter(|_| fetch.items.iter().any(wanted));
        let envelope = has(|item| matches!(item, FetchItem::Envelope)).map(Scan::envelope).transpose()?;
        let structure = has(|item| matches!(item, FetchItem::Body | FetchItem::BodyStructure));
        let structure = structure.map(Scan::body_structure).transpose()?;
        let Some(&uid) = page.uids.get(at) else { return Ok(()) };
        let Some(mut row) = self.driver.machine.fetch(ticket, uid)? else { return Ok(()) };
        let (mut seen, made_seen) = (seen, seen.is_some());
        for (item, value) in fetch.items.iter().zip(values.iter().map(Some).chain(iter::repeat(None))) {
            match (item, value) {
                (FetchItem::Flags, _) => match (seen.take(), page.flags.get(at)) {
                    (Some(seen), _) => row.seen(changed(seen), names(&seen.flags)),
                    (None, Some(flags)) => row.flags(names(flags)),
                    (None, None) => {}
                },
                (FetchItem::InternalDate, _) => {
                    page.dates.get(at).into_iter().for_each(|date| row.internal_date(&shown(*date)));
                }
                (FetchItem::Size, _) => page.sizes.get(at).into_iter().for_each(|size| row.size(*size)),
                (FetchItem::ModSeq, _) => {
                    // With \Seen it has another one, which is told with the flags.
                    let own = page.modseqs.get(at).filter(|_| !made_seen);
                    own.into_iter().for_each(|modseq| row.modseq(*modseq));
                }
                (FetchItem::Envelope, _) => envelope.iter().for_each(|envelope| row.envelope(envelope)),
                (FetchItem::Body, _) => structure.iter().for_each(|body| row.body(body)),
                (FetchItem::BodyStructure, _) => structure.iter().for_each(|body| row.body_structure(body)),
                (FetchItem::BinarySize { part }, Some(Value::Size(octets))) => row.binary_size(part, *octets),
                (FetchItem::Binary { part, partial, .. }, Some(Value::Octets(octets))) => {
                    row.binary(part, *partial, Some(octets.clone()));
                }
                (FetchItem::Binary { part, partial, .. }, _) => row.binary(part, *partial, None),
                (FetchItem::Section { section, partial, name, .. }, Some(Value::Stream(range))) => {
                    let blob = page.blobs.get(at).copied().ok_or_else(Rejection::local_error)?;
                    row.begin_section(section, *name, *partial, range.end - range.start);
                    let reader = self.shared.store.read_blob(blob, range.clone());
                    let mut reader = self.driver.attend(reader).await?;
                    while let Some(piece) = self.driver.attend(reader.next()).await? {
                        self.driver.machine.chunk(ticket, piece)?;
                        self.drained().await?;
                    }
                    let Some(rest) = self.driver.machine.row(ticket)? else { return Ok(()) };
                    row = rest;
                }
                (FetchItem::Section { section, partial, name, .. }, Some(value)) => {
                    row.section(section, *name, *partial, value.octets(section, *partial, read));
                }
                _ => {}
            }
        }
        if let Some(seen) = seen {
            row.seen(changed(seen), names(&seen.flags));
        }
        row.finish();
        Ok(())
    }
}

/// Whether a message has changed since what the client knows, if it says.
fn is_wanted(fetch: &Fetch, page: &RowPage, at: usize) -> bool {
    let modseq = page.modseqs.get(at);
    fetch.changed_since.is_none_or(|since| modseq.is_none_or(|modseq| *modseq > since))
}

/// What could be made out of a message. That it cannot does not keep the client from the others.
fn whole<T>(done: Result<T, Stop>, uid: Uid, refused: &mut Option<Rejection>) -> Result<Option<T>, Stop> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Stop::Refused(rejection)) => {
            let cause = rejection.cause().map(|cause| Causes(cause).to_string());
            warn!(%uid, reply = %rejection, cause, "a message cannot be fetched");
            *refused = Some(rejection);
            Ok(None)
        }
        Err(stop) => Err(stop),
    }
}

fn changed(row: &StoredRow) -> Changed {
    Changed { uid: row.uid, modseq: row.modseq, previous: row.previous }
}
