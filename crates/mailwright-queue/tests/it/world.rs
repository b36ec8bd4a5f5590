//! A store with a queue, servers that take mail or do not, and time that only passes when nothing is left to do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailwright_core::testing::{FakeClock, SeededEntropy};
use mailwright_core::{BlobId, Clock, Domain, Entropy, Timestamp, TraceId};
use mailwright_queue::{
    AcceptConfig, Attempt, AttemptStage, Diagnostic, Envelope, Feedback, Outgoing, OutgoingRecipient,
    RecipientOutcome, RecipientState, Scheduler, SchedulerConfig, SettleConfig, Usage, Work, settle,
};
use mailwright_store::conformance::block_on;
use mailwright_store::{
    Batch, BatchId, BlobHint, BlobWriter, Claim, Claimed, Limits, MemoryConfig, MemoryStore, Op, Selector,
    Store, WorkerId,
};

use crate::fixture::{ARRIVED, address, domain, enhanced, said, sender};

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// Takes each message in that time.
    Live(Duration),
    /// The same, but turns away who has more connections than that.
    Narrow(usize, Duration),
    /// Does not answer, which is noticed after that time.
    Dead(Duration),
}

/// What is known of a destination.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) attempts: usize,
    pub(crate) delivered: usize,
    /// Attempts that were turned away as too many.
    pub(crate) turned_away: usize,
    pub(crate) active: usize,
    pub(crate) active_max: usize,
    /// From being enqueued to being delivered, of each message.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) reports: usize,
    pub(crate) given_up: usize,
}

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) scheduler: Scheduler,
    config: SettleConfig,
    peers: BTreeMap<Domain, Peer>,
    pub(crate) seen: BTreeMap<Domain, Seen>,
    /// Attempts under way, by when they end.
    under_way: BTreeMap<(Duration, u64), (Claimed, Diagnostic)>,
    start: Instant,
    pub(crate) now: Duration,
    numbers: u64,
    random: SeededEntropy,
    blob: BlobId,
    /// The most that the scheduler ever held.
    pub(crate) largest: Usage,
    pub(crate) claims: usize,
}

impl World {
    pub(crate) fn new(config: SchedulerConfig) -> Self {
        let mut limits = Limits::default();
        limits.ops_per_batch = 200_000;
        let mut memory = MemoryConfig::default();
        memory.limits = limits;
        let store = MemoryStore::new(memory);
        let blob = block_on(async {
            let mut writer = store.blob_writer(BlobHint { now: ARRIVED, size: None }).await.unwrap();
            writer.write(Bytes::from_static(b"Subject: x\r\n\r\n")).await.unwrap();
            writer.finish(ARRIVED).await.unwrap().id()
        });
        Self {
            store,
            scheduler: Scheduler::new(config),
            config: SettleConfig::new(domain("mx.sender.example"), address("postmaster@sender.example")),
            peers: BTreeMap::new(),
            seen: BTreeMap::new(),
            under_way: BTreeMap::new(),
            start: FakeClock::new().mono(),
            now: Duration::ZERO,
            numbers: 0,
            random: SeededEntropy::new(1),
            blob,
            largest: Usage { active: 0, destinations: 0, served: 0 },
            claims: 0,
        }
    }

    pub(crate) fn peer(&mut self, route: &str, peer: Peer) {
        self.peers.insert(domain(route), peer);
    }

    /// So many messages for that destination arrive now.
    pub(crate) fn enqueue(&mut self, route: &str, count: usize) {
        let now = self.wall();
        let mut batch = self.batch();
        for _ in 0..count {
            let number = self.number();
            let [_, _, _, _, random @ ..] = number.to_be_bytes();
            let recipient =
                OutgoingRecipient::new(address(&format!("r{number}@{route}")), RecipientState::default());
            let message = Outgoing {
                trace: TraceId::new(now, random),
                sender: sender(),
                envelope: Envelope::new(now),
                blob: self.blob,
                recipients: vec![recipient.unwrap()],
            };
            batch.ops.extend(
                message.entries(&AcceptConfig::default(), &self.config.retry).into_iter().map(Op::from),
            );
        }
        block_on(self.store.commit(batch)).unwrap();
        self.scheduler.changed();
    }

