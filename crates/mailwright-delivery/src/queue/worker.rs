//! What is done with an entry: it is tried, and what came of it is stored.

use std::sync::Arc;

use mailwright_core::{Clock, EnhancedCode, Entropy, Timestamp};
use mailwright_queue::{
    Attempt, AttemptStage, Diagnostic, Envelope, Feedback, RecipientOutcome, RecipientState, Settled, settle,
};
use mailwright_store::{
    Batch, BatchId, Cause, Claimed, Directory, Fence, Lease, Op, QueueEntry, QueueOp, Rejected, Store,
    Unavailable,
};
use tokio::sync::broadcast;
use tokio::time::sleep;
use tracing::{debug, error, warn};

use super::command::AdminError;
use super::config::QueueConfig;
use super::event::QueueEvent;
use super::report::Post;
use super::told::told;
use crate::deliver::{Deliver, Parts, Write, take_back};

/// How often it is tried to store what came of an attempt before the entry is left as it is.
const COMMITS: u32 = 10;

/// What all attempts of a queue share.
pub(super) struct Worker<S, X, D> {
    pub(super) store: Arc<S>,
    pub(super) deliver: X,
    pub(super) directory: D,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) config: QueueConfig,
    pub(super) events: broadcast::Sender<QueueEvent>,
}

impl<S: Store, X: Deliver<S>, D: Directory> Worker<S, X, D> {
    /// Tries an entry, as long as its lease holds, and settles it.
    pub(super) async fn attempt(&self, claimed: &Claimed) -> Feedback {
        let entry = &claimed.entry;
        self.tell(QueueEvent::Started { entry: entry.id, route: entry.route.clone() });
        let states = entry.recipients.iter().map(|recipient| RecipientState::decode(&recipient.params));
        let parts = Parts {
            envelope: Envelope::decode(&entry.envelope).unwrap_or_else(|_| Envelope::new(entry.queued)),
            recipients: states.map(Result::unwrap_or_default).collect(),
        };
        let delivery = tokio::select! {
            biased;
            delivery = self.deliver.deliver(&self.store, claimed, &parts) => delivery,
            () = self.keep(claimed.lease) => {
                self.abandon(claimed, "somebody else has the entry: its lease was lost");
                return Feedback::Neutral;
            }
        };
        debug!(entry = %entry.id, remote = delivery.remote, tls = delivery.tls, stages = ?delivery.stages, "tried");
        self.settle(claimed, delivery.attempt, delivery.writes).await;
        delivery.feedback
    }

    /// Stores what came of an attempt, what it does in the store, and the report that is due, together.
    pub(super) async fn settle(&self, claimed: &Claimed, mut attempt: Attempt, mut writes: Vec<Write>) {
        let (entry, now) = (&claimed.entry, self.clock.wall());
        let random = u64::from_be_bytes(self.random());
        // Always the same: it cannot be done twice. What was refused was not done.
        let id = BatchId(self.random());
        let mut turn = 1;
        loop {
            let settled = settle(claimed, attempt.clone(), now, random, &self.config.settle);
            let Err(Rejected { op, cause }) = self.commit(id, claimed, &settled, &writes).await else {
                let events = told(entry, &attempt, &settled);
                return events.into_iter().for_each(|event| self.tell(event));
            };
            if matches!(cause, Cause::LeaseLost(_)) {
                return self.abandon(claimed, "somebody else has the entry: its lease was lost");
            }
            // Each of them once, at most.
            if let Some(refused) = op.checked_sub(settled.ops.len()).filter(|place| *place < writes.len())
                && let Some(why) = refusal(&cause, now)
            {
                take_back(&mut attempt, &mut writes, refused, &why);
                continue;
            }
            warn!(entry = %entry.id, %cause, turn, "what came of an attempt cannot be stored now");
            sleep(self.config.store_retry).await;
            if turn == COMMITS {
                break;
            }
            turn += 1;
        }
        error!(entry = %entry.id, "what came of an attempt could not be stored: it is made again");
        self.abandon(claimed, "the store could not take what came of the attempt");
    }

