//! What is not as it was written.

use std::ops::RangeInclusive;

use super::place::LoggedBody;

/// A part of the log that is not as it was written. Nothing is left out of the log in silence: what cannot be
/// given is told in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong.
    pub kind: DamageKind,
    /// The number of the segment.
    pub segment: u64,
    /// Where in it the damage begins.
    pub offset: u64,
    /// Bytes from there to what is good again. What stands there, other sources may know, such as an index of
    /// [`Place`](super::Place)s.
    pub len: u64,
    /// The groups that are concerned, as far as their numbers can be told.
    pub groups: Option<RangeInclusive<u64>>,
    /// The bodies that are concerned, as far as the log still knows them.
    pub bodies: Vec<LoggedBody>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DamageKind {
    /// The header of a segment. Its groups were searched for, and none of them is lost by this.
    SegmentHeader,
    /// A segment that a later one names is not there.
    SegmentMissing,
    /// There is no group where one must be.
    Group,
    /// A good group does not follow the good group before it.
    Chain,
    /// The index of a group; its rows are good, its bodies cannot be told apart.
    Index,
    /// The rows of a group; its bodies may be good.
    Meta,
    /// A body.
    Body,
    /// The log does not have the group that is known to have been synced.
    Proven,
}
