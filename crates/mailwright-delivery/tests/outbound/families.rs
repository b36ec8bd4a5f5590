//! IPv6 and IPv4: what is tried first, what is tried besides, and what is remembered.

use std::time::Duration;

use mailwright_delivery::outbound::{Family, OutboundConfig};
use mailwright_dns::Families;
use mailwright_queue::AttemptStage;

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes};

const BOB: &str = "bob@example.net";
const BY_V4: &str = "relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken";
const BY_V6: &str = "relayed at end: mx1.example.net [2001:db8::6]: 250 2.0.0 taken";
const BY_SECOND: &str = "relayed at end: mx2.example.net [192.0.2.2]: 250 2.0.0 taken";

/// A host with an address of each family, and another one for when that fails.
fn world(v6: Site, v4: Site) -> World {
    let world = World::new();
    world.zones.add("mx1.example.net. AAAA 2001:db8::6").unwrap();
    world.net.put("2001:db8::6", [v6]);
    world.net.put("192.0.2.1", [v4]);
    world.net.put("192.0.2.2", [serving()]);
    world
}

fn serving() -> Site {
    Peer::default().site()
}

/// What has come of a message, and how long it took in milliseconds.
async fn timed(world: &mut World) -> (u128, String) {
    let start = tokio::time::Instant::now();
    let outcome = outcomes(&world.deliver(&[BOB]).await).remove(0);
    (start.elapsed().as_millis(), outcome)
}

/// RFC 8305 §5, §8
#[tokio::test(start_paused = true)]
async fn a_silent_family_costs_two_seconds() {
    for (v6, v4, took, dialed, outcome) in [
        (serving(), serving(), 0, vec![6], BY_V6),
        (Site::Silent, serving(), 2_000, vec![6, 1], BY_V4),
        (Site::Refuses, serving(), 0, vec![6, 1], BY_V4),
        (Site::NoWay, serving(), 0, vec![6, 1], BY_V4),
        // The host that is less preferred waits until both are given up.
        (Site::Silent, Site::Silent, 32_000, vec![6, 1, 2], BY_SECOND),
        (Site::Silent, Site::Refuses, 30_000, vec![6, 1, 2], BY_SECOND),
    ] {
        let mut world = world(v6, v4);
        assert_eq!(timed(&mut world).await, (took, outcome.to_owned()));
        assert_eq!(world.net.dialed(), dialed);
    }
}