    async fn commit(
        &self,
        id: BatchId,
        claimed: &Claimed,
        settled: &Settled,
        writes: &[Write],
    ) -> Result<(), Rejected> {
        let now = self.clock.wall();
        let mut batch = Batch { ops: settled.ops.clone(), ..Batch::new(id, now) };
        batch.ops.extend(writes.iter().map(|write| write.op.clone()));
        if let Some(report) = &settled.report {
            // Each time anew: what was written before may have been reclaimed.
            let unavailable = |error| Rejected { op: 0, cause: Unavailable::new(error).into() };
            batch.ops.extend(self.post().post(report, claimed, now).await.map_err(unavailable)?);
        }
        self.store.commit(batch).await.map(drop)
    }

    /// Takes an entry out of the queue, and tells its sender.
    pub(super) async fn bounce(&self, entry: QueueEntry) -> Result<(), AdminError> {
        let now = self.clock.wall();
        let why = Diagnostic {
            at: now,
            stage: AttemptStage::Route,
            code: None,
            // RFC 3463 §3.8: by policy.
            enhanced: EnhancedCode::new(5, 7, 0),
            text: "returned by the administrator of this server before it could be delivered".to_owned(),
            remote: None,
        };
        let outcomes = vec![RecipientOutcome::Failed(why); entry.recipients.len()];
        let attempt = Attempt::Tried { outcomes, not_before: None };
        // Nobody has a lease on it, and none is used: the first operation, which would, is not done.
        let fence = Fence { epoch: 0, counter: 0 };
        let claimed = Claimed { lease: Lease { entry: entry.id, until: now, fence }, entry };
        let mut settled = settle(&claimed, attempt.clone(), now, 0, &self.config.settle);
        let events = told(&claimed.entry, &attempt, &settled);
        let remove = Op::Queue { entry: claimed.entry.id, op: QueueOp::Remove };
        settled.ops.splice(..1, [remove]);
        let done = self.commit(BatchId(self.random()), &claimed, &settled, &[]).await;
        done.map_err(|rejected| rejected.cause)?;
        events.into_iter().for_each(|event| self.tell(event));
        Ok(())
    }

    /// Renews a lease. Ends when it is lost.
    async fn keep(&self, mut lease: Lease) {
        loop {
            sleep(self.config.lease / 3).await;
            match self.store.renew(&[lease], self.clock.wall(), self.config.lease).await.as_deref() {
                Ok([Some(renewed)]) => lease = *renewed,
                Ok(_) => return,
                Err(error) => warn!(entry = %lease.entry, %error, "a lease cannot be renewed now"),
            }
        }
    }

    fn abandon(&self, claimed: &Claimed, why: &str) {
        warn!(entry = %claimed.entry.id, why, "an attempt is abandoned");
        self.tell(QueueEvent::Abandoned { entry: claimed.entry.id, why: why.to_owned() });
    }
}

impl<S, X, D> Worker<S, X, D> {
    /// Where its reports go.
    fn post(&self) -> Post<'_, S, D> {
        let (settle, accounts_max) = (&self.config.settle, self.config.report_accounts);
        Post { store: &self.store, directory: &self.directory, settle, accounts_max, entropy: &*self.entropy }
    }

    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.entropy.fill(&mut octets);
        octets
    }

    /// To whoever listens.
    pub(super) fn tell(&self, event: QueueEvent) {
        let _ = self.events.send(event);
    }
}

/// Why recipients wait for whom the store does not take a write; `None` if it takes nothing at all now.
fn refusal(cause: &Cause, now: Timestamp) -> Option<Diagnostic> {
    // RFC 3463 §3.3, §3.4
    let (subject, detail, text) = match cause {
        Cause::Unavailable(_) => return None,
        Cause::OverQuota { .. } => (2, 2, "the mailbox is full".to_owned()),
        Cause::NoSpace => (3, 1, "the mail system is full".to_owned()),
        cause => (3, 0, format!("it cannot be stored now: {cause}")),
    };
    Some(Diagnostic::local(now, AttemptStage::End, EnhancedCode::new(4, subject, detail)?, text))
}
