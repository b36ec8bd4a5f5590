//! The destinations that are remembered, in order of what happens to them next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use mailwright_core::Domain;

use super::config::SchedulerConfig;
use super::destination::Destination;

/// Destinations by name. Whatever changes goes through [`change`](Self::change), so that all indexes follow.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: BTreeMap<Domain, Row>,
    /// Those without attempts, the least recently changed first.
    idle: BTreeSet<(u64, Domain)>,
    /// Those out of reach, by when they are tried again.
    pauses: BTreeSet<(Instant, Domain)>,
    /// Those out of reach, by when their entries are looked at.
    sweeps: BTreeSet<(Instant, Domain)>,
    changes: u64,
}

#[derive(Debug)]
struct Row {
    destination: Destination,
    changed: u64,
    /// Whether it stands in `pauses`.
    is_paused: bool,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get(&self, route: &Domain) -> Option<&Destination> {
        self.known.get(route).map(|row| &row.destination)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Domain, &Destination)> {
        self.known.iter().map(|(route, row)| (route, &row.destination))
    }

    /// The first time at which a destination that was out of reach is tried again.
    pub(super) fn first_pause(&self) -> Option<Instant> {
        self.pauses.first().map(|(at, _)| *at)
    }

    /// The destinations whose entries are to be looked at by then.
    pub(super) fn sweeps(&self) -> impl Iterator<Item = (Instant, &Domain)> {
        self.sweeps.iter().map(|(at, route)| (*at, route))
    }

    /// Takes a pause that is over out of the order. Gives whether there was one.
    pub(super) fn end_pause(&mut self, now: Instant) -> bool {
        if self.first_pause().is_none_or(|at| now < at) {
            return false;
        }
        if let Some((_, route)) = self.pauses.pop_first()
            && let Some(row) = self.known.get_mut(&route)
        {
            row.is_paused = false;
        }
        true
    }

    /// Changes a destination, which is a new one if it is not known; then forgets what need not be known.
    pub(super) fn change(
        &mut self,
        route: &Domain,
        config: &SchedulerConfig,
        now: Instant,
        change: impl FnOnce(&mut Destination),
    ) {
        self.changes += 1;
        let mut destination = self.take(route).unwrap_or_else(|| Destination::new(config));
        change(&mut destination);
        if !destination.is_like_new(config, now) {
            self.put(route.clone(), destination, now);
        }
        while self.known.len() > config.destinations
            && let Some((_, oldest)) = self.idle.first().cloned()
        {
            self.take(&oldest);
        }
    }

    fn take(&mut self, route: &Domain) -> Option<Destination> {
        let Row { destination, changed, is_paused } = self.known.remove(route)?;
        if !destination.is_active() {
            self.idle.remove(&(changed, route.clone()));
        }
        if let Some(trouble) = destination.trouble() {
            if is_paused {
                self.pauses.remove(&(trouble.until, route.clone()));
            }
            self.sweeps.remove(&(trouble.sweep_at, route.clone()));
        }
        Some(destination)
    }

    fn put(&mut self, route: Domain, destination: Destination, now: Instant) {
        let changed = self.changes;
        if !destination.is_active() {
            self.idle.insert((changed, route.clone()));
        }
        let mut is_paused = false;
        if let Some(trouble) = destination.trouble() {
            is_paused = now < trouble.until;
            if is_paused {
                self.pauses.insert((trouble.until, route.clone()));
            }
            self.sweeps.insert((trouble.sweep_at, route.clone()));
        }
        self.known.insert(route, Row { destination, changed, is_paused });
    }
}
