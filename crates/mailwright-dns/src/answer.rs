//! What an answer is made of.

use std::time::Duration;

use crate::name::Name;
use crate::record::RecordData;

/// Records: at least one, of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T = RecordData> {
    /// The name that the records belong to: the one asked for, or where its aliases led (RFC 1034 §3.6.2).
    pub name: Name,
    /// The records, in the order in which they came; addresses in that in which to try them.
    pub records: Vec<T>,
    /// How long they may still be kept; the shortest time of records and aliases.
    pub ttl: Duration,
    /// Whether the answer was found authentic by DNSSEC: a recursive server said so (the AD bit, RFC 4035 §3.2.3).
    /// This is worth as much as that server and the path to it: only DANE needs it, and it needs a validating
    /// server on this machine (RFC 7672 §2.2).
    pub authentic: bool,
    /// Whether its time is over, and it was given because no newer one could be had (RFC 8767).
    pub stale: bool,
}

impl<T> Answer<T> {
    /// A fresh one, not known to be authentic.
    pub fn new(name: Name, records: Vec<T>, ttl: Duration) -> Self {
        Self { name, records, ttl, authentic: false, stale: false }
    }

    /// The same with each record made into something else, or left out.
    pub(crate) fn filter_map<U>(self, into: impl FnMut(T) -> Option<U>) -> Answer<U> {
        Answer {
            name: self.name,
            records: self.records.into_iter().filter_map(into).collect(),
            ttl: self.ttl,
            authentic: self.authentic,
            stale: self.stale,
        }
    }
}

impl Answer {
    /// About how many bytes it takes in memory.
    pub(crate) fn cost(&self) -> usize {
        let records: usize = self.records.iter().map(RecordData::cost).sum();
        size_of::<Self>() + self.name.as_str().len() + records
    }
}
