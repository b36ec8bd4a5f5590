//! Two at work on one store.

use std::collections::BTreeSet;
use std::time::Duration;

use mailwright_tokio::Shutdown;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::{Net, Paused, Peer, Sender, config, memory, start, waiting};

/// A machine of its own: whoever works there is gone with it.
fn machine() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_message_is_tried_by_one() {
    let store = memory();
    let net = Net::new(Paused::after(Duration::ZERO));
    let sender = Sender::new(&store, net.clock).await;
    let shutdown = Shutdown::new();
    for worker in [1, 2] {
        start(&store, &net, config(worker), &shutdown);
    }
    let mut sent = BTreeSet::new();
    for round in 0..50 {
        for destination in 0..10 {
            sent.extend(sender.send(&format!("d{destination}.example"), 1 + round % 3).await);
        }
        sleep(Duration::from_millis(70)).await;
    }
    sleep(Duration::from_secs(600)).await;
    let taken = net.taken();
    assert_eq!(taken.len(), sent.len(), "none twice");
    assert_eq!(BTreeSet::from_iter(taken), sent, "and all");
    assert_eq!(waiting(&*store).await, 0);
}

/// One is gone in the middle of an attempt: as long as its lease is renewed nobody else tries; afterwards another does,
/// once.
#[test]
fn another_takes_over() {
    const ALIVE: Duration = Duration::from_secs(3 * 3600);
    let (store, lease) = (memory(), config(1).lease);
    let first = machine();
    let entry = first.block_on(async {
        let net = Net::new(Paused::after(Duration::ZERO));
        net.peer("x.example", Peer::Stuck);
        let entry = Sender::new(&store, net.clock).await.send("x.example", 1).await;
        for worker in [1, 2] {
            start(&store, &net, config(worker), &Shutdown::new());
        }
        sleep(ALIVE).await;
        assert_eq!(net.seen("x.example").attempts, 1, "the lease is alive");
        entry
    });
    drop(first);
    machine().block_on(async {
        let net = Net::new(Paused::after(ALIVE));
        start(&store, &net, config(2), &Shutdown::new());
        // It was renewed a third of its time ago, at most.
        sleep(lease * 2 / 3 - Duration::from_secs(1)).await;
        assert_eq!(net.seen("x.example").attempts, 0, "the lease is alive");
        sleep(lease / 3 + Duration::from_secs(10)).await;
        assert_eq!(net.taken(), entry);
        sleep(ALIVE).await;
        assert_eq!(net.taken(), entry);
        assert_eq!(waiting(&*store).await, 0);
    });
}
