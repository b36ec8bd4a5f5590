//! Message sequence numbers: which UID has which (RFC 9051 §2.3.1.2).

use mailwright_core::{Uid, UidSet};

use crate::types::{MessageSet, SeqNumber, SequenceSet};

/// The messages that a client sees, in order. 100,000 with contiguous UIDs cost as much as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Numbering {
    runs: Vec<Run>,
}

/// Messages with contiguous UIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// Messages before these.
    before: u32,
}

impl Run {
    fn count(self) -> u32 {
        self.last - self.first + 1
    }
}

/// A client has named a message that it cannot see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutOfRange;

impl Numbering {
    pub(super) fn new(uids: &UidSet) -> Self {
        let mut numbering = Self::default();
        numbering.extend(uids);
        numbering
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> u32 {
        self.runs.last().map_or(0, |run| run.before + run.count())
    }

    /// The last message.
    pub(super) fn last(&self) -> Option<Uid> {
        self.runs.last().and_then(|run| Uid::new(run.last))
    }

    /// The number of a message. O(log runs).
    pub(super) fn number(&self, uid: Uid) -> Option<u32> {
        let uid = uid.get();
        let run = self.runs.get(self.runs.partition_point(|run| run.last < uid))?;
        (run.first <= uid).then(|| run.before + (uid - run.first) + 1)
    }

    pub(super) fn uids(&self) -> UidSet {
        let mut uids = UidSet::new();
        for run in &self.runs {
            insert(&mut uids, run.first, run.last);
        }
        uids
    }

    /// New messages. Those that are not above all others are left out: numbers never change but by expunges.
    pub(super) fn extend(&mut self, uids: &UidSet) {
        for range in uids.ranges() {
            let (mut first, last) = range.into_inner();
            let (end, before) = (self.runs.last().map_or(0, |run| run.last), self.len());
            first = first.max(end.saturating_add(1));
            if first > last {
                continue;
            }
            match self.runs.last_mut() {
                Some(run) if run.last + 1 == first => run.last = last,
                _ => self.runs.push(Run { first, last, before }),
            }
        }
    }

    pub(super) fn remove(&mut self, uids: &UidSet) {
        *self = Self::new(&self.uids().difference(uids));
    }

    /// The numbers of messages, as ranges, ascending. All of `uids` are seen.
    pub(super) fn numbers(&self, uids: &UidSet) -> impl Iterator<Item = (u32, u32)> {
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for range in uids.ranges() {
            let number = |uid| Uid::new(uid).and_then(|uid| self.number(uid));
            let (Some(first), Some(last)) = (number(*range.start()), number(*range.end())) else { continue };
            match merged.last_mut() {
                Some(run) if run.1 + 1 == first => run.1 = last,
                _ => merged.push((first, last)),
            }
        }
        merged.into_iter()
    }

    /// The messages that a client names, of those that it sees. `saved` is what `$` stands for.
    ///
    /// RFC 9051 §6.4.9: a UID that is not there is passed over. A number that is not there is the client's mistake.
    pub(super) fn resolve(&self, messages: &MessageSet, saved: &UidSet) -> Result<UidSet, OutOfRange> {
        let ranges = match &messages.set {
            SequenceSet::Saved => return Ok(saved.clone()),
            SequenceSet::Ranges(ranges) => ranges,
        };
        if messages.uid {
            return Ok(self.named(&messages.set).intersection(&self.uids()));
        }
        let number = |number| match number {
            SeqNumber::Number(number) if number <= self.len() => Ok(number),
            SeqNumber::Last if self.len() > 0 => Ok(self.len()),
            _ => Err(OutOfRange),
        };
        let mut uids = UidSet::new();
        for &(one, other) in ranges {
            let (one, other) = (number(one)?, number(other)?);
            self.insert_numbers(&mut uids, one.min(other), one.max(other));
        }
        Ok(uids)
    }

    /// The messages that a client looks for, of those that it sees: a number that is not there is that of none.
    pub(super) fn found(&self, messages: &MessageSet, saved: &UidSet) -> UidSet {
        let ranges = match &messages.set {
            SequenceSet::Ranges(ranges) if !messages.uid => ranges,
            _ => return self.resolve(messages, saved).unwrap_or_default(),
        };
        let len = self.len();
        let number = |number| match number {
            SeqNumber::Number(number) => number,
            SeqNumber::Last => len,
        };
        let mut uids = UidSet::new();
        for &(one, other) in ranges {
            let (one, other) = (number(one), number(other));
            self.insert_numbers(&mut uids, one.min(other), one.max(other).min(len));
        }
        uids
    }

    /// All UIDs that a client names, whether they are there or not, where `*` also stands for those above the last
    /// message: it may know of some.
    pub(super) fn named_once(&self, set: &SequenceSet) -> UidSet {
        let mut uids = self.named(set);
        if set.has_last() {
            insert(&mut uids, self.runs.last().map_or(1, |run| run.last), u32::MAX);
        }
        uids
    }

    /// All UIDs that a client names, whether they are there or not.
    pub(super) fn named(&self, set: &SequenceSet) -> UidSet {
        let SequenceSet::Ranges(ranges) = set else { return UidSet::new() };
        let uid = |number| match number {
            SeqNumber::Number(number) => number,
            SeqNumber::Last => self.runs.last().map_or(1, |run| run.last),
        };
        let mut uids = UidSet::new();
        for &(one, other) in ranges {
            let (one, other) = (uid(one), uid(other));
            insert(&mut uids, one.min(other), one.max(other));
        }
        uids
    }

    /// The messages of these numbers, which are there. O(runs between them).
    fn insert_numbers(&self, uids: &mut UidSet, first: u32, last: u32) {
        let from = self.runs.partition_point(|run| run.before + run.count() < first);
        for run in self.runs.iter().skip(from).take_while(|run| run.before < last) {
            let start = first.saturating_sub(run.before).max(1);
            let end = (last - run.before).min(run.count());
            insert(uids, run.first + (start - 1), run.first + (end - 1));
        }
    }
}

fn insert(uids: &mut UidSet, first: u32, last: u32) {
    if let (Some(first), Some(last)) = (Uid::new(first), Uid::new(last)) {
        uids.insert_range(first..=last);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &[(u32, u32)]) -> UidSet {
        let mut uids = UidSet::new();
        text.iter().for_each(|&(first, last)| insert(&mut uids, first, last));
        uids
    }

    fn ranges(uid: bool, ranges: &[(SeqNumber, SeqNumber)]) -> MessageSet {
        MessageSet { uid, set: SequenceSet::Ranges(ranges.iter().copied().collect()) }
    }

    #[test]
    fn sets_are_resolved() {
        use SeqNumber::{Last, Number};
        let view = Numbering::new(&set(&[(3, 5), (10, 10), (20, 22)]));
        let resolve = |messages| view.resolve(&messages, &set(&[(10, 10)])).map(|uids| uids.to_string());
        for (uid, named, expected) in [
            (false, (Number(1), Number(1)), Ok("3")),
            (false, (Number(3), Number(5)), Ok("5,10,20")),
            (false, (Last, Number(6)), Ok("21:22")),
            (false, (Number(1), Last), Ok("3:5,10,20:22")),
            (false, (Number(8), Number(8)), Err(OutOfRange)),
            (true, (Number(4), Number(12)), Ok("4:5,10")),
            (true, (Number(900), Last), Ok("22")),
            (true, (Number(1), Number(2)), Ok("")),
        ] {
            assert_eq!(resolve(ranges(uid, &[named])), expected.map(str::to_owned), "{uid} {named:?}");
        }
        assert_eq!(resolve(MessageSet::numbers(SequenceSet::Saved)), Ok("10".to_owned()));
        let empty = Numbering::default();
        assert_eq!(empty.resolve(&ranges(false, &[(Last, Last)]), &UidSet::new()), Err(OutOfRange));
        assert_eq!(empty.resolve(&ranges(true, &[(Last, Last)]), &UidSet::new()), Ok(UidSet::new()));
    }

    mailwright_core::properties! {
        #[test]
        fn it_counts_as_a_list_does(
            uids in prop::collection::btree_set(1..200u32, 0..80),
            gone in prop::collection::btree_set(1..200u32, 0..40),
            more in prop::collection::btree_set(150..400u32, 0..40),
        ) {
            let of = |uids: &std::collections::BTreeSet<u32>| uids.iter().filter_map(|&n| Uid::new(n)).collect::<UidSet>();
            let mut view = Numbering::new(&of(&uids));
            view.remove(&of(&gone));
            let mut list: Vec<u32> = uids.difference(&gone).copied().collect();
            let end = list.last().copied().unwrap_or(0);
            view.extend(&of(&more));
            list.extend(more.iter().filter(|&&uid| uid > end));
            prop_assert_eq!(view.len() as usize, list.len());
            for uid in 1..400 {
                let at = list.iter().position(|&other| other == uid).map(|at| at as u32 + 1);
                prop_assert_eq!(view.number(Uid::new(uid).unwrap()), at);
            }
            let all: Vec<_> = view.numbers(&view.uids()).collect();
            prop_assert_eq!(all, if list.is_empty() { vec![] } else { vec![(1, list.len() as u32)] });
        }
    }
}
