//! Room that is kept for the moment when the disk is full, so that deleting still works.

use std::io;

use mailwright_store::disk::{Disk, DiskFile};

/// The file that takes the room.
const NAME: &str = "reserve";

/// How much room is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReserveConfig {
    /// Bytes; 0 for none. It must be enough for a short segment of the log, and for what an index writes while mail is
    /// deleted. Default: 16 MiB.
    pub(crate) bytes: u64,
}

impl Default for ReserveConfig {
    fn default() -> Self {
        Self { bytes: 16 << 20 }
    }
}

/// Room on a disk that only this can give away.
#[derive(Debug)]
pub(crate) struct Reserve<D> {
    disk: D,
    config: ReserveConfig,
    held: bool,
}

impl<D: Disk> Reserve<D> {
    /// Takes the room, if there is so much.
    ///
    /// # Errors
    /// If the disk fails; that it is full is no error.
    pub(crate) fn open(disk: D, config: ReserveConfig) -> io::Result<Self> {
        let held = match disk.open(NAME) {
            Ok(file) => Some(file.len()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut reserve = Self { disk, config, held: held.is_some() };
        // Of another size, or an attempt that a crash has ended.
        if held.is_some_and(|len| len != config.bytes) {
            reserve.release()?;
        }
        reserve.restore()?;
        Ok(reserve)
    }

    /// Whether the room is there.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// Gives the room away; `false` if there was none.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub(crate) fn release(&mut self) -> io::Result<bool> {
        let held = self.held;
        if held {
            self.disk.remove(NAME)?;
            self.held = false;
        }
        Ok(held)
    }

    /// Takes the room again; `false` if there is not so much.
    ///
    /// # Errors
    /// If the disk fails otherwise.
    pub(crate) fn restore(&mut self) -> io::Result<bool> {
        if !self.held && self.config.bytes > 0 {
            match self.disk.create(NAME, self.config.bytes) {
                Ok(_) => self.held = true,
                Err(error) => {
                    let _ = self.disk.remove(NAME);
                    let full =
                        matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                    if !full {
                        return Err(error);
                    }
                }
            }
        }
        Ok(self.held)
    }
}

#[cfg(test)]
mod tests {
    use mailwright_store::disk::FaultDisk;

    use super::*;

    const CONFIG: ReserveConfig = ReserveConfig { bytes: 100 };

    #[test]
    fn it_is_given_and_taken() {
        let disk = FaultDisk::new();
        disk.set_capacity(Some(150));
        let mut reserve = Reserve::open(disk.clone(), CONFIG).unwrap();
        assert!(reserve.is_held());
        assert_eq!(disk.create("a", 60).unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.remove("a").unwrap();
        assert!(reserve.release().unwrap());
        assert!(!reserve.release().unwrap());
        disk.create("a", 60).unwrap();
        assert!(!reserve.restore().unwrap());
        assert!(!reserve.is_held());
        assert_eq!(disk.list().unwrap(), ["a"]);
        disk.remove("a").unwrap();
        assert!(reserve.restore().unwrap());
    }

    #[test]
    fn it_is_found_again() {
        let disk = FaultDisk::new();
        drop(Reserve::open(disk.clone(), CONFIG).unwrap());
        disk.set_capacity(Some(100));
        assert!(Reserve::open(disk.clone(), CONFIG).unwrap().is_held());
        let other = Reserve::open(disk.clone(), ReserveConfig { bytes: 40 }).unwrap();
        assert!(other.is_held());
        assert_eq!(disk.open(NAME).unwrap().len().unwrap(), 40);
        let none = Reserve::open(disk.clone(), ReserveConfig { bytes: 0 }).unwrap();
        assert!(!none.is_held());
        assert!(disk.list().unwrap().is_empty());
    }
}
