//! Contents of messages: streamed in before the batch that refers to them, shared by reference, read by range.

use std::future::Future;

use bytes::Bytes;
use mailwright_core::{BlobId, Timestamp};

use crate::error::BlobError;

/// What is known of a blob before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobHint {
    /// The time, which its id begins with.
    pub now: Timestamp,
    /// Bytes, if the peer announced them.
    pub size: Option<u64>,
}

/// A blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its id.
    pub id: BlobId,
    /// Bytes.
    pub size: u64,
    /// CRC-32C of all its bytes, see [`Checksum`].
    pub checksum: u32,
}

/// A blob that is written to its end and waits for a batch that refers to it, for
/// [`Limits::blob_grace`](crate::Limits::blob_grace).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedBlob(pub BlobInfo);

impl StagedBlob {
    /// Its id, for [`Append`](crate::Append) and [`NewEntry`](crate::NewEntry).
    pub fn id(&self) -> BlobId {
        self.0.id
    }
}

/// A blob on its way in. Dropped before [`finish`](Self::finish), it leaves nothing.
pub trait BlobWriter: Send + 'static {
    /// Adds to the end. A backend may keep the slice: hand over memory that is worth keeping.
    ///
    /// # Errors
    /// If it is too large or there is no room. The blob is then lost.
    fn write(&mut self, chunk: Bytes) -> impl Future<Output = Result<(), BlobError>> + Send;

    /// Ends it.
    ///
    /// # Errors
    /// If it could not be written.
    fn finish(self, now: Timestamp) -> impl Future<Output = Result<StagedBlob, BlobError>> + Send;
}

/// A blob on its way out.
pub trait BlobReader: Send + 'static {
    /// The next part, never empty; `None` at the end of the range.
    ///
    /// # Errors
    /// If it could not be read. What came before is good, but not the whole.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, BlobError>> + Send;
}

/// CRC-32C (RFC 9260 appendix A), fed in parts.
///
/// ```
/// use mailwright_store::Checksum;
///
/// let mut checksum = Checksum::default();
/// checksum.update(b"1234");
/// checksum.update(b"56789");
/// assert_eq!(checksum.value(), 0xE306_9283);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checksum(u32);

impl Checksum {
    /// Goes on with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }

    /// Of all bytes so far.
    pub fn value(self) -> u32 {
        self.0
    }
}

/// What [`reclaim`](crate::Store::reclaim) has dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reclaimed {
    /// Blobs.
    pub blobs: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Outcomes of batches.
    pub outcomes: u64,
    /// Traces.
    pub traces: u64,
    /// Whether there is more to drop: call again.
    pub more: bool,
}
