//! The scheduler: whom to ask the store for, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mailwright_core::{Domain, QueueId};
use mailwright_store::Selector;

use super::config::{SchedulerConfig, later};
use super::destination::Destination;
use super::feedback::Feedback;
use super::table::Table;
use crate::diagnostic::Diagnostic;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Work {
    /// Claim so many entries, begin to deliver each, and tell which by [`Scheduler::claimed`].
    Claim {
        /// From where.
        selector: Selector,
        /// How many at most.
        limit: usize,
    },
    /// Claim so many entries of a destination that is out of reach, settle each as
    /// [`Attempt::Untried`](crate::Attempt::Untried) because of `why`, and tell how many by [`Scheduler::swept`].
    Sweep {
        /// Whose.
        route: Domain,
        /// How many at most.
        limit: usize,
        /// Why they are not tried.
        why: Box<Diagnostic>,
        /// How long that will be so.
        rest: Duration,
    },
    /// Nothing, until then or until something is told.
    Wait {
        /// The time; `None` if something must be told first.
        until: Option<Instant>,
    },
}

/// What the scheduler holds: for metrics, and to see that it is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Attempts under way; at most [`SchedulerConfig::concurrency`].
    pub active: usize,
    /// Destinations remembered; at most the larger of [`SchedulerConfig::destinations`] and `concurrency`.
    pub destinations: usize,
    /// Destinations that have had their turn in this round; at most [`SchedulerConfig::destinations`].
    pub served: usize,
}

/// Decides which destinations get how many of the attempts that may run together.
///
/// It knows entries only while they are tried, and of destinations only what is not as with all others: its memory
/// is bounded by [`SchedulerConfig`], however long the queue is. It has no clock: `now` is an argument.
///
/// - **Fair.** Destinations with entries due take turns; in a round each gets one attempt, and more only as long as
///   nobody waits. Whose entries have waited longest begins.
/// - **Adaptive.** A destination that takes what it gets gets one more at a time, one that says it is too much half.
/// - **Patient.** A destination that does not answer is left alone for longer and longer, with all of its entries;
///   then a single attempt shows whether it is back.
///
/// The loop around it: do what [`next`](Self::next) says, tell what came of it, again. After anything is told, and
/// whenever the queue in the store changes ([`changed`](Self::changed)), ask again.
#[derive(Debug)]
pub struct Scheduler {
    config: SchedulerConfig,
    active: BTreeMap<QueueId, Active>,
    table: Table,
    look: Look,
    /// Those that have had their turn in this round.
    served: BTreeSet<Domain>,
    /// How many attempts each gets in this round.
    share: usize,
    sweeping: Option<Domain>,
}

/// An attempt under way.
#[derive(Debug)]
struct Active {
    route: Domain,
    begun: Instant,
}

/// Whether the store is to be asked for entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Yes.
    Now,
    /// It was, and has not answered.
    Asked {
        /// How many it was asked for.
        limit: usize,
        /// Whether there was reason to ask since.
        again: bool,
    },
    /// At that time; `None` if it has nothing.
    Later(Option<Instant>),
}

impl Scheduler {
    /// Nothing is known, and the store not yet asked.
    pub fn new(config: SchedulerConfig) -> Self {
        Self {
            config,
            active: BTreeMap::new(),
            table: Table::default(),
            look: Look::Now,
            served: BTreeSet::new(),
            share: 1,
            sweeping: None,
        }
    }

    /// What to do now. A claim costs time with the number of remembered destinations, all else with its logarithm.
    pub fn next(&mut self, now: Instant) -> Work {
        while self.table.end_pause(now) {
            self.look_now();
        }
        if let Some(sweep) = self.sweep(now) {
            return sweep;
        }
        if let Look::Later(Some(at)) = self.look
            && at <= now
        {
            self.look = Look::Now;
        }
        let free = self.config.concurrency.max(1).saturating_sub(self.active.len());
        if self.look == Look::Now && free > 0 {
            let limit = free.min(self.config.claim_entries.max(1));
            self.look = Look::Asked { limit, again: false };
            return Work::Claim { selector: self.selector(now), limit };
        }
        let look = match self.look {
            Look::Later(at) => at,
            // With no room for more, the end of an attempt is waited for.
            Look::Now | Look::Asked { .. } => None,
        };
        let until = look.into_iter().chain(self.table.first_pause()).chain(self.next_sweep(now)).min();
        Work::Wait { until }
    }

