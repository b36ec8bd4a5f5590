//! Values that say how mail leaves this server: families, addresses, proxies.

use std::net::{IpAddr, SocketAddr};

use mailwright_delivery::outbound::Family;
use mailwright_dns::Families;

use super::value::{FromText, Wrong, one_of};

impl FromText for Families {
    const WHAT: &'static str = "a choice of families";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("both", Self::Both), ("ipv4", Self::V4), ("ipv6", Self::V6)].into_iter())
    }
}

impl FromText for Family {
    const WHAT: &'static str = "a family of addresses";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("ipv6", Self::V6), ("ipv4", Self::V4)].into_iter())
    }
}

/// An address of this server.
impl FromText for IpAddr {
    const WHAT: &'static str = "an address to send from";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write an IPv4 or IPv6 address that this machine, or the proxy, has";
        match text.parse::<Self>().map(|address| address.to_canonical()) {
            Ok(address) if address.is_unspecified() || address.is_multicast() => {
                Err(Wrong::new("nobody has this address", help))
            }
            Ok(address) => Ok(address),
            Err(_) => Err(Wrong::new("no IP address", help)),
        }
    }
}

/// A proxy: what it speaks, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyUrl {
    Socks(SocketAddr),
    Proxy(SocketAddr),
}

impl FromText for ProxyUrl {
    const WHAT: &'static str = "a proxy";

    /// What stands there is not shown: it may be a password.
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write socks5://192.0.2.9:1080, or haproxy://192.0.2.9:2000 for the PROXY protocol";
        let (scheme, place) =
            text.split_once("://").ok_or_else(|| Wrong::new("what it speaks is missing", help))?;
        if place.contains('@') {
            return Err(Wrong::new("a login does not stand in here", "write `via_user` and `via_password`"));
        }
        let place = place.strip_suffix('/').unwrap_or(place);
        let proxy = SocketAddr::from_text(place).map_err(|wrong| wrong.with_help(help))?;
        match scheme {
            _ if proxy.port() == 0 => Err(Wrong::new("nobody listens on port 0", help)),
            "socks5" => Ok(Self::Socks(proxy)),
            "haproxy" => Ok(Self::Proxy(proxy)),
            _ => Err(Wrong::new("neither socks5 nor haproxy", help)),
        }
    }
}
