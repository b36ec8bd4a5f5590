//! TLS by rustls, with a configuration, and so a provider, of the caller's.

use std::sync::Arc;

use mailwright_core::{TlsExporter, TlsInfo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, CommonState, ProtocolVersion, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::transport::{Io, Tls, TlsAccepted};

/// [`Tls`] by rustls 0.23, as a server.
///
/// ```
/// use std::sync::Arc;
///
/// use mailwright_tokio::smtp::{SmtpHandler, SmtpServer};
/// use mailwright_tokio::Rustls;
///
/// fn secured<H: SmtpHandler>(server: SmtpServer<H>, config: rustls::ServerConfig) -> SmtpServer<H> {
///     server.start_tls(Arc::new(Rustls::new(Arc::new(config))))
/// }
/// ```
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
            let connection = stream.get_ref().1;
            let exporter = exporter(connection, |material| {
                connection.export_keying_material(material, TlsExporter::LABEL, Some(&[]))
            });
            let info = info(connection, connection.server_name().map(str::to_owned)).with_exporter(exporter);
            Ok((Box::new(stream) as Box<dyn Io>, info))
        })
    }
}

/// [`Tls`] by rustls, as a client of one server.
#[derive(Clone)]
pub struct RustlsClient {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl RustlsClient {
    /// With this configuration: who is trusted, versions, and the crypto provider are chosen there. `server` is the
    /// name that is asked for (SNI), and that the certificate is checked for if the configuration checks names.
    pub fn new(config: Arc<ClientConfig>, server: ServerName<'static>) -> Self {
        Self { connector: TlsConnector::from(config), server }
    }
}

impl std::fmt::Debug for RustlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RustlsClient").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Tls for RustlsClient {
    fn accept(&self, io: Box<dyn Io>) -> TlsAccepted {
        // RFC 6066 §3: an address is no name to ask for.
        let name = match &self.server {
            ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
            _ => None,
        };
        let handshake = self.connector.connect(self.server.clone(), io);
        Box::pin(async move {
            let stream = handshake.await?;
            let connection = stream.get_ref().1;
            let exporter = exporter(connection, |material| {
                connection.export_keying_material(material, TlsExporter::LABEL, Some(&[]))
            });
            let info = info(connection, name).with_exporter(exporter);
            Ok((Box::new(stream) as Box<dyn Io>, info))
        })
    }
}

fn info(connection: &CommonState, server_name: Option<String>) -> TlsInfo {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS1.2",
        _ => "TLS",
    };
    let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    TlsInfo::new(version, registered(cipher.unwrap_or_default()), server_name)
}

/// RFC 9266 §4.2: before TLS 1.3 the secret need not be one of this connection's alone, and rustls does not tell whether
/// it is.
fn exporter(
    connection: &CommonState,
    export: impl FnOnce([u8; 32]) -> Result<[u8; 32], rustls::Error>,
) -> Option<TlsExporter> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    export([0; 32]).ok().map(TlsExporter::new)
}

/// The name of a cipher suite as IANA has it, which Received is to tell (RFC 8314 §4.3): rustls has its own for those of
/// TLS 1.3.
fn registered(cipher: &str) -> String {
    cipher.strip_prefix("TLS13_").map_or_else(|| cipher.to_owned(), |of_tls_1_3| format!("TLS_{of_tls_1_3}"))
}

#[cfg(test)]
mod tests {
    use super::registered;

    /// RFC 8446 §B.4
    #[test]
    fn cipher_suites_have_their_registered_names() {
        for (of_rustls, name) in [
            ("TLS13_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ("", ""),
        ] {
            assert_eq!(registered(of_rustls), name);
        }
    }
}
