//! What the engine shares with those who read and with those who ask how the store is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mailwright_core::Timestamp;
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
    /// When the first entry of the queue is due.
    pub(crate) due: Mutex<Option<Timestamp>>,
    /// There is something that the index does not show: a [`Job::Show`](crate::jobs::Job::Show) changes that.
    pub(crate) lags: AtomicBool,
    /// A write failed: nothing more is taken.
    pub(crate) poisoned: AtomicBool,
    /// Someone found the index to be other than it was written.
    pub(crate) damaged: AtomicBool,
    /// Little room is left: nothing is taken that needs much.
    pub(crate) low_space: AtomicBool,
}

impl Shared {
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_next_due(&self, due: Option<Timestamp>) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }
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
