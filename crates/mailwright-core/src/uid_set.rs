//! Sets of UIDs, kept as runs.

use std::fmt;
use std::ops::RangeInclusive;

use smallvec::SmallVec;

use crate::id::Uid;

/// A set of UIDs as ascending, disjoint, non-adjacent runs: 100,000 contiguous UIDs cost as much as one.
///
/// ```
/// use mailwright_core::{Uid, UidSet};
///
/// let uid = |n| Uid::new(n).unwrap();
/// let set: UidSet = [3, 1, 2, 7].into_iter().map(uid).collect();
/// assert_eq!(set.to_string(), "1:3,7");
/// assert!(set.contains(uid(2)) && !set.contains(uid(4)));
/// assert_eq!(set.len(), 4);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UidSet {
    runs: SmallVec<[Run; 1]>,
}

/// First and last, both included.
type Run = (u32, u32);

impl UidSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// All UIDs from `first` to `last`; empty if `last` is less.
    pub fn range(first: Uid, last: Uid) -> Self {
        let mut set = Self::new();
        set.insert_run((first.get(), last.get()));
        set
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many members it has.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether `uid` is a member. O(log runs).
    pub fn contains(&self, uid: Uid) -> bool {
        let uid = uid.get();
        let after = self.runs.partition_point(|run| run.0 <= uid);
        after.checked_sub(1).and_then(|at| self.runs.get(at)).is_some_and(|run| uid <= run.1)
    }

    /// The lowest member.
    pub fn first(&self) -> Option<Uid> {
        self.runs.first().and_then(|run| Uid::new(run.0))
    }

    /// The highest member.
    pub fn last(&self) -> Option<Uid> {
        self.runs.last().and_then(|run| Uid::new(run.1))
    }

    /// Adds `uid`. O(1) at the upper end.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_run((uid.get(), uid.get()));
    }

    /// Adds all UIDs of `range`.
    pub fn insert_range(&mut self, range: RangeInclusive<Uid>) {
        self.insert_run((range.start().get(), range.end().get()));
    }

    fn insert_run(&mut self, (first, last): Run) {
        if first > last {
            return;
        }
        if self.runs.last().is_none_or(|run| run.1.saturating_add(1) < first) {
            return self.runs.push((first, last));
        }
        // Runs that overlap or touch the new one are those in from..to.
        let from = self.runs.partition_point(|run| run.1.saturating_add(1) < first);
        let to = self.runs.partition_point(|run| run.0 <= last.saturating_add(1));
        let merged = self
            .runs
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .fold((first, last), |new, run| (new.0.min(run.0), new.1.max(run.1)));
        self.runs.drain(from..to);
        self.runs.insert(from, merged);
    }

    /// Removes `uid`.
    pub fn remove(&mut self, uid: Uid) {
        *self = self.difference(&Self::range(uid, uid));
    }

    /// The runs, ascending.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u32>> + '_ {
        self.runs.iter().map(|run| run.0..=run.1)
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges().flatten().filter_map(Uid::new)
    }

    /// The members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (mut all, more) =
            if self.runs.len() >= other.runs.len() { (self.clone(), other) } else { (other.clone(), self) };
        for &run in &more.runs {
            all.insert_run(run);
        }
        all
    }

    /// The members of both. O(runs of both).
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut common = Self::new();
        let (mut left, mut right) = (self.runs.iter().peekable(), other.runs.iter().peekable());
        while let (Some(&&a), Some(&&b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                common.runs.push((first, last));
            }
            if a.1 < b.1 {
                left.next();
            } else {
                right.next();
            }
        }
        common
    }

    /// The members of `self` that are not in `other`. O(runs of both).
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self::new();
        let mut holes = other.runs.iter().peekable();
        for &(first, last) in &self.runs {
            // `None` once nothing of this run is left.
            let mut start = Some(first);
            while let (Some(from), Some(&&(hole_first, hole_last))) = (start, holes.peek()) {
                if hole_first > last {
                    break;
                }
                if hole_first > from {
                    rest.runs.push((from, hole_first - 1));
                }
                if hole_last >= from {
                    start = hole_last.checked_add(1).filter(|&next| next <= last);
                }
                if hole_last > last {
                    break;
                }
                holes.next();
            }
            if let Some(from) = start {
                rest.runs.push((from, last));
            }
        }
        rest
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        set.extend(uids);
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        for uid in uids {
            // Mostly they come in order.
            match self.runs.last_mut() {
                Some(run) if run.1.checked_add(1) == Some(uid.get()) => run.1 = uid.get(),
                _ => self.insert(uid),
            }
        }
    }
}

/// As a `sequence-set` of RFC 9051 §9. The empty set, which that grammar cannot say, is empty.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.runs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(numbers: &BTreeSet<u32>) -> UidSet {
        numbers.iter().filter_map(|&n| Uid::new(n)).collect()
    }

    fn numbers(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::get).collect()
    }

    fn uids() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(prop_oneof![1..40u32, u32::MAX - 20..=u32::MAX], 0..40)
    }

    crate::properties! {
        #[test]
        fn it_is_a_set(a in uids(), b in uids(), probe in 1..60u32) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(&numbers(&x), &a);
            prop_assert_eq!(x.len(), a.len() as u64);
            prop_assert_eq!(x.first().map(Uid::get), a.first().copied());
            prop_assert_eq!(x.last().map(Uid::get), a.last().copied());
            prop_assert_eq!(x.contains(Uid::new(probe).unwrap()), a.contains(&probe));
            prop_assert_eq!(&x.union(&y), &set(&a.union(&b).copied().collect()));
            prop_assert_eq!(&x.intersection(&y), &set(&a.intersection(&b).copied().collect()));
            prop_assert_eq!(&x.difference(&y), &set(&a.difference(&b).copied().collect()));
        }

        #[test]
        fn equal_sets_are_equal_however_they_were_made(mut order in prop::collection::vec(1..30u32, 0..40)) {
            let one: UidSet = order.iter().filter_map(|&n| Uid::new(n)).collect();
            order.sort_unstable();
            let other: UidSet = order.iter().filter_map(|&n| Uid::new(n)).collect();
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn a_long_run_is_one_run() {
        let all: UidSet = (1..=100_000).filter_map(Uid::new).collect();
        assert_eq!((all.ranges().len(), all.to_string().as_str()), (1, "1:100000"));
    }
}
