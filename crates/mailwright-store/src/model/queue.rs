//! Operations on the queue.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Bound;
use std::time::Duration;

use mailwright_core::{Domain, QueueId, Timestamp, TraceId};

use super::field::Field;
use super::state::{State, Totals};
use super::table::{Base, Table};
use super::txn::Txn;
use crate::change::Topic;
use crate::limits::{Limit, Limits};
use crate::outcome::{Cause, OpOutcome};
use crate::queue::{
    Claim, Claimed, Fence, Lease, LeaseHolder, NewEntry, Priority, QueueEntry, QueueOp, QueueRecipient,
    Selector, Settlement,
};

impl<B: Base> Txn<'_, B> {
    pub(super) fn enqueue(&mut self, new: NewEntry) -> Result<OpOutcome, Cause> {
        let NewEntry { id, route, priority, due, expires, sender, recipients, envelope, blob } = new;
        self.check_recipients(&recipients)?;
        if envelope.bytes.len() > self.limits.envelope_bytes {
            return Err(Cause::Over(Limit::EnvelopeBytes));
        }
        if self.state.entries.contains(&id) {
            return Err(Cause::EntryExists(id));
        }
        let size = self.refer(blob)?;
        let entry = QueueEntry {
            id,
            route,
            priority,
            due,
            expires,
            queued: self.now,
            attempts: 0,
            note: String::new(),
            held: false,
            lease: None,
            sender,
            recipients,
            envelope,
            blob,
            size,
        };
        self.state.replace_entry(None, Some(entry));
        self.hints.insert(Topic::Queue);
        Ok(OpOutcome::Done)
    }

    fn check_recipients(&self, recipients: &[QueueRecipient]) -> Result<(), Cause> {
        if recipients.is_empty() {
            return Err(Cause::NoRecipient);
        }
        if recipients.len() > self.limits.recipients_per_entry {
            return Err(Cause::Over(Limit::RecipientsPerEntry));
        }
        if recipients.iter().any(|recipient| recipient.params.bytes.len() > self.limits.envelope_bytes) {
            return Err(Cause::Over(Limit::EnvelopeBytes));
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, lease: &Lease, settlement: Settlement) -> Result<OpOutcome, Cause> {
        let entry =
            self.state.entries.get(&lease.entry).filter(|entry| entry.holds(lease)).map(Cow::into_owned);
        let entry = entry.ok_or(Cause::LeaseLost(lease.entry))?;
        let blob = entry.blob;
        let after = match settlement {
            Settlement::Ack => None,
            Settlement::Defer { due, recipients, note } => {
                self.check_recipients(&recipients)?;
                if note.len() > self.limits.envelope_bytes {
                    return Err(Cause::Over(Limit::EnvelopeBytes));
                }
                let attempts = entry.attempts.saturating_add(1);
                Some(QueueEntry { due, recipients, note, attempts, lease: None, ..entry.clone() })
            }
            Settlement::Return { due } => Some(QueueEntry { due, lease: None, ..entry.clone() }),
        };
        let settled = after.is_none();
        self.state.replace_entry(Some(entry), after);
        if settled {
            self.forget(blob);
        }
        self.hints.insert(Topic::Queue);
        Ok(OpOutcome::Done)
    }

    pub(super) fn queue_op(&mut self, id: QueueId, op: QueueOp) -> Result<OpOutcome, Cause> {
        let entry = self.state.entries.get(&id).map(Cow::into_owned).ok_or(Cause::NoSuchEntry(id))?;
        let after = match op {
            QueueOp::Hold => Some(QueueEntry { held: true, ..entry.clone() }),
            QueueOp::Release => Some(QueueEntry { held: false, ..entry.clone() }),
            QueueOp::Retry { due } => Some(QueueEntry { due, ..entry.clone() }),
            QueueOp::Reroute { route } => Some(QueueEntry { route, ..entry.clone() }),
            QueueOp::Remove if entry.lease.is_some_and(|lease| lease.until > self.now) => {
                return Err(Cause::EntryLeased(id));
            }
            QueueOp::Remove => None,
        };
        let (blob, removed) = (entry.blob, after.is_none());
        self.state.replace_entry(Some(entry), after);
        if removed {
            self.forget(blob);
        }
        self.hints.insert(Topic::Queue);
        Ok(OpOutcome::Done)
    }
}

impl QueueEntry {
    fn holds(&self, lease: &Lease) -> bool {
        self.lease.is_some_and(|holder| holder.fence == lease.fence)
    }

    /// When it can be claimed; `None` while it is held.
    fn wake(&self) -> Option<Timestamp> {
        let wake = self.lease.map_or(self.due, |lease| lease.until);
        (!self.held).then_some(wake)
    }

