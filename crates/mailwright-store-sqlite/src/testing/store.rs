//! The store itself: an engine of this thread, and the way to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailwright_store::Unavailable;
use mailwright_store::model::State;
use tokio::sync::oneshot;

use super::config::SimConfig;
use super::crash::{Images, SimDisks, after};
use super::disk::SimDisk;
use super::power::Power;
use crate::engine::{Engine, Parts, position};
use crate::index::{Image, Index, Location};
use crate::jobs::Job;
use crate::lag::Allowed;
use crate::log::{Log, LogConfig, LogError, LogReader, StoreId};
use crate::open::{OpenError, OpenReport};
use crate::shared::Shared;

thread_local! {
    /// SQLite's connection stays with its thread, and a [`Store`](mailwright_store::Store) may go anywhere: so the
    /// engines stay here, and stores know their numbers.
    static ENGINES: RefCell<BTreeMap<u64, Engine<SimDisk>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A store on simulated disks. It is to be used on the thread that opened it; on others it is unavailable.
///
/// Clones are the same store. Once it has [crashed](Self::crash), or the power is off, who asks it anything waits for
/// ever, as a process waits that is no more.
#[derive(Clone)]
pub struct SimStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    number: u64,
    pub(super) config: SimConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) power: Arc<Power>,
    pub(super) log: LogReader<SimDisk>,
    pub(super) bulk: Arc<SimDisk>,
    log_disk: SimDisk,
    /// For the ids of blobs, as in the store on a real disk.
    pub(super) epoch: u32,
    pub(super) blobs: AtomicU64,
    /// The next group.
    waiting: Mutex<Vec<Job>>,
    groups: AtomicU64,
    /// What the index had some groups ago.
    earlier: Mutex<Image>,
}

impl SimStore {
    /// Opens what is on these disks, or a new store.
    ///
    /// # Errors
    /// If it cannot be opened: that is a fault of the store, as long as the disks take what it writes and the power
    /// does not [go off](SimConfig::cut_power) meanwhile.
    pub fn open(disks: SimDisks, config: SimConfig) -> Result<(Self, OpenReport), OpenError> {
        let SimDisks { log, bulk, index } = disks;
        let (power, shared) = (Arc::new(Power::default()), Arc::new(Shared::default()));
        if let Some((nth, octets)) = config.cut_power {
            power.order(nth, octets);
        }
        let log_disk = SimDisk::new(log, &power);
        let bulk = Arc::new(SimDisk::new(bulk, &power));
        let opened = |fault| OpenError::Index(Unavailable::new(fault));
        let index = Index::open(&Location::Memory(index)).map_err(opened)?;
        let proven = position(&index).map_err(opened)?;
        let log_config = LogConfig { segment_bytes: config.segment_bytes, ..LogConfig::default() };
        let (log, found) = match Log::open(log_disk.clone(), log_config, None, proven) {
            Err(LogError::NoLog) if proven.is_none() => {
                let log = Log::create(log_disk.clone(), log_config, StoreId(config.store_id))?;
                (log, crate::log::OpenReport::default())
            }
            opened => opened?,
        };
        let reader = log.reader();
        let parts = Parts {
            log,
            location: Location::Memory(None),
            bulk: Arc::clone(&bulk),
            limits: config.limits.clone(),
            cached_rows: config.cached_rows,
            lag: Allowed { rows: config.lag_rows, octets: config.lag_bytes },
            shared: Arc::clone(&shared),
        };
        let (engine, replayed) =
            Engine::open(parts, index, config.first_uid_validity).map_err(OpenError::Index)?;
        let report = OpenReport {
            created: replayed.created,
            replayed: replayed.groups,
            rebuilt: (replayed.rebuilt || proven.is_none()) && !replayed.created,
            orphans: engine.drop_orphans(),
            cut: found.cut.map(|position| position.group),
            damage: found.damage,
        };
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let inner = Inner {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            config,
            shared,
            power,
            log: reader,
            bulk,
            log_disk,
            epoch: u32::try_from(engine.epoch()).unwrap_or(u32::MAX),
            blobs: AtomicU64::new(0),
            waiting: Mutex::default(),
            groups: AtomicU64::new(0),
            earlier: Mutex::new(engine.index().image()),
        };
        ENGINES.with_borrow_mut(|engines| engines.insert(inner.number, engine));
        Ok((Self(Arc::new(inner)), report))
    }

