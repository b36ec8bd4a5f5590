//! What a queue costs that is long: a message enqueued, claimed and done with, beside so many others.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailwright_core::{Address, BlobId, ReversePath, Timestamp, TraceId};
use mailwright_queue::{AcceptConfig, Envelope, Outgoing, OutgoingRecipient, RecipientState, RetryConfig};
use mailwright_store::{
    Batch, BatchId, BlobHint, BlobWriter, Claim, Op, Selector, Settlement, Store, WorkerId,
};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};

const NOW: Timestamp = Timestamp(1_795_363_201_000);
/// Entries of a batch, and those that are claimed together.
const BATCH: usize = 100;
/// Batches that are measured.
const ROUNDS: usize = 30;
/// Domains that the others are for.
const DOMAINS: usize = 1_000;
/// How much more a message may cost beside the most others than beside the fewest.
const GROWTH: f64 = 1.5;
/// How long the start may take.
const START: Duration = Duration::from_secs(2);

struct Bench {
    store: SqliteStore,
    blob: BlobId,
    made: u64,
}

/// Whether the goals are met.
pub(crate) fn measure(dir: &Path, counts: &[usize]) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let dir = dir.join("long");
    println!("\nwhat a message costs in the queue, in µs, by batches of {BATCH}; SQLite's cache 16 MiB\n");
    println!("{:>12} {:>12} {:>20} {:>12}", "others", "enqueue", "claim and done", "start, s");
    let (mut first, mut good) = (None, true);
    for &count in counts {
        let mut bench = runtime.block_on(Bench::open(&dir));
        runtime.block_on(bench.fill(count));
        let enqueue = runtime.block_on(bench.enqueue());
        let claim = runtime.block_on(bench.claim());
        bench.store.close();
        let begun = Instant::now();
        let reopened = runtime.block_on(Bench::open(&dir));
        runtime.block_on(reopened.store.next_due()).expect("asked").expect("something waits");
        let start = begun.elapsed();
        reopened.store.close();
        println!("{count:>12} {enqueue:>12.1} {claim:>20.1} {:>12.2}", start.as_secs_f64());
        let (first_enqueue, first_claim) = *first.get_or_insert((enqueue, claim));
        good &= enqueue <= first_enqueue * GROWTH && claim <= first_claim * GROWTH && start <= START;
        let _ = std::fs::remove_dir_all(&dir);
    }
    println!("{:>12} {GROWTH:>11}x {:>19}x {:>12}{}", "goal", GROWTH, START.as_secs(), crate::missed(good));
    good
}

impl Bench {
    async fn open(dir: &Path) -> Self {
        let config = SqliteConfig::at(dir);
        let (store, _) =
            tokio::task::spawn_blocking(|| SqliteStore::open(config)).await.expect("run").expect("opened");
        let mut blob = store.blob_writer(BlobHint { now: NOW, size: None }).await.expect("a blob");
        blob.write(Bytes::from_static(b"Subject: x\r\n\r\nx\r\n")).await.expect("written");
        let blob = blob.finish(NOW).await.expect("stored").id();
        Self { store, blob, made: 0 }
    }

    /// A batch of messages for these domains, due then.
    fn batch(&mut self, domain: impl Fn(u64) -> String, due: Timestamp) -> Batch {
        let mut batch = Batch::new(self.id(), NOW);
        for _ in 0..BATCH {
            self.made += 1;
            let to: Address = format!("bob@{}", domain(self.made)).parse().expect("an address");
            let message = Outgoing {
                trace: TraceId::new(Timestamp(NOW.0 + self.made as i64), [0; 4]),
                sender: ReversePath::Null,
                envelope: Envelope::new(due),
                blob: self.blob,
                recipients: vec![OutgoingRecipient::new(to, RecipientState::default()).expect("a domain")],
            };
            let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
            batch.ops.extend(entries.into_iter().map(Op::from));
        }
        batch
    }

    fn id(&mut self) -> BatchId {
        self.made += 1;
        BatchId(u128::from(self.made).to_be_bytes())
    }

    /// Messages that are not due: they only lie there.
    async fn fill(&mut self, count: usize) {
        let later = Timestamp(NOW.0 + 86_400_000);
        for _ in 0..count / BATCH {
            let batch = self.batch(|number| format!("d{}.example", number % DOMAINS as u64), later);
            self.store.commit(batch).await.expect("enqueued");
        }
    }

    /// Microseconds to enqueue a message that is due.
    async fn enqueue(&mut self) -> f64 {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let batch = self.batch(|number| format!("live{}.example", number % 10), NOW);
            let begun = Instant::now();
            self.store.commit(batch).await.expect("enqueued");
            times.push(begun.elapsed());
        }
        median(times)
    }

    /// Microseconds to claim one and to be done with it.
    async fn claim(&mut self) -> f64 {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let selector = Selector::Any { room: BATCH, except: Default::default() };
            let lease = Duration::from_secs(600);
            let id = self.id();
            let begun = Instant::now();
            let claim = Claim { now: NOW, worker: WorkerId(1), lease, selector, limit: BATCH };
            let claimed = self.store.claim(&claim).await.expect("claimed");
            assert_eq!(claimed.len(), BATCH, "all that is asked for is due");
            let settled = claimed
                .iter()
                .map(|claimed| Op::Settle { lease: claimed.lease, settlement: Settlement::Ack });
            self.store
                .commit(Batch { ops: settled.collect(), ..Batch::new(id, NOW) })
                .await
                .expect("settled");
            times.push(begun.elapsed());
        }
        median(times)
    }
}

/// Of a message, in microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6 / BATCH as f64
}
