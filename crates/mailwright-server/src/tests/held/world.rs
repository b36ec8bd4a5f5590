//! A server for ann and bob, a clock, and all who are elsewhere.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use mailwright_core::testing::{FakeClock, SeededEntropy};
use mailwright_core::{Clock as _, EnhancedCode, QueueId, ReplyCode};
use mailwright_delivery::{Deliver, Delivery, Parts, QueueConfig, QueueEvent};
use mailwright_queue::{Attempt, AttemptStage, Diagnostic, Feedback, RecipientOutcome, SettleConfig};
use mailwright_store::{AccountInfo, Claimed, Op, QueueEntry, QuotaLimits, QuotaOp};
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::super::*;
use crate::{Alias, AliasAddress};

/// All that is elsewhere: takes what comes.
#[derive(Clone, Default)]
pub(super) struct Elsewhere(Arc<Mutex<Vec<String>>>);

impl Deliver<Arc<dyn DynStore>> for Elsewhere {
    async fn deliver(&self, _: &Arc<Arc<dyn DynStore>>, claimed: &Claimed, parts: &Parts) -> Delivery {
        let entry = &claimed.entry;
        for (to, state) in entry.recipients.iter().zip(&parts.recipients) {
            let orcpt = state.orcpt.as_ref().map_or("", |orcpt| orcpt.as_orcpt());
            self.0.lock().unwrap().push(format!("{} {orcpt}", to.address).trim_end().to_owned());
        }
        let codes = (ReplyCode::new(250).unwrap(), EnhancedCode::new(2, 0, 0));
        let said = Diagnostic::reply(entry.due, AttemptStage::End, "mx.elsewhere.example", codes, "ok");
        let relayed = RecipientOutcome::Relayed { diagnostic: said, dsn: true, deliver_by: true };
        Delivery {
            attempt: Attempt::Tried { outcomes: vec![relayed; entry.recipients.len()], not_before: None },
            writes: Vec::new(),
            feedback: Feedback::Served,
            remote: None,
            stages: Vec::new(),
            tls: None,
        }
    }
}

impl Elsewhere {
    /// Whom it has taken mail for, since this was last asked.
    pub(super) fn taken(&self) -> Vec<String> {
        let mut taken = std::mem::take(&mut *self.0.lock().unwrap());
        taken.sort();
        taken
    }
}

/// A server for ann and bob, of whom each has the password `secret`.
pub(super) struct World {
    pub(super) clock: Arc<FakeClock>,
    pub(super) store: Arc<dyn DynStore>,
    pub(super) elsewhere: Elsewhere,
    pub(super) running: Running,
    events: broadcast::Receiver<QueueEvent>,
    commits: AtomicU8,
}

