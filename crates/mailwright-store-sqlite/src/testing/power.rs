//! The power of a machine: it may go off in the middle of anything that a disk is asked.

use std::future::pending;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What becomes of an operation that changes a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// It is done.
    Done,
    /// The power goes off in it: so many octets of a write are written. Another operation is done if that is odd, and
    /// nobody learns of it.
    Last(usize),
    /// The power is off.
    Off,
}

/// See the module. Shared by the disks of a machine.
#[derive(Debug, Default)]
pub(super) struct Power {
    /// Operations until it goes off, and how many octets of the last one are written.
    ordered: Mutex<Option<(u64, usize)>>,
    off: watch::Sender<bool>,
}

impl Power {
    pub(super) fn order(&self, nth: u64, octets: usize) {
        *self.ordered() = Some((nth, octets));
    }

    pub(super) fn cut(&self) {
        self.off.send_replace(true);
    }

    pub(super) fn is_off(&self) -> bool {
        *self.off.borrow()
    }

    pub(super) fn operation(&self) -> Operation {
        if self.is_off() {
            return Operation::Off;
        }
        let mut ordered = self.ordered();
        match ordered.take() {
            Some((nth, octets)) if nth <= 1 => {
                self.cut();
                Operation::Last(octets)
            }
            Some((nth, octets)) => {
                *ordered = Some((nth - 1, octets));
                Operation::Done
            }
            None => Operation::Done,
        }
    }

    /// Ready once it is off.
    pub(super) async fn is_lost(&self) {
        // There is always somebody who could cut it: this.
        let _ = self.off.subscribe().wait_for(|off| *off).await;
    }

    /// Ready at once, or never.
    pub(super) async fn is_on(&self) {
        if self.is_off() {
            pending::<()>().await;
        }
    }

    fn ordered(&self) -> MutexGuard<'_, Option<(u64, usize)>> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is left to hear of it.
pub(super) fn off() -> io::Error {
    io::Error::other("ordered: the power is off")
}
