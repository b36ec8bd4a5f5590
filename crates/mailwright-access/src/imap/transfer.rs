//! COPY, MOVE.

use mailwright_core::{MailboxId, Ticket, UidSet};
use mailwright_imap::server::{Copied, ask};
use mailwright_imap::{Rejection, ResponseCode};
use mailwright_store::{Op, OpOutcome, Store, Transfer, Transferred};

use super::pages::parts;
use super::refusal::{for_health, of_delivery};
use super::session::Session;
use super::stop::Stop;

impl<S: Store, A> Session<'_, S, A> {
    /// Copies all or nothing (RFC 9051 §6.4.7), and therefore no more than a batch takes.
    pub(super) async fn copy(&mut self, uids: UidSet, name: &str) -> Result<Option<Copied>, Stop> {
        for_health(self.shared.store.health())?;
        let (from, _) = self.selected()?;
        let to = self.target(name).await?;
        let outcome = self.commit(Op::Copy(Transfer { from, uids, to })).await.map_err(of_delivery)?;
        Ok(match outcome {
            OpOutcome::Copied(transferred) => copied(&transferred),
            _ => None,
        })
    }

    pub(super) async fn transfer(
        &mut self,
        uids: &UidSet,
        name: &str,
        ticket: &Ticket<ask::Move>,
    ) -> Result<(), Stop> {
        let (from, _) = self.selected()?;
        let to = self.target(name).await?;
        for uids in parts(uids, self.rows_per_batch()) {
            let outcome = self.commit(Op::Move(Transfer { from, uids, to })).await.map_err(of_delivery)?;
            if let OpOutcome::Moved(transferred) = outcome
                && let Some(copied) = copied(&transferred)
            {
                self.driver.machine.moved(ticket, &copied)?;
            }
            self.pause().await?;
        }
        Ok(())
    }

    /// A mailbox that messages are to be put into.
    pub(super) async fn target(&mut self, name: &str) -> Result<MailboxId, Stop> {
        match self.find(name).await {
            Ok(info) => Ok(info.id),
            Err(Stop::Refused(refused)) if refused.code() == Some(ResponseCode::NonExistent) => {
                Err(Rejection::try_create().into())
            }
            Err(stop) => Err(stop),
        }
    }
}

/// Nothing if there was no message.
fn copied(transferred: &Transferred) -> Option<Copied> {
    let pairs = &transferred.uids;
    (!pairs.is_empty()).then(|| Copied {
        uid_validity: transferred.uid_validity,
        from: pairs.iter().map(|(from, _)| *from).collect(),
        to: pairs.iter().map(|(_, to)| *to).collect(),
    })
}
