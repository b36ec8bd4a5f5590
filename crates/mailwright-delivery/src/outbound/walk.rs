//! From host to host, until one has taken or refused the message.

use std::collections::VecDeque;
use std::time::Duration;

use mailwright_queue::{Attempt as Tried, AttemptStage};
use mailwright_store::Store;
use tracing::{debug, info};

use super::attempt::Attempt;
use super::connection::Connection;
use super::form::Form;
use super::job::Job;
use super::memory::Fault;
use super::message::needs_tls;
use super::outcome::{Outcomes, is_taken, most_telling};
use super::plan::{Plan, Target};
use super::send::Sent;
use super::words::{Words, code};
use crate::deliver::Delivery;

impl Attempt<'_> {
    /// Tries once.
    pub(super) async fn run<S: Store>(mut self, job: Job<'_, S>) -> Delivery {
        let Outcomes { outcomes, feedback } = match self.deliver(&job).await {
            Some(outcomes) => outcomes,
            None => {
                let told = most_telling(std::mem::take(&mut self.failures)).unwrap_or_else(|| {
                    let words = Words::seen(AttemptStage::Route, code::NO_ROUTE, "the route has no hosts");
                    words.diagnostic(self.shared.environment.clock.wall(), None)
                });
                Outcomes::all(job.entry.recipients.len(), &told)
            }
        };
        let count = |taken: bool| outcomes.iter().filter(|outcome| is_taken(outcome) == taken).count();
        info!(remote = self.remote, taken = count(true), not_taken = count(false), "tried");
        Delivery {
            attempt: Tried::Tried { outcomes, not_before: None },
            writes: self.writes(job.entry.id.trace),
            feedback,
            remote: self.remote,
            stages: self.watch.stop(self.shared.environment.clock.mono()),
            tls: self.tls,
        }
    }

    /// What a server has made of the message; `None` if none was asked to take it.
    async fn deliver<S: Store>(&mut self, job: &Job<'_, S>) -> Option<Outcomes> {
        let Job { entry, parts, .. } = *job;
        self.at(AttemptStage::Route);
        let needs_tls = needs_tls(entry, &parts.envelope);
        let shared = self.shared;
        let plan =
            Plan::make(&shared.environment, &shared.config, &entry.route, needs_tls, self.deadline).await;
        let mut plan = match plan {
            Ok(plan) => plan,
            Err(words) => {
                self.fail(words, None);
                return None;
            }
        };
        let now = shared.environment.clock.mono();
        plan.sources.sort_by_key(|source| shared.memory.has(Fault::Source(source.address), now));
        let mut avoided = Vec::new();
        for hosts in plan.hosts.chunk_by(|one, other| one.preference == other.preference) {
            let mut targets: Vec<Target> = Vec::new();
            for host in hosts {
                self.at(AttemptStage::Route);
                match host.targets(&plan, &shared.environment, &shared.config, self.deadline).await {
                    Ok(found) => targets.extend(found),
                    Err(words) => self.fail(words, None),
                }
            }
            for target in &targets {
                if let Some(outcomes) = self.by_kept(target, job).await {
                    return Some(outcomes);
                }
            }
            // A family says nothing of a host: only who was silent waits for less preferred hosts (RFC 5321 §5.1).
            targets.sort_by_cached_key(|target| self.has_no_way(target));
            let (silent, targets) = targets.into_iter().partition(|target| self.is_silent(target));
            avoided.push(silent);
            if let Some(outcomes) = self.by_new(&plan, targets, job).await {
                return Some(outcomes);
            }
        }
        for targets in avoided {
            if let Some(outcomes) = self.by_new(&plan, targets, job).await {
                return Some(outcomes);
            }
        }
        None
    }

    /// By a connection that was kept, if there is one.
    async fn by_kept<S: Store>(&mut self, target: &Target, job: &Job<'_, S>) -> Option<Outcomes> {
        let limit = self.config().client.timeouts.reset;
        let taken = self.shared.pool.take(target);
        let connection = self.shared.environment.within(limit, self.deadline, taken).await.ok()??;
        self.ask(connection, job, Sent::is_unheard).await
    }

    /// By new connections to these, until one has taken or refused the message.
    async fn by_new<S: Store>(
        &mut self,
        plan: &Plan,
        targets: VecDeque<Target>,
        job: &Job<'_, S>,
    ) -> Option<Outcomes> {
        let mut waiting = targets;
        while let Some((target, io)) = self.connect(plan, &mut waiting).await {
            let outcomes = match self.open(&target, io).await {
                Ok(connection) => self.ask(connection, job, |_| false).await,
                Err(words) => {
                    let needs_tls = needs_tls(job.entry, &job.parts.envelope);
                    let words = if needs_tls { words.of_message_that_needs_tls() } else { words };
                    self.fail(words, Some(&target));
                    None
                }
            };
            if outcomes.is_some() {
                return outcomes;
            }
        }
        None
    }

    /// Asks a server to take the message. What came of it does not count if `is_void` says so.
    async fn ask<S: Store>(
        &mut self,
        mut connection: Connection,
        job: &Job<'_, S>,
        is_void: impl FnOnce(&Sent) -> bool + Send,
    ) -> Option<Outcomes> {
        let Job { store, entry, parts } = *job;
        let shared = self.shared;
        if needs_tls(entry, &parts.envelope) && !connection.offers().require_tls {
            let text = "the message demands TLS all the way, and the server does not offer REQUIRETLS";
            let words = Words::seen(AttemptStage::Mail, code::REQUIRETLS_NEEDED, text);
            self.fail(words, Some(&connection.target));
            shared.pool.keep(connection);
            return None;
        }
        let offers = connection.offers().clone();
        let fitting = Form::fit(store, (entry, &parts.envelope), &offers, shared.config.eight_bit);
        let fitting = connection.driver.attend(fitting);
        let form = match shared.environment.within(Duration::MAX, self.deadline, fitting).await {
            Ok(Ok(form)) => form,
            Ok(Err(unfit)) => {
                let remote = connection.target.remote();
                let told = unfit.words().diagnostic(shared.environment.clock.wall(), Some(&remote));
                (self.remote, self.tls) = (Some(remote), connection.tls());
                shared.pool.keep(connection);
                return Some(Outcomes::ours(entry.recipients.len(), &told));
            }
            Err(why) => {
                self.fail(Words::out_of_time(why, AttemptStage::Mail), Some(&connection.target));
                shared.pool.part(connection);
                return None;
            }
        };
        connection.driver.machine.watch = std::mem::take(&mut self.watch);
        let sent = self.send_to_all(&mut connection, job, &form, is_void).await;
        self.watch = std::mem::take(&mut connection.driver.machine.watch);
        let remote = connection.target.remote();
        let Some(sent) = sent else {
            debug!(remote, "a connection that was kept is gone");
            return None;
        };
        let at = shared.environment.clock.wall();
        let outcomes = Outcomes::of(&sent, &connection, entry.recipients.len(), at);
        (self.remote, self.tls) = (Some(remote), connection.tls());
        let may_go_on = self.may_go_on(&connection, &sent, &outcomes);
        match sent.broken {
            None if may_go_on => shared.pool.keep(connection),
            None => shared.pool.part(connection),
            Some(_) => {}
        }
        Some(outcomes)
    }
}
