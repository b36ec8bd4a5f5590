//! How much room the disk has.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::StdDisk;
use crate::reserve::{Reserve, ReserveConfig};

/// The room on the disk of a data directory.
#[derive(Debug)]
pub(crate) struct Space {
    dir: PathBuf,
    /// For what makes room.
    reserve: Reserve<StdDisk>,
    reserve_bytes: u64,
    watermark_bytes: u64,
}

impl Space {
    pub(crate) fn open(dir: &Path, reserve_bytes: u64, watermark_bytes: u64) -> io::Result<Self> {
        let reserve = Reserve::open(StdDisk::open(dir)?, ReserveConfig { bytes: reserve_bytes })?;
        // The reserve is not for mail: that is refused before it is given up, and still is when that has made room.
        let watermark_bytes = watermark_bytes.max(reserve_bytes.saturating_mul(2));
        Ok(Self { dir: dir.to_owned(), reserve, reserve_bytes, watermark_bytes })
    }

    /// Whether so little is left that no mail is to be taken. The reserve is taken again once there is enough.
    pub(crate) fn is_low(&mut self) -> bool {
        // Where it cannot be told, writing will tell.
        let Ok(free) = free_bytes(&self.dir) else { return false };
        if !self.reserve.is_held() && free >= self.watermark_bytes.saturating_add(self.reserve_bytes) {
            // If it fails: the next group tries again.
            let _ = self.reserve.restore();
        }
        free < self.watermark_bytes
    }

    /// Gives up the reserve if what is about to be written may need it; not before, since others would take the room.
    pub(crate) fn make_room(&mut self) {
        if self.reserve.is_held() && free_bytes(&self.dir).is_ok_and(|free| free < self.reserve_bytes) {
            let _ = self.reserve.release();
        }
    }

    /// Takes the reserve again if there is room for it, however little is left then: the next opening may find none.
    pub(crate) fn end(mut self) {
        let _ = self.reserve.restore();
    }
}

#[cfg(target_os = "linux")]
fn free_bytes(dir: &Path) -> io::Result<u64> {
    let room = rustix::fs::statvfs(dir)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn free_bytes(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
