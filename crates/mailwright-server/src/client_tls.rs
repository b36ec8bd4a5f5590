//! TLS towards other servers.

use mailwright_delivery::outbound::{ClientTls, TrustError};

use crate::provider::default_provider;

/// TLS that trusts these authorities, in PEM: those of the system stand in `/etc/ssl/certs/ca-certificates.crt`. Where
/// TLS is opportunistic any certificate is taken: the alternative is none (RFC 7435 §1.2).
///
/// # Errors
/// If there are none.
pub fn client_tls(authorities: &str) -> Result<ClientTls, TrustError> {
    ClientTls::from_pem(default_provider(), authorities.as_bytes())
}
