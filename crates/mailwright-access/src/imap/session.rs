//! A session: its state, and what all commands need.

use std::net::IpAddr;
use std::sync::Arc;

use mailwright_auth::Exchange;
use mailwright_core::Machine as _;
use mailwright_core::{AccountId, Causes, MailboxId, ModSeq, Ticket, Uid};
use mailwright_imap::server::Question;
use mailwright_imap::{Rejection, Server};
use mailwright_store::{Appended, Batch, ChangeHints, Flags, OpOutcome, Rejected, Snapshot, Store};
use mailwright_tokio::Driver;
use tokio::task::yield_now;
use tracing::{info, warn};

use super::appending::Appending;
use super::limits::ImapLimits;
use super::listings::Listings;
use super::stop::{Ended, Stop};
use crate::authenticate::User;
use crate::setup::Setup;

/// What the sessions of a server share.
pub(super) struct Shared<'a, S, A> {
    pub(super) store: &'a S,
    pub(super) authenticate: &'a A,
    pub(super) setup: &'a Setup,
    /// What is offered to log in with.
    pub(super) mechanisms: &'a [String],
    pub(super) limits: &'a ImapLimits,
    pub(super) listings: &'a Listings,
    /// Octets of a message.
    pub(super) message: u64,
}

impl<S, A> Clone for Shared<'_, S, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, A> Copy for Shared<'_, S, A> {}

pub(super) struct Session<'a, S: Store, A> {
    pub(super) shared: Shared<'a, S, A>,
    pub(super) driver: Driver<Server>,
    pub(super) peer: IpAddr,
    /// Apart: it is large, and most sessions have none.
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) user: Option<User>,
    pub(super) selected: Option<Selected>,
    /// Boxed: an idle session keeps no room for a scanner.
    pub(super) appending: Option<Box<Appending<S::BlobWriter>>>,
}

/// The mailbox in view.
pub(super) struct Selected {
    pub(super) mailbox: MailboxId,
    /// Taken when the view was last brought up to date: what the client sees belongs to it.
    pub(super) snapshot: Arc<Snapshot>,
    /// Up to this MODSEQ all changes since are this session's own: of flags, which it has told already, and what it
    /// has appended.
    pub(super) own: ModSeq,
    /// What it has appended since, which it has not told.
    pub(super) arrived: Vec<(Uid, Flags)>,
    pub(super) hints: ChangeHints,
}

impl Selected {
    /// Messages that it has appended and not told; beyond, the store is asked.
    const MOST: usize = 1000;

    pub(super) fn new(snapshot: Arc<Snapshot>, hints: ChangeHints) -> Self {
        let own = snapshot.status.highest_modseq;
        Self { mailbox: snapshot.mailbox, own, arrived: Vec::new(), snapshot, hints }
    }

    /// This session has changed flags, and tells of it. If it was `before` what this session knew, nobody else has
    /// changed anything.
    pub(super) fn changed(&mut self, before: ModSeq, modseq: ModSeq) {
        if before == self.own {
            self.own = modseq;
        }
    }

    /// This session has appended a message.
    pub(super) fn appended(&mut self, appended: &Appended, flags: Flags) {
        if appended.before == self.own && self.arrived.len() < Self::MOST {
            self.own = appended.modseq;
            self.arrived.push((appended.uid, flags));
        }
    }

    /// The view is as the mailbox was at `upto`, and has messages up to `last`.
    pub(super) fn synced(&mut self, upto: ModSeq, last: Option<Uid>) {
        let status = &mut Arc::make_mut(&mut self.snapshot).status;
        status.highest_modseq = upto;
        status.uid_next = status.uid_next.max(last.and_then(Uid::next).unwrap_or(status.uid_next));
        self.own = upto;
        self.arrived = Vec::new();
    }
}

impl<'a, S: Store, A> Session<'a, S, A> {
    pub(super) fn new(shared: Shared<'a, S, A>, driver: Driver<Server>, peer: IpAddr) -> Self {
        Self { shared, driver, peer, exchange: None, user: None, selected: None, appending: None }
    }

    /// Gives an answer, and says whether it was in time.
    pub(super) fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> bool {
        let in_time = self.driver.machine.answer(ticket, answer).is_ok();
        if !in_time {
            warn!("the answer came too late: the client was told that it failed");
        }
        in_time
    }

    /// Gives what came of a command as its answer.
    pub(super) fn conclude<Q, T>(&mut self, ticket: Ticket<Q>, done: Result<T, Stop>) -> Result<(), Ended>
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        let answer = match done {
            Ok(answer) => Ok(answer),
            Err(Stop::Refused(rejection)) => {
                match rejection.cause() {
                    Some(cause) => warn!(reply = %rejection, cause = %Causes(cause), "refused"),
                    None => info!(reply = %rejection, "refused"),
                }
                Err(rejection)
            }
            Err(Stop::Stale) => {
                warn!("the answer came too late: the client was told that it failed");
                return Ok(());
            }
            Err(Stop::Ended(ended)) => return Err(ended),
        };
        self.answer(ticket, answer);
        Ok(())
    }

    /// Lets the client read and others have their turn, between two pages.
    pub(super) async fn pause(&mut self) -> Result<(), Ended> {
        self.drained().await?;
        self.driver.attend(yield_now()).await;
        Ok(())
    }

    /// Waits for a client that does not read.
    pub(super) async fn drained(&mut self) -> Result<(), Ended> {
        if self.driver.machine.output().room() == 0 {
            self.driver.drained().await?;
        }
        Ok(())
    }

    /// Whose mailboxes these are. The machine lets nobody ask before the login.
    pub(super) fn account(&self) -> Result<AccountId, Rejection> {
        self.user.as_ref().map(|user| user.account).ok_or_else(Rejection::local_error)
    }

    /// The mailbox in view. The machine asks for nothing in it unless there is one.
    pub(super) fn selected(&self) -> Result<(MailboxId, Arc<Snapshot>), Rejection> {
        let selected = self.selected.as_ref().ok_or_else(Rejection::local_error)?;
        Ok((selected.mailbox, Arc::clone(&selected.snapshot)))
    }

    /// Does one thing.
    pub(super) async fn commit(
        &mut self,
        op: impl Into<mailwright_store::Op>,
    ) -> Result<OpOutcome, Rejected> {
        let batch = self.shared.setup.batch().with(op);
        let mut outcome = self.commit_all(batch).await?;
        Ok(outcome.pop().unwrap_or(OpOutcome::Done))
    }

    /// Does all of a batch, if the client waits for it or not.
    pub(super) async fn commit_all(&mut self, batch: Batch) -> Result<Vec<OpOutcome>, Rejected> {
        let store = self.shared.store;
        Ok(self.driver.attend(store.commit(batch)).await?.ops)
    }
}
