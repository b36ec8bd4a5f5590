//! What the DNS says of a domain.

use crate::peer::Peer;
use crate::world::{World, outcomes};

async fn told(zones: &str, to: &str) -> String {
    let mut world = World::new();
    world.zones.load(zones).unwrap();
    let delivery = world.deliver(&[to]).await;
    assert!(world.net.dialed().is_empty() && delivery.remote.is_none());
    outcomes(&delivery).remove(0)
}

#[tokio::test(start_paused = true)]
async fn domains_without_mail_hosts() {
    for (zones, outcome) in [
        ("example.net. MX 0 .", "failed at route: 5.1.10 example.net takes no mail (null MX, RFC 7505)"),
        ("example.org. A 192.0.2.1", "failed at route: 5.1.2 there is no domain example.net"),
        ("example.net. TXT x", "failed at route: 5.4.4 no mail host of example.net has an address"),
        (
            "example.net. MX 10 mx.example.net.\nmx.example.net. TXT x",
            "failed at route: 5.4.4 no mail host of example.net has an address",
        ),
        (
            "example.net. SERVFAIL",
            "deferred at route: 4.4.3 the mail hosts of example.net cannot be found now: the name server failed to \
             find out",
        ),
        (
            "example.net. MX 10 mx.example.net.\nmx.example.net. TIMEOUT",
            "deferred at route: 4.4.3 the mail hosts of example.net cannot be found now: no name server answered in \
             time",
        ),
        (
            "example.net. MX 10 us.example.",
            "failed at route: 5.4.6 mail for example.net would come back to this server: so its MX records say",
        ),
    ] {
        assert_eq!(told(zones, "bob@example.net").await, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_that_are_no_closer_than_we_are_not_tried() {
    let mut world = World::new();
    world.zones.add("example.net. MX 20 us.example.\nus.example. A 192.0.2.9").unwrap();
    world.net.put("192.0.2.2", [Peer::default().site()]);
    let delivery = world.deliver(&["bob@example.net"]).await;
    assert_eq!(world.net.dialed(), [1]);
    assert!(outcomes(&delivery)[0].starts_with("deferred at connect: 4.4.1 mx1.example.net"));
}

#[tokio::test(start_paused = true)]
async fn a_domain_may_be_its_own_host() {
    let mut world = World::with(Peer::default().site());
    world.zones.load("example.org. A 192.0.2.1").unwrap();
    let delivery = world.deliver(&["bob@example.org"]).await;
    assert_eq!(outcomes(&delivery), ["relayed at end: example.org [192.0.2.1]: 250 2.0.0 taken"]);
}

#[tokio::test(start_paused = true)]
async fn an_address_needs_no_dns() {
    let mut world = World::with(Peer::default().site());
    let delivery = world.deliver(&["bob@[192.0.2.1]"]).await;
    assert_eq!(outcomes(&delivery), ["relayed at end: [192.0.2.1]: 250 2.0.0 taken"]);
    assert_eq!(world.zones.asked(), 0);

    let mut own = World::new();
    own.config.own.addresses.insert("192.0.2.1".parse().unwrap());
    let delivery = own.deliver(&["bob@[192.0.2.1]"]).await;
    assert!(outcomes(&delivery)[0].starts_with("failed at route: 5.4.6 "));
}
