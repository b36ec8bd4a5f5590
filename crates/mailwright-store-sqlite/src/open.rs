//! Opening a store, and the threads that write.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mailwright_core::BlobId;
use mailwright_store::Unavailable;
use mailwright_store::disk::Disk;
use mailwright_store::model::{Base, Field};
use thiserror::Error;

use crate::config::SqliteConfig;
use crate::disk::StdDisk;
use crate::engine::{Engine, Parts};
use crate::index::{Fault, Index, Location, PLACES};
use crate::inner::{Inner, Writer};
use crate::jobs::Job;
use crate::lag::Allowed;
use crate::lock::{DirLock, LockError};
use crate::log::{self, Damage, Log, LogConfig, LogError, LogReader, Position, StoreId};
use crate::place::BlobPlace;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::space::Space;
use crate::store::SqliteStore;

/// What was found when a store was opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenReport {
    /// Whether the store is new.
    pub created: bool,
    /// Groups of batches that were in the log and not in the index: after a crash, at most what is durable.
    pub replayed: u64,
    /// Whether the index was missing or damaged and was built anew from the log.
    pub rebuilt: bool,
    /// Files of bodies that no batch ever referred to, and that were removed.
    pub orphans: u64,
    /// The number of a group that was begun and never ended, and was cut: nobody was told that it is durable.
    pub cut: Option<u64>,
    /// What is damaged. Everything else is served.
    pub damage: Vec<Damage>,
}

/// Why a store cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the data directory, or it cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory cannot be made, read or written.
    #[error("{}: {}", path.display(), innermost(cause))]
    Io {
        /// What.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The index can neither be opened nor be built anew.
    #[error("the index cannot be opened: {0}")]
    Index(#[source] Unavailable),
}

/// What the system says: the errors around it name files.
fn innermost(error: &io::Error) -> &dyn Error {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// Where everything lies in a data directory.
pub(crate) struct Layout {
    pub(crate) dir: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) bulk: PathBuf,
    pub(crate) index: PathBuf,
}

impl Layout {
    pub(crate) fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            log: dir.join("log"),
            bulk: dir.join("bulk"),
            index: dir.join("index.db"),
        }
    }
}

/// What the writing thread tells when it has opened everything.
struct Ready {
    report: OpenReport,
    log: LogReader<StdDisk>,
    epoch: u64,
}

impl SqliteStore {
    /// Opens the store in a directory, or creates it. Blocks for as long as what the index does not know of the log
    /// takes to be read: seldom more than one group.
    ///
    /// # Errors
    /// If it cannot be opened. What is damaged but can be passed over is no error: it stands in the report.
    pub fn open(config: SqliteConfig) -> Result<(Self, OpenReport), OpenError> {
        let layout = Layout::of(&config.dir);
        open_disk(&layout.dir)?;
        let lock = DirLock::acquire(&layout.dir)?;
        let bulk = Arc::new(open_disk(&layout.bulk)?);
        let shared = Arc::new(Shared::default());
        let (jobs, waiting) = mpsc::sync_channel(config.waiting);
        let (ready, opened) = mpsc::sync_channel(1);
        let thread = {
            let (config, shared, bulk) = (config.clone(), Arc::clone(&shared), Arc::clone(&bulk));
            spawn("mailwright-write", move || write(&config, lock, &shared, bulk, &ready, &waiting))?
        };
        // The thread ends without a word only if it panics.
        let ready = opened.recv().map_err(|_| OpenError::Index(Unavailable::default()))??;
        let damaged: Arc<dyn Fn() + Send + Sync> = {
            let shared = Arc::clone(&shared);
            Arc::new(move || shared.damaged.store(true, Ordering::Release))
        };
        let pool = Pool::start(config.readers, config.waiting, &layout.index, &shared.generation, &damaged)
            .map_err(|cause| OpenError::Io { path: layout.dir, cause })?;
        let inner = Inner {
            config,
            shared,
            pool,
            bulk,
            log: ready.log,
            epoch: u32::try_from(ready.epoch).unwrap_or(u32::MAX),
            blobs: AtomicU64::new(0),
            writer: Mutex::new(Some(Writer { jobs, thread })),
        };
        Ok((Self(Arc::new(inner)), ready.report))
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, OpenError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|cause| OpenError::Io { path: PathBuf::from(name), cause })
}

pub(crate) fn open_disk(path: &Path) -> Result<StdDisk, OpenError> {
    StdDisk::open(path).map_err(|cause| OpenError::Io { path: path.to_owned(), cause })
}

/// How long the thread that writes sleeps at most.
const IDLE: Duration = Duration::from_millis(500);

