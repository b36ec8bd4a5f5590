//! Password checks, off the threads that serve connections.

use std::future::ready;
use std::sync::Arc;

use mailwright_auth::{Checked, Checking, Offload, PasswordCheck};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many password checks at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingLimits {
    /// Memory of the checks that run, in KiB. Default 128 MiB, which is six at Argon2's default cost. Cost:
    /// that memory while they run.
    pub memory_kib: u32,
    /// Checks that run or wait for memory, beyond which a client is told to try again. Default 256. Cost: a
    /// few hundred bytes and a connection each.
    pub waiting: usize,
}

impl Default for BlockingLimits {
    fn default() -> Self {
        Self { memory_kib: 128 << 10, waiting: 256 }
    }
}

/// [`Offload`] to tokio's blocking threads.
#[derive(Debug, Clone)]
pub struct Blocking {
    memory: Arc<Semaphore>,
    memory_kib: u32,
    places: Arc<Semaphore>,
}

impl Blocking {
    /// Within these limits.
    pub fn new(limits: &BlockingLimits) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(limits.memory_kib as usize)),
            memory_kib: limits.memory_kib,
            places: Arc::new(Semaphore::new(limits.waiting)),
        }
    }
}

impl Default for Blocking {
    fn default() -> Self {
        Self::new(&BlockingLimits::default())
    }
}

impl Offload for Blocking {
    /// A check that was taken runs to its end, also if nobody waits for it any more: so that hanging up saves
    /// an attacker nothing. Called within a tokio runtime.
    fn check(&self, check: PasswordCheck) -> Checking {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Box::pin(ready(Checked::Unable));
        };
        let share = check.memory_kib().min(self.memory_kib);
        let memory = Arc::clone(&self.memory).acquire_many_owned(share);
        let run = tokio::spawn(async move {
            let held = (place, memory.await);
            let run = spawn_blocking(move || {
                let _held = held;
                check.run()
            });
            run.await.unwrap_or(Checked::Unable)
        });
        Box::pin(async move { run.await.unwrap_or(Checked::Unable) })
    }
}