#[tokio::test(start_paused = true)]
async fn one_after_the_other_if_that_is_wanted() {
    let mut world = world(Site::Silent, serving());
    world.config.next_address_after = Duration::from_secs(30);
    assert_eq!(timed(&mut world).await, (30_000, BY_V4.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn which_family_is_first() {
    for (families, prefer, dialed) in [
        (Families::Both, Family::V6, vec![6, 1, 2]),
        (Families::Both, Family::V4, vec![1, 6, 2]),
        (Families::V4, Family::V6, vec![1, 2]),
        (Families::V6, Family::V4, vec![6]),
    ] {
        let mut world = world(Site::Refuses, Site::Refuses);
        world.net.put("192.0.2.2", [Site::Refuses]);
        (world.config.families, world.config.prefer) = (families, prefer);
        world.deliver(&[BOB]).await;
        assert_eq!(world.net.dialed(), dialed);
    }
}

/// A host that took the connection and then says nothing useful has had its chance; the other address has not.
#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_tried_if_the_winner_fails() {
    let busy = Peer::default().on("greeting", Does::Leaves("421 busy")).site();
    let mut world = world(Site::Silent, busy);
    // It answers by then.
    world.net.put("2001:db8::6", [Site::Silent, serving()]);
    assert_eq!(timed(&mut world).await, (2_000, BY_V6.to_owned()));
    assert_eq!(world.net.dialed(), [6, 1, 6]);
}

#[tokio::test(start_paused = true)]
async fn addresses_are_counted_however_they_are_dialed() {
    let mut world = world(Site::Silent, Site::Silent);
    world.config.addresses = 2;
    let (took, outcome) = timed(&mut world).await;
    let told = "deferred at connect: 4.4.1 mx1.example.net [2001:db8::6]: timed out: connect";
    assert_eq!((took, outcome.as_str(), world.net.dialed()), (32_000, told, vec![6, 1]));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_connects_ends_in_time() {
    let mut world = world(Site::Silent, Site::Silent);
    world.config.deadline = Duration::from_secs(10);
    let (took, outcome) = timed(&mut world).await;
    assert_eq!((took, world.net.dialed()), (10_000, vec![6, 1]));
    assert!(outcome.contains("4.4.7") && outcome.contains("as a whole"), "{outcome}");
}

/// Messages of which no connection is kept, `pause` apart: to which addresses each has connected.
async fn each(world: &mut World, messages: usize, pause: Duration) -> Vec<Vec<u8>> {
    world.config.pool.keep = Duration::ZERO;
    let outbound = world.outbound();
    let mut all = Vec::new();
    for _ in 0..messages {
        let before = world.net.dialed().len();
        world.send(&outbound, &Mail::to(&[BOB])).await;
        all.push(world.net.dialed().split_off(before));
        tokio::time::sleep(pause).await;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn what_did_not_answer_is_tried_last_for_a_while() {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    for (v6, v4, pause, dialed) in [
        // The network is asked once, not by each message.
        (Site::Silent, serving(), minute, [vec![6, 1], vec![1], vec![1]]),
        (Site::NoWay, serving(), minute, [vec![6, 1], vec![1], vec![1]]),
        // All of a host: the one behind it goes first.
        (Site::Silent, Site::Silent, minute, [vec![6, 1, 2], vec![2], vec![2]]),
        // Who refuses is there.
        (Site::Refuses, Site::Refuses, minute, [vec![6, 1, 2], vec![6, 1, 2], vec![6, 1, 2]]),
        (Site::Silent, serving(), hour, [vec![6, 1], vec![6, 1], vec![6, 1]]),
    ] {
        assert_eq!(each(&mut world(v6, v4), 3, pause).await, dialed);
    }
    // What is only slower than another one is not remembered.
    let mut hurries = world(Site::Silent, serving());
    hurries.config.next_address_after = Duration::from_millis(250);
    assert_eq!(each(&mut hurries, 2, minute).await, [[6, 1], [6, 1]]);
    let mut forgets = world(Site::Silent, serving());
    forgets.config.remember_unreachable = Duration::ZERO;
    assert_eq!(each(&mut forgets, 2, minute).await, [[6, 1], [6, 1]]);
    let mut small = world(Site::Silent, serving());
    small.config.remembered = 0;
    assert_eq!(each(&mut small, 2, minute).await, [[6, 1], [6, 1]]);
}

/// What is avoided is tried all the same, when there is nothing else; and once it has answered it is as good as any.
#[tokio::test(start_paused = true)]
async fn the_last_resort_is_tried() {
    let mut world = world(Site::Silent, serving());
    world.net.put("2001:db8::6", [Site::Silent, serving()]);
    world.net.put("192.0.2.1", [serving(), Site::Refuses, Site::Refuses]);
    world.net.put("192.0.2.2", [Site::Refuses]);
    let dialed = each(&mut world, 3, Duration::from_secs(1)).await;
    assert_eq!(dialed, [vec![6, 1], vec![1, 2, 6], vec![6]]);
}

/// A family without a way is one to all hosts.
#[tokio::test(start_paused = true)]
async fn no_way_to_one_is_no_way_to_all() {
    let mut world = world(Site::NoWay, serving());
    let zones = "$ORIGIN example.org.\n@ MX 10 mx\nmx AAAA 2001:db8::7\nmx A 192.0.2.7\n";
    world.zones.add(zones).unwrap();
    world.net.put("2001:db8::7", [serving()]);
    world.net.put("192.0.2.7", [serving()]);
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    let delivery = world.send(&outbound, &Mail::to(&["bob@example.org"])).await;
    assert_eq!(world.net.dialed(), [6, 1, 7]);
    assert!(outcomes(&delivery)[0].contains("[192.0.2.7]"));
    assert!(delivery.stages.iter().any(|(stage, _)| *stage == AttemptStage::Connect));
}

/// RFC 5321 §5.1: it only orders the addresses of a preference.
#[tokio::test(start_paused = true)]
async fn no_way_to_one_leaves_the_order_of_hosts() {
    let mut world = world(Site::NoWay, serving());
    world
        .zones
        .add("$ORIGIN example.org.\n@ MX 10 a\n@ MX 20 b\na AAAA 2001:db8::8\nb A 192.0.2.9\n")
        .unwrap();
    world.net.put("2001:db8::8", [serving()]);
    world.net.put("192.0.2.9", [serving()]);
    let outbound = world.outbound();
    for to in [BOB, "bob@example.org"] {
        world.send(&outbound, &Mail::to(&[to])).await;
    }
    assert_eq!(world.net.dialed(), [6, 1, 8]);
}

#[test]
fn defaults() {
    let config = OutboundConfig::new("us.example".parse().unwrap());
    assert_eq!((config.families, config.prefer), (Families::Both, Family::V6));
    let times = [config.next_address_after, config.remember_unreachable, config.remember_broken_tls];
    assert_eq!(times.map(|time| time.as_secs()), [2, 600, 3600]);
}
