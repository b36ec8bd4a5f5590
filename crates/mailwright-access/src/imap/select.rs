//! SELECT, EXAMINE, and what changes meanwhile.

use std::mem;
use std::num::NonZeroU32;
use std::sync::Arc;

use mailwright_core::{MailboxId, ModSeq, Ticket, Uid, UidSet};
use mailwright_imap::server::{Permanent, Synced, View, ask};
use mailwright_imap::types::Flag;
use mailwright_store::{ChangeCursor, Changes, Columns, ReadError, RowPage, Snapshot, Store, Topic};
use tracing::warn;

use super::flags;
use super::pages::Pages;
use super::session::{Selected, Session};
use super::stop::{Ended, Stop};

/// The highest UID.
const LAST: Uid = Uid(NonZeroU32::MAX);

impl<S: Store, A> Session<'_, S, A> {
    pub(super) async fn select(
        &mut self,
        name: &str,
        read_only: bool,
        ticket: Ticket<ask::Select>,
    ) -> Result<(), Ended> {
        self.selected = None;
        let view = self.open(name, read_only).await;
        if view.is_err() {
            self.selected = None;
        }
        self.conclude(ticket, view)
    }

    async fn open(&mut self, name: &str, read_only: bool) -> Result<View, Stop> {
        let store = self.shared.store;
        let mailbox = self.find(name).await?.id;
        // Before anything is read, so that no change is missed.
        let hints = store.changes(&[Topic::Mailbox(mailbox)]);
        let snapshot = Arc::new(self.driver.attend(store.open(mailbox)).await?);
        self.selected = Some(Selected::new(Arc::clone(&snapshot), hints));
        let uids = self.uids().await?;
        let status = &snapshot.status;
        Ok(View {
            uid_validity: status.uid_validity,
            uid_next: status.uid_next,
            highest_modseq: Some(status.highest_modseq),
            uids,
            first_unseen: snapshot.first_unseen,
            flags: Flag::SYSTEM.into_iter().chain(flags::of_keywords(&snapshot.keywords)).collect(),
            permanent: if read_only { Permanent::None } else { Permanent::All },
            read_only: false,
        })
    }

    /// The messages that there are.
    pub(super) async fn uids(&mut self) -> Result<UidSet, Stop> {
        let (mailbox, snapshot) = self.selected()?;
        if let Some(listing) = self.listing(mailbox).await? {
            return Ok(listing.uids(snapshot.status.uid_next));
        }
        let all = UidSet::range(Uid::FIRST, LAST);
        let mut uids = UidSet::new();
        let mut pages = Pages::new(all, Columns::UIDS, self.shared.limits.rows_per_page);
        while let Some(page) = pages.next(self).await? {
            uids.extend(page.uids);
        }
        Ok(uids)
    }

    pub(super) async fn sync(
        &mut self,
        rows_since: ModSeq,
        vanished_since: ModSeq,
        ticket: Ticket<ask::Sync>,
    ) -> Result<(), Ended> {
        let synced = self.tell_changes(rows_since, vanished_since, &ticket).await;
        self.conclude_sync(ticket, synced)
    }

    pub(super) async fn resume(
        &mut self,
        since: ModSeq,
        known: &UidSet,
        ticket: &Ticket<ask::Resume>,
    ) -> Result<(), Stop> {
        let vanished = self.vanished(known, since).await?;
        self.driver.machine.resume_vanished(ticket, &vanished)?;
        let changed = self.changed_uids(since).await?;
        let uids = changed.map_or_else(|| known.clone(), |changed| changed.intersection(known));
        let columns = Columns::FLAGS.and(Columns::MODSEQ);
        let mut pages = Pages::new(uids, columns, self.shared.limits.rows_per_page);
        while let Some(page) = pages.next(self).await? {
            for ((&uid, &modseq), flags) in page.uids.iter().zip(&page.modseqs).zip(&page.flags) {
                if modseq > since {
                    self.drained().await?;
                    self.driver.machine.resume_row(ticket, uid, modseq, flags::names(flags))?;
                }
            }
        }
        Ok(())
    }

    /// The messages that changed since; nothing if that cannot be told, and all must be looked at.
    pub(super) async fn changed_uids(&mut self, since: ModSeq) -> Result<Option<UidSet>, Stop> {
        let store = self.shared.store;
        let (mailbox, _) = self.selected()?;
        let (mut uids, mut after) = (Vec::new(), None);
        loop {
            let limit = self.shared.limits.rows_per_page;
            let changes = store.changed_since(mailbox, since, Columns::UIDS, after, limit);
            let Changes::Page(page) = self.driver.attend(changes).await? else { return Ok(None) };
            uids.extend(page.rows.uids);
            if page.next.is_none() {
                uids.sort_unstable();
                return Ok(Some(uids.into_iter().collect()));
            }
            after = page.next;
            self.pause().await?;
        }
    }

    /// Those of `uids` that have vanished since; if that cannot be told, at any time.
    pub(super) async fn vanished(&mut self, uids: &UidSet, since: ModSeq) -> Result<UidSet, Stop> {
        let store = self.shared.store;
        let (mailbox, snapshot) = self.selected()?;
        // Behind all rows: what has vanished is told on the last page.
        let end = Some(ChangeCursor { modseq: ModSeq::MAX, uid: LAST });
        let changes = store.changed_since(mailbox, since, Columns::UIDS, end, 1);
        if let Changes::Page(page) = self.driver.attend(changes).await? {
            return Ok(page.vanished.intersection(uids));
        }
        // The client may name UIDs that were never given.
        let given = Uid::new(snapshot.status.uid_next.get() - 1);
        let given = given.map_or_else(UidSet::new, |last| UidSet::range(Uid::FIRST, last));
        Ok(uids.intersection(&given).difference(&self.uids().await?))
    }

    fn conclude_sync(
        &mut self,
        ticket: Ticket<ask::Sync>,
        synced: Result<Synced, Stop>,
    ) -> Result<(), Ended> {
        let answer = match synced {
            Ok(synced) => synced,
            Err(Stop::Stale) => return Ok(()),
            Err(Stop::Ended(ended)) => return Err(ended),
            Err(Stop::Refused(rejection)) => {
                warn!(%rejection, "changes cannot be told now");
                Synced::Later
            }
        };
        if answer == Synced::Gone {
            self.selected = None;
        }
        self.answer(ticket, answer);
        Ok(())
    }

    /// Tells what has changed.
    async fn tell_changes(
        &mut self,
        rows_since: ModSeq,
        vanished_since: ModSeq,
        ticket: &Ticket<ask::Sync>,
    ) -> Result<Synced, Stop> {
        let store = self.shared.store;
        let (mailbox, _) = self.selected()?;
        if let Some(upto) = self.only_own(rows_since, vanished_since).await? {
            let arrived = self.selected.iter_mut().flat_map(|selected| mem::take(&mut selected.arrived));
            let mut last = None;
            for (uid, flags) in arrived {
                self.driver.machine.sync_row(ticket, uid, upto, flags::names(&flags))?;
                last = last.max(Some(uid));
            }
            self.selected.iter_mut().for_each(|selected| selected.synced(upto, last));
            return Ok(Synced::Upto { vanished: UidSet::new(), upto });
        }
        let columns = Columns::FLAGS.and(Columns::MODSEQ);
        let limit = self.shared.limits.rows_per_page;
        // Rows up to there were told already.
        let mut after = Some(ChangeCursor { modseq: rows_since, uid: LAST });
        let mut last = None;
        loop {
            let changes = store.changed_since(mailbox, vanished_since, columns, after, limit);
            let page = match self.driver.attend(changes).await {
                Ok(Changes::Page(page)) => page,
                Ok(Changes::TooOld) => {
                    if self.renew(mailbox).await?.is_none() {
                        return Ok(Synced::Gone);
                    }
                    return self.tell_all(rows_since, ticket).await;
                }
                Err(ReadError::NoSuchMailbox) => return Ok(Synced::Gone),
                Err(error) => return Err(error.into()),
            };
            self.tell_rows(&page.rows, rows_since, ticket).await?;
            last = last.max(page.rows.uids.iter().copied().max());
            if page.next.is_some() {
                after = page.next;
                self.pause().await?;
                continue;
            }
            // What was told belongs to the view from now on.
            self.selected.iter_mut().for_each(|selected| selected.synced(page.upto, last));
            return Ok(Synced::Upto { vanished: page.vanished, upto: page.upto });
        }
    }

    /// Up to where all changes are this session's own, if that is all there is.
    async fn only_own(&mut self, rows_since: ModSeq, vanished_since: ModSeq) -> Result<Option<ModSeq>, Stop> {
        let Some(selected) = &mut self.selected else { return Ok(None) };
        let (mailbox, own) = (selected.mailbox, selected.own);
        if rows_since != vanished_since || rows_since != selected.snapshot.status.highest_modseq {
            return Ok(None);
        }
        let status = self.driver.attend(self.shared.store.status(&[mailbox])).await?;
        let highest = status.first().copied().flatten().map(|status| status.highest_modseq);
        Ok(highest.filter(|highest| *highest == own))
    }

    /// Tells what has changed, by looking at all messages: it is too long ago to tell what vanished.
    async fn tell_all(&mut self, since: ModSeq, ticket: &Ticket<ask::Sync>) -> Result<Synced, Stop> {
        let upto = self.selected()?.1.status.highest_modseq;
        let all = UidSet::range(Uid::FIRST, LAST);
        let columns = Columns::FLAGS.and(Columns::MODSEQ);
        let mut uids = UidSet::new();
        let mut pages = Pages::new(all, columns, self.shared.limits.rows_per_page);
        while let Some(page) = pages.next(self).await? {
            self.tell_rows(&page, since, ticket).await?;
            uids.extend(page.uids);
        }
        Ok(Synced::TooOld { uids, upto })
    }

    async fn tell_rows(
        &mut self,
        page: &RowPage,
        since: ModSeq,
        ticket: &Ticket<ask::Sync>,
    ) -> Result<(), Stop> {
        for ((&uid, &modseq), flags) in page.uids.iter().zip(&page.modseqs).zip(&page.flags) {
            if modseq > since {
                self.drained().await?;
                self.driver.machine.sync_row(ticket, uid, modseq, flags::names(flags))?;
            }
        }
        Ok(())
    }

    /// Takes a new snapshot; nothing if the mailbox is gone.
    async fn renew(&mut self, mailbox: MailboxId) -> Result<Option<()>, Stop> {
        let snapshot: Snapshot = match self.driver.attend(self.shared.store.open(mailbox)).await {
            Ok(snapshot) => snapshot,
            Err(ReadError::NoSuchMailbox) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Some(selected) = &mut self.selected {
            (selected.own, selected.arrived) = (snapshot.status.highest_modseq, Vec::new());
            selected.snapshot = Arc::new(snapshot);
        }
        Ok(Some(()))
    }
}