/// How long it waits for more before it uses the time to have the index show all that is durable.
const LULL: Duration = Duration::from_millis(50);

/// The thread that writes: opens everything, then takes what waits as a group, again and again.
fn write(
    config: &SqliteConfig,
    lock: DirLock,
    shared: &Arc<Shared>,
    bulk: Arc<StdDisk>,
    ready: &mpsc::SyncSender<Result<Ready, OpenError>>,
    waiting: &mpsc::Receiver<Job>,
) {
    let layout = Layout::of(&config.dir);
    let (mut engine, mut space) = match open_engine(config, &layout, shared, bulk) {
        Ok((engine, space, opened)) => {
            let _ = ready.send(Ok(opened));
            (engine, space)
        }
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let mut checkpointer = Checkpointer::start(&layout.index, shared, config);
    // Those who wait for company, and until when.
    let (mut patient, mut until) = (Vec::new(), None);
    loop {
        let wait = match until {
            Some(until) => Instant::saturating_duration_since(&until, Instant::now()),
            None if engine.lags() => LULL,
            None => IDLE,
        };
        let first = match waiting.recv_timeout(wait) {
            Ok(first) => first,
            Err(mpsc::RecvTimeoutError::Timeout) if until.is_some() => {
                until = None;
                engine.step(std::mem::take(&mut patient));
                checkpointer.after(&mut engine);
                continue;
            }
            Err(mpsc::RecvTimeoutError::Timeout) if engine.lags() => {
                // There is time for it. If it cannot be done, the next group finds out.
                let _ = engine.show();
                checkpointer.after(&mut engine);
                continue;
            }
            // Nobody writes, perhaps because there was no room.
            Err(mpsc::RecvTimeoutError::Timeout) => {
                shared.low_space.store(space.is_low(), Ordering::Relaxed);
                engine.mend();
                continue;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        };
        let mut octets = first.octets(shared);
        let mut group = vec![first];
        while group.len() < config.group_batches && octets < config.group_bytes {
            let Ok(next) = waiting.try_recv() else { break };
            octets += next.octets(shared);
            group.push(next);
        }
        shared.low_space.store(space.is_low(), Ordering::Relaxed);
        space.make_room();
        if group.iter().all(Job::is_about_leases) {
            engine.step(group);
            continue;
        }
        let can_wait = group.iter().all(Job::can_wait);
        patient.append(&mut group);
        if can_wait && patient.len() < config.group_batches {
            until.get_or_insert_with(|| Instant::now() + config.settle_delay);
            continue;
        }
        until = None;
        engine.step(std::mem::take(&mut patient));
        checkpointer.after(&mut engine);
    }
    engine.step(patient);
    drop(checkpointer);
    engine.checkpoint("TRUNCATE");
    drop(engine);
    space.end();
    drop(lock);
}

type Opened = (Engine<StdDisk>, Space, Ready);

fn open_engine(
    config: &SqliteConfig,
    layout: &Layout,
    shared: &Arc<Shared>,
    bulk: Arc<StdDisk>,
) -> Result<Opened, OpenError> {
    let mut space = Space::open(&layout.dir, config.reserve_bytes, config.watermark_bytes)
        .map_err(|cause| OpenError::Io { path: layout.dir.clone(), cause })?;
    shared.low_space.store(space.is_low(), Ordering::Relaxed);
    space.make_room();
    let location = Location::File(layout.index.clone());
    let (index, position) = open_index(&location, config.check_bytes)
        .map_err(|fault| OpenError::Index(Unavailable::new(fault)))?;
    let log_config = LogConfig { segment_bytes: config.segment_bytes, ..LogConfig::default() };
    let disk = open_disk(&layout.log)?;
    let (log, opened) = match Log::open(disk.clone(), log_config, None, position) {
        Err(LogError::NoLog) if position.is_none() => {
            (Log::create(disk, log_config, StoreId(random_id()?))?, log::OpenReport::default())
        }
        opened => opened?,
    };
    let reader = log.reader();
    let parts = Parts {
        log,
        location,
        bulk,
        limits: config.limits.clone(),
        cached_rows: config.cached_rows,
        lag: Allowed { rows: config.lag_rows, octets: config.lag_bytes },
        shared: Arc::clone(shared),
    };
    let (engine, replayed) =
        Engine::open(parts, index, config.first_uid_validity).map_err(OpenError::Index)?;
    let report = OpenReport {
        created: replayed.created,
        replayed: replayed.groups,
        rebuilt: (replayed.rebuilt || position.is_none()) && !replayed.created,
        orphans: engine.drop_orphans(),
        cut: opened.cut.map(|position| position.group),
        damage: opened.damage,
    };
    let ready = Ready { report, log: reader, epoch: engine.epoch() };
    Ok((engine, space, ready))
}

/// What nobody can guess.
fn random_id() -> Result<[u8; 16], OpenError> {
    let mut id = [0; 16];
    let cause = |cause: getrandom::Error| OpenError::Io {
        path: "random octets".into(),
        cause: io::Error::other(cause),
    };
    getrandom::fill(&mut id).map_err(cause)?;
    Ok(id)
}

/// Opens the index. One that cannot be read is thrown away, unless that is not its fault.
fn open_index(location: &Location, check_bytes: u64) -> Result<(Index, Option<Position>), Fault> {
    let open = || {
        let index = Index::open(location)?;
        if location.octets() <= check_bytes {
            index.check()?;
        }
        let position = crate::engine::position(&index)?;
        Ok((index, position))
    };
    open().or_else(|fault: Fault| {
        if fault.is_of_surroundings() {
            return Err(fault);
        }
        location.clear();
        open()
    })
}

/// Copies SQLite's write-ahead log into the index, beside the thread that writes.
struct Checkpointer {
    wake: Option<mpsc::SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Held by who copies. SQLite lets only one, and does not wait for another.
    at_work: Arc<Mutex<()>>,
    checkpoint_bytes: u64,
    wal_bytes: u64,
    /// How long SQLite's log was when the thread was last woken.
    woken_at: u64,
    /// How long it is to be when the writer does it.
    forced_at: u64,
}

impl Checkpointer {
    fn start(index: &Path, shared: &Arc<Shared>, config: &SqliteConfig) -> Self {
        let (wake, woken) = mpsc::sync_channel::<()>(1);
        let (path, shared) = (index.to_owned(), Arc::clone(shared));
        let at_work = Arc::<Mutex<()>>::default();
        let copying = Arc::clone(&at_work);
        let is_unchecked = Location::File(path.clone()).octets() > config.check_bytes;
        let run = move || {
            if is_unchecked && Index::open_for_reading(&path).and_then(|index| index.check()).is_err() {
                shared.damaged.store(true, Ordering::Release);
            }
            while woken.recv().is_ok() {
                let _copying = copying.lock().unwrap_or_else(PoisonError::into_inner);
                // Each time by a connection of its own: the index may have been built anew.
                match Index::open_for_reading(&path).and_then(|index| index.checkpoint("PASSIVE")) {
                    Ok(_) => {}
                    Err(fault) if fault.is_of_surroundings() => {}
                    // Nobody knows what is in the index now: the writer builds another.
                    Err(_) => shared.damaged.store(true, Ordering::Release),
                }
            }
        };
        Self {
            wake: Some(wake),
            // Without it the writer does all of it.
            thread: spawn("mailwright-checkpoint", run).ok(),
            at_work,
            checkpoint_bytes: config.checkpoint_bytes,
            wal_bytes: config.wal_bytes,
            woken_at: 0,
            forced_at: config.wal_bytes,
        }
    }

    /// To be called after each group.
    fn after(&mut self, engine: &mut Engine<StdDisk>) {
        let octets = engine.index().wal_octets();
        if octets < self.woken_at {
            // All of it was copied, and it has begun anew.
            (self.woken_at, self.forced_at) = (0, self.wal_bytes);
        }
        if octets >= self.forced_at {
            let _copying = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
            engine.checkpoint("TRUNCATE");
            // Those who read may have kept it from that: they are not waited for again soon.
            (self.woken_at, self.forced_at) = (octets, octets.saturating_add(self.wal_bytes));
        } else if octets - self.woken_at >= self.checkpoint_bytes
            && let Some(wake) = &self.wake
        {
            self.woken_at = octets;
            // If it is already at work, it is woken again by a later group.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<D: Disk> Engine<D> {
    /// Removes the files of bodies that no batch refers to: at the opening of the store nobody can any more.
    pub(crate) fn drop_orphans(&self) -> u64 {
        let index = self.index();
        // What cannot be looked up is taken for known.
        let known = |id: BlobId| index.get(PLACES, &id.to_octets()).is_some() || index.take_fault().is_err();
        let names: BTreeSet<String> = self.bulk().list().unwrap_or_default().into_iter().collect();
        let orphans = names.into_iter().filter(|name| BlobPlace::blob_of(name).is_some_and(|id| !known(id)));
        let removed = orphans.filter(|name| self.bulk().remove(name).is_ok()).count();
        u64::try_from(removed).unwrap_or(u64::MAX)
    }
}
