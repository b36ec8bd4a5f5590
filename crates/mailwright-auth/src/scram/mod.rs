//! What both sides of SCRAM have in common (RFC 5802, RFC 7677).

mod hash;
mod keys;
pub(crate) mod message;
mod prepare;

pub use hash::ScramHash;
pub(crate) use hash::{Digest, xor};
pub use keys::ScramKeys;
pub(crate) use prepare::prepare;

/// The one channel binding that is known here (RFC 9266).
pub(crate) const TLS_EXPORTER: &str = "tls-exporter";

/// The parts of `AuthMessage` (RFC 5802 §3).
pub(crate) fn auth_message<'a>(
    client_first: &'a str,
    server_first: &'a str,
    without_proof: &'a str,
) -> [&'a [u8]; 5] {
    [client_first, ",", server_first, ",", without_proof].map(str::as_bytes)
}
