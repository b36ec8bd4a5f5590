//! Nobody is found, for a while or for ever.

use std::collections::BTreeSet;
use std::time::Duration;

use mailwright_core::QueueId;
use mailwright_core::testing::FakeClock;
use mailwright_delivery::expand;
use mailwright_store::{DirectoryConfig, MemoryStore, StaticDirectory};
use mailwright_tokio::Shutdown;
use tokio::time::sleep;

use super::{Net, Paused, Peer, Sender, address, config, domain, memory, start, waiting};

const HOUR: Duration = Duration::from_secs(3600);
const DESTINATIONS: usize = 10;
const EACH: usize = 20;

/// Sends some to each destination.
async fn all(sender: &Sender<'_, MemoryStore>) -> BTreeSet<QueueId> {
    let mut sent = BTreeSet::new();
    for destination in 0..DESTINATIONS {
        sent.extend(sender.send(&format!("d{destination}.example"), EACH).await);
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn after_two_days_without_a_resolver_all_arrives() {
    let store = memory();
    let net = Net::new(Paused::after(Duration::ZERO));
    net.state().down = true;
    let sender = Sender::new(&store, net.clock).await;
    let sent = all(&sender).await;
    start(&store, &net, config(1), &Shutdown::new());
    sleep(48 * HOUR).await;
    assert_eq!(net.taken(), []);
    // The messages, and of each a warning for its sender; no more.
    assert_eq!(waiting(&*store).await, 2 * sent.len());
    let attempts: usize = net.state().seen.values().map(|seen| seen.attempts).sum();
    // A destination that is out of reach is tried once an hour, whatever waits for it.
    assert!(attempts < (DESTINATIONS + 1) * (48 + 20), "{attempts}");

    net.state().down = false;
    sleep(6 * HOUR).await;
    let taken = net.taken();
    assert_eq!(taken.len(), sent.len());
    assert_eq!(BTreeSet::from_iter(taken), sent);
    assert_eq!(net.seen("sender.example").reports.len(), sent.len(), "a warning each");
    assert_eq!(waiting(&*store).await, 0);
}

/// Each sender is told of the delay, and of the end when it has come and not before.
#[tokio::test(start_paused = true)]
async fn what_never_arrives_comes_back_when_it_expires() {
    let store = memory();
    let net = Net::new(Paused::after(Duration::ZERO));
    for destination in 0..DESTINATIONS {
        net.peer(&format!("d{destination}.example"), Peer::Dead(Duration::from_secs(60)));
    }
    let sender = Sender::new(&store, net.clock).await;
    let sent = all(&sender).await;
    start(&store, &net, config(1), &Shutdown::new());
    sleep(7 * 24 * HOUR).await;
    assert_eq!(waiting(&*store).await, 0);
    assert_eq!(net.taken(), []);
    let hours = |wait: u32| FakeClock::EPOCH.saturating_add(wait * HOUR);
    let mut reports = net.seen("sender.example").reports;
    reports.sort_unstable();
    assert_eq!(reports.len(), 2 * sent.len());
    let (warnings, failures) = reports.split_at(sent.len());
    // Those who wait for a destination that is out of reach are looked at once an hour.
    for (told, from) in [(warnings, 4), (failures, 120)] {
        let (first, last) = (told[0], told[told.len() - 1]);
        assert!(hours(from) <= first && last <= hours(from + 2), "{first:?} to {last:?}, from {from} h");
    }
}

/// An alias may lead elsewhere.
#[tokio::test]
async fn an_alias_leads_elsewhere() {
    let (alias, here) = (address("team@a.example"), address("all@a.example"));
    let config = DirectoryConfig::new([domain("a.example")])
        .with_alias(&alias, [here.clone(), address("x@x.example"), address("y@y.example")])
        // In a circle.
        .with_alias(&here, [alias.clone(), address("x@x.example"), address("nobody@a.example")]);
    let directory = StaticDirectory::new(config, []);
    let expanded = expand(&directory, [alias], 100).await.unwrap();
    assert_eq!(expanded.remote, [address("x@x.example"), address("y@y.example")].into());
    assert_eq!(expanded.unknown, [address("nobody@a.example")].into());
    assert!(expanded.accounts.is_empty());
}
