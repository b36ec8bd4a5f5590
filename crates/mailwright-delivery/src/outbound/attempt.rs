//! What an attempt remembers from host to host.

use std::time::Instant;

use mailwright_core::{TraceEvent, TraceId};
use mailwright_queue::{AttemptStage, Diagnostic};
use mailwright_store::Op;
use tracing::info;

use super::config::OutboundConfig;
use super::plan::Target;
use super::shared::Shared;
use super::watch::Watch;
use super::words::Words;
use crate::deliver::Write;

/// An attempt under way.
pub(super) struct Attempt<'a> {
    pub(super) shared: &'a Shared,
    /// When it has to end.
    pub(super) deadline: Instant,
    /// Addresses that may still be connected to.
    pub(super) left: usize,
    pub(super) watch: Watch,
    /// The server that was last spoken to.
    pub(super) remote: Option<String>,
    /// Its version of TLS.
    pub(super) tls: Option<&'static str>,
    /// Why the hosts that were tried have not been asked to take the message.
    pub(super) failures: Vec<Diagnostic>,
    /// What the message's trace is to tell besides what came of the attempt.
    pub(super) events: Vec<TraceEvent>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        let deadline = shared.environment.clock.mono() + shared.config.deadline;
        let left = shared.config.addresses.max(1);
        Self {
            shared,
            deadline,
            left,
            watch: Watch::default(),
            remote: None,
            tls: None,
            failures: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A host, or the way to it, has failed.
    pub(super) fn fail(&mut self, words: Words, target: Option<&Target>) {
        // Nobody was reached before there was a connection.
        let remote = target.filter(|_| words.stage > AttemptStage::Connect).map(Target::remote);
        let diagnostic = words.diagnostic(self.shared.environment.clock.wall(), remote.as_deref());
        info!(stage = diagnostic.stage.as_str(), reason = diagnostic.summary(), "passed over");
        self.remote = remote.or(self.remote.take());
        self.failures.push(diagnostic);
    }

    /// What is told in the trace.
    pub(super) fn writes(&mut self, trace: TraceId) -> Vec<Write> {
        let events = std::mem::take(&mut self.events);
        let is_told = !events.is_empty();
        let write = || Write { op: Op::Trace { id: trace, events }, recipients: Vec::new() };
        is_told.then(write).into_iter().collect()
    }

    /// The attempt is at this stage now.
    pub(super) fn at(&mut self, stage: AttemptStage) {
        self.watch.at(Some(stage), self.shared.environment.clock.mono());
    }

    pub(super) fn config(&self) -> &'a OutboundConfig {
        &self.shared.config
    }

    pub(super) fn is_over(&self) -> bool {
        self.shared.environment.clock.mono() >= self.deadline
    }
}
