//! What attempts remember of what did not work, for those after them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Something that did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// There was no answer from there.
    Silent(SocketAddr),
    /// There is no way from there (from anywhere here, if it is none) to IPv6 if so, else to IPv4.
    NoWay { from: Option<IpAddr>, v6: bool },
    /// That address of ours could not be used.
    Source(IpAddr),
    /// The handshake failed behind an opportunistic STARTTLS, and mail went without.
    Tls(SocketAddr),
}

/// Faults, each for a while.
#[derive(Debug)]
pub(super) struct Memory {
    /// Of them, at most.
    max: usize,
    /// And until when they are believed in.
    faults: Mutex<BTreeMap<Fault, Instant>>,
}

impl Memory {
    pub(super) fn new(max: usize) -> Self {
        Self { max, faults: Mutex::default() }
    }

    pub(super) fn has(&self, fault: Fault, now: Instant) -> bool {
        self.faults().get(&fault).is_some_and(|until| now < *until)
    }

    /// If there are too many, the one that would be forgotten first is.
    pub(super) fn remember(&self, fault: Fault, now: Instant, until: Instant) {
        let mut faults = self.faults();
        if self.max == 0 || until <= now {
            return;
        }
        if faults.len() >= self.max && !faults.contains_key(&fault) {
            faults.retain(|_, until| now < *until);
        }
        if faults.len() >= self.max
            && !faults.contains_key(&fault)
            && let Some(soonest) = faults.iter().min_by_key(|(_, until)| **until).map(|(fault, _)| *fault)
        {
            faults.remove(&soonest);
        }
        faults.insert(fault, until);
    }

    pub(super) fn forget(&self, fault: Fault) {
        self.faults().remove(&fault);
    }

    fn faults(&self) -> MutexGuard<'_, BTreeMap<Fault, Instant>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_forgets() {
        let (memory, start) = (Memory::new(3), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let fault = |port| Fault::Silent(([192, 0, 2, 1], port).into());
        let remembered = |now| (1..=6).filter(|port| memory.has(fault(*port), at(now))).collect::<Vec<u16>>();
        for (port, until) in [(1, 30), (2, 10), (3, 20)] {
            memory.remember(fault(port), at(0), at(until));
        }
        assert_eq!((remembered(0), remembered(10), remembered(30)), (vec![1, 2, 3], vec![1, 3], vec![]));
        // The soonest goes.
        memory.remember(fault(4), at(0), at(40));
        assert_eq!(remembered(0), [1, 3, 4]);
        // Those whose time is over go first.
        memory.remember(fault(5), at(35), at(50));
        assert_eq!(remembered(0), [4, 5]);
        // What is known already takes no other's place.
        memory.remember(fault(6), at(35), at(60));
        memory.remember(fault(4), at(35), at(70));
        assert_eq!(remembered(45), [4, 5, 6]);
        memory.forget(fault(4));
        memory.remember(fault(1), at(45), at(45));
        assert_eq!(remembered(45), [5, 6]);

        let nothing = Memory::new(0);
        nothing.remember(fault(1), at(0), at(10));
        assert!(!nothing.has(fault(1), at(0)));
    }
}
