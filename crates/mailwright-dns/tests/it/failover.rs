//! More than one name server.

use std::net::SocketAddr;
use std::time::Duration;

use mailwright_dns::testing::ZoneServer;
use mailwright_dns::{Hickory, HickoryConfig, Zones};
use tokio::net::UdpSocket;

use crate::show::{ask, asked, zones};

/// What one server lets pass, and the other, on a busy machine, does not.
const SILENCE: Duration = Duration::from_millis(700);

struct Two {
    zones: [Zones; 2],
    _servers: [ZoneServer; 2],
    resolver: Hickory,
}

async fn two(first: &str, second: &str, timeout: Duration) -> Two {
    let zones = [zones(first), zones(second)];
    let servers = [
        ZoneServer::start(zones[0].clone()).await.unwrap(),
        ZoneServer::start(zones[1].clone()).await.unwrap(),
    ];
    let config = HickoryConfig { timeout, ..HickoryConfig::new(servers.iter().map(ZoneServer::address)) };
    Two { zones, _servers: servers, resolver: Hickory::new(config) }
}

#[tokio::test]
async fn the_next_server_may_know() {
    for (fault, timeout) in
        [("SERVFAIL", Duration::from_secs(20)), ("REFUSED", Duration::from_secs(20)), ("TIMEOUT", SILENCE)]
    {
        let both = two(&format!("a.example. {fault}"), "a.example. A 192.0.2.1", timeout).await;
        for _ in 0..3 {
            assert_eq!(ask(&both.resolver, "a.example A").await, "a.example 300: 192.0.2.1", "{fault}");
        }
        assert_eq!(
            [both.zones[0].asked(), both.zones[1].asked()],
            [1, 3],
            "the one that knew is asked first from then on"
        );
    }
}

#[tokio::test]
async fn an_answer_is_an_answer() {
    for (first, words) in [
        ("a.example. A 192.0.2.2", "a.example 300: 192.0.2.2"),
        ("b.example. A 192.0.2.2", "no such domain ?"),
        ("a.example. MX 10 b.example.", "no records ?"),
    ] {
        let both = two(first, "a.example. A 192.0.2.1", Duration::from_secs(20)).await;
        assert_eq!(ask(&both.resolver, "a.example A").await, words);
        assert_eq!(both.zones[1].asked(), 0, "nobody else is asked");
    }
}

#[tokio::test]
async fn of_failures_the_most_telling_is_told() {
    let cases = [
        ("SERVFAIL", "TIMEOUT", "the name server failed to find out"),
        ("TIMEOUT", "REFUSED", "the name server refused to answer"),
        ("REFUSED", "SERVFAIL", "the name server failed to find out"),
        ("TIMEOUT", "TIMEOUT", "no name server answered in time"),
    ];
    let cases = cases.map(|(first, second, words)| {
        tokio::spawn(async move {
            let texts = [first, second].map(|fault| format!("a.example. {fault}"));
            let both = two(&texts[0], &texts[1], SILENCE).await;
            assert_eq!(ask(&both.resolver, "a.example A").await, words);
            for (zones, fault) in both.zones.iter().zip([first, second]) {
                let times = if fault == "TIMEOUT" { 2 } else { 1 };
                assert_eq!(asked(zones, times).await, times, "only silence is asked again");
            }
        })
    });
    for case in cases {
        case.await.unwrap();
    }
}

#[tokio::test]
async fn long_answers_come_over_tcp_from_either() {
    let text: String = (0..200).map(|n| format!("a.example. A 192.0.2.{n}\n")).collect();
    let both = two("a.example. SERVFAIL", &text, Duration::from_secs(20)).await;
    assert!(ask(&both.resolver, "a.example A").await.ends_with("192.0.2.199"));
    assert_eq!([both.zones[0].asked(), both.zones[1].asked()], [1, 2]);
}

#[tokio::test]
async fn nobody_to_ask() {
    let nobody = Hickory::new(HickoryConfig::default());
    assert_eq!(ask(&nobody, "a.example A").await, "no name server is configured");
}

#[tokio::test]
async fn a_server_that_is_gone_is_passed_over() {
    let gone: SocketAddr = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = ZoneServer::start(zones("a.example. A 192.0.2.1")).await.unwrap();
    let config = HickoryConfig { timeout: SILENCE, ..HickoryConfig::new([gone, server.address()]) };
    assert_eq!(ask(&Hickory::new(config), "a.example A").await, "a.example 300: 192.0.2.1");
}
