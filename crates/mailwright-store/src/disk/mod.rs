//! What an embedded backend needs of a disk: one flat directory of files that are written in place and synced.
//!
//! The backend brings the real one. With the feature `fault` there is `FaultDisk`, in memory, which can fail in
//! every way that a disk does and shows what would be left after a kill or a power cut.

#[cfg(feature = "fault")]
mod fault;

use std::io;

#[cfg(feature = "fault")]
pub use fault::{Crash, FaultDisk, FaultFile, SECTOR_BYTES, Survivors};

/// One flat directory.
///
/// What was written, created or removed is seen at once by everybody, and is *durable*, that is still there after
/// a power cut, only after the sync that covers it. Before that it may reach the disk or not, in parts and in any
/// order. After a sync that failed nothing is known, and a later one that succeeds proves nothing about it.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// The names of its files, in any order.
    ///
    /// # Errors
    /// If it cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new file of `len` zeros for which room is really set aside, so that writing within it does not find the
    /// disk full. Durable after its [`sync`](DiskFile::sync) and [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists), [`StorageFull`](io::ErrorKind::StorageFull) and what else
    /// may happen. A file of that name may then have been left behind.
    fn create(&self, name: &str, len: u64) -> io::Result<Self::File>;

    /// A file that exists, to read and to write.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) and what else may happen.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Removes a file. Durable after [`sync_dir`](Self::sync_dir). Who has it open goes on using it.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) and what else may happen.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes durable which files there are.
    ///
    /// # Errors
    /// If that is not certain.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file, shared by reference: readers and the writer use it at once.
pub trait DiskFile: Send + Sync + 'static {
    /// Its length in bytes.
    ///
    /// # Errors
    /// If it cannot be told.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// If it cannot be told.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `offset` and says how many bytes; 0 only at the end, or if `buf` is empty.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`; beyond the end the file grows.
    ///
    /// # Errors
    /// If not all of it was written. Any part of it may have been.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or adds zeros for which no room is set aside.
    ///
    /// # Errors
    /// If it cannot be done.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes durable what was written to the file and how long it is (`fdatasync`).
    ///
    /// # Errors
    /// If that is not certain: then it never will be, whatever a later sync says.
    fn sync(&self) -> io::Result<()>;
}
