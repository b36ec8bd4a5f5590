//! Messages that demand TLS all the way (RFC 8689 §4.2.1).

use mailwright_core::ReversePath;
use mailwright_delivery::outbound::{Relay, RelayHost, Route, Way};

use crate::peer::Peer;
use crate::tls::Authority;
use crate::world::{Mail, World, outcomes};

fn demanding() -> Mail {
    let mut mail = Mail::to(&["bob@example.net"]);
    mail.envelope.require_tls = true;
    mail
}

fn world(authority: &Authority, peer: Peer, zones: &str) -> World {
    let mut world = World::with(peer.site());
    world.config.tls = Some(authority.client());
    world.zones.add(zones).unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn all_of_it_or_nothing() {
    let authority = Authority::new();
    let secure = "example.net. SECURE";
    let server = |name: &str| Peer::offering(&["REQUIRETLS"]).start_tls(authority.server(name));
    for (peer, zones, told) in [
        (server("mx1.example.net"), secure, "relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"),
        (
            server("mx1.example.net"),
            "",
            "failed at route: 5.7.10 the message demands TLS, and the mail hosts of example.net are not known for sure",
        ),
        (
            Peer::default().start_tls(authority.server("mx1.example.net")),
            secure,
            "failed at mail: mx1.example.net [192.0.2.1]: 5.7.30 the message demands TLS all the way, and the server \
             does not offer REQUIRETLS",
        ),
        (
            Peer::default(),
            secure,
            "failed at tls: mx1.example.net [192.0.2.1]: 5.7.10 no TLS: STARTTLS is not offered",
        ),
        (
            server("localhost"),
            secure,
            "failed at tls: mx1.example.net [192.0.2.1]: 5.7.10 TLS handshake failed: invalid peer certificate",
        ),
    ] {
        let mut world = world(&authority, peer.clone(), zones);
        world
            .zones
            .load(&format!("example.net. MX 1 mx1.example.net.\nmx1.example.net. A 192.0.2.1\n{zones}"))
            .unwrap();
        let outbound = world.outbound();
        let outcome = outcomes(&world.send(&outbound, &demanding()).await).remove(0);
        assert!(outcome.starts_with(told), "{outcome}, not {told}");
        let sent = usize::from(told.starts_with("relayed"));
        assert_eq!(world.net.heard("MAIL FROM:<ann@us.example> REQUIRETLS"), sent);
        assert_eq!(world.net.heard("MAIL"), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn as_long_as_a_host_may_do_better_it_waits() {
    let authority = Authority::new();
    let mut world = world(&authority, Peer::default(), "example.net. SECURE");
    let outbound = world.outbound();
    let outcome = outcomes(&world.send(&outbound, &demanding()).await).remove(0);
    assert_eq!(outcome, "deferred at connect: 4.4.1 mx2.example.net [192.0.2.2]: connection refused");
}

#[tokio::test(start_paused = true)]
async fn a_relay_of_our_choice_needs_no_dns() {
    let authority = Authority::new();
    let peer = Peer::offering(&["REQUIRETLS"]).start_tls(authority.server("mx1.example.net"));
    let mut world = world(&authority, peer, "");
    let relay = Relay::new(RelayHost::named("mx1.example.net".parse().unwrap(), 25));
    world.config.routes = vec![Route::new("*".parse().unwrap(), Way::Relay(relay))];
    let outbound = world.outbound();
    world.send(&outbound, &demanding()).await;
    assert_eq!(world.net.heard("MAIL FROM:<ann@us.example> REQUIRETLS"), 1);
}

/// RFC 8689 §5
#[tokio::test(start_paused = true)]
async fn reports_go_all_the_same() {
    let authority = Authority::new();
    for (peer, said) in [
        (Peer::default(), "MAIL FROM:<>"),
        (Peer::offering(&["REQUIRETLS"]).start_tls(authority.server("localhost")), "MAIL FROM:<> REQUIRETLS"),
    ] {
        let mut world = world(&authority, peer, "");
        let outbound = world.outbound();
        world.send(&outbound, &Mail { sender: ReversePath::Null, ..demanding() }).await;
        assert_eq!(world.net.log().last().map(|_| world.net.heard(said)), Some(1), "{:?}", world.net.log());
        assert_eq!(world.net.heard("content"), 1);
    }
}
