//! Where connections come from.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use mailwright_tokio::DynListen;
use tokio::net::TcpListener;

/// Ports above the wanted one that are tried.
const PORTS: u16 = 100;

/// Where connections to a service come from.
pub(crate) enum Socket {
    /// A socket there.
    At(SocketAddr),
    /// A socket there, or on the next free port above.
    Near(SocketAddr),
    /// What the caller has given.
    Given(Box<dyn DynListen>),
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(addr) => write!(f, "At({addr})"),
            Self::Near(addr) => write!(f, "Near({addr})"),
            Self::Given(_) => f.write_str("Given"),
        }
    }
}

impl Socket {
    /// What takes the connections, and where if it was bound here; or where it cannot be, and why.
    pub(crate) async fn open(
        self,
    ) -> Result<(Option<SocketAddr>, Box<dyn DynListen>), (SocketAddr, io::Error)> {
        let (addr, bound) = match self {
            Self::At(addr) => (addr, TcpListener::bind(addr).await),
            Self::Near(addr) => (addr, bind_near(addr).await),
            Self::Given(listener) => return Ok((None, listener)),
        };
        let listener = bound.map_err(|cause| (addr, cause))?;
        // Where there is no answer, it is as it was wanted.
        let addr = listener.local_addr().unwrap_or(addr);
        Ok((Some(addr), Box::new(listener)))
    }
}

async fn bind_near(addr: SocketAddr) -> io::Result<TcpListener> {
    let mut bound = TcpListener::bind(addr).await;
    for port in (addr.port()..addr.port().saturating_add(PORTS)).skip(1) {
        match &bound {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                bound = TcpListener::bind((addr.ip(), port)).await;
            }
            _ => break,
        }
    }
    bound
}