    fn ready_key(&self) -> Option<ReadyKey> {
        Some((self.route.clone(), Reverse(self.priority), self.wake()?, self.id))
    }

    fn route_key(&self) -> (Domain, QueueId) {
        (self.route.clone(), self.id)
    }

    fn leased_key(&self) -> Option<QueueId> {
        self.lease.map(|_| self.id)
    }
}

/// What stood in a table under one key stands there under another, or not at all.
fn move_key<K: Ord + Clone + Field, B: Base>(table: &mut Table<K, (), B>, old: Option<K>, new: Option<K>) {
    if old != new {
        if let Some(key) = old {
            table.take(&key);
        }
        new.into_iter().for_each(|key| table.put_new(key, ()));
    }
}

type ReadyKey = (Domain, Reverse<Priority>, Timestamp, QueueId);

/// Before all ids.
fn first_id() -> QueueId {
    QueueId { trace: TraceId::from_bytes([0; 10]), entry: 0 }
}

/// Behind all ids.
fn last_id() -> QueueId {
    QueueId { trace: TraceId::from_bytes([0xFF; 10]), entry: u32::MAX }
}

impl<B: Base> State<B> {
    /// Ends all leases: those who had them are gone.
    pub fn void_leases(&mut self) {
        let leased: Vec<QueueId> = self.leased.range(..).map(|(id, _)| id).collect();
        for id in leased {
            if let Some(before) = self.entries.get(&id).map(Cow::into_owned) {
                let after = QueueEntry { lease: None, ..before.clone() };
                self.replace_entry(Some(before), Some(after));
            }
        }
        self.keep();
    }

    /// The one way in which the queue changes: all indexes and totals follow.
    fn replace_entry(&mut self, before: Option<QueueEntry>, after: Option<QueueEntry>) {
        let (was, is) = (before.as_ref(), after.as_ref());
        let (was_ready, is_ready) = (was.and_then(QueueEntry::ready_key), is.and_then(QueueEntry::ready_key));
        let (was_on, is_on) = (was.map(QueueEntry::route_key), is.map(QueueEntry::route_key));
        let (was_leased, is_leased) =
            (was.and_then(QueueEntry::leased_key), is.and_then(QueueEntry::leased_key));
        let gone = was_ready.as_ref().map(|(_, _, wake, _)| *wake);
        let come = is_ready.as_ref().map(|(_, _, wake, _)| *wake);
        move_key(&mut self.ready, was_ready, is_ready);
        move_key(&mut self.by_route, was_on.clone(), is_on.clone());
        move_key(&mut self.leased, was_leased, is_leased);
        if let Some(entry) = was {
            self.destinations.change(&entry.route, |totals| {
                totals.entries -= 1;
                totals.held -= u64::from(entry.held);
                totals.recipients -= entry.recipients.len() as u64;
                totals.size -= entry.size;
            });
        }
        if let Some(entry) = is {
            let known = self.destinations.get(&entry.route).map(Cow::into_owned);
            let (is_known, mut totals) = (known.is_some(), known.unwrap_or_default());
            totals.entries += 1;
            totals.held += u64::from(entry.held);
            totals.recipients += entry.recipients.len() as u64;
            totals.size += entry.size;
            match is_known {
                true => self.destinations.put(entry.route.clone(), totals),
                false => self.destinations.put_new(entry.route.clone(), totals),
            }
        }
        let (was_on, is_on) = (was_on.map(|(route, _)| route), is_on.map(|(route, _)| route));
        let is_same = was_on == is_on;
        if let Some(route) = was_on {
            self.refresh_wake(route, gone, come.filter(|_| is_same));
        }
        if let Some(route) = is_on.filter(|_| !is_same) {
            self.refresh_wake(route, None, come);
        }
        match (before, after) {
            (Some(before), None) => drop(self.entries.take(&before.id)),
            (None, Some(after)) => self.entries.put_new(after.id, after),
            (_, Some(after)) => self.entries.put(after.id, after),
            (None, None) => {}
        }
    }

    /// Brings the time at which a destination's first entry wakes up to date, now that one that woke at `gone` is not
    /// there any more and one that wakes at `come` is; drops a destination without entries.
    fn refresh_wake(&mut self, route: Domain, gone: Option<Timestamp>, come: Option<Timestamp>) {
        let Some(totals) = self.destinations.get(&route).map(Cow::into_owned) else { return };
        let wake = match (totals.wake, come) {
            (None, come) => come,
            (Some(wake), Some(come)) if come <= wake => Some(come),
            (Some(wake), _) if gone == Some(wake) => {
                let first = |priority| Some(self.ready_from(&route, priority).next()?.0);
                self.priorities(&route).filter_map(first).min()
            }
            (wake, _) => wake,
        };
        move_key(
            &mut self.wakes,
            totals.wake.map(|at| (at, route.clone())),
            wake.map(|at| (at, route.clone())),
        );
        if totals.entries == 0 {
            self.destinations.take(&route);
        } else if totals.wake != wake {
            self.destinations.put(route, Totals { wake, ..totals });
        }
    }

