//! Blobs on their way in and out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{BlobId, Timestamp};
use mailwright_store::disk::{Disk, DiskFile};
use mailwright_store::{BlobError, BlobInfo, BlobReader, BlobWriter, Checksum, StagedBlob};

use crate::inner::{File, Inner, Source, io};
use crate::place::BlobPlace;
use crate::staged::{Staged, StagedBody};

/// Octets that are written to a file, or read from one, at once.
const PIECE: usize = 256 << 10;

/// A blob on its way into a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug)]
pub struct SqliteBlobWriter {
    store: Arc<Inner>,
    id: BlobId,
    size: u64,
    checksum: Checksum,
    /// What is not in the file yet; everything, if there is none.
    chunks: Vec<Bytes>,
    /// Octets in `chunks`. Those of a blob without file are reserved.
    held: usize,
    file: Option<Arc<File>>,
    finished: bool,
}

impl SqliteBlobWriter {
    pub(crate) fn new(store: Arc<Inner>, id: BlobId) -> Self {
        Self {
            store,
            id,
            size: 0,
            checksum: Checksum::default(),
            chunks: Vec::new(),
            held: 0,
            file: None,
            finished: false,
        }
    }

    /// From here on it is written to a file of its own.
    async fn spill(&mut self) -> Result<(), BlobError> {
        let (bulk, name) = (Arc::clone(&self.store.bulk), BlobPlace::file_name(self.id));
        let created = self.store.pool.run(move |_| bulk.create(&name, 0)).await?;
        self.file = Some(Arc::new(created.map_err(io)?));
        self.store.shared.staging.release(self.held as u64);
        Ok(())
    }

    /// Writes what is held to the file.
    async fn write_out(&mut self, file: Arc<File>) -> Result<(), BlobError> {
        let chunks = std::mem::take(&mut self.chunks);
        let mut offset = self.size - self.held as u64;
        self.held = 0;
        let write = move |_: &mut _| {
            for chunk in chunks {
                file.write_at(&chunk, offset)?;
                offset += chunk.len() as u64;
            }
            Ok(())
        };
        self.store.pool.run(write).await?.map_err(io)
    }
}

impl BlobWriter for SqliteBlobWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let length = chunk.len() as u64;
        if length == 0 {
            return Ok(());
        }
        if self.size + length > self.store.config.limits.blob_bytes {
            return Err(BlobError::TooLarge);
        }
        if self.file.is_none() {
            let config = &self.store.config;
            let is_small = self.size + length <= config.inline_bytes;
            if !is_small || !self.store.shared.staging.reserve(length, config.staging_bytes) {
                self.spill().await?;
            }
        }
        self.size += length;
        self.held += chunk.len();
        self.checksum.update(&chunk);
        self.chunks.push(chunk);
        match &self.file {
            Some(file) if self.held >= PIECE => self.write_out(Arc::clone(file)).await,
            _ => Ok(()),
        }
    }

    async fn finish(mut self, now: Timestamp) -> Result<StagedBlob, BlobError> {
        let info = BlobInfo { id: self.id, size: self.size, checksum: self.checksum.value() };
        let body = match self.file.clone() {
            None => StagedBody::Inline(std::mem::take(&mut self.chunks)),
            Some(file) => {
                self.write_out(Arc::clone(&file)).await?;
                let bulk = Arc::clone(&self.store.bulk);
                // The file, then its name: a batch may refer to it from here on.
                let synced = self.store.pool.run(move |_| file.sync().and_then(|()| bulk.sync_dir())).await?;
                synced.map_err(io)?;
                StagedBody::Bulk
            }
        };
        self.finished = true;
        self.store.shared.staging.insert(Staged { info, since: now, body });
        Ok(StagedBlob(info))
    }
}

impl Drop for SqliteBlobWriter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if self.file.is_none() {
            self.store.shared.staging.release(self.held as u64);
        } else {
            let (bulk, name) = (Arc::clone(&self.store.bulk), BlobPlace::file_name(self.id));
            // If it cannot be removed now, it is at the next opening.
            self.store.pool.later(move || drop(bulk.remove(&name)));
        }
    }
}

/// A blob on its way out of a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug)]
pub struct SqliteBlobReader {
    store: Arc<Inner>,
    info: BlobInfo,
    source: Source,
    left: Range<u64>,
    /// Of what was read, if that is to be all of it.
    checksum: Option<Checksum>,
}

impl SqliteBlobReader {
    pub(crate) fn new(
        store: Arc<Inner>,
        info: BlobInfo,
        source: Source,
        range: Range<u64>,
    ) -> Result<Self, BlobError> {
        if range.start > range.end || range.end > info.size {
            return Err(BlobError::OutOfRange(info.id));
        }
        let is_whole = range == (0..info.size) && !matches!(source, Source::Memory(_));
        Ok(Self { store, info, source, left: range, checksum: is_whole.then(Checksum::default) })
    }
}

impl BlobReader for SqliteBlobReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let length = (self.left.end - self.left.start).min(PIECE as u64);
        let range = self.left.start..self.left.start + length;
        let (source, store) = (self.source.clone(), Arc::clone(&self.store));
        let id = self.info.id;
        let piece = match &self.source {
            Source::Memory(_) => store.read_piece(&source, id, range.clone()),
            _ => {
                let reading = (Arc::clone(&store), range.clone());
                store.pool.run(move |_| reading.0.read_piece(&source, id, reading.1)).await?
            }
        }?;
        self.left.start = range.end;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&piece);
            if self.left.is_empty() && checksum.value() != self.info.checksum {
                return Err(BlobError::Damaged(id));
            }
        }
        Ok(Some(piece))
    }
}
