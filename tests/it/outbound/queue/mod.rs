//! The queue by itself: a store, destinations that do as they are told, and time that passes when nothing is left to
//! do.

mod disk;
mod flood;
mod outage;
mod workers;
mod writes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailwright_core::testing::{FakeClock, SeededEntropy};
use mailwright_core::{
    Address, BlobId, Clock, Domain, EnhancedCode, QueueId, ReplyCode, ReversePath, Timestamp, TraceId,
};
use mailwright_delivery::{Deliver, Delivery, Parts, Queue, QueueConfig, QueueParts};
use mailwright_queue::{
    AcceptConfig, Attempt, AttemptStage, Diagnostic, Envelope, Feedback, Outgoing, OutgoingRecipient,
    RecipientOutcome, RecipientState, RetryConfig, SettleConfig,
};
use mailwright_store::{
    Batch, BatchId, BlobHint, BlobWriter as _, Claimed, DirectoryConfig, Limits, MemoryConfig, MemoryStore,
    Op, StaticDirectory, Store, WorkerId,
};
use mailwright_tokio::Shutdown;
use tokio::time::sleep;

/// What a destination does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// Takes each message in that time.
    Live(Duration),
    /// Does not answer, which is noticed after that time.
    Dead(Duration),
    /// Keeps an attempt for ever.
    Stuck,
}

/// The clock of tokio, which is paused, some time after a [`FakeClock`]'s beginning.
#[derive(Debug, Clone, Copy)]
struct Paused {
    start: tokio::time::Instant,
    after: Duration,
}

impl Paused {
    /// Called in the runtime.
    fn after(after: Duration) -> Self {
        Self { start: tokio::time::Instant::now(), after }
    }
}