    /// Runs until nothing is left to do, or until then.
    pub(crate) fn run_until(&mut self, end: Duration) {
        loop {
            let until = self.work();
            self.check();
            let ends = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = until.into_iter().chain(ends).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (claimed, diagnostic) = entry.remove();
                self.finish(claimed, diagnostic);
            }
        }
        self.now = self.now.max(end);
    }

    pub(crate) fn seen(&self, route: &str) -> &Seen {
        &self.seen[&domain(route)]
    }

    pub(crate) fn instant(&self) -> Instant {
        self.start + self.now
    }

    pub(crate) fn waiting(&self) -> usize {
        block_on(self.store.queue_page(None, None, 1_000)).unwrap().items.len()
    }

    /// Does what is to be done now. Gives until when there is nothing.
    fn work(&mut self) -> Option<Duration> {
        for _ in 0..100_000 {
            let now = self.start + self.now;
            match self.scheduler.next(now) {
                Work::Claim { selector, limit } => {
                    self.claims += 1;
                    let claimed = self.claim(selector, limit);
                    assert!(claimed.len() <= limit);
                    let next_due = block_on(self.store.next_due()).unwrap().map(|due| due.since(self.wall()));
                    let ids: Vec<_> = claimed
                        .iter()
                        .map(|claimed| (claimed.entry.id, claimed.entry.route.clone()))
                        .collect();
                    self.scheduler.claimed(ids, next_due, now);
                    claimed.into_iter().for_each(|claimed| self.begin(claimed));
                }
                Work::Sweep { route, limit, why, rest } => {
                    let claimed = self.claim(Selector::Only([(route.clone(), limit)].into()), limit);
                    let count = claimed.len();
                    let until = self.wall().saturating_add(rest);
                    for claimed in claimed {
                        self.settle(&claimed, Attempt::Untried { until, why: Some((*why).clone()) });
                    }
                    self.scheduler.swept(&route, count, now);
                }
                Work::Wait { until } => return until.map(|until| until - self.start),
            }
            self.check();
        }
        panic!("the scheduler does not come to rest");
    }

    fn check(&mut self) {
        let usage = self.scheduler.usage();
        let largest = &mut self.largest;
        largest.active = largest.active.max(usage.active);
        largest.destinations = largest.destinations.max(usage.destinations);
        largest.served = largest.served.max(usage.served);
        assert_eq!(usage.active, self.under_way.len(), "each attempt is known, and none that has ended");
    }

    fn claim(&self, selector: Selector, limit: usize) -> Vec<Claimed> {
        let (worker, lease) = (WorkerId(1), Duration::from_secs(600));
        block_on(self.store.claim(&Claim { now: self.wall(), worker, lease, selector, limit })).unwrap()
    }

    fn begin(&mut self, claimed: Claimed) {
        let route = &claimed.entry.route;
        let seen = self.seen.entry(route.clone()).or_default();
        seen.attempts += 1;
        seen.active += 1;
        seen.active_max = seen.active_max.max(seen.active);
        let quick = Duration::from_millis(50);
        let (takes, diagnostic) = match self.peers[route] {
            Peer::Narrow(room, _) if seen.active > room => {
                seen.turned_away += 1;
                let busy =
                    Diagnostic { stage: AttemptStage::Greeting, ..said("421 4.7.0 too many connections") };
                (quick, busy)
            }
            Peer::Live(takes) | Peer::Narrow(_, takes) => (takes, said("250 2.0.0 ok")),
            Peer::Dead(takes) => {
                (takes, Diagnostic::local(ARRIVED, AttemptStage::Connect, enhanced(4, 4, 1), "timed out"))
            }
        };
        let number = self.number();
        self.under_way.insert((self.now + takes, number), (claimed, diagnostic));
    }

    fn finish(&mut self, claimed: Claimed, diagnostic: Diagnostic) {
        let now = self.start + self.now;
        let (id, queued) = (claimed.entry.id, claimed.entry.queued);
        let latency = self.wall().since(queued);
        let seen = self.seen.entry(claimed.entry.route.clone()).or_default();
        seen.active -= 1;
        let feedback = Feedback::of(&diagnostic);
        let outcome = if diagnostic.code.is_some_and(|code| code.is_positive()) {
            seen.delivered += 1;
            seen.latencies.push(latency);
            RecipientOutcome::Relayed { diagnostic, dsn: false, deliver_by: true }
        } else {
            RecipientOutcome::Deferred(diagnostic)
        };
        self.settle(&claimed, Attempt::Tried { outcomes: vec![outcome], not_before: None });
        self.scheduler.finished(id, feedback, now);
        self.scheduler.changed();
    }

    fn settle(&mut self, claimed: &Claimed, attempt: Attempt) {
        let mut octets = [0; 8];
        self.random.fill(&mut octets);
        let settled = settle(claimed, attempt, self.wall(), u64::from_be_bytes(octets), &self.config);
        if let Some(report) = &settled.report {
            let seen = self.seen.entry(claimed.entry.route.clone()).or_default();
            seen.reports += 1;
            seen.given_up += usize::from(report.message.has_failure());
        }
        let mut batch = self.batch();
        batch.ops = settled.ops.into_iter().filter(|op| matches!(op, Op::Settle { .. })).collect();
        block_on(self.store.commit(batch)).unwrap();
    }

    fn batch(&mut self) -> Batch {
        Batch::new(BatchId(u128::from(self.number()).to_be_bytes()), self.wall())
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn wall(&self) -> Timestamp {
        ARRIVED.saturating_add(self.now)
    }
}
