//! Certificates: those of the operator, and one for development by an authority that lives as long as the process.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use thiserror::Error;

use crate::provider::default_provider;

/// The certificate could not be made, or cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Making or signing it failed.
    #[error(transparent)]
    Make(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error(transparent)]
    Use(#[from] rustls::Error),
    /// There is none.
    #[error("there is no certificate in it: `-----BEGIN CERTIFICATE-----` is what it begins with")]
    NoCertificate,
    /// There is none.
    #[error("there is no private key in it: `-----BEGIN PRIVATE KEY-----` is what it begins with")]
    NoKey,
    /// TLS does not take the key.
    #[error("the private key cannot be used: {0}")]
    Key(rustls::Error),
    /// They do not belong together.
    #[error("the private key is not that of the certificate")]
    Mismatch,
}

impl CertificateError {
    /// Whether it is the key that is to blame, and not the certificate.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::Key(_) | Self::Mismatch)
    }
}

/// A certificate, those between it and the root, and its private key.
#[derive(Clone)]
pub struct Certificates {
    key: Arc<CertifiedKey>,
    /// If it was made here.
    authority: Option<String>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("chain", &self.key.cert.len()).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Of PEM: the chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// If there are none, or they cannot be used, or do not belong together.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate)?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| CertificateError::NoKey)?;
        Ok(Self { key: certified(chain, key)?, authority: None })
    }

    /// A certificate for `names` and the loopback addresses, signed by an authority that is made for it.
    ///
    /// # Errors
    /// If a name is none.
    pub fn generate(names: Vec<String>) -> Result<Self, CertificateError> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "mailwright development authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name.push(DnType::CommonName, "mailwright development server");
        leaf.use_authority_key_identifier_extension = true;
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            leaf.subject_alt_names.push(SanType::IpAddress(address));
        }
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok(Self { key: certified(vec![certificate.der().clone()], key)?, authority: Some(authority_pem) })
    }

    /// The authority to trust, in PEM, if it was made here.
    pub(crate) fn authority_pem(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let key = default_provider().key_provider.load_private_key(key).map_err(CertificateError::Key)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::Mismatch),
        Err(error) => Err(error.into()),
    }
}

/// The certificate that handshakes get from now on.
pub(crate) struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    pub(crate) fn new(certificates: &Certificates) -> Self {
        Self(RwLock::new(Arc::clone(&certificates.key)))
    }

    pub(crate) fn replace(&self, certificates: &Certificates) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&certificates.key);
    }

    /// TLS with it, whatever it is at the time.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ServerConfig, CertificateError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(..)")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["mx.example".to_owned()]).unwrap().self_signed(&key);
        (certificate.unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_is_told_of_the_right_file() {
        let ((chain, key), (_, other)) = (pem(), pem());
        assert!(Certificates::from_pem(&chain, &key).is_ok());
        let of_key = |chain: &str, key: &str| Certificates::from_pem(chain, key).unwrap_err().is_of_key();
        for (chain, key, is_of_key) in [
            (&*chain, &*other, true),
            (&chain, &chain, true),
            (&chain, "", true),
            (&key, &key, false),
            ("", &key, false),
        ] {
            assert_eq!(of_key(chain, key), is_of_key);
        }
    }
}
