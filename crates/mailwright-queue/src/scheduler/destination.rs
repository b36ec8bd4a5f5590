//! What is known of a destination: how much it takes, and whether it answers.

use std::time::Instant;

use super::config::{SchedulerConfig, later};
use crate::diagnostic::Diagnostic;

/// A destination.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    /// Attempts under way.
    active: usize,
    /// How many there may be.
    limit: usize,
    /// Attempts that went well since `limit` changed.
    served: usize,
    /// When one last went well.
    served_at: Option<Instant>,
    /// When `limit` was last halved. What was begun before tells nothing new.
    halved_at: Option<Instant>,
    ceiling: Option<Ceiling>,
    trouble: Option<Trouble>,
}

/// How many attempts at once it is known to take.
#[derive(Debug, Clone, Copy)]
struct Ceiling {
    attempts: usize,
    until: Instant,
}

/// It is out of reach.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// When that was last seen.
    at: Instant,
    /// How often in a row.
    failures: u32,
    /// Until when it is left alone; then a single attempt shows.
    pub(super) until: Instant,
    /// When its entries are looked at.
    pub(super) sweep_at: Instant,
    /// What was seen.
    pub(super) why: Box<Diagnostic>,
}

impl Destination {
    pub(super) fn new(config: &SchedulerConfig) -> Self {
        Self {
            active: 0,
            limit: config.initial(),
            served: 0,
            served_at: None,
            halved_at: None,
            ceiling: None,
            trouble: None,
        }
    }

    /// How many more attempts it takes.
    pub(super) fn room(&self, now: Instant) -> usize {
        let limit = match &self.trouble {
            None => self.limit,
            Some(trouble) if now < trouble.until => 0,
            Some(_) => 1,
        };
        limit.saturating_sub(self.active)
    }

    pub(super) fn is_active(&self) -> bool {
        self.active > 0
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Whether a new one would be treated in the same way.
    pub(super) fn is_like_new(&self, config: &SchedulerConfig, now: Instant) -> bool {
        !self.is_active()
            && self.trouble.is_none()
            && self.limit == config.initial()
            && self.ceiling.is_none_or(|ceiling| ceiling.until <= now)
    }

    pub(super) fn begin(&mut self) {
        self.active += 1;
    }

    pub(super) fn end_neutral(&mut self) {
        self.active = self.active.saturating_sub(1);
    }

    /// One more for each time that all went well (additive increase), up to what it is known to take.
    pub(super) fn end_served(&mut self, config: &SchedulerConfig, now: Instant) {
        self.active = self.active.saturating_sub(1);
        self.served_at = Some(now);
        if self.trouble.take().is_some() {
            self.limit = self.limit.min(config.initial());
        }
        self.served += 1;
        if self.served < self.limit {
            return;
        }
        self.served = 0;
        if self.ceiling.is_some_and(|ceiling| ceiling.until <= now) {
            self.ceiling = None;
        }
        let ceiling = self.ceiling.map_or(config.destination_max, |ceiling| ceiling.attempts);
        if self.limit < ceiling.min(config.destination_max) {
            self.limit += 1;
        }
    }

    /// Half as many (multiplicative decrease), once for all that were under way together. One that is still too
    /// many is none for a while.
    pub(super) fn end_busy(
        &mut self,
        begun: Instant,
        why: Diagnostic,
        config: &SchedulerConfig,
        now: Instant,
    ) {
        let known =
            self.ceiling.filter(|ceiling| now < ceiling.until).map_or(usize::MAX, |known| known.attempts);
        let attempts = self.active.saturating_sub(1).clamp(1, known.max(1));
        self.ceiling = Some(Ceiling { attempts, until: later(now, config.ceiling_kept) });
        if self.limit == 1 || self.trouble.is_some() {
            return self.end_unreachable(begun, why, config, now);
        }
        self.active = self.active.saturating_sub(1);
        if self.halved_at.is_none_or(|halved| halved < begun) {
            self.halved_at = Some(now);
            self.limit = (self.limit / 2).max(1);
            self.served = 0;
        }
    }

    /// It is left alone, each time for longer; but not for one attempt that failed while another went well.
    pub(super) fn end_unreachable(
        &mut self,
        begun: Instant,
        why: Diagnostic,
        config: &SchedulerConfig,
        now: Instant,
    ) {
        if self.limit > 1 && self.trouble.is_none() && self.served_at.is_some_and(|served| begun <= served) {
            return self.end_busy(begun, why, config, now);
        }
        self.active = self.active.saturating_sub(1);
        // Whoever was told before that it is out of reach has told nothing new.
        let known = self.trouble.take();
        let (failures, until) = match &known {
            Some(trouble) if begun <= trouble.at => (trouble.failures, trouble.until),
            _ => {
                let failures = known.as_ref().map_or(0, |trouble| trouble.failures).saturating_add(1);
                (failures, later(now, config.pause(failures)))
            }
        };
        let at = known.as_ref().filter(|trouble| begun <= trouble.at).map_or(now, |trouble| trouble.at);
        let sweep_at = known.map_or(later(now, config.sweep_every), |trouble| trouble.sweep_at);
        self.trouble = Some(Trouble { at, failures, until, sweep_at, why: Box::new(why) });
    }

    /// Its entries were looked at; they are again at that time.
    pub(super) fn sweep_again(&mut self, at: Instant) {
        if let Some(trouble) = &mut self.trouble {
            trouble.sweep_at = at;
        }
    }

    /// It is tried again at once.
    pub(super) fn resume(&mut self, now: Instant) {
        if let Some(trouble) = &mut self.trouble {
            trouble.until = trouble.until.min(now);
        }
    }
}
