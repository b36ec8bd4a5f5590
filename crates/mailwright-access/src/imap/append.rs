//! APPEND.

use bytes::Bytes;
use mailwright_imap::Rejection;
use mailwright_imap::server::Appended;
use mailwright_imap::types::{DateTime, Flag};
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_store::{Append, BlobHint, BlobWriter, Flags, Op, OpOutcome, Opaque, Store, Usage};

use super::appending::{Appending, Arriving};
use super::calendar;
use super::flags;
use super::refusal::{for_health, of_blob, of_delivery};
use super::session::{Selected, Session};
use super::stop::Stop;

/// A piece smaller than this is copied: it must not keep the whole buffer that it was read into.
const SMALL: usize = 8 << 10;

impl<S: Store, A> Session<'_, S, A> {
    pub(super) fn append_begin(&mut self, name: String) {
        self.appending = Some(Box::new(Appending::new(name)));
    }

    /// Whether the next message is wanted. If not, the whole APPEND has ended.
    pub(super) async fn append_message(
        &mut self,
        size: u64,
        flags: &[Flag],
        date: Option<DateTime>,
    ) -> Result<(), Stop> {
        let mut appending = self.appending.take().ok_or_else(Rejection::local_error)?;
        self.announce(&mut appending, size, flags, date).await?;
        self.appending = Some(appending);
        Ok(())
    }

    async fn announce(
        &mut self,
        appending: &mut Appending<S::BlobWriter>,
        size: u64,
        flags: &[Flag],
        date: Option<DateTime>,
    ) -> Result<(), Stop> {
        let store = self.shared.store;
        if let Some(failed) = appending.failed.take() {
            return Err(failed.into());
        }
        for_health(store.health())?;
        if size > self.shared.message.min(store.limits().blob_bytes) {
            return Err(Rejection::too_big().into());
        }
        if appending.arrived.len() >= store.limits().ops_per_batch {
            return Err(Rejection::limit().into());
        }
        if appending.to.is_none() {
            appending.to = Some(self.target(&appending.name).await?);
        }
        appending.usage = appending.usage.plus(Usage::message(size));
        // The commit refuses what is over quota: to know it before, saves the client to send it.
        if appending.usage.storage > self.shared.limits.append_unasked {
            let account = self.account()?;
            let root = self.driver.attend(store.account(account)).await?.quota_root;
            let quota = self.driver.attend(store.quota(root)).await?;
            if quota.is_some_and(|quota| quota.exceeded_by(appending.usage).is_some()) {
                return Err(Rejection::over_quota().into());
            }
        }
        let now = self.shared.setup.now();
        let date = match date {
            Some(date) => {
                calendar::stored(&date).ok_or_else(|| Rejection::new(None, "there is no such day"))?
            }
            None => now.into(),
        };
        let flags = flags::parse(flags)?;
        let blob = self.driver.attend(store.blob_writer(BlobHint { now, size: Some(size) })).await?;
        appending.message =
            Some(Arriving { blob, scanner: Scanner::new(ScanLimits::default()), flags, date });
        Ok(())
    }

    pub(super) async fn append_body(&mut self, chunk: Bytes) {
        let Some(appending) = &mut self.appending else { return };
        let Some(message) = &mut appending.message else { return };
        message.scanner.feed(&chunk);
        let chunk = if chunk.len() < SMALL { Bytes::copy_from_slice(&chunk) } else { chunk };
        if let Err(error) = self.driver.attend(message.blob.write(chunk)).await {
            appending.message = None;
            appending.failed = Some(of_blob(error));
        }
    }

    pub(super) async fn append_message_end(&mut self) {
        let Some(appending) = &mut self.appending else { return };
        let (Some(message), Some(to)) = (appending.message.take(), appending.to) else { return };
        match self.driver.attend(message.blob.finish(self.shared.setup.now())).await {
            Ok(blob) => appending.arrived.push(Append {
                flags: message.flags,
                scan: kept(&message.scanner.finish(), self.shared.store.limits().scan_bytes),
                ..Append::new(to, blob.id(), message.date)
            }),
            Err(error) => appending.failed = Some(of_blob(error)),
        }
    }

    pub(super) async fn append_commit(&mut self) -> Result<Appended, Stop> {
        let appending = *self.appending.take().ok_or_else(Rejection::local_error)?;
        if let Some(failed) = appending.failed {
            return Err(failed.into());
        }
        let mut batch = self.shared.setup.batch();
        let flags: Vec<Flags> = appending.arrived.iter().map(|append| append.flags.clone()).collect();
        batch.ops.extend(appending.arrived.into_iter().map(Op::Append));
        let outcome = self.commit_all(batch).await.map_err(of_delivery)?;
        let appended = outcome.into_iter().filter_map(|op| match op {
            OpOutcome::Appended(appended) => Some(appended),
            _ => None,
        });
        let appended: Vec<_> = appended.collect();
        // All go to one mailbox.
        let last = appended.last().ok_or_else(Rejection::local_error)?;
        let is_selected = |selected: &&mut Selected| selected.mailbox == last.mailbox;
        if let Some(selected) = self.selected.as_mut().filter(is_selected) {
            appended.iter().zip(flags).for_each(|(appended, flags)| selected.appended(appended, flags));
        }
        let uids = appended.iter().map(|appended| appended.uid).collect();
        Ok(Appended { uid_validity: last.uid_validity, uids })
    }
}

/// A scan as it is kept with its message.
fn kept(scan: &Scan, most: usize) -> Opaque {
    Opaque { version: Scan::VERSION, bytes: scan.fit(most).octets().clone() }
}