pub(super) fn configured(change: impl FnOnce(&mut Settings)) -> Settings {
    let alias = |name: &str, targets: &[&str]| Alias {
        address: AliasAddress::One(address(name)),
        targets: targets.iter().map(|target| address(target)).collect(),
    };
    let aliases = vec![
        alias("one@a.example", &["bob@a.example"]),
        alias("away@a.example", &["carol@elsewhere.example"]),
        // Where what ann has held waits.
        alias("round@a.example", &["x@1.held.invalid"]),
        alias("all@a.example", &["ann@a.example", "bob@a.example", "dora@elsewhere.example"]),
    ];
    let users = vec![user("ann@a.example", &[]), user("bob@a.example", &[])];
    let mut settings = Settings { aliases, ..settings(users) };
    change(&mut settings);
    settings
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Arc::new(FakeClock::new()), memory(4 << 20), |_| {}).await
    }

    pub(super) async fn with(
        clock: Arc<FakeClock>,
        store: Arc<dyn DynStore>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let host: Domain = "mx.a.example".parse().unwrap();
        let mut queue = QueueConfig::new(SettleConfig::new(host, address("postmaster@a.example")));
        queue.settle.retry.jitter = 0;
        let elsewhere = Elsewhere::default();
        // Of two servers on one store, each has ids of its own.
        let seed = clock.wall().0.cast_unsigned();
        let running = Server::new("mx.a.example")
            .environment(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(seed)))
            .settings(configured(change))
            .store(Arc::clone(&store))
            .login_without_tls()
            .deliver(Arc::new(elsewhere.clone()), queue)
            .listen(Service::Smtp, ([127, 0, 0, 1], 0))
            .listen(Service::Submission, ([127, 0, 0, 1], 0))
            .start()
            .await
            .unwrap();
        let events = running.queue().unwrap().events();
        Self { clock, store, elsewhere, running, events, commits: AtomicU8::new(0) }
    }

    pub(super) async fn login(&self, name: &str) -> Client {
        let mut client = Client::connect_to(&self.running, Service::Submission).await;
        client.expect(&format!("AUTH PLAIN {}", plain(name)), "235 ").await;
        client
    }

    /// Ann submits a message, with these parameters of MAIL and recipients. Gives the reply to it.
    pub(super) async fn submit(&self, params: &str, to: &[&str]) -> String {
        let mut client = self.login("ann").await;
        client.expect(&format!("MAIL FROM:<ann@a.example> {params}"), "250 ").await;
        for to in to {
            client.expect(&format!("RCPT TO:{to}"), "250 ").await;
        }
        client.expect("DATA", "354 ").await;
        client.expect("Subject: later\r\n\r\nhello\r\n.", "250 2.0.0 ").await
    }

    pub(super) async fn entries(&self) -> Vec<QueueEntry> {
        self.store.queue_page(None, None, 100).await.unwrap().items
    }

    pub(super) async fn only(&self) -> QueueEntry {
        let mut entries = self.entries().await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    /// Time passes, and the queue looks at it. Its own timer is that of another clock.
    pub(super) async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.wake(self.entries().await.first().expect("something waits").id).await;
    }

    async fn wake(&self, entry: QueueId) {
        self.running.queue().unwrap().release(entry).await.unwrap();
    }

    /// What becomes of so many recipients, in order of their addresses.
    pub(super) async fn told(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < count {
            let event = timeout(Duration::from_secs(20), self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("{told:?} is all")).unwrap();
            told.extend(match event {
                QueueEvent::Delivered { to, reply, .. } => Some(format!("{to}: {}", reply.summary())),
                QueueEvent::Deferred { to, reply: Some(reply), .. } => {
                    Some(format!("{to} waits: {}", reply.summary()))
                }
                QueueEvent::Bounced { to, reply, .. } => Some(format!("{to} fails: {}", reply.summary())),
                _ => None,
            });
        }
        told.sort();
        told
    }

    pub(super) async fn mail(&self, login: &str) -> Vec<String> {
        messages(&self.store, login).await
    }

    pub(super) async fn account(&self, login: &str) -> AccountInfo {
        self.store.find_account(&AccountKey::Login(login.to_owned())).await.unwrap()
    }

    pub(super) async fn commit(&self, op: impl Into<Op>) {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        let batch = Batch::new(BatchId([number; 16]), self.clock.wall()).with(op);
        self.store.commit(batch).await.unwrap();
    }

    /// How many messages a user may have.
    pub(super) async fn allow(&self, login: &str, messages: Option<u64>) {
        let root = self.account(login).await.quota_root;
        let limits = QuotaLimits { messages, ..QuotaLimits::default() };
        self.commit(Op::Quota(QuotaOp::SetLimits { root, limits })).await;
    }
}

/// The initial response of `AUTH PLAIN`, for a name at our domain.
pub(super) fn plain(name: &str) -> &'static str {
    match name {
        "ann" => "AGFubkBhLmV4YW1wbGUAc2VjcmV0",
        _ => "AGJvYkBhLmV4YW1wbGUAc2VjcmV0",
    }
}
