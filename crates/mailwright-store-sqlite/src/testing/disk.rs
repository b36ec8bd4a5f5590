//! A disk of a machine whose power may go off.

use std::io;
use std::sync::Arc;

use mailwright_store::disk::{Disk, DiskFile, FaultDisk, FaultFile};

use super::power::{Operation, Power, off};

/// A [`FaultDisk`] that stays as it is from the moment on when the power is off.
#[derive(Debug, Clone)]
pub struct SimDisk {
    disk: FaultDisk,
    power: Arc<Power>,
}

/// A file of a [`SimDisk`].
#[derive(Debug, Clone)]
pub struct SimFile {
    file: FaultFile,
    power: Arc<Power>,
}

impl SimDisk {
    pub(super) fn new(disk: FaultDisk, power: &Arc<Power>) -> Self {
        Self { disk, power: Arc::clone(power) }
    }

    pub(super) fn faults(&self) -> &FaultDisk {
        &self.disk
    }

    fn file(&self, file: FaultFile) -> SimFile {
        SimFile { file, power: Arc::clone(&self.power) }
    }
}

/// What is done as a whole or not at all.
fn whole<T>(power: &Power, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match power.operation() {
        Operation::Done => done(),
        Operation::Last(octets) => {
            if octets % 2 == 1 {
                done()?;
            }
            Err(off())
        }
        Operation::Off => Err(off()),
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str, len: u64) -> io::Result<SimFile> {
        whole(&self.power, || self.disk.create(name, len)).map(|file| self.file(file))
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        self.disk.open(name).map(|file| self.file(file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        whole(&self.power, || self.disk.remove(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        whole(&self.power, || self.disk.sync_dir())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.power.operation() {
            Operation::Done => self.file.write_at(bytes, offset),
            Operation::Last(octets) => {
                self.file.write_at(bytes.get(..octets).unwrap_or(bytes), offset)?;
                Err(off())
            }
            Operation::Off => Err(off()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        whole(&self.power, || self.file.set_len(len))
    }

    fn sync(&self) -> io::Result<()> {
        whole(&self.power, || self.file.sync())
    }
}
