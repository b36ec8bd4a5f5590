//! A directory belongs to one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The file that is locked. It stays when the lock is given up.
const NAME: &str = "lock";

/// A directory that no other process can lock. Given up when it is dropped, and by the system when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct DirLock(#[expect(dead_code, reason = "open as long as it is locked")] File);

/// Why a directory cannot be locked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process has it.
    #[error("another mailwright process has {} open", directory.display())]
    Held {
        /// The directory.
        directory: PathBuf,
    },
    /// It cannot be tried.
    #[error("{} cannot be locked", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DirLock {
    /// Locks a directory, which must be there. Does not wait.
    ///
    /// # Errors
    /// If another process, or this one, has locked it; or if it cannot be tried.
    pub fn acquire(directory: impl AsRef<Path>) -> Result<Self, LockError> {
        let directory = directory.as_ref();
        let failed = |source| LockError::Io { directory: directory.to_owned(), source };
        let mut options = OpenOptions::new();
        // Not truncated: it may be somebody else's.
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(directory.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { directory: directory.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let directory = std::env::temp_dir().join(format!("mailwright-lock-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let lock = DirLock::acquire(&directory).unwrap();
        let refused = DirLock::acquire(&directory).unwrap_err();
        let expected = format!("another mailwright process has {} open", directory.display());
        assert_eq!(refused.to_string(), expected);
        drop(lock);
        drop(DirLock::acquire(&directory).unwrap());
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(matches!(DirLock::acquire(&directory), Err(LockError::Io { .. })));
    }
}
