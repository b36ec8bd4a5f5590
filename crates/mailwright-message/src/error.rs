//! Why a kept scan cannot be read.

/// Why a scan does not say what it is asked. In each case the message can be scanned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Its format is one of an older or newer release.
    #[error("scan of version {0}")]
    Version(u16),
    /// It was made smaller by [`Scan::fit`](crate::Scan::fit), and this is what was left out.
    #[error("left out of the scan to make it smaller")]
    LeftOut,
    /// It is no scan, or a damaged one.
    #[error("damaged scan")]
    Damaged,
}
