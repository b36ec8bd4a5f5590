//! All deadlines of a machine in one small table.

use std::time::Instant;

use smallvec::SmallVec;

/// Deadlines by kind, at most one of each kind.
#[derive(Debug, Clone)]
pub struct Timers<K> {
    set: SmallVec<[(K, Instant); 2]>,
}

impl<K: Copy + PartialEq> Timers<K> {
    /// No deadline.
    pub fn new() -> Self {
        Self { set: SmallVec::new() }
    }

    /// Sets or moves the deadline of `kind`.
    pub fn set(&mut self, kind: K, at: Instant) {
        match self.set.iter_mut().find(|timer| timer.0 == kind) {
            Some(timer) => timer.1 = at,
            None => self.set.push((kind, at)),
        }
    }

    /// Whether `kind` has a deadline.
    pub fn is_set(&self, kind: K) -> bool {
        self.set.iter().any(|timer| timer.0 == kind)
    }

    /// Forgets the deadline of `kind`.
    pub fn clear(&mut self, kind: K) {
        self.set.retain(|timer| timer.0 != kind);
    }

    /// Forgets all.
    pub fn clear_all(&mut self) {
        self.set.clear();
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.set.iter().map(|timer| timer.1).min()
    }

    /// Takes out the earliest deadline that lies at or before `now`.
    pub fn expired(&mut self, now: Instant) -> Option<K> {
        let due = self.set.iter().enumerate().filter(|(_, timer)| timer.1 <= now);
        let first = due.min_by_key(|(_, timer)| timer.1).map(|(at, _)| at)?;
        Some(self.set.swap_remove(first).0)
    }
}

impl<K: Copy + PartialEq> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}
