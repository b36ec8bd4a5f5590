//! What is left of a store when everything ends.

use mailwright_store::disk::{Crash, FaultDisk, Survivors};

use crate::index::Image;

/// The disks of a store that does not run. Clones share them, but for SQLite's part.
#[derive(Debug, Clone, Default)]
pub struct SimDisks {
    pub(super) log: FaultDisk,
    pub(super) bulk: FaultDisk,
    /// What SQLite comes back with, if with anything.
    pub(super) index: Option<Image>,
}

impl SimDisks {
    /// Empty ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Disks on which every sync succeeds and does nothing: a simulation that finds no fault with these finds none
    /// anywhere.
    pub fn ignoring_syncs() -> Self {
        Self { log: FaultDisk::ignoring_syncs(), bulk: FaultDisk::ignoring_syncs(), index: None }
    }

    /// After the crash of this seed: when the power went off while a store was being opened on a clone of these.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let images = Images { earlier: self.index.clone(), present: self.index.clone() };
        after(seed, &self.log, &self.bulk, images)
    }

    /// Of the log: see [`SimStore::set_capacity`](super::SimStore::set_capacity).
    pub fn set_capacity(&self, octets: Option<u64>) {
        self.log.set_capacity(octets);
    }
}

/// What the index was at some moments.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) earlier: Option<Image>,
    pub(super) present: Option<Image>,
}

/// The disks after the crash of this seed: the process is killed, or the power goes off and takes any part of what
/// was not synced; SQLite comes back as it was, as it was some time before, or not at all.
pub(super) fn after(seed: u64, log: &FaultDisk, bulk: &FaultDisk, images: Images) -> SimDisks {
    let crash = |salt: u64| match seed % 8 {
        0..3 => Crash::Kill,
        3 => Crash::PowerCut(Survivors::Nothing),
        4 => Crash::PowerCut(Survivors::Everything),
        _ => Crash::PowerCut(Survivors::Seed(seed ^ salt)),
    };
    let index = match seed / 8 % 4 {
        0 => None,
        1 => images.earlier,
        _ => images.present,
    };
    SimDisks { log: log.crash(&crash(0)), bulk: bulk.crash(&crash(1)), index }
}
