//! Where checks run: injected, because it takes threads.

use std::future::{Future, ready};
use std::pin::Pin;

use super::check::{Checked, PasswordCheck};

/// A check under way.
pub type Checking = Pin<Box<dyn Future<Output = Checked> + Send>>;

/// Runs password checks where they hold up nobody: a runtime's blocking threads, a pool, a queue of a
/// simulation.
///
/// An implementation bounds what it takes on at once (each check holds its
/// [`memory_kib`](PasswordCheck::memory_kib)) and how many wait, and answers [`Checked::Unable`] beyond that
/// and when it cannot finish. It must not treat checks differently. To have them all cost the same time, also
/// drop none when the future is dropped: a client that leaves has still tried a password.
pub trait Offload: Send + Sync + 'static {
    /// Starts the check, or queues it.
    fn check(&self, check: PasswordCheck) -> Checking;
}

/// Runs a check at once on the caller's thread: for tests, simulation and servers of one thread a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inline;

impl Offload for Inline {
    fn check(&self, check: PasswordCheck) -> Checking {
        Box::pin(ready(check.run()))
    }
}
