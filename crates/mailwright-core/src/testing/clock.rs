//! Time and randomness that are the same at every run.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::time::{Clock, Entropy, Timestamp};

/// A clock that moves when told.
#[derive(Debug)]
pub struct FakeClock {
    start: Instant,
    elapsed: Mutex<Duration>,
}

impl FakeClock {
    /// 2026-01-01T00:00:00Z.
    pub const EPOCH: Timestamp = Timestamp(1_767_225_600_000);

    /// At [`EPOCH`](Self::EPOCH).
    #[expect(clippy::new_without_default, reason = "two clocks differ")]
    pub fn new() -> Self {
        Self { start: start(), elapsed: Mutex::new(Duration::ZERO) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FakeClock {
    fn mono(&self) -> Instant {
        self.start + self.elapsed()
    }

    fn wall(&self) -> Timestamp {
        Self::EPOCH.saturating_add(self.elapsed())
    }
}

/// Some instant: there is no other way to get one than to ask the clock. Only differences are ever used.
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
pub(super) fn start() -> Instant {
    Instant::now()
}

/// Random bytes from a seed (SplitMix64).
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The same bytes for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (byte, random) in chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
    }
}
