//! Sets of messages as clients name them (RFC 9051 §9 `sequence-set`, RFC 5182).

use smallvec::SmallVec;

/// A number of a set. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeqNumber {
    /// This one.
    Number(u32),
    /// `*`: the highest there is.
    Last,
}

/// Numbers, or what a SEARCH has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceSet {
    /// `2,4:7,9:*`, as written: both ends of a range are included, and either may be the higher one.
    Ranges(SmallVec<[(SeqNumber, SeqNumber); 2]>),
    /// `$` (RFC 5182)
    Saved,
}

/// A set, and whether its numbers are UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSet {
    /// Whether the numbers are UIDs; else they are message sequence numbers.
    pub uid: bool,
    /// The numbers.
    pub set: SequenceSet,
}

impl SequenceSet {
    /// Whether `*` is in it.
    pub fn has_last(&self) -> bool {
        match self {
            Self::Ranges(ranges) => {
                ranges.iter().any(|&(one, other)| one == SeqNumber::Last || other == SeqNumber::Last)
            }
            Self::Saved => false,
        }
    }
}

impl MessageSet {
    /// Messages by their UIDs.
    pub fn uids(set: SequenceSet) -> Self {
        Self { uid: true, set }
    }

    /// Messages by their message sequence numbers.
    pub fn numbers(set: SequenceSet) -> Self {
        Self { uid: false, set }
    }
}
