//! STORE, EXPUNGE, CLOSE.

use mailwright_core::{ModSeq, Ticket, UidSet};
use mailwright_imap::StoreAction;
use mailwright_imap::server::{Changed, Stored, ask};
use mailwright_imap::types::Flag;
use mailwright_store::{Columns, Expunge, FlagChange, OpOutcome, Store, StoreFlags, SystemFlag};
use tracing::info;

use super::flags;
use super::pages::{Pages, parts};
use super::session::Session;
use super::stop::Stop;

impl<S: Store, A> Session<'_, S, A> {
    /// How many messages a batch may change.
    pub(super) fn rows_per_batch(&self) -> usize {
        self.shared.limits.rows_per_batch.min(self.shared.store.limits().rows_per_batch)
    }

    pub(super) async fn store(
        &mut self,
        uids: &UidSet,
        action: StoreAction,
        flags: &[Flag],
        unchanged_since: Option<ModSeq>,
        ticket: &Ticket<ask::Store>,
    ) -> Result<Stored, Stop> {
        let (mailbox, _) = self.selected()?;
        let flags = flags::parse(flags)?;
        let change = match action {
            StoreAction::Replace => FlagChange::Replace(flags),
            StoreAction::Add => FlagChange::Add(flags),
            StoreAction::Remove => FlagChange::Remove(flags),
        };
        let (mut told, mut modified) = (UidSet::new(), UidSet::new());
        for uids in parts(uids, self.rows_per_batch()) {
            let op = StoreFlags { mailbox, uids, change: change.clone(), unchanged_since };
            let OpOutcome::Stored(stored) = self.commit(op).await? else { continue };
            self.changed_flags(&stored);
            for row in &stored.rows {
                self.drained().await?;
                let changed = Changed { uid: row.uid, modseq: row.modseq, previous: row.previous };
                self.driver.machine.stored(ticket, changed, flags::names(&row.flags))?;
                told.insert(row.uid);
            }
            modified = modified.union(&stored.modified);
            self.pause().await?;
        }
        let gone = uids.difference(&told).difference(&modified);
        Ok(Stored { modified, gone })
    }

    /// This session has changed flags, of which it tells the client.
    pub(super) fn changed_flags(&mut self, stored: &mailwright_store::Stored) {
        let changed = stored.rows.iter().filter(|row| row.modseq > row.previous).map(|row| row.modseq).max();
        if let (Some(selected), Some(modseq)) = (&mut self.selected, changed) {
            selected.changed(stored.before, modseq);
        }
    }

    /// Removes those of `uids` that are `\Deleted`.
    pub(super) async fn expunge_deleted(&mut self, uids: &UidSet) -> Result<(), Stop> {
        let (mailbox, _) = self.selected()?;
        let store = self.shared.store;
        let status = self.driver.attend(store.status(&[mailbox])).await?;
        if status.first().copied().flatten().is_none_or(|status| status.deleted == 0) {
            return Ok(());
        }
        let limit = self.rows_per_batch().min(self.shared.limits.rows_per_page);
        let mut pages = Pages::new(uids.clone(), Columns::FLAGS, limit);
        while let Some(page) = pages.next(self).await? {
            let rows = page.uids.iter().zip(&page.flags);
            let deleted = rows.filter(|(_, flags)| flags.has(SystemFlag::Deleted)).map(|(&uid, _)| uid);
            let deleted: UidSet = deleted.collect();
            if !deleted.is_empty() {
                info!(messages = deleted.len(), "expunged");
                self.commit(Expunge { mailbox, uids: deleted, only_deleted: true }).await?;
            }
        }
        Ok(())
    }
}
