//! How long each stage of an attempt takes.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use mailwright_core::{Machine, Output, Progress, Upgraded};
use mailwright_queue::AttemptStage;
use mailwright_smtp::client::{Client, Error, Event, Stage};

/// The stage of an attempt that a stage of the conversation belongs to; none if nothing of the attempt is under way.
pub(super) fn attempt_stage(stage: Stage) -> Option<AttemptStage> {
    match stage {
        Stage::Resolve => Some(AttemptStage::Route),
        Stage::Connect => Some(AttemptStage::Connect),
        Stage::Tls | Stage::StartTls => Some(AttemptStage::Tls),
        Stage::Greeting => Some(AttemptStage::Greeting),
        Stage::Hello => Some(AttemptStage::Hello),
        Stage::Auth => Some(AttemptStage::Auth),
        Stage::Mail => Some(AttemptStage::Mail),
        Stage::Rcpt => Some(AttemptStage::Rcpt),
        Stage::Data => Some(AttemptStage::Data),
        Stage::Body => Some(AttemptStage::Body),
        Stage::BodyEnd => Some(AttemptStage::End),
        _ => None,
    }
}

/// Measures stages. It has as many as the attempt has come to: some for each address that was tried.
#[derive(Debug, Default)]
pub(super) struct Watch {
    now_at: Option<(AttemptStage, Instant)>,
    stages: Vec<(AttemptStage, Duration)>,
}

impl Watch {
    /// The attempt is at this stage now.
    pub(super) fn at(&mut self, stage: Option<AttemptStage>, now: Instant) {
        if self.now_at.map(|(stage, _)| stage) == stage {
            return;
        }
        if let Some((stage, since)) = self.now_at.take() {
            self.stages.push((stage, now.saturating_duration_since(since)));
        }
        self.now_at = stage.map(|stage| (stage, now));
    }

    /// What was measured.
    pub(super) fn stop(&mut self, now: Instant) -> Vec<(AttemptStage, Duration)> {
        self.at(None, now);
        std::mem::take(&mut self.stages)
    }
}

/// A client that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) client: Client,
    pub(super) watch: Watch,
}

impl Watched {
    fn look(&mut self, now: Instant) {
        self.watch.at(attempt_stage(self.client.stage()), now);
    }
}

impl Machine for Watched {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        let progress = self.client.poll_event(input, now);
        self.look(now);
        progress
    }

    fn handle_eof(&mut self) {
        self.client.handle_eof();
    }

    fn handle_upgrade(&mut self, done: Upgraded, now: Instant) {
        self.client.handle_upgrade(done, now);
        self.look(now);
    }

    fn handle_shutdown(&mut self) {
        self.client.handle_shutdown();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
        self.look(now);
    }

    fn output(&mut self) -> &mut Output {
        self.client.output()
    }
}
