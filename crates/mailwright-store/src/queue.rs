//! The outbound queue: what waits for which destination, and who is at work on it.

use std::collections::BTreeMap;
use std::time::Duration;

use mailwright_core::{Address, BlobId, Domain, QueueId, ReversePath, Timestamp};

use crate::page::Opaque;

/// How urgent an entry is: −9 to 9, higher first (RFC 6710 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Priority(i8);

impl Priority {
    /// The least urgent.
    pub const MIN: Self = Self(-9);
    /// The most urgent.
    pub const MAX: Self = Self(9);

    /// `None` beyond −9 and 9.
    pub const fn new(priority: i8) -> Option<Self> {
        if priority >= Self::MIN.0 && priority <= Self::MAX.0 { Some(Self(priority)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> i8 {
        self.0
    }
}

/// An entry to be: one message for one route domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its id: the message's trace id and a counter.
    pub id: QueueId,
    /// The domain that decides on the route; its entries share a destination's room.
    pub route: Domain,
    /// How urgent it is.
    pub priority: Priority,
    /// When it may first be tried.
    pub due: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// Where failures are reported to.
    pub sender: ReversePath,
    /// For whom: one at least.
    pub recipients: Vec<QueueRecipient>,
    /// The rest of the envelope (BODY, SMTPUTF8, ENVID, ...), opaque to the store.
    pub envelope: Opaque,
    /// The content.
    pub blob: BlobId,
}

/// A recipient of an entry who has not got it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRecipient {
    /// Who.
    pub address: Address,
    /// What the queue knows of it (NOTIFY, ORCPT, the peer's last words, ...), opaque to the store.
    pub params: Opaque,
}

impl From<Address> for QueueRecipient {
    fn from(address: Address) -> Self {
        Self { address, params: Opaque::default() }
    }
}

/// An entry in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its id.
    pub id: QueueId,
    /// The domain that decides on the route.
    pub route: Domain,
    /// How urgent it is.
    pub priority: Priority,
    /// When it may be tried.
    pub due: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// When it was enqueued.
    pub queued: Timestamp,
    /// How often it was deferred.
    pub attempts: u32,
    /// What was noted when it was last deferred.
    pub note: String,
    /// Whether an administrator holds it back.
    pub held: bool,
    /// Who is at work on it, or was when the lease ran out.
    pub lease: Option<LeaseHolder>,
    /// Where failures are reported to.
    pub sender: ReversePath,
    /// Who has not got it yet.
    pub recipients: Vec<QueueRecipient>,
    /// The rest of the envelope.
    pub envelope: Opaque,
    /// The content.
    pub blob: BlobId,
    /// Its bytes.
    pub size: u64,
}

/// One that delivers. Only told to administrators: what counts is the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u64);

/// Who has a lease, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseHolder {
    /// Who.
    pub worker: WorkerId,
    /// Until when nobody else gets the entry.
    pub until: Timestamp,
    /// Which lease it is.
    pub fence: Fence,
}

/// Tells one lease from all others, also from those before a crash. Ascends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence {
    /// Which opening of the store.
    pub epoch: u64,
    /// Which lease since.
    pub counter: u64,
}

impl Fence {
    /// The next one of this epoch.
    pub(crate) fn draw(&mut self) -> Self {
        self.counter = self.counter.saturating_add(1);
        *self
    }
}

/// The right to settle an entry: until it runs out, nobody else has it. What decides at the end is the fence, not
/// the time: work that took too long still counts if nobody else has begun it.
///
/// Leases are not durable. After a crash all are void, and the entries are due as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Lease {
    /// Which entry.
    pub entry: QueueId,
    /// Until when nobody else gets it.
    pub until: Timestamp,
    /// Which lease it is.
    pub fence: Fence,
}

/// What is asked of [`claim`](crate::Store::claim).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The time: entries due by now are given.
    pub now: Timestamp,
    /// Who asks.
    pub worker: WorkerId,
    /// For how long.
    pub lease: Duration,
    /// From where, and how many of each.
    pub selector: Selector,
    /// How many at most.
    pub limit: usize,
}

/// Which destinations have room for how many more entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Any, those that have waited longest first.
    Any {
        /// How many of each.
        room: usize,
        /// How many of these, which may be none.
        except: BTreeMap<Domain, usize>,
    },
    /// These.
    Only(BTreeMap<Domain, usize>),
}

/// An entry and the right to settle it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The right.
    pub lease: Lease,
    /// The entry.
    pub entry: QueueEntry,
}

/// How an attempt ended. A bounce is an [`Ack`](Self::Ack) and an [`Enqueue`](crate::Op::Enqueue) of the report in
/// one batch, that of some recipients a [`Defer`](Self::Defer) of the others and an `Enqueue`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// Nothing is left to do: the entry goes away.
    Ack,
    /// It is to be tried again. Counts as an attempt.
    Defer {
        /// When.
        due: Timestamp,
        /// Who has not got it yet: one at least.
        recipients: Vec<QueueRecipient>,
        /// Why, for people.
        note: String,
    },
    /// It was not tried: as before the claim, but due then.
    Return {
        /// When.
        due: Timestamp,
    },
}

/// An administrator's change to an entry. A lease on it stays: what is under way may still be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueOp {
    /// Nobody gets it until it is released.
    Hold,
    /// It may be had again.
    Release,
    /// It is tried then.
    Retry {
        /// When.
        due: Timestamp,
    },
    /// It goes another way.
    Reroute {
        /// The new route domain.
        route: Domain,
    },
    /// It goes away; with an [`Enqueue`](crate::Op::Enqueue) of the report in the same batch, it bounces. Refused
    /// while a lease on it runs, so that a message is not both delivered and bounced: hold it first.
    Remove,
}

/// A destination's share of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its route domain.
    pub route: Domain,
    /// Entries.
    pub entries: u64,
    /// Those held.
    pub held: u64,
    /// Recipients of all entries.
    pub recipients: u64,
    /// Bytes of all entries' messages.
    pub size: u64,
    /// When its next entry is due, or the lease on it runs out. `None` if all are held.
    pub next_due: Option<Timestamp>,
}
