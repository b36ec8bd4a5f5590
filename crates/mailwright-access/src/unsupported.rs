//! What cannot be done at all.

use thiserror::Error;

/// Inside [`Unavailable`](mailwright_store::Unavailable): it will be so tomorrow.
#[derive(Debug, Clone, Copy, Error)]
#[error("not supported")]
pub(crate) struct Unsupported;
