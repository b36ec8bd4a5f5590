//! Mail for others: to another server of ours and to other people's, through crashes and floods.

mod aliases;
mod crash;
mod egress;
mod pair;
mod peers;
mod queue;
mod sink;
mod steer;

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// Looks until it is there.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not after {PATIENCE:?}");
        sleep(Duration::from_millis(20));
    }
}
