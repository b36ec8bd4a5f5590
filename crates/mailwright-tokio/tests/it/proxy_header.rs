//! What proxies say.

use std::fmt::Write as _;
use std::net::SocketAddr;

use mailwright_core::testing::Budget;
use mailwright_tokio::Peer;
use mailwright_tokio::proxy::{Header, HeaderError, parse};
use proptest::prelude::*;

/// Octets of a header in these tests.
const MAX: usize = 300;

/// A header of version 2, with as many octets as it says.
pub(crate) fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let count = u16::try_from(block.len()).unwrap();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &count.to_be_bytes(), block].concat()
}

/// Addresses and ports as version 2 has them.
fn ends(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let octets = |end: SocketAddr| match end {
        SocketAddr::V4(end) => end.ip().octets().to_vec(),
        SocketAddr::V6(end) => end.ip().octets().to_vec(),
    };
    [octets(from), octets(to), from.port().to_be_bytes().to_vec(), to.port().to_be_bytes().to_vec()].concat()
}

fn family(end: SocketAddr) -> u8 {
    if end.is_ipv4() { 0x11 } else { 0x21 }
}

fn shown(header: &Header) -> String {
    match header {
        Header::Local => "local".to_owned(),
        Header::Client(peer) => format!("{} to {}", peer.remote, peer.local),
    }
}

const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 25, 0x9C, 0x40, 0, 25];

fn v6() -> Vec<u8> {
    ends("[2001:db8::1]:40000".parse().unwrap(), "[2001:db8::25]:465".parse().unwrap())
}

fn with(block: &[u8], more: &[u8]) -> Vec<u8> {
    [block, more].concat()
}

#[test]
fn what_is_said_is_understood_and_no_sooner_than_it_is_said() {
    let longest = "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535";
    for (header, says) in [
        (b"PROXY TCP4 192.0.2.1 198.51.100.25 40000 25\r\n".to_vec(), "192.0.2.1:40000 to 198.51.100.25:25"),
        (b"PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n".to_vec(), "255.255.255.255:65535 to 0.0.0.0:0"),
        (b"PROXY TCP6 2001:db8::1 ::1 40000 993\r\n".to_vec(), "[2001:db8::1]:40000 to [::1]:993"),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n".to_vec(), "[::ffff:192.0.2.1]:1 to [::1]:2"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "local"),
        (b"PROXY UNKNOWN \xff what \r it \0 likes\r\n".to_vec(), "local"),
        (format!("{longest}\r\n").into_bytes(), "local"),
        (v2(0x21, 0x11, &V4), "192.0.2.1:40000 to 198.51.100.25:25"),
        (v2(0x21, 0x21, &v6()), "[2001:db8::1]:40000 to [2001:db8::25]:465"),
        // An ALPN, and what is none: neither is looked at.
        (v2(0x21, 0x11, &with(&V4, b"\x01\0\x04smtp")), "192.0.2.1:40000 to 198.51.100.25:25"),
        (v2(0x21, 0x11, &with(&V4, b"\x04\xff")), "192.0.2.1:40000 to 198.51.100.25:25"),
        (v2(0x21, 0x11, &with(&V4, &[0; MAX - 28])), "192.0.2.1:40000 to 198.51.100.25:25"),
        (v2(0x20, 0x00, b""), "local"),
        (v2(0x20, 0x11, &V4), "local"),
        (v2(0x20, 0xff, b"whatever"), "local"),
        (v2(0x21, 0x00, b""), "local"),
        (v2(0x21, 0x00, b"whatever"), "local"),
        (v2(0x21, 0x12, &V4), "local"),
        (v2(0x21, 0x22, &v6()), "local"),
        (v2(0x21, 0x31, &[b'/'; 216]), "local"),
        (v2(0x21, 0x32, &[b'/'; 216]), "local"),
    ] {
        let text = header.escape_ascii().to_string();
        for end in 0..header.len() {
            assert_eq!(parse(&header[..end], MAX), Ok(None), "{text} up to {end}");
        }
        for behind in [&b""[..], b"EHLO c\r\n", b"\r\n", b"\0"] {
            let (parsed, octets) = parse(&with(&header, behind), MAX).unwrap().unwrap();
            assert_eq!((shown(&parsed), octets), (says.to_owned(), header.len()), "{text}");
        }
    }
}

