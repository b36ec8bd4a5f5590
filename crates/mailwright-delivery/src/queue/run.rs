//! The loop: what the scheduler says is done, and it is told what came of it.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailwright_core::{Domain, QueueId, Timestamp};
use mailwright_queue::{Attempt, Diagnostic, Feedback, Scheduler, Work};
use mailwright_store::{Claim, Claimed, Directory, Selector, Store, Topic};
use mailwright_tokio::Shutdown;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;
use tracing::{error, warn};

use super::command::Command;
use super::worker::Worker;
use crate::deliver::Deliver;

/// Works until the shutdown begins; then what is under way is finished.
pub(super) async fn run<S: Store, X: Deliver<S>, D: Directory>(
    worker: Arc<Worker<S, X, D>>,
    mut commands: mpsc::Receiver<Command>,
    shutdown: Shutdown,
) {
    let mut hints = worker.store.changes(&[Topic::Queue]);
    let mut hand =
        Hand { scheduler: Scheduler::new(worker.config.scheduler.clone()), worker, attempts: JoinSet::new() };
    loop {
        let now = hand.worker.clock.mono();
        let until = match hand.scheduler.next(now) {
            Work::Claim { selector, limit } => {
                hand.claim(selector, limit).await;
                continue;
            }
            Work::Sweep { route, limit, why, rest } => {
                hand.sweep(&route, limit, &why, rest).await;
                continue;
            }
            Work::Wait { until } => until,
        };
        let mut timer = pin!(wait(until));
        tokio::select! {
            biased;
            () = shutdown.token().cancelled() => break,
            Some(done) = hand.attempts.join_next() => hand.finished(done),
            Some(command) = commands.recv() => hand.obey(command),
            hint = hints.next() => match hint {
                Some(_) => hand.scheduler.changed(),
                // The store is gone.
                None => break,
            },
            () = &mut timer => {}
        }
    }
    while hand.attempts.join_next().await.is_some() {}
    hand.worker.deliver.close().await;
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// The scheduler, and what it has had begun.
struct Hand<S, X, D> {
    scheduler: Scheduler,
    worker: Arc<Worker<S, X, D>>,
    attempts: JoinSet<(QueueId, Feedback)>,
}

impl<S: Store, X: Deliver<S>, D: Directory> Hand<S, X, D> {
    /// Begins with as many entries as the store has.
    async fn claim(&mut self, selector: Selector, limit: usize) {
        let claimed = self.ask(selector, limit).await;
        let next_due = self.worker.store.next_due().await;
        let (now, wall) = (self.worker.clock.mono(), self.worker.clock.wall());
        let (Some(claimed), Ok(next_due)) = (claimed, next_due) else {
            return self.scheduler.claimed([], Some(self.worker.config.store_retry), now);
        };
        let next_due = next_due.map(|due| between(wall, due));
        let begun = claimed.iter().map(|claimed| (claimed.entry.id, claimed.entry.route.clone()));
        self.scheduler.claimed(begun, next_due, now);
        for claimed in claimed {
            let worker = Arc::clone(&self.worker);
            let id = claimed.entry.id;
            self.attempts.spawn(async move { (id, worker.attempt(&claimed).await) });
        }
    }

    /// Looks after the entries of a destination that is out of reach: some have expired, of others the sender is to
    /// know.
    async fn sweep(&mut self, route: &Domain, limit: usize, why: &Diagnostic, rest: Duration) {
        let selector = Selector::Only([(route.clone(), limit)].into());
        let claimed = self.ask(selector, limit).await.unwrap_or_default();
        let until = self.worker.clock.wall().saturating_add(rest);
        for claimed in &claimed {
            let attempt = Attempt::Untried { until, why: Some(why.clone()) };
            self.worker.settle(claimed, attempt, Vec::new()).await;
        }
        self.scheduler.swept(route, claimed.len(), self.worker.clock.mono());
    }

    async fn ask(&self, selector: Selector, limit: usize) -> Option<Vec<Claimed>> {
        let config = &self.worker.config;
        let now = self.worker.clock.wall();
        let claim = Claim { now, worker: config.worker, lease: config.lease, selector, limit };
        match self.worker.store.claim(&claim).await {
            Ok(claimed) => Some(claimed),
            Err(error) => {
                warn!(%error, "the queue cannot be asked now");
                None
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Resume(route) => self.scheduler.resume(&route, self.worker.clock.mono()),
            Command::Bounce(entry, answer) => {
                let (worker, id) = (Arc::clone(&self.worker), entry.id);
                self.attempts.spawn(async move {
                    let _ = answer.send(worker.bounce(*entry).await);
                    (id, Feedback::Neutral)
                });
            }
        }
    }

    fn finished(&mut self, done: Result<(QueueId, Feedback), JoinError>) {
        match done {
            Ok((entry, feedback)) => self.scheduler.finished(entry, feedback, self.worker.clock.mono()),
            // Its lease runs out, and it is claimed again.
            Err(error) => error!(%error, "an attempt has failed within"),
        }
    }
}

fn between(now: Timestamp, then: Timestamp) -> Duration {
    let millis = then.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
