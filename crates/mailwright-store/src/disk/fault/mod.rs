//! A disk in memory that fails.

mod content;
mod state;
mod survivors;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::{FileId, Scope, State};
use super::{Disk, DiskFile};

pub use state::SECTOR_BYTES;
pub use survivors::Survivors;

/// A disk in memory that does what disks do when something goes wrong. The same calls give the same disk; clones
/// share it.
///
/// **Faults** come when they are ordered: writes that end early ([`fail_write`](Self::fail_write)), syncs that fail
/// ([`fail_sync`](Self::fail_sync)), a disk that is full ([`set_capacity`](Self::set_capacity)), bytes that change
/// ([`flip`](Self::flip), [`overwrite`](Self::overwrite)).
///
/// **Crashes.** What was changed since the last sync that covers it is *pending*: bytes and lengths of a file until
/// the file is synced, names until the directory is. Programs see it, and a killed process leaves it as it is
/// ([`Crash::Kill`]). A power cut ([`Crash::PowerCut`]) leaves any part of it: writes are torn at sectors, a new file
/// may have vanished or be there without its length, a removed one may be back. What a *failed* sync was to cover
/// stays pending for ever; a later sync that succeeds does not help.
///
/// **History.** From [`record`](Self::record) on, the state after every operation is kept, so that a test can run
/// once and then crash everywhere:
///
/// ```
/// use mailwright_store::disk::{Crash, Disk, DiskFile, FaultDisk, Survivors};
///
/// let disk = FaultDisk::new();
/// disk.record();
/// let file = disk.create("a", 0)?;
/// file.write_at(b"kept", 0)?;
/// file.sync()?;
/// disk.sync_dir()?;
/// let synced = disk.points();
/// file.write_at(b"lost", 0)?;
///
/// let seen = |disk: &FaultDisk| -> std::io::Result<Option<Vec<u8>>> {
///     let Ok(file) = disk.open("a") else { return Ok(None) };
///     let mut bytes = vec![0; file.len()? as usize];
///     file.read_at(&mut bytes, 0)?;
///     Ok(Some(bytes))
/// };
/// assert_eq!(seen(&disk.crash(&Crash::Kill))?.as_deref(), Some(&b"lost"[..]));
/// for point in 0..disk.points() {
///     for survivors in [Survivors::Nothing, Survivors::Everything, Survivors::Seed(7)] {
///         let after = disk.crash_at(point, &Crash::PowerCut(survivors)).expect("it is in the history");
///         if point + 1 >= synced {
///             assert!([&b"kept"[..], b"lost"].contains(&&*seen(&after)?.expect("it was synced")));
///         }
///     }
/// }
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FaultDisk(Arc<Mutex<Shared>>);

/// A file of a [`FaultDisk`].
#[derive(Debug, Clone)]
pub struct FaultFile {
    disk: FaultDisk,
    id: FileId,
}

/// How everything ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed and the machine goes on: everything is as the process has left it, and what was
    /// pending still is.
    Kill,
    /// The machine stops: of what was pending these are left.
    PowerCut(Survivors),
}

#[derive(Debug, Default)]
struct Shared {
    state: State,
    faults: Faults,
    history: Option<Vec<Point>>,
}

#[derive(Debug, Clone, Default)]
struct Faults {
    ignore_syncs: bool,
    capacity: Option<u64>,
    /// Syncs until one fails.
    sync: Option<u64>,
    /// Writes until one fails, and how many bytes of it are written.
    write: Option<(u64, usize)>,
}

/// The state after an operation.
#[derive(Debug, Clone)]
struct Point {
    state: State,
    /// If the operation was a write: where, and what.
    write: Option<(FileId, u64, Vec<u8>)>,
}

