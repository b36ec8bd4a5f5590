//! Blobs on their way in and out.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mailwright_core::{BlobId, Timestamp};
use mailwright_store::disk::{Disk, DiskFile};
use mailwright_store::model::{Base, Field};
use mailwright_store::{BlobError, BlobInfo, BlobReader, BlobWriter, Checksum, StagedBlob, Unavailable};

use super::disk::SimFile;
use super::store::Inner;
use crate::index::PLACES;
use crate::inner::{io, slice};
use crate::place::BlobPlace;
use crate::staged::{Staged, StagedBody};

/// Octets that are read at once.
const PIECE: usize = 4 << 10;

/// A blob on its way into a [`SimStore`](super::SimStore).
pub struct SimBlobWriter {
    store: Arc<Inner>,
    info: BlobInfo,
    checksum: Checksum,
    body: Body,
}

/// Where its octets are.
enum Body {
    Inline(Vec<Bytes>),
    Bulk(SimFile),
    /// It is staged.
    Finished,
}

impl SimBlobWriter {
    pub(super) fn new(store: Arc<Inner>, id: BlobId) -> Self {
        let info = BlobInfo { id, size: 0, checksum: 0 };
        Self { store, info, checksum: Checksum::default(), body: Body::Inline(Vec::new()) }
    }

    fn name(&self) -> String {
        BlobPlace::file_name(self.info.id)
    }

    /// From here on it has a file of its own.
    fn spill(&mut self, chunks: &[Bytes]) -> std::io::Result<SimFile> {
        let file = self.store.bulk.create(&self.name(), 0)?;
        file.write_at(&chunks.concat(), 0)?;
        Ok(file)
    }
}

impl BlobWriter for SimBlobWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.store.power.is_on().await;
        let (offset, size) = (self.info.size, self.info.size + chunk.len() as u64);
        if size > self.store.config.limits.blob_bytes {
            return Err(BlobError::TooLarge);
        }
        self.checksum.update(&chunk);
        self.info.size = size;
        match &mut self.body {
            Body::Inline(chunks) => {
                chunks.push(chunk);
                if size > self.store.config.inline_bytes {
                    let chunks = std::mem::take(chunks);
                    self.body = Body::Bulk(self.spill(&chunks).map_err(io)?);
                }
            }
            Body::Bulk(file) => file.write_at(&chunk, offset).map_err(io)?,
            Body::Finished => {}
        }
        Ok(())
    }

    async fn finish(mut self, now: Timestamp) -> Result<StagedBlob, BlobError> {
        self.store.power.is_on().await;
        self.info.checksum = self.checksum.value();
        let body = match std::mem::replace(&mut self.body, Body::Finished) {
            Body::Bulk(file) => {
                // The file, then its name: a batch may refer to it from here on.
                let synced = file.sync().and_then(|()| self.store.bulk.sync_dir());
                if let Err(error) = synced {
                    self.body = Body::Bulk(file);
                    return Err(io(error));
                }
                StagedBody::Bulk
            }
            Body::Inline(chunks) => StagedBody::Inline(chunks),
            Body::Finished => return Err(Unavailable::default().into()),
        };
        self.store.shared.staging.insert(Staged { info: self.info, since: now, body });
        Ok(StagedBlob(self.info))
    }
}

impl Drop for SimBlobWriter {
    fn drop(&mut self) {
        if matches!(self.body, Body::Bulk(_)) {
            // If it cannot be removed now, it is at the next opening.
            let _ = self.store.bulk.remove(&self.name());
        }
    }
}

impl std::fmt::Debug for SimBlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimBlobWriter").field("info", &self.info).finish_non_exhaustive()
    }
}

/// A blob on its way out of a [`SimStore`](super::SimStore), all of which is read when it is begun.
#[derive(Debug)]
pub struct SimBlobReader(pub(super) Bytes);

impl BlobReader for SimBlobReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let piece = self.0.split_to(self.0.len().min(PIECE));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

impl Inner {
    pub(super) fn blob(&self, id: BlobId) -> Result<BlobInfo, BlobError> {
        match self.shared.staging.get(id) {
            Some(staged) => Ok(staged.info),
            None => self.look(|state, _| state.blob(id))?.ok_or(BlobError::Gone(id)),
        }
    }

    /// A range of a blob, of which all is checked if that is all of it.
    pub(super) fn read_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, BlobError> {
        let info = self.blob(id)?;
        if range.start > range.end || range.end > info.size {
            return Err(BlobError::OutOfRange(id));
        }
        let mut read = BytesMut::zeroed(usize::try_from(range.end - range.start).unwrap_or(usize::MAX));
        match self.place(id)? {
            Place::Memory(chunks) => return Ok(slice(&chunks, range)),
            Place::Disk(BlobPlace::Log(place)) => {
                self.log.read_at(&place, range.start, &mut read).map_err(Unavailable::new)?;
            }
            Place::Disk(BlobPlace::Bulk) => {
                let file = self.bulk.open(&BlobPlace::file_name(id)).map_err(|_| BlobError::Damaged(id))?;
                let count = file.read_at(&mut read, range.start).map_err(io)?;
                if count < read.len() {
                    return Err(BlobError::Damaged(id));
                }
            }
        }
        let mut checksum = Checksum::default();
        checksum.update(&read);
        if range == (0..info.size) && checksum.value() != info.checksum {
            return Err(BlobError::Damaged(id));
        }
        Ok(read.freeze())
    }

    fn place(&self, id: BlobId) -> Result<Place, BlobError> {
        match self.shared.staging.get(id).map(|staged| staged.body) {
            Some(StagedBody::Inline(chunks)) => Ok(Place::Memory(chunks)),
            Some(StagedBody::Bulk) => Ok(Place::Disk(BlobPlace::Bulk)),
            None => {
                let place = self.look(|_, index| index.get(PLACES, &id.to_octets()))?;
                let place = place.and_then(|place| BlobPlace::from_octets(&place));
                place.map(Place::Disk).ok_or(BlobError::Damaged(id))
            }
        }
    }
}

/// Where a blob is.
enum Place {
    Memory(Vec<Bytes>),
    Disk(BlobPlace),
}