    /// The priorities of a destination's ready entries, the most urgent first. O(log n) each.
    fn priorities<'a>(&'a self, route: &'a Domain) -> impl Iterator<Item = Priority> + 'a {
        let next = move |above: Bound<ReadyKey>| {
            let (key, _) = self.ready.range((above, Bound::Unbounded)).next()?;
            (key.0 == *route).then_some(key.1.0)
        };
        let first =
            next(Bound::Included((route.clone(), Reverse(Priority::MAX), Timestamp(i64::MIN), first_id())));
        std::iter::successors(first, move |priority| {
            next(Bound::Excluded((route.clone(), Reverse(*priority), Timestamp(i64::MAX), last_id())))
        })
    }

    /// A destination's ready entries of a priority, by when they wake.
    fn ready_from<'a>(
        &'a self,
        route: &Domain,
        priority: Priority,
    ) -> impl Iterator<Item = (Timestamp, QueueId)> + 'a {
        let bound = |at, id| (route.clone(), Reverse(priority), Timestamp(at), id);
        self.ready
            .range(bound(i64::MIN, first_id())..=bound(i64::MAX, last_id()))
            .map(|((_, _, at, id), _)| (at, id))
    }

    /// As [`Store::claim`](crate::Store::claim). `last` is the fence that was drawn last in this epoch of the store.
    pub fn claim(&mut self, claim: &Claim, limits: &Limits, last: &mut Fence) -> Vec<Claimed> {
        let limit = claim.limit.min(limits.items_per_page);
        let rooms: Vec<(Domain, usize)> = match &claim.selector {
            Selector::Only(rooms) => rooms.iter().map(|(route, room)| (route.clone(), *room)).collect(),
            Selector::Any { room, except } => {
                let due = self.wakes.range(..).take_while(|((wake, _), _)| *wake <= claim.now);
                let rooms = due.map(|((_, route), _)| {
                    let room = except.get(&route).copied().unwrap_or(*room);
                    (route, room)
                });
                rooms.filter(|(_, room)| *room > 0).take(limit).collect()
            }
        };
        let until = claim.now.saturating_add(claim.lease);
        let mut claimed = Vec::new();
        for (route, room) in rooms {
            let room = room.min(limit - claimed.len());
            if room == 0 {
                continue;
            }
            let due = self.priorities(&route).flat_map(|priority| {
                self.ready_from(&route, priority).take_while(|(wake, _)| *wake <= claim.now)
            });
            let due: Vec<QueueId> = due.take(room).map(|(_, id)| id).collect();
            for id in due {
                let Some(before) = self.entries.get(&id).map(Cow::into_owned) else { continue };
                let fence = last.draw();
                let holder = LeaseHolder { worker: claim.worker, until, fence };
                let entry = QueueEntry { lease: Some(holder), ..before.clone() };
                self.replace_entry(Some(before), Some(entry.clone()));
                claimed.push(Claimed { lease: Lease { entry: id, until, fence }, entry });
            }
        }
        self.keep();
        claimed
    }

    /// Gives leases again that were lost with rows that were not [given](Self::give).
    pub fn lease_again(&mut self, leases: impl IntoIterator<Item = (QueueId, LeaseHolder)>) {
        for (id, holder) in leases {
            if let Some(before) = self.entries.get(&id).map(Cow::into_owned) {
                let after = QueueEntry { lease: Some(holder), ..before.clone() };
                self.replace_entry(Some(before), Some(after));
            }
        }
        self.keep();
    }

    /// As [`Store::renew`](crate::Store::renew).
    pub fn renew(&mut self, leases: &[Lease], now: Timestamp, duration: Duration) -> Vec<Option<Lease>> {
        let until = now.saturating_add(duration);
        let renewed = leases.iter().map(|lease| {
            let before =
                self.entries.get(&lease.entry).filter(|entry| entry.holds(lease)).map(Cow::into_owned)?;
            let holder = before.lease.map(|holder| LeaseHolder { until, ..holder });
            let entry = QueueEntry { lease: holder, ..before.clone() };
            self.replace_entry(Some(before), Some(entry));
            Some(Lease { until, ..*lease })
        });
        let renewed = renewed.collect();
        self.keep();
        renewed
    }
}
