//! A certificate for development: an authority that exists as long as the process does, and what it signed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use thiserror::Error;

use crate::provider::default_provider;

/// The certificate could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Making or signing it failed.
    #[error(transparent)]
    Make(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error(transparent)]
    Use(#[from] rustls::Error),
}

/// TLS for `names` and the loopback addresses, and the authority to trust, in PEM.
pub(crate) struct Certificate {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) authority: String,
}

impl Certificate {
    pub(crate) fn generate(names: Vec<String>) -> Result<Self, CertificateError> {
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
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { config: Arc::new(config), authority: authority_pem })
    }
}
