//! TLS towards other servers, with a provider of the caller's.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

use super::config::ClientTls;

/// Where systems have the authorities that they trust.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Octets of such a file. The rest of a longer one is not read.
const PEM_MAX: u64 = 16 << 20;

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// None of the usual files is there.
    #[error(
        "this system has no file with authorities: install ca-certificates, or give their certificates in PEM"
    )]
    NoFile,
    /// The file cannot be read.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// There is no certificate of an authority in the text, or it is no PEM.
    #[error("there is no certificate of an authority")]
    NoAuthority,
    /// The provider cannot do what is asked of it.
    #[error(transparent)]
    Provider(#[from] rustls::Error),
}

impl ClientTls {
    /// Trusts the authorities that this system trusts, as most have them in a file below `/etc`. Blocks while that is
    /// read.
    ///
    /// # Errors
    /// If there is none, as on systems that keep them elsewhere: then [`from_pem`](Self::from_pem), or a
    /// [`ClientConfig`] of one's own.
    pub fn system(provider: impl Into<Arc<CryptoProvider>>) -> Result<Self, TrustError> {
        for path in SYSTEM {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(TrustError::File { path: path.into(), cause }),
            };
            let mut pem = Vec::new();
            io::copy(&mut file.take(PEM_MAX), &mut pem)
                .map_err(|cause| TrustError::File { path: path.into(), cause })?;
            return Self::from_pem(provider, &pem);
        }
        Err(TrustError::NoFile)
    }

    /// Trusts these authorities where TLS is demanded. Where it is opportunistic any certificate is taken: the
    /// alternative is none (RFC 7435 §1.2).
    ///
    /// # Errors
    /// If there are none, or the provider has no version of TLS that is safe.
    pub fn from_pem(provider: impl Into<Arc<CryptoProvider>>, pem: &[u8]) -> Result<Self, TrustError> {
        let provider = provider.into();
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(pem) {
            // Some that systems have are too old to be understood: they are not trusted.
            let _ = roots.add(authority.map_err(|_| TrustError::NoAuthority)?);
        }
        if roots.is_empty() {
            return Err(TrustError::NoAuthority);
        }
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()
        };
        let verified = builder()?.with_root_certificates(roots).with_no_client_auth();
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let opportunistic =
            builder()?.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth();
        Ok(Self { verified: Arc::new(verified), opportunistic: Arc::new(opportunistic) })
    }
}

/// Takes any certificate, but only from who has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
