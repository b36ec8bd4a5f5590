//! Destinations that do not answer.

use std::time::Duration;

use mailwright_queue::SchedulerConfig;

use crate::world::{Peer, World};

const DEAD: Peer = Peer::Dead(Duration::from_secs(30));
const LIVE: Peer = Peer::Live(Duration::from_millis(100));
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Many messages cost no more attempts than few, and mail for others is not held up.
#[test]
fn a_dead_domain_with_a_long_queue_costs_little() {
    let mut world = World::new(SchedulerConfig::default());
    world.peer("dead.example", DEAD);
    world.enqueue("dead.example", 10_000);
    world.run_until(MINUTE);
    world.peer("live.example", LIVE);
    world.enqueue("live.example", 100);
    world.run_until(3 * HOUR);
    let live = world.seen("live.example");
    assert_eq!(live.delivered, 100);
    assert!(
        live.latencies.iter().all(|latency| *latency < Duration::from_secs(3)),
        "{:?}",
        live.latencies.last()
    );
    let dead = world.seen("dead.example");
    assert!(dead.attempts <= 15, "{} attempts in three hours", dead.attempts);
    assert!(world.claims < 5_000, "{} claims: nobody asks in vain all the time", world.claims);
}

/// Each message is warned of once and given up once, though most were never tried.
#[test]
fn what_is_never_tried_is_warned_of_and_given_up() {
    let mut world = World::new(SchedulerConfig::default());
    world.peer("dead.example", DEAD);
    world.enqueue("dead.example", 150);
    world.run_until(7 * HOUR);
    let dead = world.seen("dead.example");
    assert_eq!((dead.reports, dead.given_up), (150, 0), "warned");
    world.run_until(5 * 24 * HOUR + 3 * HOUR);
    let dead = world.seen("dead.example");
    assert_eq!((dead.reports, dead.given_up), (300, 150), "given up");
    assert!(dead.attempts < 150, "{} attempts", dead.attempts);
    assert_eq!(world.waiting(), 0);
}

#[test]
fn what_comes_back_gets_its_mail_soon() {
    let mut world = World::new(SchedulerConfig::default());
    world.peer("dead.example", DEAD);
    world.enqueue("dead.example", 1_000);
    world.run_until(10 * MINUTE);
    world.peer("dead.example", LIVE);
    // After 1, 2, 4 and 8 minutes and as many attempts.
    world.run_until(22 * MINUTE);
    assert_eq!(world.seen("dead.example").delivered, 1_000);
}

#[test]
fn it_is_tried_at_once_if_somebody_says_so() {
    let mut world = World::new(SchedulerConfig::default());
    world.peer("dead.example", DEAD);
    world.enqueue("dead.example", 10);
    world.run_until(30 * MINUTE);
    world.peer("dead.example", LIVE);
    let now = world.instant();
    let (why, rest) = world.scheduler.pause(&crate::fixture::domain("dead.example"), now).unwrap();
    assert!(why.text.contains("timed out") && rest > MINUTE);
    world.scheduler.resume(&crate::fixture::domain("dead.example"), now);
    world.run_until(30 * MINUTE + Duration::from_secs(2));
    assert!(world.seen("dead.example").delivered >= 5, "those that were not tried just before");
}

/// More dead domains than are remembered: the bound holds, and nobody else waits.
#[test]
fn a_thousand_dead_domains_take_bounded_memory() {
    let mut config = SchedulerConfig::default();
    config.destinations = 64;
    let mut world = World::new(config);
    world.peer("live.example", LIVE);
    for number in 0..1_000 {
        let route = format!("dead{number}.example");
        world.peer(&route, Peer::Dead(Duration::from_secs(1)));
        world.enqueue(&route, 1);
    }
    world.run_until(MINUTE);
    world.enqueue("live.example", 10);
    world.run_until(2 * MINUTE);
    assert_eq!(world.seen("live.example").delivered, 10);
    assert!(world.largest.destinations <= 201, "{:?}", world.largest);
    assert!(world.scheduler.usage().destinations <= 64);
    assert!(world.largest.served <= 64);
}
