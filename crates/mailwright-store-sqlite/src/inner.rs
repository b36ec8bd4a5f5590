//! What all clones of a store share.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::{Bytes, BytesMut};
use mailwright_core::BlobId;
use mailwright_store::disk::{Disk, DiskFile};
use mailwright_store::model::{Base, Field, State};
use mailwright_store::{BlobError, BlobInfo, Unavailable};

use crate::config::SqliteConfig;
use crate::disk::StdDisk;
use crate::index::{Index, PLACES};
use crate::jobs::Job;
use crate::log::{LogReader, Place};
use crate::place::BlobPlace;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::staged::{Staged, StagedBody};

pub(crate) type File = <StdDisk as Disk>::File;

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) config: SqliteConfig,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    pub(crate) bulk: Arc<StdDisk>,
    pub(crate) log: LogReader<StdDisk>,
    /// For the ids of blobs: which opening of the store this is, and how many blobs it began.
    pub(crate) epoch: u32,
    pub(crate) blobs: AtomicU64,
    pub(crate) writer: Mutex<Option<Writer>>,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) jobs: mpsc::SyncSender<Job>,
    pub(crate) thread: JoinHandle<()>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("dir", &self.config.dir).finish_non_exhaustive()
    }
}

/// Where octets are read from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Memory(Vec<Bytes>),
    Log(Place),
    File(Arc<File>),
}

impl Inner {
    /// Those that wait for their batch. To be asked for before the index is read: what is no longer here is there.
    pub(crate) fn staged(&self, ids: &[BlobId]) -> Vec<Option<Staged>> {
        ids.iter().map(|id| self.shared.staging.get(*id)).collect()
    }

    /// What a blob is, and where its octets are.
    pub(crate) fn find(
        &self,
        id: BlobId,
        staged: Option<Staged>,
        state: &State<Index>,
        index: &Index,
    ) -> Result<(BlobInfo, Source), BlobError> {
        let file = || -> Result<Source, BlobError> {
            let file = self.bulk.open(&BlobPlace::file_name(id)).map_err(|_| BlobError::Damaged(id))?;
            Ok(Source::File(Arc::new(file)))
        };
        if let Some(Staged { info, body, .. }) = staged {
            return match body {
                StagedBody::Inline(chunks) => Ok((info, Source::Memory(chunks))),
                StagedBody::Bulk => Ok((info, file()?)),
            };
        }
        let info = state.blob(id).ok_or(BlobError::Gone(id))?;
        let place = index.get(PLACES, &id.to_octets()).ok_or(BlobError::Damaged(id))?;
        match BlobPlace::from_octets(&place).ok_or(BlobError::Damaged(id))? {
            BlobPlace::Log(place) => Ok((info, Source::Log(place))),
            BlobPlace::Bulk => Ok((info, file()?)),
        }
    }

    /// Reads a range in one piece.
    pub(crate) fn read_piece(
        &self,
        source: &Source,
        id: BlobId,
        range: Range<u64>,
    ) -> Result<Bytes, BlobError> {
        let length = usize::try_from(range.end - range.start).map_err(|_| BlobError::TooLarge)?;
        let mut piece = BytesMut::zeroed(length);
        match source {
            Source::Memory(chunks) => return Ok(slice(chunks, range)),
            Source::Log(place) => {
                self.log.read_at(place, range.start, &mut piece).map_err(Unavailable::new)?;
            }
            Source::File(file) => {
                let mut at = 0;
                while let Some(rest) = piece.get_mut(at..).filter(|rest| !rest.is_empty()) {
                    match file.read_at(rest, range.start + at as u64).map_err(io)? {
                        0 => return Err(BlobError::Damaged(id)),
                        read => at += read,
                    }
                }
            }
        }
        Ok(piece.freeze())
    }

    /// Finishes what was asked and ends the writing thread.
    pub(crate) fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { jobs, thread }) = writer {
            drop(jobs);
            // If it panicked, all that waited were refused, and the next opening replays the log.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A range of chunks: a slice if it lies in one of them.
pub(crate) fn slice(chunks: &[Bytes], range: Range<u64>) -> Bytes {
    let mut start = 0;
    let mut parts = Vec::new();
    for chunk in chunks {
        let end = start + chunk.len() as u64;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            // Within the chunk, whose length is a `usize`.
            parts.push(chunk.slice((from - start) as usize..(to - start) as usize));
        }
        start = end;
    }
    match &parts[..] {
        [one] => one.clone(),
        parts => parts.concat().into(),
    }
}

pub(crate) fn io(error: std::io::Error) -> BlobError {
    if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        BlobError::NoSpace
    } else {
        Unavailable::new(error).into()
    }
}
