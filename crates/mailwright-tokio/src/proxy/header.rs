//! The header, §2 of HAProxy's `proxy-protocol.txt`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr};

use thiserror::Error;

use crate::listener::Peer;

/// What version 1 begins with (§2.1).
const V1: &[u8] = b"PROXY ";

/// Octets that a header of version 1 has at most, its CRLF included (§2.1).
pub(super) const V1_MAX: usize = 107;

/// What version 2 begins with (§2.2): no protocol has it for its first line.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 2 and its commands (§2.2).
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

/// Families and transports of version 2 (§2.2).
const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// Octets of version 2 before those that it gives the number of.
const V2_FIXED: usize = 16;

/// What a proxy says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It speaks for itself, as to see whether we are there (`LOCAL`), or has no IP addresses to tell (`UNKNOWN`, UNIX
    /// sockets): the ends are those of the connection itself.
    Local,
    /// It speaks for a client, and these are the ends: the client's, and that which the client has connected to.
    Client(Peer),
}

impl Header {
    /// As a proxy says it, in version 2 (§2.2), without TLVs. Ends of which one is IPv4 and the other IPv6 are both said
    /// as IPv6, the one mapped into it.
    ///
    /// ```
    /// use mailwright_tokio::Peer;
    /// use mailwright_tokio::proxy::{Header, parse};
    ///
    /// let peer = Peer { remote: "192.0.2.1:0".parse()?, local: "198.51.100.25:25".parse()? };
    /// let header = Header::Client(peer);
    /// assert_eq!(parse(&header.to_v2(), 4096), Ok(Some((header, 28))));
    /// # Ok::<_, std::net::AddrParseError>(())
    /// ```
    pub fn to_v2(&self) -> Vec<u8> {
        let (command, family, block) = match self {
            Self::Local => (LOCAL, UNSPEC, Vec::new()),
            Self::Client(peer) => {
                let ports = [peer.remote.port().to_be_bytes(), peer.local.port().to_be_bytes()].concat();
                match (peer.remote.ip(), peer.local.ip()) {
                    (IpAddr::V4(from), IpAddr::V4(to)) => {
                        (PROXY, TCP4, [&from.octets()[..], &to.octets(), &ports].concat())
                    }
                    (from, to) => {
                        let (from, to) = (v6_octets(from), v6_octets(to));
                        (PROXY, TCP6, [&from[..], &to, &ports].concat())
                    }
                }
            }
        };
        let count = u16::try_from(block.len()).unwrap_or_default();
        [V2, &[command, family], &count.to_be_bytes(), &block].concat()
    }
}

fn v6_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Why there is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Something else was said.
    #[error("this is no PROXY header")]
    Missing,
    /// It was not as the specification has it.
    #[error("the PROXY header is malformed")]
    Malformed,
    /// It has more octets than it may have.
    #[error("the PROXY header has more than {0} octets")]
    TooLong(usize),
}

/// The header at the beginning of `input`, and of how many octets it is; `None` if more have to come. One of version 2
/// has at most `max` octets, one of version 1 at most 107.
///
/// What version 2 has behind the addresses (TLVs) is passed over: nothing there says whose connection it is.
///
/// ```
/// use mailwright_tokio::proxy::{Header, parse};
///
/// let (header, octets) = parse(b"PROXY TCP4 192.0.2.1 198.51.100.25 40000 25\r\nEHLO c\r\n", 4096)?.unwrap();
/// let Header::Client(peer) = header else { panic!("{header:?}") };
/// assert_eq!((peer.remote.to_string(), octets), ("192.0.2.1:40000".to_owned(), 45));
/// assert_eq!(parse(b"PROXY TCP4 192.0.2.1 19", 4096), Ok(None));
/// # Ok::<_, mailwright_tokio::proxy::HeaderError>(())
/// ```
///
/// # Errors
/// [`HeaderError`], as soon as it is certain.
pub fn parse(input: &[u8], max: usize) -> Result<Option<(Header, usize)>, HeaderError> {
    if begins(input, V1) {
        v1(input)
    } else if begins(input, V2) {
        v2(input, max)
    } else {
        Err(HeaderError::Missing)
    }
}

