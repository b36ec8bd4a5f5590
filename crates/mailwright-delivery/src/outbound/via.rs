//! Through a proxy: dials upon dials.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use mailwright_tokio::Peer;
use mailwright_tokio::proxy::Header;
use mailwright_tokio::socks::{self, Login, Refusal, SocksError};
use tokio::io::AsyncWriteExt as _;

use super::dial::{Dial, DialError, Dialed};

/// A proxy through which all connections go. It is named by its address: mail is not to depend on one more lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A SOCKS server: see [`SocksDial`].
    Socks {
        /// Where it is.
        proxy: SocketAddr,
        /// Who we are to it, if it asks. It goes over the network as it is.
        login: Option<Login>,
    },
    /// One that takes the PROXY protocol, as haproxy: see [`ProxyDial`].
    Proxy {
        /// Where it is.
        proxy: SocketAddr,
    },
}

impl Via {
    /// Connections through it, to which `inner` connects.
    pub(super) fn over(self, inner: Arc<dyn Dial>) -> Arc<dyn Dial> {
        match self {
            Self::Socks { proxy, login } => Arc::new(SocksDial { inner, proxy, login }),
            Self::Proxy { proxy } => Arc::new(ProxyDial { inner, proxy }),
        }
    }
}

/// Connections through a SOCKS server, version 5 (RFC 1928).
///
/// It connects from an address of its own, whichever we would send from: there is no word for that in SOCKS. It is given
/// addresses and never names: those were looked up here, since what is known of TLS depends on it.
#[derive(Clone)]
pub struct SocksDial {
    inner: Arc<dyn Dial>,
    proxy: SocketAddr,
    login: Option<Login>,
}

impl SocksDial {
    /// To hosts through `proxy`, and to that by `inner`.
    pub fn new(inner: Arc<dyn Dial>, proxy: SocketAddr, login: Option<Login>) -> Self {
        Self { inner, proxy, login }
    }
}

impl fmt::Debug for SocksDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocksDial").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl Dial for SocksDial {
    fn dial(&self, to: SocketAddr, _from: Option<IpAddr>) -> Dialed {
        let (proxy, login) = (self.proxy, self.login.clone());
        let dialed = self.inner.dial(proxy, None);
        Box::pin(async move {
            let io = dialed.await.map_err(|error| of_proxy(proxy, error))?;
            socks::connect(io, to, login).await.map_err(|cause| of_socks(proxy, cause))
        })
    }
}

/// Connections through one that takes the PROXY protocol, version 2: it is told from which of our addresses to connect,
/// and to whom. In haproxy, `bind ... accept-proxy` in front, `source 0.0.0.0 usesrc clientip` and
/// `server ... 0.0.0.0:0` behind.
///
/// Without an address of ours it is told `0.0.0.0` or `::`, and may choose. It takes connections before it has made
/// ours: a host that is not there is one that closes before its greeting.
#[derive(Clone)]
pub struct ProxyDial {
    inner: Arc<dyn Dial>,
    proxy: SocketAddr,
}

impl ProxyDial {
    /// To hosts through `proxy`, and to that by `inner`.
    pub fn new(inner: Arc<dyn Dial>, proxy: SocketAddr) -> Self {
        Self { inner, proxy }
    }
}

impl fmt::Debug for ProxyDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyDial").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl Dial for ProxyDial {
    fn dial(&self, to: SocketAddr, from: Option<IpAddr>) -> Dialed {
        let proxy = self.proxy;
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let header = Header::Client(Peer { remote: SocketAddr::new(from.unwrap_or(any), 0), local: to });
        let dialed = self.inner.dial(proxy, None);
        Box::pin(async move {
            let mut io = dialed.await.map_err(|error| of_proxy(proxy, error))?;
            let broken = |cause| DialError::Proxy { proxy, cause };
            io.write_all(&header.to_v2()).await.map_err(broken)?;
            io.flush().await.map_err(broken)?;
            Ok(io)
        })
    }
}

/// What keeps us from the proxy tells nothing of the host.
fn of_proxy(proxy: SocketAddr, error: DialError) -> DialError {
    match error {
        DialError::Host(cause) | DialError::NoWay(cause) => DialError::Proxy { proxy, cause },
        other => other,
    }
}

/// What it says of the host, as the system would have said it; and what it says of itself.
fn of_socks(proxy: SocketAddr, cause: SocksError) -> DialError {
    let said =
        |kind, refusal: Refusal| io::Error::new(kind, format!("{refusal}, says the SOCKS server at {proxy}"));
    match cause {
        SocksError::Refused(refusal) => match refusal {
            // Of this host's network: it says nothing of others of the same family.
            Refusal::NetworkUnreachable => DialError::Host(said(io::ErrorKind::NetworkUnreachable, refusal)),
            Refusal::AddressTypeNotSupported => DialError::NoWay(said(io::ErrorKind::Unsupported, refusal)),
            Refusal::HostUnreachable | Refusal::TtlExpired => {
                DialError::Host(said(io::ErrorKind::HostUnreachable, refusal))
            }
            Refusal::ConnectionRefused => DialError::Host(said(io::ErrorKind::ConnectionRefused, refusal)),
            _ => DialError::Socks { proxy, cause: SocksError::Refused(refusal) },
        },
        SocksError::Io(cause) => DialError::Proxy { proxy, cause },
        cause => DialError::Socks { proxy, cause },
    }
}