    /// Ends it in the way of this seed: killed, or without power. The same store and seed leave the same disks.
    /// A second crash leaves what the first did, but for SQLite's part.
    pub fn crash(&self, seed: u64) -> SimDisks {
        let inner = &*self.0;
        inner.power.cut();
        let engine = ENGINES.with_borrow_mut(|engines| engines.remove(&inner.number));
        let present = engine.map(|engine| {
            // What the power has interrupted never was.
            engine.index().roll_back();
            engine.index().image()
        });
        let images = Images { earlier: Some(std::mem::take(&mut *lock(&inner.earlier))), present };
        after(seed, inner.log_disk.faults(), inner.bulk.faults(), images)
    }

    /// The `nth` sync of the log from now on, of its file or its directory, fails; 1 is the next one. The store then
    /// takes nothing more until it is opened anew.
    pub fn fail_sync(&self, nth: u64) {
        self.0.log_disk.faults().fail_sync(nth);
    }

    /// The `nth` write to the log from now on writes only so many octets, and fails; 1 is the next one.
    pub fn fail_write(&self, nth: u64, octets: usize) {
        self.0.log_disk.faults().fail_write(nth, octets);
    }

    /// From now on the log may have so many octets; what would be more finds the disk full. `None` is no bound.
    pub fn set_capacity(&self, octets: Option<u64>) {
        self.0.log_disk.faults().set_capacity(octets);
    }

    /// The power goes off in the `nth` operation from now on that changes or syncs a disk, 1 is the next one; if that
    /// is a write when so many octets are written. See [`power_lost`](Self::power_lost).
    pub fn cut_power(&self, nth: u64, octets: usize) {
        self.0.power.order(nth, octets);
    }

    /// Ready once the power is off: it is time to [`crash`](Self::crash) it.
    pub async fn power_lost(&self) {
        self.0.power.is_lost().await;
    }

    /// Whether both are clones of one, which was opened once.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How many groups it made durable, or refused, since it was opened.
    pub fn groups(&self) -> u64 {
        self.0.groups.load(Ordering::Relaxed)
    }

    pub(super) async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unavailable> {
        let (answer, done) = oneshot::channel();
        let pause = self.pause(job(answer));
        pause.await;
        self.step();
        self.0.power.is_on().await;
        done.await.map_err(|_| Unavailable::default())
    }

    fn pause(&self, job: Job) -> impl Future<Output = ()> + Send + use<> {
        lock(&self.0.waiting).push(job);
        (self.0.config.pause)()
    }

    /// Does what waits, as a group. Whoever comes first does it for all.
    fn step(&self) {
        let inner = &*self.0;
        let jobs = std::mem::take(&mut *lock(&inner.waiting));
        if jobs.is_empty() || inner.power.is_off() {
            return;
        }
        ENGINES.with_borrow_mut(|engines| {
            let Some(engine) = engines.get_mut(&inner.number) else { return };
            engine.step(jobs);
            let groups = inner.groups.fetch_add(1, Ordering::Relaxed) + 1;
            if groups.is_multiple_of(inner.config.image_groups) && !inner.power.is_off() {
                *lock(&inner.earlier) = engine.index().image();
            }
        });
    }

    /// Reads what the index may not show yet.
    pub(super) async fn read_all<T>(&self, read: impl FnOnce(&State<Index>) -> T) -> Result<T, Unavailable> {
        self.0.power.is_on().await;
        if self.0.shared.lags.load(Ordering::Acquire) {
            self.ask(Job::Show).await??;
        }
        self.read(read).await
    }

    pub(super) async fn read<T>(&self, read: impl FnOnce(&State<Index>) -> T) -> Result<T, Unavailable> {
        self.0.power.is_on().await;
        self.0.look(|state, _| read(state))
    }
}

impl Inner {
    /// Reads the index as it is after the last group.
    pub(super) fn look<T>(&self, read: impl FnOnce(&State<Index>, &Index) -> T) -> Result<T, Unavailable> {
        ENGINES.with_borrow(|engines| {
            let index = engines.get(&self.number).ok_or_else(Unavailable::default)?.index();
            let done = read(&State::new(index.clone()), index);
            index.take_fault().map_err(Unavailable::new)?;
            Ok(done)
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // If the thread ends, so do its engines.
        let _ = ENGINES.try_with(|engines| engines.borrow_mut().remove(&self.number));
    }
}

impl fmt::Debug for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimStore").field("groups", &self.groups()).finish_non_exhaustive()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
