//! Messages on their way into a source, and out of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mailwright_core::{BlobId, Timestamp};
use mailwright_store::{BlobError, BlobInfo, BlobReader, BlobWriter, Checksum, StagedBlob};

/// Messages that wait for their batch.
#[derive(Debug)]
pub(super) struct Stage {
    waiting: Mutex<Waiting>,
    /// Octets of all of them.
    most: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: BTreeMap<BlobId, Bytes>,
    last: u64,
}

impl Stage {
    pub(super) fn new(most: u64) -> Self {
        Self { waiting: Mutex::default(), most }
    }

    /// A message, which does not wait any longer.
    pub(super) fn take(&self, id: BlobId) -> Option<Bytes> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).messages.remove(&id)
    }

    /// None waits any longer.
    pub(super) fn clear(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).messages.clear();
    }
}

#[derive(Debug)]
pub(super) struct StagedWriter {
    stage: Arc<Stage>,
    octets: Vec<u8>,
}

impl StagedWriter {
    pub(super) fn new(stage: &Arc<Stage>) -> Self {
        Self { stage: Arc::clone(stage), octets: Vec::new() }
    }
}

impl BlobWriter for StagedWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let waiting = self.stage.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let staged: usize = waiting.messages.values().map(Bytes::len).sum();
        let all = staged.saturating_add(self.octets.len()).saturating_add(chunk.len());
        if all as u64 > self.stage.most {
            return Err(BlobError::NoSpace);
        }
        self.octets.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(self, _now: Timestamp) -> Result<StagedBlob, BlobError> {
        let mut checksum = Checksum::default();
        checksum.update(&self.octets);
        let mut waiting = self.stage.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        // Not that of a message in a mailbox, which has its UID in the lower half.
        let id = BlobId(u128::from(waiting.last).wrapping_shl(32).to_be_bytes());
        let size = self.octets.len() as u64;
        waiting.messages.insert(id, self.octets.into());
        Ok(StagedBlob(BlobInfo { id, size, checksum: checksum.value() }))
    }
}

/// A message that is there as a whole.
#[derive(Debug)]
pub(super) struct WholeReader(pub(super) Bytes);

impl BlobReader for WholeReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        const PIECE: usize = 64 << 10;
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.split_to(PIECE.min(self.0.len()))))
    }
}
