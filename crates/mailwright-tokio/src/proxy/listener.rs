//! A listener behind a proxy.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::header::{Header, HeaderError, V1_MAX, parse};
use crate::listener::{Listen, Peer};
use crate::network::Network;
use crate::transport::{Io, Prefixed};

/// Octets for which there is room at first: any header without TLVs.
const USUAL: usize = 256;

/// Whom [`Proxied`] believes, and how long it listens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// The proxies: who connects from there has to say a header first, and it is believed. Default: none.
    pub trusted: Vec<Network>,
    /// How long a header may take. Default 5 s: a proxy sends it together with the connection.
    pub patience: Duration,
    /// Octets of a header. Default 4 KiB; less than 107 is as 107, which version 1 needs. Cost: that much memory until
    /// the header has come.
    pub header_size: usize,
    /// Connections whose header is waited for. Default 1,000; who comes when there are as many is closed. Cost: a task
    /// and at most `header_size` each.
    pub pending: usize,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self { trusted: Vec::new(), patience: Duration::from_secs(5), header_size: 4 << 10, pending: 1_000 }
    }
}

/// A listener to which trusted proxies connect: the [`Peer`] of such a connection is who the proxy says that it is.
///
/// * From a trusted network, a header is required: a connection without it is closed, and the log tells (WARN).
/// * From elsewhere, a connection is what it is. A header there is for the protocol behind to refuse.
/// * If the proxy speaks for itself ([`Header::Local`]), the connection's own ends stay.
///
/// Each header is read in a task of its own, and nobody waits for those of others. A connection comes out of `accept` when
/// its header has been read; so a [`Gate`](crate::Gate) counts the client's address and not the proxy's, and those who
/// have no header yet are counted by [`pending`](ProxyConfig::pending).
///
/// ```no_run
/// use mailwright_tokio::SmtpServer;
/// use mailwright_tokio::proxy::{Proxied, ProxyConfig};
/// use mailwright_tokio::smtp::on_message;
/// use tokio::net::TcpListener;
///
/// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let proxies = ProxyConfig { trusted: vec!["10.0.0.0/28".parse()?], ..ProxyConfig::default() };
/// let listener = Proxied::new(TcpListener::bind("[::]:2525").await?, proxies);
/// let print = on_message(|mail| async move { Ok(println!("{}", mail.cx.peer())) });
/// SmtpServer::new("mx.example.org", print).serve(listener).await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Proxied<L> {
    listener: L,
    config: Arc<ProxyConfig>,
    /// `None` for who had no header.
    pending: JoinSet<Option<(Box<dyn Io>, Peer)>>,
}

impl<L: Listen> Proxied<L> {
    /// Takes connections from `listener`.
    pub fn new(listener: L, config: ProxyConfig) -> Self {
        Self { listener, config: Arc::new(config), pending: JoinSet::new() }
    }
}

impl<L: Listen> Listen for Proxied<L> {
    async fn accept(&mut self) -> io::Result<(Box<dyn Io>, Peer)> {
        loop {
            let (io, peer) = tokio::select! {
                biased;
                Some(done) = self.pending.join_next() => match done {
                    Ok(Some(connection)) => return Ok(connection),
                    _ => continue,
                },
                accepted = self.listener.accept() => accepted?,
            };
            let address = peer.remote.ip();
            if !self.config.trusted.iter().any(|network| network.contains(address)) {
                return Ok((io, peer));
            }
            if self.pending.len() >= self.config.pending {
                warn!(peer = %peer.remote, "connection closed: too many wait to say a PROXY header");
                continue;
            }
            self.pending.spawn(introduce(io, peer, Arc::clone(&self.config)));
        }
    }
}

/// Why a proxy's connection is closed.
#[derive(Debug, Error)]
enum Failure {
    #[error("nothing was said")]
    Silent,
    #[error("it has ended before its header")]
    Ended,
    #[error("the PROXY header took too long")]
    TimedOut,
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// The connection as what the proxy says that it is.
async fn introduce(mut io: Box<dyn Io>, peer: Peer, config: Arc<ProxyConfig>) -> Option<(Box<dyn Io>, Peer)> {
    let read = timeout(config.patience, read(&mut io, config.header_size.max(V1_MAX)));
    match read.await.unwrap_or(Err(Failure::TimedOut)) {
        Ok((header, rest)) => {
            let told = match header {
                Header::Local => peer,
                Header::Client(told) => told,
            };
            debug!(peer = %told.remote, proxy = %peer.remote, "introduced by a proxy");
            Some((Prefixed::wrap(rest, io), told))
        }
        Err(Failure::Silent) => {
            debug!(peer = %peer.remote, "a proxy has looked whether somebody is here");
            None
        }
        Err(error) => {
            warn!(peer = %peer.remote, %error, "connection closed: a trusted proxy has to say a PROXY header");
            None
        }
    }
}

/// The header, and what has come behind it.
async fn read(io: &mut Box<dyn Io>, max: usize) -> Result<(Header, Bytes), Failure> {
    let mut input = BytesMut::with_capacity(USUAL);
    loop {
        if let Some((header, octets)) = parse(&input, max)? {
            input.advance(octets);
            return Ok((header, input.freeze()));
        }
        // As long as it says no error, the header has no more than `max` octets.
        let room = max.saturating_sub(input.len());
        // Whether it ended or broke is the same.
        if let Ok(0) | Err(_) = io.read_buf(&mut (&mut input).limit(room)).await {
            return Err(if input.is_empty() { Failure::Silent } else { Failure::Ended });
        }
    }
}
