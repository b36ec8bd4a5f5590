//! Listening for IMAP, over a source.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_imap::{Config, Rejection, Server};
use mailwright_store::Limits;
use mailwright_tokio::{Io, Peer};
use tokio::net::{TcpListener, ToSocketAddrs};

use super::contract::Source;
use super::store::SourceStore;
use crate::imap::{ImapLimits, ImapServer};
use crate::setup::{Setup, common_settings, said};

/// An IMAP server over data of your own.
///
/// ```no_run
/// use mailwright_access::{Entry, Folder, Source, SourceResult, SourceServer};
///
/// /// Articles, of which each is a message.
/// struct Blog(Vec<String>);
///
/// impl Source for Blog {
///     type User = String;
///
///     async fn login(&self, user: &str, password: &str) -> Option<String> {
///         (password == "secret").then(|| user.to_owned())
///     }
///
///     async fn folders(&self, _user: &String) -> SourceResult<Vec<Folder>> {
///         Ok(vec![Folder::new("INBOX").uid_validity(1)])
///     }
///
///     async fn entries(&self, _user: &String, _folder: &str) -> SourceResult<Vec<Entry>> {
///         Ok((1..).zip(&self.0).map(|(uid, article)| Entry::new(uid, article.len() as u64)).collect())
///     }
///
///     async fn message(&self, _user: &String, _folder: &str, uid: u32) -> SourceResult<Vec<u8>> {
///         Ok(self.0.get(uid as usize - 1).cloned().unwrap_or_default().into_bytes())
///     }
/// }
///
/// # async fn main_() -> std::io::Result<()> {
/// SourceServer::new(Blog(Vec::new())).listen("127.0.0.1:1143").await
/// # }
/// ```
///
/// It is for clients on the same machine or behind something that has TLS, and takes passwords without, unless it is
/// given a certificate.
pub struct SourceServer<S> {
    source: Arc<S>,
    config: Arc<Config>,
    limits: ImapLimits,
    store_limits: Limits,
    poll: Duration,
    setup: Setup,
}

impl<S> fmt::Debug for SourceServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceServer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S: Source> SourceServer<S> {
    /// A server over `source`, with defaults for all else.
    pub fn new(source: S) -> Self {
        let config = Config { create_special_use: false, ..Config::default() };
        let mut store_limits = Limits::default();
        store_limits.blob_bytes = config.limits.message;
        Self {
            source: Arc::new(source),
            config: Arc::new(config),
            limits: ImapLimits::default(),
            store_limits,
            poll: Duration::from_secs(10),
            setup: Setup::default(),
        }
    }

    /// With a configuration of the protocol.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.store_limits.blob_bytes = config.limits.message;
        self.config = Arc::new(Config { start_tls: self.config.start_tls, ..config });
        self
    }

    /// How much is done at once.
    #[must_use]
    pub fn limits(mut self, limits: ImapLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How often a session that looks into a folder asks for its entries. Default 10 s.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    common_settings!(setup, config, "STARTTLS");

    /// Listens there, and takes connections until the shutdown begins. Who asks for port 0 binds a listener first and
    /// serves it, so as to know which port it is.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn listen(self, addr: impl ToSocketAddrs) -> io::Result<()> {
        let listener = TcpListener::bind(addr).await?;
        self.serve(listener).await;
        Ok(())
    }

    /// Serves one connection that somebody else has taken.
    pub async fn session(&self, io: Box<dyn Io>, peer: Peer) {
        let clock = Arc::clone(&self.setup.clock);
        let store = SourceStore::new(Arc::clone(&self.source), self.store_limits.clone(), clock);
        let mut config = Arc::clone(&self.config);
        if self.setup.tls.is_none() {
            Arc::make_mut(&mut config).login_without_tls = true;
        }
        let server = ImapServer::of_parts(
            store.clone(),
            store.clone(),
            config,
            self.limits.clone(),
            self.setup.clone(),
        );
        tokio::select! {
            () = server.session(io, peer) => {}
            () = store.watch(self.poll) => {}
        }
    }

    fn turned_away(&self) -> Bytes {
        said(&mut Server::turn_away(Arc::clone(&self.config), &Rejection::too_many_connections()))
    }
}
