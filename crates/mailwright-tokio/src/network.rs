//! Networks of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// A network of addresses, `10.0.0.0/8` or `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3), or an address alone.
///
/// An IPv4 address that is mapped into IPv6, as a socket for both has them, is the IPv4 address.
///
/// ```
/// use mailwright_tokio::Network;
///
/// let proxies: Network = "192.0.2.0/24".parse()?;
/// assert!(proxies.contains("192.0.2.7".parse()?) && proxies.contains("::ffff:192.0.2.7".parse()?));
/// assert!(!proxies.contains("192.0.3.7".parse()?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// All bits behind the prefix are zero.
    address: IpAddr,
    prefix: u32,
}

/// What is no [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Neither an address nor an address, a slash and a number.
    #[error("not a network such as 192.0.2.0/24 or 2001:db8::/32, nor an address")]
    Syntax,
    /// The address has fewer bits.
    #[error("the prefix is too long: an address has {0} bits here")]
    Prefix(u32),
    /// There are bits behind the prefix: one of the two is a mistake.
    #[error("the address has bits behind the prefix: the network is {0}")]
    BitsBehind(Network),
}

impl Network {
    /// The addresses that begin with the first `prefix` bits of this one.
    ///
    /// # Errors
    /// [`NetworkError::Prefix`] beyond 32 bits, of IPv6 128; [`NetworkError::BitsBehind`] if there are any.
    pub fn new(address: IpAddr, prefix: u32) -> Result<Self, NetworkError> {
        let (bits, width) = bits(address);
        let behind = width.checked_sub(prefix).ok_or(NetworkError::Prefix(width))?;
        let kept = front(bits, behind).checked_shl(behind).unwrap_or(0);
        let network = |address| Self { address, prefix };
        if kept == bits {
            Ok(network(address))
        } else {
            Err(NetworkError::BitsBehind(network(like(address, kept))))
        }
    }

    /// Whether it is one of these addresses.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((own, width), (other, other_width)) = (bits(self.address), bits(address.to_canonical()));
        let behind = width.saturating_sub(self.prefix);
        width == other_width && front(own, behind) == front(other, behind)
    }

    /// Whether these are all addresses of their family.
    ///
    /// ```
    /// # use mailwright_tokio::Network;
    /// assert!("0.0.0.0/0".parse::<Network>()?.is_everywhere() && !"0.0.0.0".parse::<Network>()?.is_everywhere());
    /// # Ok::<_, mailwright_tokio::NetworkError>(())
    /// ```
    pub fn is_everywhere(&self) -> bool {
        self.prefix == 0
    }
}

/// An address as a number, and how many bits that has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (address.into(), 128),
    }
}

/// The address with these bits, of the same family.
fn like(address: IpAddr, bits: u128) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(bits).unwrap_or_default().into()),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

/// All bits but the last `behind` ones.
fn front(bits: u128, behind: u32) -> u128 {
    bits.checked_shr(behind).unwrap_or(0)
}

impl From<IpAddr> for Network {
    /// That address alone.
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: bits(address).1 }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| NetworkError::Syntax);
        match text.split_once('/') {
            None => Ok(Self::from(address(text)?)),
            Some((front, prefix)) => {
                // `parse` would take a sign.
                let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit());
                let prefix = prefix.parse().ok().filter(|_| is_number).ok_or(NetworkError::Syntax)?;
                Self::new(address(front)?, prefix)
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "2001:db8::1"),
            ("192.0.2.4/30", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.1/32", "192.0.2.1", "192.0.2.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:1"),
            ("::1", "::1", "::2"),
            ("::/0", "ffff::", "192.0.2.1"),
            ("::/0", "::1", "::ffff:192.0.2.1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_network() {
        let error = |text: &str| text.parse::<Network>().unwrap_err();
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10/8",
            "mx/8",
            "10.0.0.0/ 8",
        ] {
            assert_eq!(error(text), NetworkError::Syntax, "{text}");
        }
        assert_eq!(error("10.0.0.0/33"), NetworkError::Prefix(32));
        assert_eq!(error("::/129"), NetworkError::Prefix(128));
        assert_eq!(error("::/4294967296"), NetworkError::Syntax);
        assert!(error("10.1.2.3/8").to_string().ends_with("the network is 10.0.0.0/8"));
        assert!(error("2001:db8::1/32").to_string().ends_with("the network is 2001:db8::/32"));
        assert!(error("192.0.2.1/0").to_string().ends_with("the network is 0.0.0.0/0"));
    }
}
