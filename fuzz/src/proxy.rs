use std::net::IpAddr;

use mailwright_tokio::Peer;
use mailwright_tokio::proxy::{Header, parse};

/// A header of the PROXY protocol. Two octets of its limit, the octets that a proxy sends.
///
/// However few have come, what is said is what will be said of all; and a client's addresses are those that are read when
/// they are written in the other version.
pub fn proxy_header(data: &[u8]) {
    let Some((limit, input)) = data.split_first_chunk() else { return };
    let max = usize::from(u16::from_be_bytes(*limit));
    let whole = parse(input, max);
    for end in 0..input.len() {
        let part = parse(&input[..end], max);
        assert!(part == Ok(None) || part == whole, "{part:?} of {end} octets, {whole:?} of all");
    }
    match whole {
        Ok(Some((header, octets))) => {
            assert!((1..=input.len()).contains(&octets) && octets <= max.max(107));
            assert_eq!(parse(&input[..octets - 1], max), Ok(None), "the last octet was not needed");
            if let Header::Client(peer) = header {
                assert_eq!(header.to_v2(), v2(peer));
                for again in [v1(peer), v2(peer)] {
                    assert_eq!(parse(&again, 52), Ok(Some((header, again.len()))));
                }
            }
        }
        Ok(None) => assert!(input.len() < max.max(107), "{} octets of at most {max}", input.len()),
        Err(_) => {}
    }
}

fn v1(Peer { remote: from, local: to }: Peer) -> Vec<u8> {
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port()).into_bytes()
}

fn v2(Peer { remote: from, local: to }: Peer) -> Vec<u8> {
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let (family, count) = if from.is_ipv4() { (0x11, 12) } else { (0x21, 36) };
    [b"\r\n\r\n\0\r\nQUIT\n\x21", &[family, 0, count][..], &octets(from.ip()), &octets(to.ip()), &ports]
        .concat()
}
