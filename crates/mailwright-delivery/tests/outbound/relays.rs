//! Routes by servers of our choice.

use std::time::Duration;

use mailwright_auth::Credentials;
use mailwright_delivery::outbound::{Protocol, Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_queue::Feedback;

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::tls::Authority;
use crate::world::{World, outcomes, seconds};

const BOB: &str = "bob@example.net";

fn plain(hosts: Vec<RelayHost>) -> Relay {
    Relay { hosts, protocol: Protocol::Smtp, tls: TlsPolicy::Never, credentials: None }
}

fn at(last: u8, port: u16) -> RelayHost {
    RelayHost::at([192, 0, 2, last].into(), port)
}

fn route(pattern: &str, way: Way) -> Route {
    Route::new(pattern.parse().unwrap(), way)
}

fn credentials() -> Option<Credentials> {
    Some(Credentials { user: "us".to_owned(), authzid: None, password: "hunter2".into() })
}

#[tokio::test(start_paused = true)]
async fn the_first_route_that_fits_is_taken() {
    let mut world = World::with(Peer::default().site());
    for last in 7..10 {
        world.net.put_at(&format!("192.0.2.{last}"), 587, [Peer::default().site()]);
    }
    world.config.routes = vec![
        route("example.net", Way::Mx),
        route(".example.net", Way::Relay(plain(vec![at(7, 587)]))),
        route("a.b.example", Way::Relay(plain(vec![at(8, 587)]))),
        route("*", Way::Relay(plain(vec![at(9, 587)]))),
    ];
    for (to, host) in [
        ("bob@example.net", "mx1.example.net [192.0.2.1]"),
        ("bob@a.example.net", "[192.0.2.7]"),
        ("bob@a.b.example", "[192.0.2.8]"),
        ("bob@b.example", "[192.0.2.9]"),
        ("bob@[192.0.2.1]", "[192.0.2.9]"),
    ] {
        assert_eq!(
            outcomes(&world.deliver(&[to]).await),
            [format!("relayed at end: {host}: 250 2.0.0 taken")]
        );
    }
}

const SECOND: &str = "relayed at end: [192.0.2.2]: 250 2.0.0 taken";

#[tokio::test(start_paused = true)]
async fn a_second_relay_stands_in_for_the_first() {
    for (first, avoided) in [
        (Site::Refuses, 0),
        // Not every message waits for it.
        (Site::Silent, 600),
        (Peer::default().on("greeting", Does::Leaves("421 down")).site(), 0),
    ] {
        let mut world = World::with(first);
        world.net.put_at("192.0.2.2", 2525, [Peer::default().site()]);
        let hosts = vec![RelayHost::named("mx1.example.net".parse().unwrap(), 25), at(2, 2525)];
        world.config.routes = vec![route("*", Way::Relay(plain(hosts)))];
        let outbound = world.outbound();
        let mail = crate::world::Mail::to(&[BOB]);
        let delivery = world.send(&outbound, &mail).await;
        assert_eq!(outcomes(&delivery), [SECOND]);
        // As soon as the first is back, it is asked first again, whatever connections are open; if it did not answer,
        // that is noticed after a while.
        world.net.put("192.0.2.1", [Peer::default().site()]);
        if avoided > 0 {
            let (took, delivery) = seconds(world.send(&outbound, &mail)).await;
            assert_eq!((took, outcomes(&delivery)), (0, vec![SECOND.to_owned()]));
            tokio::time::sleep(Duration::from_secs(avoided)).await;
        }
        let delivery = world.send(&outbound, &mail).await;
        assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_without_an_address_is_no_reason_to_refuse_mail() {
    let mut world = World::new();
    let hosts = vec![RelayHost::named("gone.example.net".parse().unwrap(), 25)];
    world.config.routes = vec![route("*", Way::Relay(plain(hosts)))];
    let told = ["deferred at route: 4.4.4 gone.example.net: there is no such domain"];
    assert_eq!(outcomes(&world.deliver(&[BOB]).await), told);

    world.config.routes = vec![route("*", Way::Relay(plain(vec![])))];
    let told = ["deferred at route: 4.4.4 the route has no hosts"];
    assert_eq!(outcomes(&world.deliver(&[BOB]).await), told);
}

#[tokio::test(start_paused = true)]
async fn passwords_are_given_within_tls() {
    let authority = Authority::new();
    for (offers, said) in [
        (["AUTH LOGIN PLAIN"], vec!["AUTH PLAIN AHVzAGh1bnRlcjI="]),
        (["AUTH LOGIN CRAM-MD5"], vec!["AUTH LOGIN", "dXM=", "aHVudGVyMg=="]),
    ] {
        for tls in [TlsPolicy::Required, TlsPolicy::Implicit] {
            let server = authority.server("mx1.example.net");
            let peer = Peer::offering(&offers)
                .says("AUTH LOGIN", "334 VXNlcm5hbWU6")
                .says("dXM=", "334 UGFzc3dvcmQ6")
                .says("aHVudGVyMg==", "235 2.7.0 welcome");
            let peer = match tls {
                TlsPolicy::Implicit => peer.implicit_tls(server),
                _ => peer.start_tls(server),
            };
            let mut world = World::with(peer.site());
            world.config.tls = Some(authority.client());
            let relay = Relay::new(RelayHost::named("mx1.example.net".parse().unwrap(), 25));
            let relay = Relay { tls, credentials: credentials(), ..relay };
            world.config.routes = vec![route("*", Way::Relay(relay))];
            let delivery = world.deliver(&[BOB]).await;
            assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
            assert_eq!(delivery.tls, Some("TLS1.3"));
            for said in &said {
                assert_eq!(world.net.heard(said), 1, "{said}: {:?}", world.net.log());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_no_fault_of_the_message() {
    let remote = "[192.0.2.1]:";
    for (peer, allowed, told) in [
        (
            Peer::offering(&["AUTH PLAIN"]).says("AUTH", "535 5.7.8 wrong"),
            true,
            "4.7.8 the server refuses our credentials: 535 5.7.8 wrong",
        ),
        (Peer::offering(&["AUTH PLAIN"]).says("AUTH", "454 4.7.0 later"), true, "454 4.7.0 later"),
        (Peer::offering(&["AUTH PLAIN"]), false, "4.7.11 without TLS no password is sent"),
        (
            Peer::offering(&["AUTH GSSAPI"]),
            true,
            "4.7.8 the server offers no mechanism of authentication that is known here",
        ),
        (Peer::default(), true, "4.7.8 the server offers no mechanism of authentication that is known here"),
        (
            Peer::offering(&["AUTH LOGIN"]).says("AUTH", "235 2.7.0 whoever you are"),
            true,
            "4.7.8 success before the end of the exchange",
        ),
        (Peer::offering(&["AUTH PLAIN"]).on("AUTH", Does::Closes), true, "4.4.2 connection lost: auth"),
    ] {
        let mut world = World::with(peer.site());
        world.config.client.auth_without_tls = allowed;
        let relay = Relay { credentials: credentials(), ..plain(vec![at(1, 25)]) };
        world.config.routes = vec![route("*", Way::Relay(relay))];
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!(outcomes(&delivery), [format!("deferred at auth: {remote} {told}")]);
        assert!(matches!(delivery.feedback, Feedback::Unreachable(_)), "{told}");
        assert_eq!(world.net.heard("MAIL"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_shown() {
    let mut world = World::new();
    let relay = Relay { credentials: credentials(), ..plain(vec![at(1, 25)]) };
    world.config.routes = vec![route("*", Way::Relay(relay))];
    let shown = format!("{:?} {:?}", world.outbound(), world.config);
    assert!(shown.contains("Secret(..)") && !shown.contains("hunter2"), "{shown}");
}

/// RFC 2033 §4.2
#[tokio::test(start_paused = true)]
async fn lmtp_answers_for_each_recipient() {
    for offers in [&["PIPELINING"][..], &["PIPELINING", "CHUNKING"]] {
        let peer = Peer::offering(offers)
            .lmtp()
            .says("RCPT TO:<nobody@", "550 5.1.1 nobody")
            .says("end 1", "452 4.2.2 full");
        let mut world = World::with(peer.site());
        let relay = Relay { protocol: Protocol::Lmtp, ..plain(vec![at(1, 25)]) };
        world.config.routes = vec![route("*", Way::Relay(relay))];
        let to = ["bob@example.net", "nobody@example.net", "full@example.net", "eve@example.net"];
        let delivery = world.deliver(&to).await;
        assert_eq!(
            outcomes(&delivery),
            [
                "delivered at end: [192.0.2.1]: 250 2.0.0 taken",
                "failed at rcpt: [192.0.2.1]: 550 5.1.1 nobody",
                "deferred at end: [192.0.2.1]: 452 4.2.2 full",
                "delivered at end: [192.0.2.1]: 250 2.0.0 taken",
            ]
        );
        assert_eq!(world.net.heard("LHLO"), 1);
    }
}
