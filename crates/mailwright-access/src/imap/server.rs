//! Listening for IMAP.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_imap::{Config, Rejection, Server};
use mailwright_store::Store;
use mailwright_tokio::{DriverError, Io, Peer};
use tracing::{Instrument, debug, info, info_span};

use super::limits::ImapLimits;
use super::listings::Listings;
use super::session::{Session, Shared};
use crate::authenticate::Authenticate;
use crate::setup::{Setup, common_settings, said};

/// An IMAP server over a store.
pub struct ImapServer<S, A> {
    store: S,
    authenticate: A,
    config: Arc<Config>,
    limits: ImapLimits,
    setup: Setup,
    listings: Listings,
}

impl<S, A> fmt::Debug for ImapServer<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapServer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S: Store, A: Authenticate> ImapServer<S, A> {
    /// A server of this name, with defaults for all else.
    pub fn new(hostname: impl Into<String>, store: S, authenticate: A) -> Self {
        Self::with_config(Config { hostname: hostname.into(), ..Config::default() }, store, authenticate)
    }

    /// With a configuration of the protocol. Whether STARTTLS is offered is up to [`start_tls`](Self::start_tls),
    /// which has the certificate.
    pub fn with_config(config: Config, store: S, authenticate: A) -> Self {
        let config = Arc::new(Config { start_tls: false, ..config });
        Self {
            store,
            authenticate,
            config,
            limits: ImapLimits::default(),
            setup: Setup::default(),
            listings: Listings::default(),
        }
    }

    /// Of all that it is made of.
    pub(crate) fn of_parts(
        store: S,
        authenticate: A,
        config: Arc<Config>,
        limits: ImapLimits,
        setup: Setup,
    ) -> Self {
        Self { store, authenticate, config, limits, setup, listings: Listings::default() }
    }

    /// How much is done at once.
    #[must_use]
    pub fn limits(mut self, limits: ImapLimits) -> Self {
        self.limits = limits;
        self
    }

    common_settings!(setup, config, "STARTTLS");

    /// Serves one connection that somebody else has taken.
    pub async fn session(&self, io: Box<dyn Io>, peer: Peer) {
        let span = info_span!("imap", peer = %peer.remote);
        async {
            let (io, tls) = match self.setup.begin(io).await {
                Ok(begun) => begun,
                Err(error) => return info!(%error, "TLS handshake failed"),
            };
            let driver =
                self.setup.drive(Server::new(Arc::clone(&self.config), tls), io, self.config.limits.command);
            let shared = Shared {
                store: &self.store,
                authenticate: &self.authenticate,
                setup: &self.setup,
                mechanisms: &self.config.auth_mechanisms,
                limits: &self.limits,
                listings: &self.listings,
                message: self.config.limits.message,
            };
            match Session::new(shared, driver, peer.remote.ip()).run().await {
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
