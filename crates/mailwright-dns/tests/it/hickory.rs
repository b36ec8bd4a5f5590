//! The resolver against a name server on this machine.

use std::sync::Arc;
use std::time::Duration;

use mailwright_dns::testing::ZoneServer;
use mailwright_dns::{DynResolver, Hickory, HickoryConfig, LookupError, Malformed, Resolver, Zones};

use crate::show::{ask, asked, question, zones};

/// Long enough for this machine at its slowest; what is to time out is given less.
const PATIENCE: Duration = Duration::from_secs(20);

async fn serve(zones: &Zones) -> (ZoneServer, HickoryConfig) {
    let server = ZoneServer::start(zones.clone()).await.unwrap();
    let config = HickoryConfig { timeout: PATIENCE, ..HickoryConfig::new([server.address()]) };
    (server, config)
}

#[tokio::test]
async fn the_resolver_says_what_the_server_says() {
    let zones = zones(
        "$ORIGIN example.org.\n\
         @ 3600 SOA ns host 1 2 3 4 60\n\
         @ MX 20 mx2\n\
         @ MX 10 mx1\n\
         null MX 0 .\n\
         mx1 120 A 192.0.2.1\n\
         mx1 120 A 192.0.2.2\n\
         mx1 AAAA 2001:db8::1\n\
         texts TXT \"v=spf1 \" \"-all\"\n\
         texts TXT \"\"\n\
         _25._tcp.mx1 TLSA 3 1 1 00ff10\n\
         1.2.0.192.in-addr.arpa. PTR mx1\n\
         2.2.0.192.in-addr.arpa. CNAME 2.0/25.2.0.192.in-addr.arpa.\n\
         2.0/25.2.0.192.in-addr.arpa. PTR mx2\n\
         c0 90 CNAME c1\n\
         c1 CNAME c2\n\
         c2 CNAME mx1\n\
         dangling CNAME nowhere\n\
         round CNAME trip\n\
         trip CNAME round\n\
         bad SERVFAIL\n\
         no REFUSED",
    );
    let (_server, config) = serve(&zones).await;
    let resolver = Hickory::new(config);
    for (question, words) in [
        ("example.org MX", "example.org 300: 20 mx2.example.org, 10 mx1.example.org"),
        ("null.example.org MX", "null.example.org 300: 0 ."),
        ("mx1.example.org A", "mx1.example.org 120: 192.0.2.1, 192.0.2.2"),
        ("mx1.example.org AAAA", "mx1.example.org 300: 2001:db8::1"),
        ("texts.example.org TXT", "texts.example.org 300: v=spf1 |-all, "),
        ("_25._tcp.mx1.example.org TLSA", "_25._tcp.mx1.example.org 300: 3 1 1 00ff10"),
        ("1.2.0.192.in-addr.arpa PTR", "1.2.0.192.in-addr.arpa 300: mx1.example.org"),
        ("2.2.0.192.in-addr.arpa PTR", "2.0/25.2.0.192.in-addr.arpa 300: mx2.example.org"),
        ("c0.example.org A", "mx1.example.org 90: 192.0.2.1, 192.0.2.2"),
        ("c0.example.org MX", "no records 60"),
        ("dangling.example.org A", "no such domain 60"),
        ("nowhere.example.org A", "no such domain 60"),
        ("mx1.example.org MX", "no records 60"),
        ("_tcp.mx1.example.org A", "no records 60"),
        ("nowhere.example.com A", "no such domain ?"),
        ("bad.example.org A", "the name server failed to find out"),
        ("no.example.org A", "the name server refused to answer"),
        ("round.example.org A", "the name server failed to find out"),
    ] {
        let before = zones.asked();
        assert_eq!(ask(&resolver, question).await, words, "{question}");
        assert_eq!(zones.asked(), before + 1, "{question} is asked once");
    }
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let zones = zones("slow.example. TIMEOUT");
    let (_server, config) = serve(&zones).await;
    let resolver = Hickory::new(HickoryConfig { timeout: Duration::from_millis(50), attempts: 3, ..config });
    assert_eq!(ask(&resolver, "slow.example A").await, "no name server answered in time");
    assert_eq!(asked(&zones, 3).await, 3, "each attempt is one query");
}

