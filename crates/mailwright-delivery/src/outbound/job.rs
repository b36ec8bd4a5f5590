//! What an attempt is for.

use mailwright_store::QueueEntry;

use crate::deliver::Parts;

/// A message, and where it is kept.
pub(super) struct Job<'a, S> {
    pub(super) store: &'a S,
    pub(super) entry: &'a QueueEntry,
    pub(super) parts: &'a Parts,
}