impl FaultDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk on which every sync succeeds and does nothing: a test that finds no fault in a program on
    /// this disk finds none anywhere.
    pub fn ignoring_syncs() -> Self {
        let disk = Self::new();
        disk.lock().faults.ignore_syncs = true;
        disk
    }

    /// From now on the lengths of all files may be at most so many bytes together: what would be more is
    /// [`StorageFull`](io::ErrorKind::StorageFull), after as much as there is room for. `None` is no bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().faults.capacity = bytes;
    }

    /// The `nth` sync from now on, of a file or of the directory, fails; 1 is the next one.
    pub fn fail_sync(&self, nth: u64) {
        self.lock().faults.sync = Some(nth);
    }

    /// The `nth` write from now on writes only `bytes` bytes, and fails; 1 is the next one.
    pub fn fail_write(&self, nth: u64, bytes: usize) {
        self.lock().faults.write = Some((nth, bytes));
    }

    /// Inverts these bits of a byte, for good.
    ///
    /// # Errors
    /// If there is no such file, or no such byte.
    pub fn flip(&self, name: &str, offset: u64, bits: u8) -> io::Result<()> {
        let mut byte = [0];
        if self.open(name)?.read_at(&mut byte, offset)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.overwrite(name, offset, &byte.map(|byte| byte ^ bits))
    }

    /// Replaces bytes, for good. Nobody has written them: there is nothing to sync.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut shared = self.lock();
        let file = shared.find(name)?;
        shared.state.overwrite(file, bytes, offset);
        Ok(())
    }

    /// How many pieces a power cut could leave or lose now, see [`Survivors`].
    pub fn pending(&self) -> usize {
        self.lock().state.pieces()
    }

    /// The disk after a crash now: another one, which shares nothing with this. Faults that were ordered and did
    /// not happen are forgotten, but not the capacity, and not whether syncs are ignored.
    pub fn crash(&self, crash: &Crash) -> Self {
        let shared = self.lock();
        shared.after(match crash {
            Crash::Kill => shared.state.clone(),
            Crash::PowerCut(survivors) => shared.state.power_cut(survivors),
        })
    }

    /// Begins a history, with the present as its point 0. What was recorded before is forgotten.
    pub fn record(&self) {
        let mut shared = self.lock();
        shared.history = Some(vec![Point { state: shared.state.clone(), write: None }]);
    }

    /// How many points the history has: one more than there were operations that change or sync something,
    /// failed ones counted too.
    pub fn points(&self) -> usize {
        self.lock().history.as_ref().map_or(0, Vec::len)
    }

    /// The disk as it was after that many operations; `None` if that is not in the history.
    pub fn at_point(&self, point: usize) -> Option<Self> {
        let shared = self.lock();
        let state = shared.history.as_ref()?.get(point)?.state.clone();
        Some(shared.after(state))
    }

    /// The disk as it was *within* operation `point`, when the first `bytes` bytes were written; `None` if that
    /// was not a write of more bytes.
    pub fn within_point(&self, point: usize, bytes: usize) -> Option<Self> {
        let shared = self.lock();
        let history = shared.history.as_ref()?;
        let (file, offset, written) = history.get(point)?.write.as_ref()?;
        let mut state = history.get(point.checked_sub(1)?)?.state.clone();
        if bytes >= written.len() {
            return None;
        }
        state.write(*file, written.get(..bytes)?, *offset);
        Some(shared.after(state))
    }

    /// The disk after a crash at that point.
    pub fn crash_at(&self, point: usize, crash: &Crash) -> Option<Self> {
        Some(self.at_point(point)?.crash(crash))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn after(&self, state: State) -> FaultDisk {
        let faults = Faults { sync: None, write: None, ..self.faults.clone() };
        FaultDisk(Arc::new(Mutex::new(Self { state, faults, history: None })))
    }

    fn find(&self, name: &str) -> io::Result<FileId> {
        self.state.find(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// An operation has ended.
    fn passed(&mut self, write: Option<(FileId, u64, &[u8])>) {
        if let Some(history) = &mut self.history {
            let write = write.map(|(file, offset, bytes)| (file, offset, bytes.to_vec()));
            history.push(Point { state: self.state.clone(), write });
        }
    }

    /// How much longer a file may get.
    fn room(&self) -> u64 {
        self.faults.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.state.used()))
    }

    fn sync(&mut self, scope: Scope) -> io::Result<()> {
        let fails = self.faults.sync_fails();
        if fails {
            self.state.fail_sync(scope);
        } else if !self.faults.ignore_syncs {
            self.state.sync(scope);
        }
        self.passed(None);
        if fails { Err(io::Error::other("ordered: the sync fails")) } else { Ok(()) }
    }

    /// How many bytes of a write are written, and why not all.
    fn writable(&mut self, file: FileId, bytes: usize, offset: u64) -> (usize, Option<io::Error>) {
        if let Some(part) = self.faults.write_ends() {
            return (part.min(bytes), Some(io::Error::other("ordered: the write ends early")));
        }
        let end = self.state.len(file).saturating_add(self.room());
        let room = end.saturating_sub(offset).min(bytes as u64) as usize;
        (room, (room < bytes).then(|| io::ErrorKind::StorageFull.into()))
    }
}

impl Faults {
    fn sync_fails(&mut self) -> bool {
        match self.sync.take() {
            Some(nth) if nth > 1 => self.sync = Some(nth - 1),
            ordered => return ordered.is_some(),
        }
        false
    }

    /// After how many bytes.
    fn write_ends(&mut self) -> Option<usize> {
        match self.write.take() {
            Some((nth, bytes)) if nth > 1 => self.write = Some((nth - 1, bytes)),
            ordered => return ordered.map(|(_, bytes)| bytes),
        }
        None
    }
}

impl Disk for FaultDisk {
    type File = FaultFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().state.names().cloned().collect())
    }

    fn create(&self, name: &str, len: u64) -> io::Result<FaultFile> {
        let mut shared = self.lock();
        if shared.state.find(name).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let room = shared.room();
        let id = shared.state.create(name, len.min(room));
        shared.passed(None);
        if len > room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(FaultFile { disk: self.clone(), id })
    }

    fn open(&self, name: &str) -> io::Result<FaultFile> {
        Ok(FaultFile { disk: self.clone(), id: self.lock().find(name)? })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut shared = self.lock();
        shared.find(name)?;
        shared.state.remove(name);
        shared.passed(None);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.lock().sync(Scope::Directory)
    }
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().state.len(self.id))
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.disk.lock().state.read(self.id, buf, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut shared = self.disk.lock();
        let (written, error) = shared.writable(self.id, bytes.len(), offset);
        let written = bytes.get(..written).unwrap_or_default();
        shared.state.write(self.id, written, offset);
        shared.passed(Some((self.id, offset, written)));
        error.map_or(Ok(()), Err)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut shared = self.disk.lock();
        if len > shared.state.len(self.id).saturating_add(shared.room()) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        shared.state.set_len(self.id, len);
        shared.passed(None);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.lock().sync(Scope::File(self.id))
    }
}
