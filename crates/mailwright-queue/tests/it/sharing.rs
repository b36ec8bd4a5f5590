//! Destinations share what may be tried at once: by turns, each as much as it takes.

use std::time::Duration;

use mailwright_core::Entropy;
use mailwright_core::testing::{Budget, SeededEntropy};
use mailwright_queue::SchedulerConfig;

use crate::world::{Peer, World};

const LIVE: Peer = Peer::Live(Duration::from_millis(200));

fn live(number: usize) -> String {
    format!("live{number}.example")
}

/// Ninety-eight destinations that take mail, one that does not answer, one that takes two connections: 10,000 messages.
fn crowd(with_trouble: bool) -> World {
    let mut world = World::new(SchedulerConfig::default());
    if with_trouble {
        world.peer("dead.example", Peer::Dead(Duration::from_secs(30)));
        world.enqueue("dead.example", 100);
        world.peer("narrow.example", Peer::Narrow(2, Duration::from_millis(200)));
        world.enqueue("narrow.example", 100);
    }
    for number in 0..98 {
        world.peer(&live(number), LIVE);
        world.enqueue(&live(number), 100);
    }
    world
}

/// The latencies of all live destinations, in order.
fn latencies(world: &World) -> Vec<Duration> {
    let mut all: Vec<Duration> =
        (0..98).flat_map(|number| world.seen(&live(number)).latencies.clone()).collect();
    all.sort();
    all
}

#[test]
fn trouble_elsewhere_is_not_felt() {
    let (mut quiet, mut troubled) = (crowd(false), crowd(true));
    let end = Duration::from_secs(3_600);
    quiet.run_until(end);
    troubled.run_until(end);
    let (quiet, with) = (latencies(&quiet), latencies(&troubled));
    assert_eq!((quiet.len(), with.len()), (9_800, 9_800), "all that could be delivered was");
    for share in [50, 90, 99, 100] {
        let at = (9_800 * share / 100 - 1).min(9_799);
        let bound = quiet[at] + quiet[at] / 10;
        assert!(with[at] <= bound, "{share} % within {:?}, without trouble {:?}", with[at], quiet[at]);
    }
    let dead = troubled.seen("dead.example");
    assert!(dead.attempts <= 5 + 7, "one attempt a pause, {} in an hour", dead.attempts);
    let narrow = troubled.seen("narrow.example");
    assert_eq!(narrow.delivered, 100);
    assert!(narrow.turned_away <= 8, "{} of {} were turned away", narrow.turned_away, narrow.attempts);
    assert!(troubled.largest.active <= 200 && troubled.largest.destinations <= 4_096);
}

#[test]
fn a_narrow_server_is_kept_busy_but_not_crowded() {
    let mut world = World::new(SchedulerConfig::default());
    world.peer("narrow.example", Peer::Narrow(2, Duration::from_secs(1)));
    world.enqueue("narrow.example", 2_000);
    // At best two a second.
    world.run_until(Duration::from_secs(1_100));
    let narrow = world.seen("narrow.example");
    assert!(narrow.delivered >= 1_900, "{} delivered", narrow.delivered);
    assert!(narrow.turned_away <= 20, "1 % of the attempts: {}", narrow.turned_away);
}

#[test]
fn a_server_that_takes_more_gets_more() {
    let config = SchedulerConfig::default();
    let most = config.destination_max;
    let mut world = World::new(config);
    world.peer("large.example", LIVE);
    world.enqueue("large.example", 4_000);
    world.run_until(Duration::from_secs(60));
    let large = world.seen("large.example");
    assert_eq!((large.delivered, large.active_max), (4_000, most));
}

/// A hundred destinations with a backlog, and room for fifty attempts: at any time all have had about as many.
#[test]
fn turns_are_fair() {
    let mut config = SchedulerConfig::default();
    config.concurrency = 50;
    let mut world = World::new(config);
    for number in 0..100 {
        world.peer(&live(number), LIVE);
        world.enqueue(&live(number), 50);
    }
    for quarter in 1..=3 {
        world.run_until(Duration::from_secs(5) * quarter);
        let delivered: Vec<usize> = (0..100)
            .map(|number| {
                world.seen.get(&crate::fixture::domain(&live(number))).map_or(0, |seen| seen.delivered)
            })
            .collect();
        let (least, most) = (delivered.iter().min().unwrap(), delivered.iter().max().unwrap());
        assert!(most - least <= 3, "between {least} and {most}");
        assert!(*least > 0);
    }
    world.run_until(Duration::from_secs(60));
    assert_eq!(world.waiting(), 0);
}

/// What comes last to a full house is not last.
#[test]
fn nobody_starves() {
    let mut config = SchedulerConfig::default();
    config.concurrency = 20;
    let mut world = World::new(config);
    for number in 0..50 {
        world.peer(&live(number), LIVE);
        world.enqueue(&live(number), 200);
    }
    world.run_until(Duration::from_secs(10));
    world.peer("late.example", LIVE);
    world.enqueue("late.example", 3);
    world.run_until(Duration::from_secs(20));
    let late = world.seen("late.example");
    assert_eq!(late.delivered, 3, "three rounds of fifty, twenty at a time, take two seconds");
    assert!(late.latencies.iter().all(|latency| *latency < Duration::from_secs(3)), "{:?}", late.latencies);
}

/// Whatever servers do, and however small the bounds are: they hold, and in the end all is settled.
#[test]
fn bounds_hold_whatever_happens() {
    Budget::new().floor(8).seconds(1).long(500).run("bounds hold", |seed| {
        let random = SeededEntropy::new(seed);
        let draw = |below: u64| {
            let mut octets = [0; 8];
            random.fill(&mut octets);
            u64::from_be_bytes(octets) % below
        };
        let mut config = SchedulerConfig::default();
        config.concurrency = 1 + draw(20) as usize;
        config.destinations = draw(10) as usize;
        config.destination_max = 1 + draw(8) as usize;
        config.claim_entries = 1 + draw(10) as usize;
        config.sweep_entries = 1 + draw(5) as usize;
        let bounds = config.clone();
        let mut world = World::new(config);
        let routes = 1 + draw(20);
        for number in 0..routes {
            let takes = Duration::from_millis(1 + draw(5_000));
            let peer = match draw(3) {
                0 => Peer::Live(takes),
                1 => Peer::Narrow(1 + draw(3) as usize, takes),
                _ => Peer::Dead(takes),
            };
            world.peer(&live(number as usize), peer);
        }
        for _ in 0..draw(10) {
            world.enqueue(&live(draw(routes) as usize), draw(20) as usize);
            world.run_until(world.now + Duration::from_secs(draw(600)));
        }
        world.run_until(world.now + Duration::from_secs(6 * 24 * 3_600));
        assert_eq!(world.waiting(), 0, "delivered or given up");
        let largest = world.largest;
        assert!(largest.active <= bounds.concurrency);
        assert!(largest.destinations <= bounds.destinations.max(bounds.concurrency) + 1);
        assert!(largest.served <= bounds.destinations.max(1));
        for seen in world.seen.values() {
            assert!(seen.active_max <= bounds.destination_max.max(1));
        }
    });
}
