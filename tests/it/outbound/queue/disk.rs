//! No room on the disk for what came of an attempt.

use std::sync::Arc;
use std::time::Duration;

use mailwright_core::{Stage, Timestamp, TraceEvent, TraceId, Verdict};
use mailwright_store::{Batch, BatchId, Op, Store as _};
use mailwright_store_sqlite::testing::{SimConfig, SimDisks, SimStore};
use mailwright_tokio::Shutdown;
use tokio::time::sleep;

use super::{Net, Paused, Peer, Sender, config, start, waiting};

/// Takes all the room there is.
pub(super) async fn fill(store: &SimStore) {
    store.set_capacity(Some(0));
    for number in 0..10_000_u128 {
        let event = TraceEvent::new(Timestamp(0), Stage::Commit, Verdict::Pass, "x".repeat(100));
        let op = Op::Trace { id: TraceId::new(Timestamp(0), [0; 4]), events: vec![event] };
        let id = BatchId((1 << 100 | number).to_be_bytes());
        if store.commit(Batch::new(id, Timestamp(0)).with(op)).await.is_err() {
            return;
        }
    }
    panic!("the disk has no end");
}

/// How often a message arrives if there is no room for so long after its delivery.
async fn arrives(without_room: Duration) -> usize {
    let (store, _) = SimStore::open(SimDisks::new(), SimConfig::default()).unwrap();
    let store = Arc::new(store);
    let net = Net::new(Paused::after(Duration::ZERO));
    net.peer("x.example", Peer::Live(Duration::from_secs(10)));
    let sent = Sender::new(&store, net.clock).await.send("x.example", 1).await;
    let shutdown = Shutdown::new();
    start(&store, &net, config(1), &shutdown);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(net.seen("x.example").active, 1, "under way");
    fill(&store).await;
    sleep(without_room).await;
    assert_eq!(waiting(&*store).await, 1, "it is in the queue as it was");
    store.set_capacity(None);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(waiting(&*store).await, 0);
    let taken = net.taken();
    assert!(taken.iter().all(|id| *id == sent[0]));
    taken.len()
}

#[tokio::test(start_paused = true)]
async fn it_is_noted_when_there_is_room_again() {
    assert_eq!(arrives(Duration::from_secs(30)).await, 1);
}

/// Longer than the queue waits: rather twice than never.
#[tokio::test(start_paused = true)]
async fn it_is_tried_again_when_it_could_not_be_noted() {
    assert_eq!(arrives(Duration::from_secs(300)).await, 2);
}
