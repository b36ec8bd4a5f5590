//! Bodies, read by their places.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailwright_store::disk::Disk;

use super::error::LogError;
use super::place::Place;
use super::segment;

/// Reads bodies of a log, whether it is being written or not. Clones share the files they keep open.
pub struct LogReader<D: Disk>(Arc<Shared<D>>);

struct Shared<D: Disk> {
    disk: Arc<D>,
    /// How many files are kept open.
    limit: usize,
    /// By segment, the one used last at the end.
    files: Mutex<Vec<(u64, Arc<D::File>)>>,
}

impl<D: Disk> LogReader<D> {
    /// A reader of the log on this disk that keeps at most `open_segments` files open.
    pub fn new(disk: Arc<D>, open_segments: usize) -> Self {
        Self(Arc::new(Shared { disk, limit: open_segments.max(1), files: Mutex::default() }))
    }

    /// Fills `buf` with the octets of a body from `offset` on. They are not checked.
    ///
    /// # Errors
    /// If that reaches beyond the body, or the octets cannot be read.
    pub fn read_at(&self, place: &Place, offset: u64, buf: &mut [u8]) -> Result<(), LogError> {
        if offset.checked_add(buf.len() as u64).is_none_or(|end| end > place.len) {
            return Err(LogError::OutOfRange);
        }
        let at = place.offset.checked_add(offset).ok_or(LogError::OutOfRange)?;
        let missing = LogError::Missing { segment: place.segment };
        let file = match self.file(place.segment) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing),
            Err(error) => return Err(error.into()),
        };
        if segment::read(&*file, buf, at)? < buf.len() { Err(missing) } else { Ok(()) }
    }

    /// Closes the file of a segment that was removed, so that its room is free.
    pub(super) fn forget(&self, segment: u64) {
        self.files().retain(|(number, _)| *number != segment);
    }

    fn file(&self, segment: u64) -> io::Result<Arc<D::File>> {
        if let Some(file) = self.kept(segment) {
            return Ok(file);
        }
        // Not under the lock: opening may take long, and opening twice does no harm.
        let file = Arc::new(self.0.disk.open(&segment::name(segment))?);
        let mut files = self.files();
        if files.len() >= self.0.limit {
            files.remove(0);
        }
        files.push((segment, Arc::clone(&file)));
        Ok(file)
    }

    fn kept(&self, segment: u64) -> Option<Arc<D::File>> {
        let mut files = self.files();
        let at = files.iter().position(|(number, _)| *number == segment)?;
        let kept = files.remove(at);
        let file = Arc::clone(&kept.1);
        files.push(kept);
        Some(file)
    }

    fn files(&self) -> MutexGuard<'_, Vec<(u64, Arc<D::File>)>> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Disk> Clone for LogReader<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Disk> fmt::Debug for LogReader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").finish_non_exhaustive()
    }
}
