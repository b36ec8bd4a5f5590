//! Why something could not be read, and how the store is.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use mailwright_core::BlobId;
use thiserror::Error;

/// How a store is. Asked before mail is taken, so that it is refused at MAIL and not after its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It takes what comes.
    Ok,
    /// Below the watermark: new mail is to be refused (452, `[UNAVAILABLE]`); what frees space still works.
    LowSpace,
    /// A write failed half way: nothing more is taken until the store is opened anew.
    Poisoned,
}

/// The store cannot answer: a fault of its environment, which its source tells about. Any two are equal.
#[derive(Clone, Default)]
pub struct Unavailable(Option<Arc<dyn StdError + Send + Sync>>);

impl Unavailable {
    /// Because of `source`.
    pub fn new(source: impl StdError + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(source)))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is unavailable")
    }
}

impl fmt::Debug for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unavailable").field(&self.0).finish()
    }
}

impl StdError for Unavailable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

impl PartialEq for Unavailable {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Unavailable {}

/// Why a list could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such account, or no more.
    #[error("no such account")]
    NoSuchAccount,
    /// There is no such mailbox, or no more.
    #[error("no such mailbox")]
    NoSuchMailbox,
    /// More was expunged since the snapshot than the mailbox remembers: open it anew.
    #[error("the snapshot is too old")]
    SnapshotTooOld,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a blob could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is no such blob, or it was reclaimed.
    #[error("the blob is gone")]
    Gone(BlobId),
    /// Its bytes are not those that were written.
    #[error("the blob is damaged")]
    Damaged(BlobId),
    /// The range does not lie within the blob.
    #[error("the range does not lie within the blob")]
    OutOfRange(BlobId),
    /// It exceeds [`Limits::blob_bytes`](crate::Limits::blob_bytes), or what was asked for exceeds
    /// [`Limits::read_blobs_bytes`](crate::Limits::read_blobs_bytes).
    #[error("the blob is too large")]
    TooLarge,
    /// There is no room.
    #[error("the store is full")]
    NoSpace,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
