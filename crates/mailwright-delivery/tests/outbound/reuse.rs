//! Connections are kept for the next message.

use std::time::Duration;

use mailwright_auth::Credentials;
use mailwright_core::ReversePath;
use mailwright_delivery::outbound::{Relay, RelayHost, Route, TlsPolicy, Way};

use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes};

const BOB: &str = "bob@example.net";
const TAKEN: &str = "relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken";

/// Lets others do what they have to.
async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn two_messages_go_by_one_connection() {
    for offers in [&[][..], &["PIPELINING", "CHUNKING"]] {
        let mut world = World::with(Peer::offering(offers).site());
        let outbound = world.outbound();
        for _ in 0..2 {
            assert_eq!(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await), [TAKEN]);
        }
        assert_eq!((world.net.dialed(), world.net.heard("EHLO"), world.net.heard("MAIL")), (vec![1], 1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_too() {
    let mut world = World::with(Peer::default().says("RCPT TO:<nobody@", "550 5.1.1 nobody").site());
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&["nobody@example.net"])).await;
    assert_eq!(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await), [TAKEN]);
    assert_eq!((world.net.dialed(), world.net.heard("RSET")), (vec![1], 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_costs_nothing() {
    let later = Peer::default().says("RCPT", "450 4.2.0 later");
    for (first, pauses) in [
        // It leaves while nobody looks.
        (Peer::default().closing_after(1), true),
        (Peer::default().closing_after(1), false),
        // Or says so, as we begin.
        (Peer::default().on("MAIL FROM:<two@", Does::Closes), false),
        (Peer::default().on("MAIL FROM:<two@", Does::Leaves("421 4.4.2 too slow")), false),
        (Peer::offering(&["PIPELINING"]).on("MAIL FROM:<two@", Does::Closes), false),
    ] {
        let mut world = World::new();
        world.net.put("192.0.2.1", [first.site(), later.clone().site()]);
        let outbound = world.outbound();
        assert_eq!(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await), [TAKEN]);
        if pauses {
            pause(1).await;
        }
        let mut mail = Mail::to(&[BOB]);
        mail.sender = ReversePath::Address("two@us.example".parse().unwrap());
        let delivery = world.send(&outbound, &mail).await;
        // What the new one says is what counts.
        let told = "deferred at rcpt: mx1.example.net [192.0.2.1]: 450 4.2.0 later";
        assert_eq!((outcomes(&delivery), world.net.dialed()), (vec![told.to_owned()], vec![1, 1]));
    }
}

/// Somebody has heard of the message.
#[tokio::test(start_paused = true)]
async fn what_goes_wrong_later_counts() {
    let mut world = World::with(Peer::default().on("RCPT TO:<eve@", Does::Closes).site());
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    let delivery = world.send(&outbound, &Mail::to(&["eve@example.net"])).await;
    let told = "deferred at rcpt: mx1.example.net [192.0.2.1]: 4.4.2 connection lost: rcpt";
    assert_eq!((outcomes(&delivery), world.net.dialed()), (vec![told.to_owned()], vec![1]));
}

#[tokio::test(start_paused = true)]
async fn one_is_kept_for_a_while_and_for_so_many_messages() {
    let mut world = World::with(Peer::default().site());
    world.config.pool.transactions = 2;
    let outbound = world.outbound();
    for dialed in [1, 1, 2, 2, 3] {
        world.send(&outbound, &Mail::to(&[BOB])).await;
        assert_eq!(world.net.dialed().len(), dialed);
    }
    pause(9).await;
    world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(world.net.dialed().len(), 3);

    let mut world = World::with(Peer::default().site());
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    pause(11).await;
    assert_eq!(world.net.heard("QUIT"), 1);
    world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(world.net.dialed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_allows_is_enough() {
    let mut world = World::with(Peer::offering(&["LIMITS MAILMAX=1"]).site());
    let outbound = world.outbound();
    for _ in 0..2 {
        assert_eq!(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await), [TAKEN]);
    }
    pause(0).await;
    assert_eq!((world.net.dialed(), world.net.heard("QUIT")), (vec![1, 1], 2));
}

#[tokio::test(start_paused = true)]
async fn so_many_are_kept_and_no_more() {
    let mut world = World::new();
    world.config.pool.idle = 2;
    let outbound = world.outbound();
    for last in 1..4 {
        let address = format!("192.0.2.{last}");
        world.net.put(&address, [Peer::default().site()]);
        world.send(&outbound, &Mail::to(&[&format!("bob@[{address}]")])).await;
    }
    pause(0).await;
    let quits: Vec<String> = world.net.log().into_iter().filter(|line| line.ends_with("QUIT")).collect();
    assert_eq!(quits, ["192.0.2.1 QUIT"], "the oldest");
}

#[tokio::test(start_paused = true)]
async fn none_is_kept_if_none_is_wanted() {
    for (idle, keep) in [(0, 10), (10, 0)] {
        let mut world = World::with(Peer::default().site());
        world.config.pool.idle = idle;
        world.config.pool.keep = Duration::from_secs(keep);
        let outbound = world.outbound();
        world.send(&outbound, &Mail::to(&[BOB])).await;
        pause(0).await;
        world.send(&outbound, &Mail::to(&[BOB])).await;
        assert_eq!((world.net.dialed(), world.net.heard("QUIT")), (vec![1, 1], 1));
    }
}

/// Two that are spoken to in different manners are two.
#[tokio::test(start_paused = true)]
async fn one_route_does_not_use_the_connections_of_another() {
    let mut world = World::with(Peer::default().site());
    let relay = |user: Option<&str>| Relay {
        tls: TlsPolicy::Never,
        credentials: user.map(|user| Credentials {
            user: user.to_owned(),
            authzid: None,
            password: "x".into(),
        }),
        ..Relay::new(RelayHost::named("mx1.example.net".parse().unwrap(), 25))
    };
    world.net.put("192.0.2.1", [Peer::offering(&["AUTH PLAIN"]).site()]);
    world.config.client.auth_without_tls = true;
    world.config.routes = vec![
        Route::new("a.example".parse().unwrap(), Way::Relay(relay(Some("a")))),
        Route::new("b.example".parse().unwrap(), Way::Relay(relay(Some("b")))),
        Route::new("c.example".parse().unwrap(), Way::Relay(relay(None))),
    ];
    let outbound = world.outbound();
    for domain in ["a.example", "b.example", "c.example", "example.net", "a.example", "b.example"] {
        let delivery = world.send(&outbound, &Mail::to(&[&format!("bob@{domain}")])).await;
        assert_eq!(outcomes(&delivery), [TAKEN]);
    }
    assert_eq!((world.net.dialed().len(), world.net.heard("AUTH")), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn they_are_let_go_at_the_end() {
    let mut world = World::with(Peer::default().site());
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    outbound.close(Duration::from_secs(10)).await;
    assert_eq!(world.net.heard("QUIT"), 1);
    // Attempts go on, and keep nothing.
    assert_eq!(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await), [TAKEN]);

    let mut world = World::with(Peer::default().site());
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    drop(outbound);
    pause(0).await;
    assert_eq!(world.net.heard("QUIT"), 1);
}

/// Of hosts of the same preference, one that is connected already is as good as any.
#[tokio::test(start_paused = true)]
async fn an_open_connection_is_preferred_among_equals() {
    let mut world = World::new();
    let zones: String = (1..9)
        .map(|n| format!("example.net. MX 10 mx{n}.example.net.\nmx{n}.example.net. A 192.0.2.{n}\n"))
        .collect();
    world.zones.load(&zones).unwrap();
    for n in 1..9 {
        world.net.put(&format!("192.0.2.{n}"), [Peer::default().site()]);
    }
    let outbound = world.outbound();
    for _ in 0..5 {
        world.send(&outbound, &Mail::to(&[BOB])).await;
    }
    assert_eq!(world.net.dialed().len(), 1);
}
