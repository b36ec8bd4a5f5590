//! For those who test delivery: DNS in memory, and connections that lead to the test's server wherever they go.

use std::net::{IpAddr, SocketAddr};

pub use mailwright_delivery::outbound::{Dial, Dialed, TcpDial};
pub use mailwright_dns::Zones;
pub use mailwright_dns::testing::ZoneServer;

use crate::protocol::Protocol;
use crate::server::MailServer;

/// Whatever address is dialled, it is this server that answers.
#[derive(Debug, Clone, Copy)]
struct Everywhere(SocketAddr);

impl Dial for Everywhere {
    fn dial(&self, _to: SocketAddr, _from: Option<IpAddr>) -> Dialed {
        TcpDial.dial(self.0, None)
    }
}

impl MailServer {
    /// Connections that lead to this server's SMTP, whatever address and port is dialled. With [`Zones`] that name the
    /// hosts, a queue delivers to it by MX.
    pub fn dial(&self) -> impl Dial + Copy + use<> {
        Everywhere(self.addr(Protocol::Smtp))
    }
}
