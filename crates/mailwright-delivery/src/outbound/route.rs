//! Which way mail for a domain takes.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use mailwright_auth::Credentials;
use mailwright_core::{Domain, InvalidAddress};
use mailwright_dns::Name;
pub use mailwright_smtp::client::Protocol;

use super::source::Source;

/// A way for some domains.
#[derive(Debug, Clone)]
pub struct Route {
    /// For which.
    pub pattern: Pattern,
    /// Which way.
    pub way: Way,
    /// From which of our addresses. Default: none, which means [those for all](super::OutboundConfig::sources).
    pub sources: Vec<Source>,
}

impl Route {
    /// This way for those domains.
    pub fn new(pattern: Pattern, way: Way) -> Self {
        Self { pattern, way, sources: Vec::new() }
    }
}

/// Domains. As text: `example.org`, `.example.org`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This one, which may be an address literal.
    Domain(Domain),
    /// All below this one, without itself.
    Below(Domain),
    /// All.
    Any,
}

impl Pattern {
    /// Whether `domain` is among them.
    pub fn has(&self, domain: &Domain) -> bool {
        match self {
            Self::Domain(this) => this == domain,
            Self::Below(this) => {
                let above = domain.as_str().strip_suffix(this.as_str());
                above.is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
            }
            Self::Any => true,
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        match text.strip_prefix('.') {
            _ if text == "*" => Ok(Self::Any),
            Some(domain) => domain.parse().map(Self::Below),
            None => text.parse().map(Self::Domain),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Below(domain) => write!(f, ".{domain}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// A way.
#[derive(Debug, Clone)]
pub enum Way {
    /// By the domain's MX records (RFC 5321 §5.1), with opportunistic TLS. What a domain without a route does.
    Mx,
    /// By servers of our choice: a smarthost, if for all domains.
    Relay(Relay),
}

/// Servers that take mail from us for others.
#[derive(Debug, Clone)]
pub struct Relay {
    /// In the order in which they are tried: the first that answers gets the mail.
    pub hosts: Vec<RelayHost>,
    /// What they speak.
    pub protocol: Protocol,
    /// Whether by TLS.
    pub tls: TlsPolicy,
    /// Who we are to them. A password is sent by TLS only, unless
    /// [`auth_without_tls`](mailwright_smtp::client::Config::auth_without_tls) is on.
    pub credentials: Option<Credentials>,
}

impl Relay {
    /// One server, by SMTP with TLS, without authentication.
    pub fn new(host: RelayHost) -> Self {
        Self { hosts: vec![host], protocol: Protocol::Smtp, tls: TlsPolicy::Required, credentials: None }
    }
}

/// A server of our choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHost {
    /// Its name, of which the addresses are looked up, but no MX; or its address.
    pub host: HostName,
    /// Its port.
    pub port: u16,
}

impl RelayHost {
    /// A server by its name.
    pub fn named(name: Name, port: u16) -> Self {
        Self { host: HostName::Name(name), port }
    }

    /// A server by its address.
    pub fn at(address: IpAddr, port: u16) -> Self {
        Self { host: HostName::Address(address), port }
    }
}

/// What a server is known by; its certificate is checked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// A name.
    Name(Name),
    /// An address.
    Address(IpAddr),
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv6.
    #[default]
    V6,
    /// IPv4.
    V4,
}

/// Whether TLS is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// Not even if it is offered.
    Never,
    /// By STARTTLS if it is offered (RFC 3207), whatever the certificate.
    Opportunistic,
    /// By STARTTLS with a certificate that is right, or nothing is sent.
    Required,
    /// From the beginning (RFC 8314 §3.3), with a certificate that is right.
    Implicit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_their_domains() {
        for (pattern, domain, has) in [
            ("example.org", "Example.ORG", true),
            ("example.org", "a.example.org", false),
            (".example.org", "a.example.org", true),
            (".example.org", "a.b.example.org", true),
            (".example.org", "example.org", false),
            (".example.org", "badexample.org", false),
            ("*", "example.org", true),
            ("*", "[192.0.2.1]", true),
            ("[192.0.2.1]", "[192.0.2.1]", true),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.has(&domain.parse().unwrap()), has, "{pattern} {domain}");
        }
        for text in ["", ".", "*.example.org", "a b", ".*"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
