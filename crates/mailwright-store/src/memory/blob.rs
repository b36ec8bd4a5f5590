//! Blobs on their way in and out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{BlobId, Timestamp};

use super::rope::Rope;
use super::shared::{Inner, Shared};
use crate::blob::{BlobHint, BlobInfo, BlobReader, BlobWriter, Checksum, StagedBlob};
use crate::error::BlobError;

/// A blob on its way into a [`MemoryStore`](super::MemoryStore).
#[derive(Debug)]
pub struct MemoryBlobWriter {
    shared: Arc<Shared>,
    id: BlobId,
    chunks: Vec<(u64, Bytes)>,
    size: u64,
    checksum: Checksum,
}

impl MemoryBlobWriter {
    pub(super) fn new(shared: &Arc<Shared>, hint: BlobHint) -> Result<Self, BlobError> {
        if hint.size.is_some_and(|size| size > shared.limits.blob_bytes) {
            return Err(BlobError::TooLarge);
        }
        let mut inner = shared.lock()?;
        let used = inner.state.blob_bytes().saturating_add(inner.uploading);
        if used.saturating_add(hint.size.unwrap_or_default()) > shared.capacity {
            return Err(BlobError::NoSpace);
        }
        let counter = inner.state.draw_blob();
        let [_, _, time @ ..] = hint.now.as_millis().to_be_bytes();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(time.into_iter().chain([0, 0]).chain(counter.to_be_bytes())) {
            *to = from;
        }
        Ok(Self {
            shared: Arc::clone(shared),
            id: BlobId(id),
            chunks: Vec::new(),
            size: 0,
            checksum: Checksum::default(),
        })
    }
}

impl BlobWriter for MemoryBlobWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let length = chunk.len() as u64;
        if length == 0 {
            return Ok(());
        }
        if self.size + length > self.shared.limits.blob_bytes {
            return Err(BlobError::TooLarge);
        }
        {
            let mut inner = self.shared.lock()?;
            if inner.state.blob_bytes() + inner.uploading + length > self.shared.capacity {
                return Err(BlobError::NoSpace);
            }
            inner.uploading += length;
        }
        self.size += length;
        self.checksum.update(&chunk);
        self.chunks.push((self.size, chunk));
        Ok(())
    }

    async fn finish(mut self, now: Timestamp) -> Result<StagedBlob, BlobError> {
        let info = BlobInfo { id: self.id, size: self.size, checksum: self.checksum.value() };
        let content = Rope::from(std::mem::take(&mut self.chunks));
        let mut inner = self.shared.lock()?;
        inner.state.stage(info, now);
        inner.state.keep();
        inner.contents.insert(info.id, content);
        Ok(StagedBlob(info))
    }
}

impl Drop for MemoryBlobWriter {
    fn drop(&mut self) {
        if let Ok(mut inner) = self.shared.lock() {
            inner.uploading = inner.uploading.saturating_sub(self.size);
        }
    }
}

/// A blob on its way out of a [`MemoryStore`](super::MemoryStore).
#[derive(Debug)]
pub struct MemoryBlobReader {
    rope: Rope,
    left: Range<u64>,
}

impl BlobReader for MemoryBlobReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let next = self.rope.slices(self.left.clone()).next();
        self.left.start += next.as_ref().map_or(0, |slice| slice.len() as u64);
        Ok(next)
    }
}

impl Inner {
    pub(super) fn blob_reader(&self, id: BlobId, range: Range<u64>) -> Result<MemoryBlobReader, BlobError> {
        let BlobInfo { size, .. } = self.state.blob(id).ok_or(BlobError::Gone(id))?;
        if range.start > range.end || range.end > size {
            return Err(BlobError::OutOfRange(id));
        }
        let rope = self.contents.get(&id).cloned().unwrap_or_default();
        Ok(MemoryBlobReader { rope, left: range })
    }

    /// A range in one piece: a slice if it lies in one chunk.
    pub(super) fn read_blob(
        &self,
        id: BlobId,
        range: Range<u64>,
        budget: &mut u64,
    ) -> Result<Bytes, BlobError> {
        let MemoryBlobReader { rope, left } = self.blob_reader(id, range)?;
        *budget = budget.checked_sub(left.end - left.start).ok_or(BlobError::TooLarge)?;
        let mut slices = rope.slices(left);
        let first = slices.next().unwrap_or_default();
        let Some(second) = slices.next() else { return Ok(first) };
        let rest: Vec<Bytes> = [first, second].into_iter().chain(slices).collect();
        Ok(rest.concat().into())
    }
}
