//! What an exchange is told at its beginning.

use mailwright_core::TlsExporter;

/// How much a server may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Iterations of SCRAM, each an HMAC of ours. Default 1,000,000, about a third of a second; servers ask for 4,096 to
    /// 600,000.
    pub iterations_max: u32,
    /// Octets of a challenge of SCRAM or CRAM-MD5. Default 4,096.
    pub challenge_max: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { iterations_max: 1_000_000, challenge_max: 4096 }
    }
}

/// What an exchange is told at its beginning.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) limits: ClientLimits,
    pub(super) nonce: [u8; 18],
    pub(super) exporter: Option<TlsExporter>,
}
