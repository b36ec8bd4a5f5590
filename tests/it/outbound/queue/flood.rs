//! A hundred thousand messages to nobody, beside some for somebody.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Clock as _;
use mailwright_core::testing::FakeClock;
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};
use mailwright_tokio::{Shutdown, SystemClock};
use tokio::time::sleep;

use super::{Net, Paused, Peer, Seen, Sender, config, memory, start};
use crate::outbound::eventually;
use crate::support::{Installation, resident, route};

const FLOOD: usize = 100_000;
const LIVE: usize = 100;

/// What the two destinations see of one message a second for the live one.
async fn beside(flood: usize) -> [Seen; 2] {
    let store = memory();
    let net = Net::new(Paused::after(Duration::ZERO));
    net.peer("dead.example", Peer::Dead(Duration::from_secs(30)));
    let sender = Sender::new(&store, net.clock).await;
    if flood > 0 {
        sender.send("dead.example", flood).await;
    }
    let mut config = config(1);
    // So few that the flood could take all.
    config.scheduler.concurrency = 20;
    start(&store, &net, config, &Shutdown::new());
    for _ in 0..LIVE {
        sender.send("live.example", 1).await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_secs(60)).await;
    ["live.example", "dead.example"].map(|route| net.seen(route))
}

fn median(seen: &Seen) -> Duration {
    assert_eq!(seen.taken.len(), LIVE, "all arrive");
    let mut latencies: Vec<Duration> = seen.taken.iter().map(|(_, latency)| *latency).collect();
    latencies.sort_unstable();
    latencies[LIVE / 2]
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_delays_nobody_else() {
    let [alone, _] = beside(0).await;
    let [live, dead] = beside(FLOOD).await;
    let (alone, beside) = (median(&alone), median(&live));
    println!("median latency alone {alone:?}, beside {FLOOD} for nobody {beside:?}");
    assert!(beside <= alone + alone / 10, "{alone:?} alone, {beside:?} beside");
    // And it is left alone, but for the first of them, and one now and then.
    assert_eq!(dead.active_max, 5);
    assert!((5..15).contains(&dead.attempts), "{dead:?}");
}

/// What the server has of the queue in memory does not grow with it.
#[test]
fn a_long_queue_takes_no_memory() {
    const GROWTH_MAX: u64 = 64 << 20;
    let highest = |flood: usize| {
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        dead.set_nonblocking(true).unwrap();
        let a = Installation::new("a.example", &route("*", dead.local_addr().unwrap(), "never"))?;
        fill(&a, flood);
        let serving = a.serve();
        if flood > 0 {
            drop(eventually("it is tried", || dead.accept().ok()));
            drop(dead);
        }
        a.send("ann", &["bob@a.example"], "Subject: here\r\n\r\n");
        assert_eq!(a.inbox("bob").len(), 1);
        Some(resident(serving.id()).1)
    };
    let (Some(without), Some(with)) = (highest(0), highest(FLOOD)) else { return };
    println!("at most {} KiB without a queue, {} KiB with {FLOOD} messages", without >> 10, with >> 10);
    assert!(with.saturating_sub(without) <= GROWTH_MAX, "{without} {with}");
}

/// Puts messages into the queue before the server is started.
fn fill(a: &Installation, count: usize) {
    const BATCH: usize = 1_000;
    let (store, _) = SqliteStore::open(SqliteConfig::at(a.path("data"))).unwrap();
    let store = Arc::new(store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // By the time of the server, which gives up what is too old.
        let since = SystemClock.wall().since(FakeClock::EPOCH);
        let sender = Sender::new(&store, Paused::after(since)).await;
        for _ in 0..count / BATCH {
            sender.send("dead.example", BATCH).await;
        }
    });
    store.close();
}
