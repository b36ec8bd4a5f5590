//! Opening connections.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use mailwright_tokio::Io;
use mailwright_tokio::socks::SocksError;
use thiserror::Error;
use tokio::net::TcpSocket;

/// A connection on its way.
pub type Dialed = Pin<Box<dyn Future<Output = Result<Box<dyn Io>, DialError>> + Send>>;

/// Opens connections: by TCP, through a proxy, or in a simulated network. How long that may take is seen to by whoever
/// asks.
pub trait Dial: Send + Sync {
    /// Connects to a host, from an address of ours, which is of the same family; without one, from any. Dropped before
    /// its end, it leaves nothing.
    fn dial(&self, to: SocketAddr, from: Option<IpAddr>) -> Dialed;
}

/// Why there is no connection: whose fault it is decides what follows.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The host refuses, or the way to it: another host, or another address of it, may do.
    #[error(transparent)]
    Host(#[from] io::Error),
    /// There is no way from here to any address of this family, as on a machine without IPv6.
    #[error("no way from here: {0}")]
    NoWay(#[source] io::Error),
    /// Our own address cannot be used: another one of ours may do.
    #[error("{}", of_source(*address, cause))]
    Source {
        /// Which.
        address: IpAddr,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The proxy cannot be reached, or goes away.
    #[error("the proxy at {proxy}: {cause}")]
    Proxy {
        /// Which.
        proxy: SocketAddr,
        /// What happened.
        #[source]
        cause: io::Error,
    },
    /// The SOCKS server does not connect us, for a reason that has nothing to do with the host.
    #[error("the SOCKS server at {proxy}: {cause}")]
    Socks {
        /// Which.
        proxy: SocketAddr,
        /// What it says.
        #[source]
        cause: SocksError,
    },
    /// This machine has no socket left, or another trouble of its own.
    #[error("no connection can be made here: {0}")]
    Here(#[source] io::Error),
}

impl DialError {
    /// Whether the fault is with us, or with what is between us and the network: it tells nothing of the host.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Source { .. } | Self::Proxy { .. } | Self::Socks { .. } | Self::Here(_) => true,
            Self::Host(_) | Self::NoWay(_) => false,
        }
    }
}

fn of_source(address: IpAddr, cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrNotAvailable => format!(
            "our address {address} is not on this machine: add it to an interface, or send from another one"
        ),
        _ => format!("our address {address} cannot be sent from: {cause}"),
    }
}

/// Connections by TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    fn dial(&self, to: SocketAddr, from: Option<IpAddr>) -> Dialed {
        Box::pin(async move {
            let socket = match to {
                SocketAddr::V4(_) => TcpSocket::new_v4(),
                SocketAddr::V6(_) => TcpSocket::new_v6(),
            };
            let socket = socket.map_err(DialError::Here)?;
            if let Some(address) = from {
                let bound = socket.bind(SocketAddr::new(address, 0));
                bound.map_err(|cause| DialError::Source { address, cause })?;
            }
            let stream = socket.connect(to).await.map_err(|error| match error.kind() {
                io::ErrorKind::NetworkUnreachable => DialError::NoWay(error),
                // The system has none of this family to connect from, not even one that leads nowhere.
                io::ErrorKind::AddrNotAvailable if from.is_none() => DialError::NoWay(error),
                _ => DialError::Host(error),
            })?;
            // Commands are small and waited for; if it cannot be had, they are only slower.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}
