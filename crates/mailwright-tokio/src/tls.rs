//! TLS by rustls, with a configuration, and so a provider, of the caller's.

use std::sync::Arc;

use mailwright_core::TlsInfo;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;

use crate::transport::{Io, Tls, TlsAccepted};

/// [`Tls`] by rustls.
#[derive(Clone)]
pub struct Rustls(TlsAcceptor);

impl Rustls {
    /// With this configuration: certificates, versions, and the crypto provider are chosen there.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(TlsAcceptor::from(config))
    }
}

impl std::fmt::Debug for Rustls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rustls")
    }
}

impl Tls for Rustls {
    fn accept(&self, io: Box<dyn Io>) -> TlsAccepted {
        let handshake = self.0.accept(io);
        Box::pin(async move {
            let stream = handshake.await?;
            let info = info(stream.get_ref().1);
            Ok((Box::new(stream) as Box<dyn Io>, info))
        })
    }
}

fn info(connection: &ServerConnection) -> TlsInfo {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS1.2",
        _ => "TLS",
    };
    let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    TlsInfo::new(version, cipher.unwrap_or_default(), connection.server_name().map(str::to_owned))
}
