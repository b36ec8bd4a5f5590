//! What an exchange is told at its beginning.

use mailwright_core::TlsExporter;

use super::step::ExchangeLimits;

/// What an exchange is told at its beginning.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) limits: ExchangeLimits,
    pub(super) nonce: [u8; 18],
    /// If a binding was offered.
    pub(super) exporter: Option<TlsExporter>,
}