/// Whether that is how it begins, as far as it has come.
fn begins(input: &[u8], start: &[u8]) -> bool {
    input.iter().zip(start).all(|(octet, wanted)| octet == wanted)
}

/// §2.1: `PROXY TCP4 192.0.2.1 198.51.100.25 40000 25`, one space between two words.
fn v1(input: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let Some(at) = input.iter().take(V1_MAX).position(|octet| *octet == b'\n') else {
        return if input.len() < V1_MAX { Ok(None) } else { Err(HeaderError::TooLong(V1_MAX)) };
    };
    let line = input.get(..at).and_then(|line| line.strip_suffix(b"\r")).ok_or(HeaderError::Malformed)?;
    let mut words = line.split(|octet| *octet == b' ').skip(1);
    let header = match words.next() {
        // Whatever follows is ignored.
        Some(b"UNKNOWN") => Some(Header::Local),
        Some(b"TCP4") => v1_client::<Ipv4Addr>(&mut words),
        Some(b"TCP6") => v1_client::<Ipv6Addr>(&mut words),
        _ => None,
    };
    header.map(|header| Some((header, at + 1))).ok_or(HeaderError::Malformed)
}

/// Two addresses, two ports, and nothing else.
fn v1_client<'a, A: FromStr + Into<IpAddr>>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Header> {
    let mut text = || str::from_utf8(words.next()?).ok();
    let (from, to): (A, A) = (text()?.parse().ok()?, text()?.parse().ok()?);
    let (from_port, to_port) = (port(text()?)?, port(text()?)?);
    words.next().is_none().then(|| client((from.into(), from_port), (to.into(), to_port)))
}

/// A decimal number without sign and without zeros in front.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// §2.2: version and command, family, the number of the octets that follow, addresses and ports, and what is passed over.
fn v2(input: &[u8], max: usize) -> Result<Option<(Header, usize)>, HeaderError> {
    let Some((&[command, family, high, low], rest)) =
        input.get(V2.len()..).and_then(<[u8]>::split_first_chunk)
    else {
        return Ok(None);
    };
    let count = usize::from(u16::from_be_bytes([high, low]));
    let octets = V2_FIXED + count;
    if octets > max {
        return Err(HeaderError::TooLong(max));
    }
    let Some(block) = rest.get(..count) else { return Ok(None) };
    let header = match (command, family) {
        // LOCAL: the family is ignored.
        (LOCAL, _) => Some(Header::Local),
        (PROXY, TCP4) => v2_client(block, |octets: [u8; 4]| octets.into()),
        (PROXY, TCP6) => v2_client(block, |octets: [u8; 16]| octets.into()),
        // UNSPEC; and valid ones that are no TCP (datagrams, UNIX sockets) are to be taken as that.
        (PROXY, UNSPEC | 0x12 | 0x22 | 0x31 | 0x32) => Some(Header::Local),
        _ => None,
    };
    header.map(|header| Some((header, octets))).ok_or(HeaderError::Malformed)
}

/// Two addresses of `N` octets, and two ports.
fn v2_client<const N: usize>(block: &[u8], address: impl Fn([u8; N]) -> IpAddr) -> Option<Header> {
    let (from, block) = block.split_first_chunk()?;
    let (to, block) = block.split_first_chunk()?;
    let (from_port, block) = block.split_first_chunk()?;
    let (to_port, _) = block.split_first_chunk()?;
    let ports = (u16::from_be_bytes(*from_port), u16::from_be_bytes(*to_port));
    Some(client((address(*from), ports.0), (address(*to), ports.1)))
}

fn client(from: impl Into<SocketAddr>, to: impl Into<SocketAddr>) -> Header {
    Header::Client(Peer { remote: from.into(), local: to.into() })
}