#[tokio::test]
async fn long_answers_come_over_tcp() {
    let hosts = (0..100).map(|n| format!("to.example. MX {n} a-rather-long-name-of-host-{n}.example.\n"));
    let zones = zones(&hosts.collect::<String>());
    let (_server, config) = serve(&zones).await;
    let answer = Hickory::new(config).mx(&"to.example".parse().unwrap()).await.unwrap();
    let preferences: Vec<u16> = answer.records.iter().map(|mx| mx.preference).collect();
    assert_eq!(preferences, (0..100).collect::<Vec<_>>());
    assert_eq!(zones.asked(), 2, "once over UDP, once over TCP");
}

#[tokio::test]
async fn a_long_text_comes_in_all_its_strings() {
    let strings: Vec<String> = (0..100).map(|n| format!("{n:0>250}")).collect();
    let zones = zones(&format!("t.example. TXT {}", strings.join(" ")));
    let (_server, config) = serve(&zones).await;
    let answer = Hickory::new(config).txt(&"t.example".parse().unwrap()).await.unwrap();
    assert_eq!(answer.records[0].joined(), strings.concat().into_bytes());
}

#[tokio::test]
async fn records_are_limited() {
    let text: String = (0..20).map(|n| format!("a.example. A 192.0.2.{n}\n")).collect();
    let (_server, config) = serve(&zones(&text)).await;
    let ask = async |records| {
        let resolver = Hickory::new(HickoryConfig { records, ..config.clone() });
        ask(&resolver, "a.example A").await
    };
    assert!(ask(20).await.starts_with("a.example 300: 192.0.2.0, "));
    assert_eq!(ask(19).await, "the answer has too many records");
}

#[tokio::test]
async fn aliases_are_limited() {
    let text: String = (0..10).map(|n| format!("c{n}.example. CNAME c{}.example.\n", n + 1)).collect();
    let zones = zones(&format!("{text}c10.example. A 192.0.2.1"));
    let (_server, config) = serve(&zones).await;
    let limited = |aliases| Hickory::new(HickoryConfig { aliases, ..config.clone() });
    assert_eq!(ask(&limited(10), "c0.example A").await, "c10.example 300: 192.0.2.1");
    let failed = Err(LookupError::Malformed(Malformed::TooManyAliases));
    assert_eq!(limited(9).lookup(&question("c0.example A")).await, failed);
}

#[tokio::test]
/// RFC 4035 §3.2.3
async fn authentic_is_what_a_trusted_server_says() {
    let zones = zones("safe.example. SECURE\nsafe.example. A 192.0.2.1\nother.example. A 192.0.2.2");
    let (_server, config) = serve(&zones).await;
    for (trust_authentic, words) in
        [(false, "safe.example 300: 192.0.2.1"), (true, "safe.example 300: 192.0.2.1 (authentic)")]
    {
        let resolver = Hickory::new(HickoryConfig { trust_authentic, ..config.clone() });
        assert_eq!(ask(&resolver, "safe.example A").await, words);
        assert_eq!(ask(&resolver, "other.example A").await, "other.example 300: 192.0.2.2");
    }
}

#[tokio::test]
async fn many_questions_at_once_wait_for_their_turn() {
    let zones = zones(&(0..200).map(|n| format!("h{n}.example. A 192.0.2.{n}\n")).collect::<String>());
    let (_server, config) = serve(&zones).await;
    let resolver: Arc<dyn DynResolver> = Arc::new(Hickory::new(HickoryConfig { queries: 4, ..config }));
    let askers: Vec<_> = (0..200)
        .map(|n| {
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move { ask(&resolver, &format!("h{n}.example A")).await })
        })
        .collect();
    for (n, asker) in askers.into_iter().enumerate() {
        assert_eq!(asker.await.unwrap(), format!("h{n}.example 300: 192.0.2.{n}"));
    }
}

#[tokio::test]
async fn too_many_questions_at_once_are_not_asked() {
    let zones = zones("slow.example. TIMEOUT\na.example. A 192.0.2.1");
    let (_server, config) = serve(&zones).await;
    let config = HickoryConfig { queries: 1, attempts: 10, timeout: Duration::from_millis(100), ..config };
    let resolver = Hickory::new(config);
    let slow = tokio::spawn({
        let resolver = resolver.clone();
        async move { ask(&resolver, "slow.example A").await }
    });
    while zones.asked() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&resolver, "a.example A").await, "no name server answered in time");
    assert_eq!(zones.asked_for(&question("a.example A")), 0);
    assert_eq!(slow.await.unwrap(), "no name server answered in time");
    assert_eq!(ask(&resolver, "a.example A").await, "a.example 300: 192.0.2.1", "the place is free again");
}
