//! From which of our addresses mail goes out, and under which name.

use mailwright_delivery::outbound::{Pattern, Route, Source, Way};
use mailwright_queue::Feedback;

use crate::net::Site;
use crate::peer::Peer;
use crate::world::{Mail, World, outcomes};

const BOB: &str = "bob@example.net";

/// `192.0.2.101 out1.us.example`
fn sources(list: &[&str]) -> Vec<Source> {
    let source = |line: &&str| {
        let (address, hostname) = line.split_once(' ').unwrap();
        Source { address: address.parse().unwrap(), hostname: hostname.parse().unwrap() }
    };
    list.iter().map(source).collect()
}

const THREE: [&str; 3] =
    ["192.0.2.101 out1.us.example", "192.0.2.102 out2.us.example", "192.0.2.103 out3.us.example"];

/// Domains with a server each.
fn world(domains: u8) -> World {
    let mut world = World::with(Peer::default().site());
    for domain in 0..domains {
        let address = format!("198.51.100.{domain}");
        world.zones.add(&format!("d{domain}.example. A {address}")).unwrap();
        world.net.put(&address, [Peer::default().site()]);
    }
    world.config.sources = sources(&THREE);
    world
}

#[tokio::test(start_paused = true)]
async fn a_domain_sees_one_address_and_its_name() {
    let mut world = world(20);
    let mut first = Vec::new();
    for round in 0..2 {
        for domain in 0..20 {
            world.deliver(&[&format!("bob@d{domain}.example")]).await;
        }
        let from = world.net.from().split_off(round * 20);
        match round {
            0 => first = from,
            _ => assert_eq!(first, from),
        }
    }
    for (number, source) in THREE.iter().enumerate() {
        let (address, name) = source.split_once(' ').unwrap();
        let places: Vec<usize> = (0..20).filter(|place| first[*place] == address).collect();
        assert!((2..15).contains(&places.len()), "{number}: {} of 20", places.len());
        for place in places {
            let hello = format!("198.51.100.{place} EHLO {name}");
            assert_eq!(world.net.log().iter().filter(|line| **line == hello).count(), 2, "{hello}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_family_has_its_own() {
    let mut world = World::new();
    world.zones.add("mx1.example.net. AAAA 2001:db8::6").unwrap();
    world.net.put("192.0.2.1", [Peer::default().site()]);
    world.config.sources = sources(&["192.0.2.101 v4.us.example", "2001:db8::101 v6.us.example"]);
    world.deliver(&[BOB]).await;
    assert_eq!(world.net.from(), ["2001:db8::101", "192.0.2.101"]);
    assert_eq!(world.net.heard("EHLO v4.us.example"), 1);

    // From nowhere else.
    world.config.sources.remove(0);
    let delivery = world.deliver(&[BOB]).await;
    assert_eq!(world.net.from()[2..], ["2001:db8::101"]);
    assert!(outcomes(&delivery)[0].starts_with("deferred at connect: 4.4.1 mx1.example.net [2001:db8::6]"));
    world.config.families = mailwright_dns::Families::V4;
    let delivery = world.deliver(&[BOB]).await;
    let told =
        "deferred at route: 4.3.5 mx1.example.net [192.0.2.1]: none of our sources has an address of IPv4";
    assert_eq!((outcomes(&delivery), delivery.feedback), (vec![told.to_owned()], Feedback::Neutral));
}

#[tokio::test(start_paused = true)]
async fn a_route_has_its_own() {
    let mut world = world(1);
    let by_mx = |pattern: &str, own: &[&str]| Route {
        sources: sources(own),
        ..Route::new(pattern.parse::<Pattern>().unwrap(), Way::Mx)
    };
    world.config.routes = vec![by_mx("d0.example", &["192.0.2.109 bulk.us.example"]), by_mx("*", &[])];
    world.deliver(&["bob@d0.example"]).await;
    world.deliver(&[BOB]).await;
    let from = world.net.from();
    assert!(
        from[0] == "192.0.2.109" && world.config.sources.iter().any(|s| s.address.to_string() == from[1])
    );
    assert_eq!(world.net.heard("EHLO bulk.us.example"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_sources_the_system_chooses() {
    let mut world = World::with(Peer::default().site());
    world.deliver(&[BOB]).await;
    assert_eq!((world.net.from(), world.net.heard("EHLO us.example")), (vec!["?".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_here_is_passed_over() {
    let mut world = world(0);
    world.deliver(&[BOB]).await;
    let usual = world.net.from().remove(0);
    world.net.take_away(&usual);
    world.config.addresses = 1;
    let outbound = world.outbound();
    for _ in 0..2 {
        let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
        assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
    }
    // The second message went by the connection of the first: it knew which source that was from.
    let from = world.net.from();
    assert_eq!((from.len(), &from[1]), (3, &usual));
    assert_ne!(from[2], usual);

    // It is believed for a while only.
    world.net.give_back(&usual);
    tokio::time::sleep(std::time::Duration::from_secs(601)).await;
    world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(world.net.from()[3], usual);
}

#[tokio::test(start_paused = true)]
async fn without_any_mail_waits_and_nobody_else_is_blamed() {
    let mut world = world(0);
    for source in &THREE {
        world.net.take_away(source.split_once(' ').unwrap().0);
    }
    world.net.put("192.0.2.2", [Peer::default().site()]);
    let delivery = world.deliver(&[BOB]).await;
    let outcome = outcomes(&delivery).remove(0);
    let (begin, end) = (
        "deferred at connect: 4.3.5 mx1.example.net [192.0.2.1]: our address 192.0.2.10",
        " is not on this machine: add it to an interface, or send from another one",
    );
    assert!(outcome.starts_with(begin) && outcome.ends_with(end), "{outcome}");
    assert_eq!(
        (world.net.from().len(), world.net.dialed(), delivery.feedback),
        (6, vec![], Feedback::Neutral)
    );
    // Whoever lists an address twice has it once.
    let mut world = self::world(0);
    world.config.sources = sources(&[THREE[0], THREE[0], "192.0.2.101 other.us.example"]);
    world.net.take_away("192.0.2.101");
    world.deliver(&[BOB]).await;
    assert_eq!(world.net.from(), ["192.0.2.101", "192.0.2.101"]);

    // What a host has done says more.
    let mut world = self::world(0);
    world.net.put("192.0.2.1", [Site::Refuses]);
    let usual = world.config.sources.remove(0);
    world.config.sources.truncate(1);
    world.net.take_away(&usual.address.to_string());
    world.config.sources.push(usual);
    let outcome = outcomes(&world.deliver(&[BOB]).await).remove(0);
    assert!(outcome.ends_with("mx1.example.net [192.0.2.1]: connection refused"), "{outcome}");
}

/// What is kept was made from one source, and is for no other.
#[tokio::test(start_paused = true)]
async fn connections_are_of_their_source() {
    let mut world = World::with(Peer::default().site());
    world.zones.add("example.org. MX 10 mx1.example.net.").unwrap();
    let own = |domain: &str, source: &str| Route {
        sources: sources(&[source]),
        ..Route::new(domain.parse().unwrap(), Way::Mx)
    };
    world.config.routes = vec![own("example.net", THREE[0]), own("example.org", THREE[1])];
    let outbound = world.outbound();
    for to in [BOB, "bob@example.org", BOB, "bob@example.org"] {
        world.send(&outbound, &Mail::to(&[to])).await;
    }
    assert_eq!(world.net.from(), ["192.0.2.101", "192.0.2.102"]);
}
