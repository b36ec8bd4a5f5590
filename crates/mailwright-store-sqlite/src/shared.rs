//! What the engine shares with those who read and with those who ask how the store is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mailwright_store::ChangeHub;

use crate::hot::Hot;
use crate::staged::Staging;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) hub: ChangeHub,
    pub(crate) staging: Staging,
    pub(crate) hot: Hot,
    pub(crate) generation: Arc<Generation>,
    /// A write failed: nothing more is taken.
    pub(crate) poisoned: AtomicBool,
    /// Someone found the index to be other than it was written.
    pub(crate) damaged: AtomicBool,
    /// Little room is left: nothing is taken that needs much.
    pub(crate) low_space: AtomicBool,
}

/// Which index is the present one: raised whenever it was built anew.
#[derive(Debug, Default)]
pub(crate) struct Generation(AtomicU64);

impl Generation {
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
