//! Opening connections.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

use mailwright_tokio::Io;
use tokio::net::TcpSocket;

/// A connection on its way.
pub type Dialed = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

/// Opens connections: by TCP, or in a simulated network. How long that may take is seen to by whoever asks.
pub trait Dial: Send + Sync {
    /// Connects to an address and port. Dropped before its end, it leaves nothing.
    fn dial(&self, address: IpAddr, port: u16) -> Dialed;
}

/// Connections by TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpDial {
    /// The address from which to connect to IPv4 addresses. Default: the system's choice.
    pub source_v4: Option<Ipv4Addr>,
    /// The address from which to connect to IPv6 addresses. Default: the system's choice.
    pub source_v6: Option<Ipv6Addr>,
}

impl Dial for TcpDial {
    fn dial(&self, address: IpAddr, port: u16) -> Dialed {
        let source: Option<IpAddr> = match address {
            IpAddr::V4(_) => self.source_v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.source_v6.map(IpAddr::V6),
        };
        Box::pin(async move {
            let socket = match address {
                IpAddr::V4(_) => TcpSocket::new_v4(),
                IpAddr::V6(_) => TcpSocket::new_v6(),
            }?;
            if let Some(source) = source {
                socket.bind(SocketAddr::new(source, 0))?;
            }
            let stream = socket.connect(SocketAddr::new(address, port)).await?;
            // Commands are small and waited for; if it cannot be had, they are only slower.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}