#[test]
fn what_is_no_header_is_refused_in_time() {
    use HeaderError::{Malformed, Missing, TooLong};
    let without_end = "PROXY UNKNOWN ".to_owned() + &"x".repeat(93);
    for (input, error, after) in [
        (b"EHLO c\r\n".to_vec(), Missing, 1),
        (b"\x16\x03\x01".to_vec(), Missing, 1),
        (b"PROXy TCP4".to_vec(), Missing, 5),
        (b"PROXYTCP4".to_vec(), Missing, 6),
        (b"\r\n\r\n\0\r\nQUIT\r\n".to_vec(), Missing, 12),
        (b"PROXY \r\n".to_vec(), Malformed, 8),
        (b"PROXY  UNKNOWN\r\n".to_vec(), Malformed, 16),
        (b"PROXY UNKNOWN\n".to_vec(), Malformed, 14),
        (b"PROXY UNKNOWNS\r\n".to_vec(), Malformed, 16),
        (b"PROXY unknown\r\n".to_vec(), Malformed, 15),
        (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), Malformed, 36),
        (b"PROXY TCP4\r\n".to_vec(), Malformed, 12),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n".to_vec(), Malformed, 34),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n".to_vec(), Malformed, 38),
        (b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n".to_vec(), Malformed, 36),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n".to_vec(), Malformed, 35),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n".to_vec(), Malformed, 34),
        (b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n".to_vec(), Malformed, 38),
        (b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n".to_vec(), Malformed, 38),
        (b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), Malformed, 36),
        (b"PROXY TCP6 fe80::1%1 ::1 1 2\r\n".to_vec(), Malformed, 30),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n".to_vec(), Malformed, 40),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 00\r\n".to_vec(), Malformed, 37),
        (b"PROXY TCP4 192.0.2.\xb9 192.0.2.2 1 2\r\n".to_vec(), Malformed, 36),
        (format!("{without_end}\r\n").into_bytes(), TooLong(107), 107),
        (v2(0x11, 0x11, &V4), Malformed, 28),
        (v2(0x31, 0x11, &V4), Malformed, 28),
        (v2(0x22, 0x11, &V4), Malformed, 28),
        (v2(0x2f, 0x11, &V4), Malformed, 28),
        (v2(0x21, 0x11, &V4[..11]), Malformed, 27),
        (v2(0x21, 0x21, &v6()[..35]), Malformed, 51),
        (v2(0x21, 0x21, &V4), Malformed, 28),
        (v2(0x21, 0x01, &V4), Malformed, 28),
        (v2(0x21, 0x10, &V4), Malformed, 28),
        (v2(0x21, 0x13, &V4), Malformed, 28),
        (v2(0x21, 0x41, &V4), Malformed, 28),
        (v2(0x21, 0xff, &V4), Malformed, 28),
        (v2(0x21, 0x11, &with(&V4, &[0; MAX - 27])), TooLong(MAX), 16),
        (v2(0x20, 0x00, &[0; 0xffff]), TooLong(MAX), 16),
    ] {
        let text = input.escape_ascii().to_string();
        for end in 0..input.len() {
            let wanted = if end < after { Ok(None) } else { Err(error) };
            assert_eq!(parse(&input[..end], MAX), wanted, "{text} up to {end}");
        }
        assert_eq!(parse(&input, MAX), Err(error), "{text}");
    }
}

fn any_end(is_v6: bool) -> BoxedStrategy<SocketAddr> {
    if is_v6 {
        any::<([u8; 16], u16)>().prop_map(SocketAddr::from).boxed()
    } else {
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from).boxed()
    }
}

fn any_peer() -> impl Strategy<Value = Peer> {
    any::<bool>()
        .prop_flat_map(|is_v6| (any_end(is_v6), any_end(is_v6)))
        .prop_map(|(remote, local)| Peer { remote, local })
}

/// Octets, of which many are nearly a header.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let words =
        ["PROXY ", "TCP4 ", "TCP6 ", "UNKNOWN", "192.0.2.1 ", "::1 ", "25 ", "25", "\r\n", "\r", "\n", " "];
    let text = prop::collection::vec(prop::sample::select(words.to_vec()), 0..9)
        .prop_map(|words| format!("PROXY {}", words.concat()).into_bytes());
    let octets = || prop::collection::vec(any::<u8>(), 0..60);
    let binary = (0x1fu8..0x24, any::<u8>(), octets())
        .prop_map(|(command, family, block)| v2(command, family, &block));
    let longer = (any::<u16>(), octets()).prop_map(|(count, block)| {
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11", &count.to_be_bytes()[..], &block].concat()
    });
    prop_oneof![octets(), text, binary, longer]
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(400).seconds(2).long(100_000))]

    #[test]
    fn a_client_is_understood_in_both_versions(peer in any_peer(), behind in prop::collection::vec(any::<u8>(), 0..9)) {
        let Peer { remote, local } = peer;
        let mut text = String::new();
        let name = if remote.is_ipv4() { "TCP4" } else { "TCP6" };
        write!(text, "PROXY {name} {} {} {} {}\r\n", remote.ip(), local.ip(), remote.port(), local.port()).unwrap();
        for header in [text.into_bytes(), v2(0x21, family(remote), &ends(remote, local))] {
            let parsed = parse(&with(&header, &behind), MAX);
            prop_assert_eq!(parsed, Ok(Some((Header::Client(peer), header.len()))));
        }
    }

    #[test]
    fn however_it_is_cut_it_is_the_same(input in input(), max in 0usize..200) {
        let whole = parse(&input, max);
        for end in 0..input.len() {
            let part = parse(&input[..end], max);
            prop_assert!(part == Ok(None) || part == whole, "{:?} of {}, {:?} of all", part, end, whole);
        }
        if let Ok(Some((_, octets))) = whole {
            prop_assert!(octets <= input.len() && octets <= max.max(107));
            prop_assert_eq!(parse(&input[..octets - 1], max), Ok(None));
        }
        if whole == Ok(None) {
            prop_assert!(input.len() < max.max(107));
        }
    }
}
