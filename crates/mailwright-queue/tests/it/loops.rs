//! Mail that comes back.

use mailwright_queue::{
    Exchanger, LoopDetector, LoopLimits, MailLoop, OwnHosts, before_self, lowest_is_self,
};
use proptest::prelude::*;

use crate::fixture::{address, domain};

fn detector() -> LoopDetector {
    let mut limits = LoopLimits::default();
    limits.received = 5;
    limits.own = 2;
    LoopDetector::new(&domain("mx.example"), limits)
}

fn received(by: &str) -> String {
    format!(
        "Received: from a.example (a.example [192.0.2.1])\r\n\tby {by} (x) with ESMTP;\r\n\tMon, 1 Jan 2026\r\n"
    )
}

/// RFC 5321 §6.3
#[test]
fn hops_are_counted() {
    for (header, result) in [
        (received("other.example").repeat(5) + "Subject: x\r\n\r\n", Ok(())),
        (received("other.example").repeat(6) + "\r\n", Err(MailLoop::Hops(6))),
        (received("MX.example").repeat(2) + "\r\n", Ok(())),
        (received("mx.example").repeat(3) + "\r\n", Err(MailLoop::Here(3))),
        (received("mx.example.evil.example").repeat(3) + "\r\n", Ok(())),
        ("Received: by mx.example; x\r\n".repeat(3) + "\r\n", Err(MailLoop::Here(3))),
        ("X-Received: by mx.example\r\n".repeat(9) + "\r\n", Ok(())),
        (format!("\r\n{}", received("mx.example").repeat(9)), Ok(())),
        (received("mx.example").repeat(3).replace("\r\n", "\n") + "\n", Err(MailLoop::Here(3))),
    ] {
        assert_eq!(detector().feed(header.as_bytes()), result, "{header}");
        let mut in_octets = detector();
        header.bytes().for_each(|octet| _ = in_octets.feed(&[octet]));
        let last = in_octets.feed(b"");
        assert_eq!(last, result, "{header}");
    }
}

#[test]
fn delivered_to_is_remembered() {
    let mut detector = detector();
    detector
        .feed(b"Delivered-To: <ann@example.org>\r\nDelivered-To: bob\r\n\t@example.org\r\nSubject: x\r\n\r\n")
        .unwrap();
    assert!(detector.was_delivered_to(&address("ann@example.org")));
    assert!(!detector.was_delivered_to(&address("carl@example.org")));
}

#[test]
fn a_field_without_end_is_not_kept() {
    let mut limits = LoopLimits::default();
    limits.field_octets = 10;
    let mut detector = LoopDetector::new(&domain("mx.example"), limits);
    for _ in 0..1_000 {
        detector.feed(&[b'x'; 1_000]).unwrap();
    }
    assert!(format!("{detector:?}").len() < 1_000);
}

fn exchanger(preference: u16, host: &str, address: &str) -> Exchanger {
    Exchanger { preference, host: domain(host), addresses: vec![address.parse().unwrap()] }
}

/// RFC 5321 §5.1
#[test]
fn what_is_not_preferred_to_us_is_not_tried() {
    let own =
        OwnHosts { names: [domain("mx2.example")].into(), addresses: ["192.0.2.2".parse().unwrap()].into() };
    let list = |hosts: &[(u16, &str, &str)]| -> Vec<Exchanger> {
        hosts.iter().map(|(preference, host, address)| exchanger(*preference, host, address)).collect()
    };
    for (hosts, tried, is_lowest) in [
        (
            list(&[(20, "b.example", "192.0.2.9"), (10, "a.example", "192.0.2.8")]),
            vec!["a.example", "b.example"],
            false,
        ),
        (
            list(&[
                (10, "a.example", "192.0.2.8"),
                (20, "mx2.example", "192.0.2.2"),
                (30, "c.example", "192.0.2.7"),
            ]),
            vec!["a.example"],
            false,
        ),
        (list(&[(10, "alias.example", "192.0.2.2"), (20, "c.example", "192.0.2.7")]), vec![], true),
        (list(&[(10, "alias.example", "::ffff:192.0.2.2")]), vec![], true),
        (list(&[(10, "a.example", "192.0.2.8"), (10, "mx2.example", "192.0.2.6")]), vec![], true),
        (list(&[]), vec![], false),
    ] {
        assert_eq!(lowest_is_self(&hosts, &own), is_lowest, "{hosts:?}");
        let names: Vec<String> = before_self(hosts, &own).iter().map(|host| host.host.to_string()).collect();
        assert_eq!(names, tried);
    }
}

mailwright_core::properties! {
    #[test]
    fn any_header_is_read_the_same_however_it_is_cut(
        header in "((Received|received |Delivered-To|X): ?|by mx\\.example|a@b|[\\r\\n\\t; x]|\\r\\n|\\PC){0,60}",
        size in 1..20usize,
    ) {
        let mut whole = detector();
        let result = whole.feed(header.as_bytes());
        let mut pieces = detector();
        let last = header.as_bytes().chunks(size).map(|piece| pieces.feed(piece)).last().unwrap_or(Ok(()));
        prop_assert_eq!(result, last);
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }
}
