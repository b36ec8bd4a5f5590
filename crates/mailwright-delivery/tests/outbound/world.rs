//! A queue, a DNS and a network in memory, and an attempt in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailwright_core::testing::SeededEntropy;
use mailwright_core::{Clock, ReversePath, Timestamp, TraceId};
use mailwright_delivery::outbound::{Environment, Outbound, OutboundConfig};
use mailwright_delivery::{Deliver, Delivery, Parts};
use mailwright_dns::{DynResolver, Zones};
use mailwright_queue::{
    AcceptConfig, Attempt, Envelope, Outgoing, OutgoingRecipient, RecipientOutcome, RecipientState,
    RetryConfig,
};
use mailwright_store::{
    Batch, BatchId, BlobHint, BlobWriter, Claim, Claimed, MemoryStore, Op, Selector, Store, WorkerId,
};
use mailwright_tokio::SystemClock;

use crate::net::{Net, Site};

/// Tokio's time, which stands still unless everybody waits.
#[derive(Debug)]
pub(crate) struct Standing(Instant);

impl Standing {
    /// The time on the wall at the beginning.
    pub(crate) const WALL: Timestamp = Timestamp(1_767_225_600_000);
}

impl Clock for Standing {
    fn mono(&self) -> Instant {
        SystemClock.mono()
    }

    fn wall(&self) -> Timestamp {
        Self::WALL.saturating_add(self.mono() - self.0)
    }
}

pub(crate) struct World {
    pub(crate) zones: Zones,
    pub(crate) net: Net,
    pub(crate) config: OutboundConfig,
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<Standing>,
    messages: u8,
    /// Of all that is random.
    pub(crate) seed: u64,
}

/// A message to be.
pub(crate) struct Mail {
    pub(crate) sender: ReversePath,
    pub(crate) to: Vec<(String, RecipientState)>,
    pub(crate) envelope: Envelope,
    pub(crate) content: Bytes,
}

impl Mail {
    pub(crate) fn to(recipients: &[&str]) -> Self {
        Self {
            sender: ReversePath::Address("ann@us.example".parse().unwrap()),
            to: recipients.iter().map(|&to| (to.to_owned(), RecipientState::default())).collect(),
            envelope: Envelope::default(),
            content: Bytes::from_static(b"Subject: tea?\r\n\r\n.At four.\r\n"),
        }
    }
}

impl World {
    /// In which `example.net` has `mx1`, and `mx2` for when that fails, and nothing is at their addresses.
    pub(crate) fn new() -> Self {
        let zones = "$ORIGIN example.net.\n\
                     @    MX 10 mx1\n\
                     @    MX 20 mx2\n\
                     mx1  A 192.0.2.1\n\
                     mx2  A 192.0.2.2\n";
        Self {
            zones: zones.parse().unwrap(),
            net: Net::default(),
            config: OutboundConfig::new("us.example".parse().unwrap()),
            store: Arc::default(),
            clock: Arc::new(Standing(SystemClock.mono())),
            messages: 0,
            seed: 1,
        }
    }

    /// With that at `mx1`.
    pub(crate) fn with(site: Site) -> Self {
        let world = Self::new();
        world.net.put("192.0.2.1", [site]);
        world
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment {
            resolver: Arc::new(self.zones.clone()),
            dial: Arc::new(self.net.clone()),
            clock: Arc::<Standing>::clone(&self.clock),
            entropy: Arc::new(SeededEntropy::new(self.seed)),
        }
    }

    pub(crate) fn outbound(&self) -> Outbound {
        Outbound::new(self.config.clone(), self.environment())
    }

    /// Puts a message into the queue, and claims it.
    pub(crate) async fn queue(&mut self, mail: &Mail) -> (Claimed, Parts) {
        let now = self.clock.wall();
        self.messages += 1;
        let mut writer = self.store.blob_writer(BlobHint { now, size: None }).await.unwrap();
        for piece in mail.content.chunks(100_000) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let recipients = mail
            .to
            .iter()
            .map(|(to, state)| OutgoingRecipient::new(to.parse().unwrap(), state.clone()).unwrap());
        let outgoing = Outgoing {
            trace: TraceId::new(now, [self.messages; 4]),
            sender: mail.sender.clone(),
            envelope: Envelope { arrived: now, ..mail.envelope.clone() },
            blob: writer.finish(now).await.unwrap().id(),
            recipients: recipients.collect(),
        };
        let mut batch = Batch::new(BatchId([self.messages; 16]), now);
        let entries = outgoing.entries(&AcceptConfig::default(), &RetryConfig::default());
        batch.ops.extend(entries.into_iter().map(Op::from));
        self.store.commit(batch).await.unwrap();
        let selector = Selector::Any { room: 1, except: Default::default() };
        let lease = Duration::from_secs(600);
        let claim = Claim { now, worker: WorkerId(1), lease, selector, limit: 1 };
        let claimed = self.store.claim(&claim).await.unwrap().remove(0);
        let parts = Parts {
            envelope: Envelope::decode(&claimed.entry.envelope).unwrap(),
            recipients: (claimed.entry.recipients.iter())
                .map(|recipient| RecipientState::decode(&recipient.params).unwrap())
                .collect(),
        };
        (claimed, parts)
    }

    /// Tries to deliver a message.
    pub(crate) async fn send(&mut self, outbound: &Outbound, mail: &Mail) -> Delivery {
        let (claimed, parts) = self.queue(mail).await;
        outbound.deliver(&self.store, &claimed, &parts).await
    }

    /// With another DNS.
    pub(crate) fn outbound_by(&self, resolver: Arc<dyn DynResolver>) -> Outbound {
        let environment = Environment { resolver, ..self.environment() };
        Outbound::new(self.config.clone(), environment)
    }

    /// Tries to deliver a message, with nothing open before.
    pub(crate) async fn deliver(&mut self, recipients: &[&str]) -> Delivery {
        let outbound = self.outbound();
        self.send(&outbound, &Mail::to(recipients)).await
    }
}

/// What came of it for each recipient, a line each: what, at which stage, said by whom.
pub(crate) fn outcomes(delivery: &Delivery) -> Vec<String> {
    outcomes_or_none(delivery).into_iter().map(Option::unwrap).collect()
}

/// The same; nothing for those who were not tried.
pub(crate) fn outcomes_or_none(delivery: &Delivery) -> Vec<Option<String>> {
    let Attempt::Tried { outcomes, .. } = &delivery.attempt else { panic!("it was tried") };
    outcomes.iter().map(line).collect()
}

fn line(outcome: &RecipientOutcome) -> Option<String> {
    let (what, diagnostic) = match outcome {
        RecipientOutcome::Relayed { diagnostic, dsn: false, .. } => ("relayed", diagnostic),
        RecipientOutcome::Relayed { diagnostic, dsn: true, .. } => ("relayed with DSN", diagnostic),
        RecipientOutcome::Delivered(diagnostic) => ("delivered", diagnostic),
        RecipientOutcome::Deferred(diagnostic) => ("deferred", diagnostic),
        RecipientOutcome::Failed(diagnostic) => ("failed", diagnostic),
        RecipientOutcome::NotTried => return None,
        other => panic!("{other:?}"),
    };
    Some(format!("{what} at {}: {}", diagnostic.stage.as_str(), diagnostic.summary()))
}

/// How much time goes by, in seconds.
pub(crate) async fn seconds<T>(work: impl Future<Output = T>) -> (u64, T) {
    let start = SystemClock.mono();
    let done = work.await;
    ((SystemClock.mono() - start).as_secs(), done)
}
