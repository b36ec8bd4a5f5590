//! Whom to ask, and how patiently.

use std::net::SocketAddr;
use std::time::Duration;

/// Whom to ask, and how patiently.
///
/// A lookup takes at most `servers × attempts × 2 × timeout`, and that for each alias that a server leaves to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HickoryConfig {
    /// Recursive name servers. The one that answered last is asked first, then the others in this order. Default:
    /// none, so that each lookup fails; the system's are in [`system`](Self::system).
    pub servers: Vec<SocketAddr>,
    /// How long to wait for a server, once over UDP, and once more over TCP if the answer is too long for UDP.
    /// Default 3 seconds.
    pub timeout: Duration,
    /// How often a server is asked that does not answer, at least once. Default 2.
    pub attempts: u32,
    /// Aliases that are followed from one name (RFC 1034 §3.6.2). Default 16.
    pub aliases: usize,
    /// Records of an answer; one with more is an error, since a part of it would be another answer. Default 1,000.
    /// Cost: a few hundred bytes each, and 64 KiB at most, which is the length of a message.
    pub records: usize,
    /// Bytes that a server may send over UDP (RFC 6891 §6.2.3). Default 1,232, what passes everywhere in one piece.
    pub udp_bytes: u16,
    /// Queries under way; more wait, up to `timeout`. Default 256. Cost: a socket each.
    pub queries: usize,
    /// Whether a server is believed that an answer is authentic. Default: no; only if each server is on this
    /// machine and validates, as DANE demands (RFC 7672 §2.2), or the way to it is as good.
    pub trust_authentic: bool,
}

impl Default for HickoryConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(3),
            attempts: 2,
            aliases: 16,
            records: 1_000,
            udp_bytes: 1_232,
            queries: 256,
            trust_authentic: false,
        }
    }
}

impl HickoryConfig {
    /// Asks these servers.
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { servers: servers.into_iter().collect(), ..Self::default() }
    }
}