impl Clock for Paused {
    fn mono(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> Timestamp {
        FakeClock::EPOCH.saturating_add(self.after + self.start.elapsed())
    }
}

/// Who is there, and what has happened. Clones are the same.
#[derive(Debug, Clone)]
struct Net {
    clock: Paused,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    peers: BTreeMap<Domain, Peer>,
    /// If the resolver is down nobody is found.
    down: bool,
    seen: BTreeMap<Domain, Seen>,
}

/// What a destination has seen.
#[derive(Debug, Default, Clone)]
struct Seen {
    attempts: usize,
    active: usize,
    active_max: usize,
    /// What it took, and how long after it was queued, in order.
    taken: Vec<(QueueId, Duration)>,
    /// The same of reports: those have no sender.
    reports: Vec<Timestamp>,
}

impl Net {
    fn new(clock: Paused) -> Self {
        Self { clock, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn peer(&self, route: &str, peer: Peer) {
        self.state().peers.insert(domain(route), peer);
    }

    fn seen(&self, route: &str) -> Seen {
        self.state().seen.get(&domain(route)).cloned().unwrap_or_default()
    }

    /// What all have taken.
    fn taken(&self) -> Vec<QueueId> {
        self.state().seen.values().flat_map(|seen| &seen.taken).map(|(id, _)| *id).collect()
    }

    fn begin(&self, route: &Domain) -> Peer {
        let mut state = self.state();
        let down = state.down;
        let peer = state.peers.get(route).copied().unwrap_or(Peer::Live(Duration::from_millis(200)));
        let seen = state.seen.entry(route.clone()).or_default();
        seen.attempts += 1;
        seen.active += 1;
        seen.active_max = seen.active_max.max(seen.active);
        if down { Peer::Dead(Duration::from_secs(5)) } else { peer }
    }

    fn end(&self, claimed: &Claimed, is_taken: bool) {
        let entry = &claimed.entry;
        let (now, mut state) = (self.clock.wall(), self.state());
        let seen = state.seen.entry(entry.route.clone()).or_default();
        seen.active -= 1;
        match entry.sender.address() {
            Some(_) if is_taken => seen.taken.push((entry.id, now.since(entry.queued))),
            None if is_taken => seen.reports.push(now),
            _ => {}
        }
    }
}

impl<S: Store> Deliver<S> for Net {
    async fn deliver(&self, _store: &Arc<S>, claimed: &Claimed, _parts: &Parts) -> Delivery {
        let (is_taken, takes) = match self.begin(&claimed.entry.route) {
            Peer::Live(takes) => (true, takes),
            Peer::Dead(takes) => (false, takes),
            Peer::Stuck => std::future::pending().await,
        };
        sleep(takes).await;
        self.end(claimed, is_taken);
        let now = self.clock.wall();
        let (diagnostic, outcome): (_, fn(Diagnostic) -> RecipientOutcome) = match is_taken {
            true => (said(now), |diagnostic| RecipientOutcome::Relayed {
                diagnostic,
                dsn: false,
                deliver_by: true,
            }),
            false => (silent(now), RecipientOutcome::Deferred),
        };
        let outcomes = vec![outcome(diagnostic.clone()); claimed.entry.recipients.len()];
        let attempt = Attempt::Tried { outcomes, not_before: None };
        let feedback = Feedback::of(&diagnostic);
        Delivery { attempt, writes: Vec::new(), feedback, remote: None, stages: Vec::new(), tls: None }
    }
}

fn said(now: Timestamp) -> Diagnostic {
    let codes = (ReplyCode::new(250).unwrap(), EnhancedCode::new(2, 0, 0));
    Diagnostic::reply(now, AttemptStage::End, "mx.example", codes, "ok")
}

fn silent(now: Timestamp) -> Diagnostic {
    let no_dns = EnhancedCode::new(4, 4, 3).unwrap();
    Diagnostic::local(now, AttemptStage::Route, no_dns, "the resolver does not answer")
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn config(worker: u64) -> QueueConfig {
    let settle = SettleConfig::new(domain("mx.a.example"), address("postmaster@a.example"));
    let mut config = QueueConfig::new(settle);
    config.worker = WorkerId(worker);
    config
}

/// A store that takes large batches.
fn memory() -> Arc<MemoryStore> {
    let mut config = MemoryConfig::default();
    config.limits = Limits::default();
    config.limits.ops_per_batch = 200_000;
    Arc::new(MemoryStore::new(config))
}

/// Begins to work on a store. All reports go elsewhere: nobody is here.
fn start<S: Store>(store: &Arc<S>, net: &Net, config: QueueConfig, shutdown: &Shutdown) -> Queue<S> {
    let parts = QueueParts {
        store: Arc::clone(store),
        deliver: net.clone(),
        directory: StaticDirectory::new(DirectoryConfig::new([]), []),
        clock: Arc::new(net.clock),
        entropy: Arc::new(SeededEntropy::new(config.worker.0)),
    };
    Queue::start(parts, config, shutdown)
}

/// Puts messages from x@sender.example into a store.
struct Sender<'a, S> {
    store: &'a Arc<S>,
    clock: Paused,
    /// Of what was sent before: no two ids are the same.
    sent: AtomicU32,
    blob: BlobId,
}

impl<'a, S: Store> Sender<'a, S> {
    async fn new(store: &'a Arc<S>, clock: Paused) -> Self {
        let now = clock.wall();
        let mut writer = store.blob_writer(BlobHint { now, size: None }).await.unwrap();
        writer.write(Bytes::from_static(b"Subject: x\r\n\r\n")).await.unwrap();
        let blob = writer.finish(now).await.unwrap().id();
        Self { store, clock, sent: AtomicU32::new(0), blob }
    }

    /// So many messages for that destination arrive now.
    async fn send(&self, route: &str, count: usize) -> Vec<QueueId> {
        let now = self.clock.wall();
        let mut batch = Batch::new(BatchId([self.number(); 4].as_flattened().try_into().unwrap()), now);
        let mut ids = Vec::new();
        for _ in 0..count {
            let to = OutgoingRecipient::new(address(&format!("x@{route}")), RecipientState::default());
            let message = Outgoing {
                trace: TraceId::new(now, self.number()),
                sender: ReversePath::Address(address("x@sender.example")),
                envelope: Envelope::new(now),
                blob: self.blob,
                recipients: vec![to.unwrap()],
            };
            for entry in message.entries(&AcceptConfig::default(), &RetryConfig::default()) {
                ids.push(entry.id);
                batch.ops.push(Op::from(entry));
            }
        }
        self.store.commit(batch).await.unwrap();
        ids
    }

    fn number(&self) -> [u8; 4] {
        self.sent.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }
}

/// How many entries there are.
async fn waiting(store: &impl Store) -> usize {
    store.queue_page(None, None, 1_000).await.unwrap().items.len()
}
