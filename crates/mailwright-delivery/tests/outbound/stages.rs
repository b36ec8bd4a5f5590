//! Each stage has a timer, and its name is told (RFC 5321 §4.5.3.2).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_auth::Credentials;
use mailwright_delivery::outbound::{Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_dns::{Answer, LookupError, Question, Resolver};
use mailwright_queue::AttemptStage;

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::tls::Authority;
use crate::world::{Mail, World, outcomes, seconds};

/// Does not answer.
struct Mute;

impl Resolver for Mute {
    async fn lookup(&self, _: &Question) -> Result<Answer, LookupError> {
        std::future::pending().await
    }
}

fn relay(tls: TlsPolicy, credentials: Option<Credentials>) -> Vec<Route> {
    let relay = Relay::new(RelayHost::named("mx1.example.net".parse().unwrap(), 25));
    vec![Route::new("*".parse().unwrap(), Way::Relay(Relay { tls, credentials, ..relay }))]
}

fn stalls(word: &'static str) -> Peer {
    Peer::offering(&["AUTH PLAIN"]).on(word, Does::Stalls)
}

#[tokio::test(start_paused = true)]
async fn each_stage_has_a_timer_with_its_name() {
    let authority = Authority::new();
    let mut credentials = None;
    for (peer, tls, stage, minutes) in [
        (stalls("greeting").site(), TlsPolicy::Never, "greeting", 5),
        (stalls("EHLO").site(), TlsPolicy::Never, "hello", 5),
        (
            stalls("STARTTLS").start_tls(authority.server("mx1.example.net")).site(),
            TlsPolicy::Required,
            "tls",
            2,
        ),
        (Peer::default().on("greeting", Does::Stalls).site(), TlsPolicy::Implicit, "tls", 1),
        (stalls("AUTH").site(), TlsPolicy::Never, "auth", 2),
        (stalls("MAIL").site(), TlsPolicy::Never, "mail", 5),
        (stalls("RCPT").site(), TlsPolicy::Never, "rcpt", 5),
        (stalls("DATA").site(), TlsPolicy::Never, "data", 2),
        (Peer::default().on("DATA", Does::Freezes("354 go")).site(), TlsPolicy::Never, "body", 3),
        (stalls("end").site(), TlsPolicy::Never, "end", 10),
    ] {
        credentials = (stage == "auth").then(|| Credentials {
            user: "us".to_owned(),
            authzid: None,
            password: "right".into(),
        });
        let mut world = World::with(peer);
        world.config.tls = Some(authority.client());
        world.config.client.auth_without_tls = true;
        world.config.routes = relay(tls, credentials.clone());
        let outbound = world.outbound();
        let mail = Mail {
            content: Bytes::from(b"0123456789\r\n".repeat(100_000)),
            ..Mail::to(&["bob@example.net"])
        };
        let (took, delivery) = seconds(world.send(&outbound, &mail)).await;
        let outcome = &outcomes(&delivery)[0];
        assert!(outcome.starts_with(&format!("deferred at {stage}: ")), "{stage}: {outcome}");
        assert!(outcome.contains("timed out"), "{stage}: {outcome}");
        assert_eq!(took / 5 * 5, minutes * 60, "{outcome}");
        let (last, measured) = delivery.stages.last().unwrap();
        assert_eq!((last.as_str(), measured.as_secs()), (stage, minutes * 60));
    }
    drop(credentials);
}

#[tokio::test(start_paused = true)]
async fn to_find_a_host_has_a_timer_too() {
    let mut world = World::new();
    let outbound = world.outbound_by(Arc::new(Mute));
    let (took, delivery) = seconds(world.send(&outbound, &Mail::to(&["bob@example.net"]))).await;
    let outcome = "deferred at route: 4.4.3 the mail hosts of example.net cannot be found now: no name server \
                   answered in time";
    assert_eq!((took, outcomes(&delivery)), (30, vec![outcome.to_owned()]));

    world.config.routes = relay(TlsPolicy::Never, None);
    let outbound = world.outbound_by(Arc::new(Mute));
    let (took, delivery) = seconds(world.send(&outbound, &Mail::to(&["bob@example.net"]))).await;
    let outcome = "deferred at route: 4.4.3 mx1.example.net: no name server answered in time";
    assert_eq!((took, outcomes(&delivery)), (30, vec![outcome.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn stages_are_measured_in_order_those_of_earlier_hosts_too() {
    use AttemptStage::{Body, Connect, Data, End, Greeting, Hello, Mail, Rcpt, Route};
    let mut world = World::with(Site::Silent);
    world.net.put("192.0.2.2", [Peer::default().site()]);
    let delivery = world.deliver(&["bob@example.net"]).await;
    let zero = Duration::ZERO;
    assert_eq!(
        delivery.stages,
        [
            (Route, zero),
            (Connect, Duration::from_secs(30)),
            (Route, zero),
            (Connect, zero),
            (Greeting, zero),
            (Hello, zero),
            (Mail, zero),
            (Rcpt, zero),
            (Data, zero),
            (Body, zero),
            (End, zero),
        ]
    );
}
