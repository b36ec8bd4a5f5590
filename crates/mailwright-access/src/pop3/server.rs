//! Listening for POP3.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_pop3::{Config, Rejection, Server};
use mailwright_store::Store;
use mailwright_tokio::{DriverError, Io, Peer};
use tracing::{Instrument, debug, info, info_span};

use super::locks::Locks;
use super::session::Session;
use crate::authenticate::Authenticate;
use crate::setup::{Setup, common_settings, said};

/// A POP3 server over a store: each user's INBOX.
pub struct Pop3Server<S, A> {
    store: S,
    authenticate: A,
    config: Arc<Config>,
    locks: Locks,
    setup: Setup,
}

impl<S, A> fmt::Debug for Pop3Server<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pop3Server").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S: Store, A: Authenticate> Pop3Server<S, A> {
    /// A server of this name, with defaults for all else.
    pub fn new(hostname: impl Into<String>, store: S, authenticate: A) -> Self {
        Self::with_config(Config { hostname: hostname.into(), ..Config::default() }, store, authenticate)
    }

    /// With a configuration of the protocol. Whether STLS is offered is up to [`start_tls`](Self::start_tls), which
    /// has the certificate.
    pub fn with_config(config: Config, store: S, authenticate: A) -> Self {
        let config = Arc::new(Config { start_tls: false, ..config });
        Self { store, authenticate, config, locks: Locks::default(), setup: Setup::default() }
    }

    /// Shares the maildrops with other servers of the same store.
    #[must_use]
    pub fn locks(mut self, locks: Locks) -> Self {
        self.locks = locks;
        self
    }

    common_settings!(setup, config, "STLS");

    /// Serves one connection that somebody else has taken.
    pub async fn session(&self, io: Box<dyn Io>, peer: Peer) {
        let span = info_span!("pop3", peer = %peer.remote);
        async {
            let (io, tls) = match self.setup.begin(io).await {
                Ok(begun) => begun,
                Err(error) => return info!(%error, "TLS handshake failed"),
            };
            let driver = self.setup.drive(
                Server::new(Arc::clone(&self.config), tls),
                io,
                self.config.limits.auth_line.max,
            );
            let mut session = Session::new(
                &self.store,
                &self.authenticate,
                &self.setup,
                &self.config.auth_mechanisms,
                &self.locks,
                driver,
                peer.remote.ip(),
            );
            match session.run().await {
                Ok(()) => debug!("closed"),
                Err(DriverError::Protocol(error)) => info!(%error, "connection given up"),
                Err(error) => debug!(%error, "connection lost"),
            }
        }
        .instrument(span)
        .await;
    }

    fn turned_away(&self) -> Bytes {
        said(&mut Server::turn_away(Arc::clone(&self.config), &Rejection::too_many_connections()))
    }
}
