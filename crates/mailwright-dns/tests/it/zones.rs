//! The text of zones, and what they answer.

use mailwright_dns::{Families, InvalidZone, LookupError, Resolver, ZoneFault};

use crate::show::{ask, question, zones};

const TEXT: &str = r#"
; a comment
$ORIGIN example.org.
$TTL 600
@           3600 SOA ns host 1 2 3 4 60
@           MX 10 mx
@           MX 20 mx.example.net.
@           TXT "v=spf1 -all" ; another
long        TXT "one ; \"two\" " three
mx          60 IN A 192.0.2.1
mx          30 A 192.0.2.2
mx          AAAA 2001:db8::1
_25._tcp.mx TLSA 3 1 1 00ff10
www         30 CNAME mx
round       CNAME trip
trip        CNAME round
bad         SERVFAIL
half        A REFUSED
half        MX 5 mx
slow        TIMEOUT
1.2.0.192.in-addr.arpa. PTR mx
safe        SECURE
x.safe      A 192.0.2.3
out.safe    CNAME mx
"#;

#[tokio::test]
async fn zones_answer() {
    let zones = zones(TEXT);
    for (question, words) in [
        ("example.org MX", "example.org 600: 10 mx.example.org, 20 mx.example.net"),
        ("example.org TXT", "example.org 600: v=spf1 -all"),
        ("long.example.org TXT", "long.example.org 600: one ; \\\"two\\\" |three"),
        ("mx.example.org A", "mx.example.org 30: 192.0.2.1, 192.0.2.2"),
        ("mx.example.org AAAA", "mx.example.org 600: 2001:db8::1"),
        ("_25._tcp.mx.example.org TLSA", "_25._tcp.mx.example.org 600: 3 1 1 00ff10"),
        ("www.example.org A", "mx.example.org 30: 192.0.2.1, 192.0.2.2"),
        ("www.example.org AAAA", "mx.example.org 30: 2001:db8::1"),
        ("www.example.org MX", "no records 30"),
        ("round.example.org A", "the name leads from alias to alias"),
        ("bad.example.org TXT", "the name server failed to find out"),
        ("half.example.org A", "the name server refused to answer"),
        ("half.example.org MX", "half.example.org 600: 5 mx.example.org"),
        ("slow.example.org A", "no name server answered in time"),
        ("1.2.0.192.in-addr.arpa PTR", "1.2.0.192.in-addr.arpa 600: mx.example.org"),
        ("x.safe.example.org A", "x.safe.example.org 600: 192.0.2.3 (authentic)"),
        ("out.safe.example.org AAAA", "mx.example.org 600: 2001:db8::1"),
        ("none.example.org A", "no such domain 60"),
        ("_tcp.mx.example.org A", "no records 60"),
        ("none.example.com A", "no such domain ?"),
        ("mx.example.org MX", "no records 60"),
    ] {
        assert_eq!(ask(&zones, question).await, words, "{question}");
    }
    assert_eq!((zones.asked(), zones.asked_for(&question("mx.example.org A"))), (21, 1));
}

#[tokio::test]
async fn typed_answers_are_of_their_types() {
    let zones = zones(TEXT);
    let name = |text: &str| text.parse().unwrap();
    let mx = zones.mx(&name("example.org")).await.unwrap();
    assert_eq!((mx.records[0].preference, mx.records[0].exchange.as_str()), (10, "mx.example.org"));
    let txt = zones.txt(&name("long.example.org")).await.unwrap();
    assert_eq!(txt.records[0].joined(), b"one ; \"two\" three");
    let ptr = zones.ptr("192.0.2.1".parse().unwrap()).await.unwrap();
    assert_eq!(ptr.records, [name("mx.example.org")]);
    let tlsa = zones.tlsa(&name("mx.example.org"), 25).await.unwrap();
    assert_eq!(*tlsa.records[0].data, [0, 255, 16]);
    let long = name(&["a".repeat(62).as_str(); 4].join("."));
    assert_eq!(zones.tlsa(&long, 25).await, Err(LookupError::NoRecords { ttl: None }));
    let addresses = zones.addresses(&name("mx.example.org"), Families::Both).await.unwrap();
    let addresses: Vec<_> = addresses.records.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
}

#[test]
fn what_is_not_understood_is_told() {
    use ZoneFault::{Data, Directive, Owner, Type};
    for (text, line, fault) in [
        ("a b c", 1, Type),
        ("\n\na", 3, Type),
        ("a 300", 1, Type),
        ("a..b A 192.0.2.1", 1, Owner),
        ("a A", 1, Data),
        ("a A 192.0.2.256", 1, Data),
        ("a MX mx", 1, Data),
        ("a MX 65536 mx", 1, Data),
        ("a TLSA 3 1 1 0f0", 1, Data),
        ("a TLSA 3 1 1 0g", 1, Data),
        ("a CNAME b..c", 1, Data),
        ("a CNAME b c", 1, Data),
        ("a SOA ns host 1 2 3 4", 1, Data),
        ("$TTL", 1, Directive),
        ("$TTL long", 1, Directive),
        ("$INCLUDE x", 1, Directive),
    ] {
        let zones = zones("before A 192.0.2.1");
        assert_eq!(zones.load(text), Err(InvalidZone { line, fault }), "{text}");
        assert_eq!(zones.add(&format!("{text}\nafter A 192.0.2.1")), Err(InvalidZone { line, fault }));
    }
}

#[tokio::test]
async fn zones_can_be_changed() {
    let zones = zones("a A 192.0.2.1");
    let clone = zones.clone();
    clone.add("b A 192.0.2.2").unwrap();
    assert_eq!(ask(&zones, "a A").await, "a 300: 192.0.2.1");
    assert_eq!(ask(&zones, "b A").await, "b 300: 192.0.2.2");
    clone.load("b A 192.0.2.3").unwrap();
    assert_eq!(ask(&zones, "a A").await, "no such domain ?");
    assert_eq!(ask(&zones, "b A").await, "b 300: 192.0.2.3");
}

mailwright_core::properties! {
    #[test]
    fn any_text_is_a_zone_or_none(text in "([a-z.@$;\"\\\\ 0-9\n]|A|MX|TXT|CNAME|SERVFAIL){0,60}") {
        let _ = text.parse::<mailwright_dns::Zones>();
    }
}
