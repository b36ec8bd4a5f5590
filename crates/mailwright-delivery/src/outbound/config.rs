//! How mail goes out.

use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Domain;
use mailwright_dns::{Families, MxLimits};
use mailwright_queue::OwnHosts;
use mailwright_smtp::client;
use rustls::ClientConfig;

use super::route::{Family, Route};
use super::source::Source;
use super::via::Via;

/// How mail goes out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OutboundConfig {
    /// How the client speaks: its name, limits, and the time that each stage may take. Protocol and STARTTLS are
    /// those of the route, the time of an idle connection is that of [`pool`](Self::pool). Default: this name, all
    /// else as [`client::Config`] has it.
    pub client: client::Config,
    /// The first that fits a domain is taken. Default: none, so that all mail goes by MX.
    pub routes: Vec<Route>,
    /// By which names and addresses we are known, so that mail does not come back (RFC 5321 §5.1). Default: the
    /// client's name.
    pub own: OwnHosts,
    /// From which of our addresses mail goes out, unless a route says otherwise: which one is chosen by the domain, and
    /// stays the same. Default: none, so that the system chooses, and the name is that of [`client`](Self::client).
    /// With them, only addresses of their families are connected to.
    pub sources: Vec<Source>,
    /// A proxy through which all of it goes. Default: none.
    pub via: Option<Via>,
    /// The addresses that we can connect to. Default both.
    pub families: Families,
    /// The family whose address of a host is tried first, if both may be. Default IPv6 (RFC 6724 §2.1).
    pub prefer: Family,
    /// How long an address may be silent before the next one of hosts of the same preference is connected to besides;
    /// the first that answers is spoken to, the others are given up. Default 2 s, the longest that RFC 8305 §8 has:
    /// nobody waits for mail as for a page, and a connection that is given up counts at the server all the same. If it
    /// is no less than the time to connect, they are tried one after the other.
    pub next_address_after: Duration,
    /// How long an address that did not answer (at all, or for 2 s before another one did) is tried last, behind all
    /// other hosts (RFC 5321 §4.5.4.1); addresses of a family to which there is no way from here, behind the others of the
    /// same preference (§5.1); and a source that could not be used, behind the others. Default 10 min. Zero: nothing of
    /// this is remembered.
    pub remember_unreachable: Duration,
    /// Hosts of a domain, and addresses of a host, that are tried.
    pub mx: MxLimits,
    /// The port of hosts that were found by MX. Default 25; another one is for tests.
    pub port: u16,
    /// Whom TLS trusts. Default `None`: no TLS, and what demands it waits.
    pub tls: Option<ClientTls>,
    /// If the handshake behind an opportunistic STARTTLS fails, the server is asked again without TLS. Default on:
    /// it would have been asked so if it had not offered TLS (RFC 7435 §3). If it then wants TLS (530, RFC 3207 §4), mail
    /// waits.
    pub plain_after_failed_tls: bool,
    /// How long a server at which that had to be done, and that took mail so, is asked without TLS at once, unless it
    /// then takes none. It is not remembered where TLS is demanded. Default 1 hour. Zero: each time it is tried anew. Cost: who broke one handshake, on the way, reads for
    /// so long, and need not be there for the next.
    pub remember_broken_tls: Duration,
    /// Addresses, families and handshakes that are remembered, together; beyond that the one that would be forgotten
    /// first is. Default 10,000. Cost: some 100 octets each.
    pub remembered: usize,
    /// Addresses, of all hosts together, that are connected to in an attempt. Default 10; RFC 5321 §5.1 asks for two
    /// at least. Zero is taken for one.
    pub addresses: usize,
    /// The time of a whole attempt, whatever its stages still may take. Default 1 hour. It is to be less than a
    /// lease is renewed for; more than a week is taken for one. What is cut off behind the end of the content may arrive
    /// twice (RFC 1047).
    pub deadline: Duration,
    /// What becomes of content that a server does not take. Default: it is encoded anew.
    pub eight_bit: EightBit,
    /// How long connections are kept.
    pub pool: PoolConfig,
}

impl OutboundConfig {
    /// The defaults, and this name for EHLO.
    pub fn new(name: Domain) -> Self {
        Self {
            client: client::Config::new(name.clone()),
            routes: Vec::new(),
            own: OwnHosts { names: [name].into(), ..OwnHosts::default() },
            sources: Vec::new(),
            via: None,
            families: Families::default(),
            prefer: Family::default(),
            next_address_after: Duration::from_secs(2),
            remember_unreachable: Duration::from_secs(600),
            mx: MxLimits::default(),
            port: 25,
            tls: None,
            plain_after_failed_tls: true,
            remember_broken_tls: Duration::from_secs(3600),
            remembered: 10_000,
            addresses: 10,
            deadline: Duration::from_secs(3600),
            eight_bit: EightBit::default(),
            pool: PoolConfig::default(),
        }
    }
}

/// What becomes of content with octets beyond ASCII at a server without 8BITMIME (RFC 6152 §3), and of binary content at
/// one without BINARYMIME (RFC 3030 §3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EightBit {
    /// It is encoded anew, see [`mailwright_message::conversion`]; and returned if a signature would break by that.
    #[default]
    Reencode,
    /// It is returned.
    Return,
}

/// Whom TLS trusts, and with which provider: both are chosen by whoever makes these.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// Checks certificates and names; where TLS is required.
    pub verified: Arc<ClientConfig>,
    /// Where it is opportunistic. It may take any certificate: the alternative is no TLS (RFC 7435 §1.2).
    pub opportunistic: Arc<ClientConfig>,
}

/// How long connections are kept for the next message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// How long a connection is kept without work. Default 10 s; zero: none is kept; more than 4 min are taken for
    /// 4, since a server waits for 5 (RFC 5321 §4.5.3.2.7). Cost: it takes a place at the server, which may have few.
    pub keep: Duration,
    /// Connections without work, in all; beyond that the oldest is closed. Default 100. Cost: some KiB and a task
    /// each.
    pub idle: usize,
    /// Connections that say goodbye, which takes some seconds at most; beyond that they are closed without a word.
    /// Default 1,000. Cost: as for those without work.
    pub leaving: usize,
    /// Messages on a connection. Default 100: many servers allow no more. A lower limit that the server announces
    /// (RFC 9422) is kept.
    pub transactions: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { keep: Duration::from_secs(10), idle: 100, leaving: 1000, transactions: 100 }
    }
}
