//! TLS, when it is asked for.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::sync::Arc;

use mailwright_tokio::{Rustls, Tls};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

use crate::builder::Builder;
use crate::server::MailServer;

/// For `localhost`, 127.0.0.1 and ::1. Anybody can read its key: it protects nothing.
const SERVER: &str = include_str!("tls/server.pem");
const KEY: &str = include_str!("tls/key.pem");
/// Its own key is gone, and it may sign for no other names: who trusts it trusts only whoever is on this machine.
const AUTHORITY: &str = include_str!("tls/authority.pem");

impl Builder {
    /// Offers STARTTLS and STLS, with a certificate for `localhost`, 127.0.0.1 and ::1 that
    /// [`MailServer::authority_pem`] has signed. It is the same for all, and its key is no secret.
    ///
    /// # Panics
    /// If the provider has no P-256.
    #[track_caller]
    pub fn with_tls(self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.start_tls(tls(provider.into()))
    }

    /// The same, but begins with TLS (RFC 8314 §3.3).
    ///
    /// # Panics
    /// If the provider has no P-256.
    #[track_caller]
    pub fn with_implicit_tls(self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.implicit_tls(tls(provider.into()))
    }
}

impl MailServer {
    /// The authority behind the certificate, in PEM: for clients to trust.
    pub fn authority_pem(&self) -> &'static str {
        AUTHORITY
    }
}

#[track_caller]
fn tls(provider: Arc<CryptoProvider>) -> Arc<dyn Tls> {
    match config(provider) {
        Ok(config) => Arc::new(Rustls::new(Arc::new(config))),
        Err(error) => panic!("no TLS with this provider: {error}"),
    }
}

fn config(provider: Arc<CryptoProvider>) -> Result<ServerConfig, Error> {
    let damaged = |_| Error::General("the certificate of the tests is damaged".to_owned());
    let chain =
        CertificateDer::pem_slice_iter(SERVER.as_bytes()).collect::<Result<_, _>>().map_err(damaged)?;
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).map_err(damaged)?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    builder.with_no_client_auth().with_single_cert(chain, key)
}