    /// The store has given these; `next_due` is how long it is until its next entry is due, as its `next_due` tells
    /// (zero if that time is past), and `None` if it has none. After a claim that failed: none, and the time after
    /// which to ask again.
    pub fn claimed(
        &mut self,
        entries: impl IntoIterator<Item = (QueueId, Domain)>,
        next_due: Option<Duration>,
        now: Instant,
    ) {
        let was_fresh = self.served.is_empty();
        let mut count = 0;
        for (entry, route) in entries {
            count += 1;
            self.table.change(&route, &self.config, now, Destination::begin);
            self.served.insert(route.clone());
            if let Some(lost) = self.active.insert(entry, Active { route, begun: now }) {
                // The lease of the first attempt has run out, and it was claimed again.
                self.table.change(&lost.route, &self.config, now, Destination::end_neutral);
            }
        }
        let (limit, again) = match self.look {
            Look::Asked { limit, again } => (limit, again),
            Look::Now | Look::Later(_) => (count, true),
        };
        let is_over = next_due.is_none_or(|wait| !wait.is_zero());
        if count >= limit && !is_over {
            // Others may be waiting.
            self.share = 1;
            self.look = Look::Now;
        } else {
            self.served.clear();
            if was_fresh {
                // All together took less than there is room for.
                self.share = self.share.saturating_mul(2).min(self.config.destination_max.max(1));
            }
            self.look = match (is_over || count == 0 && was_fresh) && !again {
                true => Look::Later(next_due.map(|wait| {
                    // What is due already belongs to those who cannot be tried now.
                    later(now, if wait.is_zero() { self.config.poll } else { wait })
                })),
                false => Look::Now,
            };
        }
        if self.served.len() >= self.config.destinations {
            self.served.clear();
        }
    }

    /// An attempt has ended. One that is not known, or was told before, is passed over.
    pub fn finished(&mut self, entry: QueueId, feedback: Feedback, now: Instant) {
        let Some(Active { route, begun }) = self.active.remove(&entry) else { return };
        let config = &self.config;
        let room = |table: &Table| table.get(&route).map_or(config.initial(), |known| known.room(now));
        let before = room(&self.table);
        self.table.change(&route, config, now, |destination| match feedback {
            Feedback::Served => destination.end_served(config, now),
            Feedback::Busy(why) => destination.end_busy(begun, why, config, now),
            Feedback::Unreachable(why) => destination.end_unreachable(begun, why, config, now),
            Feedback::Neutral => destination.end_neutral(),
        });
        if before == 0 && room(&self.table) > 0 {
            self.look_now();
        }
    }

    /// So many entries of a [`Work::Sweep`] were settled.
    pub fn swept(&mut self, route: &Domain, count: usize, now: Instant) {
        if self.sweeping.as_ref() == Some(route) {
            self.sweeping = None;
        }
        if self.table.get(route).is_none() {
            return;
        }
        let again = match count >= self.config.sweep_entries.max(1) {
            true => now,
            false => later(now, self.config.sweep_every),
        };
        self.table.change(route, &self.config, now, |destination| destination.sweep_again(again));
    }

    /// The queue in the store has changed: there may be more due than was known.
    pub fn changed(&mut self) {
        self.look_now();
    }

    /// A destination that was out of reach is to be tried again at once: an administrator says so, or it has just
    /// sent mail itself (RFC 5321 §4.5.4.1).
    pub fn resume(&mut self, route: &Domain, now: Instant) {
        if self.table.get(route).is_some() {
            self.table.change(route, &self.config, now, |destination| destination.resume(now));
            self.look_now();
        }
    }

    /// Why a destination is left alone, and for how long, if it is. Who has claimed an entry and not yet begun asks
    /// once more.
    pub fn pause(&self, route: &Domain, now: Instant) -> Option<(&Diagnostic, Duration)> {
        let trouble = self.table.get(route)?.trouble().filter(|trouble| now < trouble.until)?;
        Some((&trouble.why, trouble.until.saturating_duration_since(now)))
    }

    /// What it holds.
    pub fn usage(&self) -> Usage {
        let (active, destinations, served) = (self.active.len(), self.table.len(), self.served.len());
        Usage { active, destinations, served }
    }

    fn look_now(&mut self) {
        self.look = match self.look {
            Look::Asked { limit, .. } => Look::Asked { limit, again: true },
            Look::Now | Look::Later(_) => Look::Now,
        };
    }

    /// Each destination may have its share of this round, if it has room.
    fn selector(&self, now: Instant) -> Selector {
        let known = self.table.iter();
        let mut except: BTreeMap<Domain, usize> =
            known.map(|(route, known)| (route.clone(), known.room(now).min(self.share))).collect();
        except.extend(self.served.iter().map(|route| (route.clone(), 0)));
        Selector::Any { room: self.config.initial().min(self.share), except }
    }

    /// The next look at the entries of a destination that is out of reach. While that is tried again there is none.
    fn sweep(&mut self, now: Instant) -> Option<Work> {
        if self.sweeping.is_some() {
            return None;
        }
        let mut due = self.table.sweeps().take_while(|(at, _)| *at <= now);
        let (route, why, rest) = due.find_map(|(_, route)| {
            let (why, rest) = self.pause(route, now)?;
            Some((route.clone(), why.clone(), rest))
        })?;
        self.sweeping = Some(route.clone());
        Some(Work::Sweep { route, limit: self.config.sweep_entries.max(1), why: Box::new(why), rest })
    }

    /// When there will be one. Those that are due and not begun wait for something else.
    fn next_sweep(&self, now: Instant) -> Option<Instant> {
        self.table.sweeps().map(|(at, _)| at).find(|at| now < *at)
    }
}
