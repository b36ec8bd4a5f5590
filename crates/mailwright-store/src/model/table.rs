//! A sorted table that remembers how it was, and whose rows may lie elsewhere.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque, btree_map};
use std::fmt;
use std::iter::Peekable;
use std::ops::{Bound, RangeBounds};

use super::field::Field;

/// Where rows lie that are not in memory: sorted tables of octets, each with a number.
///
/// It has no errors: what cannot be read is not there, and [`State`](super::State) asks for
/// [`fault`](Self::fault) before it answers anybody.
pub trait Base: Clone {
    /// Whether there never is a row.
    const EMPTY: bool = false;

    /// The value of a row.
    fn get(&self, table: u8, key: &[u8]) -> Option<Vec<u8>>;

    /// Shows at most `limit` rows from `from` to `to`, ascending.
    fn walk(
        &self,
        table: u8,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        limit: usize,
        row: &mut dyn FnMut(&[u8], &[u8]),
    );

    /// Takes note that a row is not what a table of that number can have.
    fn damaged(&self, table: u8, key: &[u8]);

    /// What went wrong since this was last asked.
    ///
    /// # Errors
    /// If anything did: then nothing that was read since may be believed.
    fn fault(&self) -> Result<(), crate::error::Unavailable>;
}

/// All rows are in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Base for Nothing {
    const EMPTY: bool = true;

    fn get(&self, _: u8, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn walk(&self, _: u8, _: Bound<&[u8]>, _: Bound<&[u8]>, _: usize, _: &mut dyn FnMut(&[u8], &[u8])) {}

    fn damaged(&self, _: u8, _: &[u8]) {}

    fn fault(&self) -> Result<(), crate::error::Unavailable> {
        Ok(())
    }
}

/// What a base does not have yet, or what it has.
#[derive(Debug, Clone)]
struct Row<V> {
    /// `None`: there is no such row, whatever the base has.
    value: Option<V>,
    /// Whether it was not given yet.
    is_new: bool,
    base: InBase,
}

/// What the base has in the place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InBase {
    /// The same.
    Same,
    /// Something else, or nothing.
    Other,
    /// Certainly nothing: if the row goes away again, the base need not hear of it.
    Nothing,
}

/// A map whose changes can be taken back: every write notes what stood there before. Reading and writing cost
/// O(log n), taking back as much as the writes did.
///
/// Over a [`Base`], its own rows go before the base's: those that the base is yet to get, and those that it got.
pub(super) struct Table<K, V, B> {
    number: u8,
    base: B,
    rows: BTreeMap<K, Row<V>>,
    /// What stood where before each write, oldest first.
    before: Vec<(K, Option<Row<V>>)>,
    /// The keys of all rows that were not given, and of some that were.
    new: Vec<K>,
    /// The keys of all rows that the base does not have, and of some that it has.
    lacking: Vec<K>,
    /// Where ranges began, and up to where the base had nothing that counts: rows that were taken here and not yet
    /// there. Whoever looks for the first entry of a queue, again and again, would have to pass them each time.
    passed: RefCell<BTreeMap<K, K>>,
}

impl<K: Ord + Clone + Field, V: Clone + Field, B: Base> Table<K, V, B> {
    pub(super) fn new(number: u8, base: B) -> Self {
        Self {
            number,
            base,
            rows: BTreeMap::new(),
            before: Vec::new(),
            new: Vec::new(),
            lacking: Vec::new(),
            passed: RefCell::default(),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<Cow<'_, V>> {
        if let Some(row) = self.rows.get(key) {
            return row.value.as_ref().map(Cow::Borrowed);
        }
        if B::EMPTY {
            return None;
        }
        let key = key.to_octets();
        let value = self.base.get(self.number, &key)?;
        let value = V::from_octets(&value);
        if value.is_none() {
            self.base.damaged(self.number, &key);
        }
        value.map(Cow::Owned)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        match self.rows.get(key) {
            Some(row) => row.value.is_some(),
            None => !B::EMPTY && self.base.get(self.number, &key.to_octets()).is_some(),
        }
    }

    /// The rows of a range, ascending.
    pub(super) fn range(&self, range: impl RangeBounds<K>) -> Range<'_, K, V, B> {
        // Few at first, since often only the first is looked at.
        self.range_of(range, 4)
    }

    /// The rows of a range, of which about so many will be looked at.
    pub(super) fn range_of(&self, range: impl RangeBounds<K>, expected: usize) -> Range<'_, K, V, B> {
        let (from, to) = (range.start_bound().cloned(), range.end_bound().cloned());
        let rows = self.rows.range((from.clone(), to.clone())).peekable();
        let first = match &from {
            Bound::Included(first) => Some(first),
            _ => None,
        };
        let passed = first.and_then(|first| self.passed.borrow().get(first).cloned());
        let is_over = matches!((&passed, &to), (Some(passed), Bound::Included(to) | Bound::Excluded(to)) if passed >= to);
        if B::EMPTY || is_over {
            return Range { rows, base: None, passing: None };
        }
        let passing = first.map(|from| Passing { passed: &self.passed, from: from.clone(), last: None });
        let octets = |bound: Bound<K>| bound.as_ref().map(Field::to_octets);
        let from = passed.map_or(from, Bound::Excluded);
        let base = BaseRows::new(self, octets(from), octets(to), expected).peekable();
        Range { rows, base: Some(base), passing }
    }

    pub(super) fn first(&self) -> Option<(K, Cow<'_, V>)> {
        self.range(..).next()
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        self.write(key, Some(value), InBase::Other);
    }

    /// Puts a row that is not there, as the caller knows: if it is gone before the base gets it, it costs no more.
    pub(super) fn put_new(&mut self, key: K, value: V) {
        debug_assert!(!self.contains(&key), "a new row of table {} is there", self.number);
        self.write(key, Some(value), InBase::Nothing);
    }

    /// `base` is what the base has, if the row was not touched before.
    fn write(&mut self, key: K, value: Option<V>, base: InBase) {
        let base = match self.rows.get(&key) {
            None => base,
            Some(Row { base: InBase::Same, value: Some(_), .. }) => InBase::Other,
            Some(Row { base: InBase::Same, value: None, .. }) => InBase::Nothing,
            Some(Row { base, .. }) => *base,
        };
        let before = self.rows.insert(key.clone(), Row { value, is_new: true, base });
        if !B::EMPTY {
            if before.as_ref().is_none_or(|before| !before.is_new) {
                self.new.push(key.clone());
            }
            if before.as_ref().is_none_or(|before| before.base == InBase::Same) {
                self.lacking.push(key.clone());
            }
        }
        self.before.push((key, before));
    }

    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let taken = self.get(key)?.into_owned();
        if B::EMPTY {
            let before = self.rows.remove(key);
            self.before.push((key.clone(), before));
        } else {
            self.write(key.clone(), None, InBase::Other);
        }
        Some(taken)
    }

    /// Removes a whole range, and gives it.
    pub(super) fn take_range(&mut self, range: impl RangeBounds<K>) -> Vec<(K, V)> {
        let taken: Vec<_> = self.range(range).map(|(key, value)| (key, value.into_owned())).collect();
        for (key, _) in &taken {
            self.take(key);
        }
        taken
    }

    /// Changes a row, if it is there.
    pub(super) fn change<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut value = self.get(key)?.into_owned();
        let result = change(&mut value);
        self.put(key.clone(), value);
        Some(result)
    }

    /// The writes so far stand.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The writes since the last [`keep`](Self::keep) never were.
    pub(super) fn roll_back(&mut self) {
        self.passed.get_mut().clear();
        while let Some((key, before)) = self.before.pop() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }

    /// Gives out the rows that have changed since this was last called.
    pub(super) fn give(&mut self, mut to: impl FnMut(u8, &[u8], Option<&[u8]>)) {
        for key in self.new.drain(..) {
            // Taken back, or given out already.
            let Some(row) = self.rows.get_mut(&key).filter(|row| row.is_new) else { continue };
            row.is_new = false;
            let value = row.value.as_ref().map(Field::to_octets);
            to(self.number, &key.to_octets(), value.as_deref());
            if value.is_none() && row.base != InBase::Other {
                // Nobody has it any more. If it stayed, whoever looks for the next row would have to pass it.
                self.rows.remove(&key);
            }
        }
    }

    /// Gives out the rows that the base does not have, which then has them.
    pub(super) fn store(&mut self, mut to: impl FnMut(u8, &[u8], Option<&[u8]>)) {
        for key in self.lacking.drain(..) {
            // Taken back, or stored already.
            let Some(row) = self.rows.get_mut(&key).filter(|row| row.base != InBase::Same) else { continue };
            if row.value.is_some() || row.base == InBase::Other {
                let value = row.value.as_ref().map(Field::to_octets);
                to(self.number, &key.to_octets(), value.as_deref());
                row.base = InBase::Same;
            }
            if row.value.is_none() && !row.is_new {
                self.rows.remove(&key);
            }
        }
    }

    /// How many rows are in memory.
    pub(super) fn held(&self) -> usize {
        self.rows.len()
    }

    /// Holds no row any more: the base has them, or is not to get them.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
        self.before.clear();
        self.new.clear();
        self.lacking.clear();
        self.passed.get_mut().clear();
    }
}

/// Rows in ascending order: a table's own, and its base's where it has none.
pub(super) struct Range<'a, K: Field + Ord, V: Field, B: Base> {
    rows: Peekable<btree_map::Range<'a, K, Row<V>>>,
    base: Option<Peekable<BaseRows<'a, K, V, B>>>,
    /// As long as nothing of the base has counted.
    passing: Option<Passing<'a, K>>,
}

/// Remembers up to where the base had nothing that counts.
struct Passing<'a, K: Ord> {
    passed: &'a RefCell<BTreeMap<K, K>>,
    from: K,
    last: Option<K>,
}

impl<K: Ord> Passing<'_, K> {
    /// Ranges that are remembered.
    const MOST: usize = 1_000;

    fn end(self) {
        if let Some(last) = self.last {
            let mut passed = self.passed.borrow_mut();
            if passed.len() >= Self::MOST {
                passed.clear();
            }
            passed.insert(self.from, last);
        }
    }
}

impl<K: Field + Ord, V: Field, B: Base> Drop for Range<'_, K, V, B> {
    fn drop(&mut self) {
        if let Some(passing) = self.passing.take() {
            passing.end();
        }
    }
}

impl<'a, K: Ord + Clone + Field, V: Clone + Field, B: Base> Iterator for Range<'a, K, V, B> {
    type Item = (K, Cow<'a, V>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let theirs = self.base.as_mut().and_then(Peekable::peek).map(|(key, _)| key);
            let is_mine = match (self.rows.peek(), theirs) {
                (Some((mine, _)), Some(theirs)) => *mine <= theirs,
                (mine, _) => mine.is_some(),
            };
            if !is_mine {
                let (key, value) = self.base.as_mut()?.next()?;
                if let Some(passing) = self.passing.take() {
                    passing.end();
                }
                return Some((key, Cow::Owned(value)));
            }
            let (key, row) = self.rows.next()?;
            if let Some(base) = &mut self.base
                && base.next_if(|(theirs, _)| theirs == key).is_some()
                && let Some(passing) = &mut self.passing
            {
                passing.last = Some(key.clone());
            }
            if let Some(value) = &row.value {
                return Some((key.clone(), Cow::Borrowed(value)));
            }
        }
    }
}

/// Rows of a base, page by page.
struct BaseRows<'a, K, V, B> {
    table: &'a Table<K, V, B>,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    page: VecDeque<(K, V)>,
    /// How many rows the next page is to have. Zero: there are no more.
    limit: usize,
}

impl<'a, K: Field, V: Field, B: Base> BaseRows<'a, K, V, B> {
    const LARGEST_PAGE: usize = 1024;

    fn new(table: &'a Table<K, V, B>, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>, expected: usize) -> Self {
        Self { table, from, to, page: VecDeque::new(), limit: expected.clamp(1, Self::LARGEST_PAGE) }
    }

    /// Reads the next page, which may have nothing that can be read.
    fn turn(&mut self) {
        let Table { number, base, .. } = self.table;
        let (from, to) = (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice));
        let (mut rows, mut last, page) = (0, Vec::new(), &mut self.page);
        base.walk(*number, from, to, self.limit, &mut |key, value| {
            rows += 1;
            last.clear();
            last.extend_from_slice(key);
            match (K::from_octets(key), V::from_octets(value)) {
                (Some(key), Some(value)) => page.push_back((key, value)),
                _ => base.damaged(*number, key),
            }
        });
        let is_full = rows >= self.limit;
        self.limit = if is_full { (self.limit * 8).min(Self::LARGEST_PAGE) } else { 0 };
        self.from = Bound::Excluded(last);
    }
}

impl<K: Field, V: Field, B: Base> Iterator for BaseRows<'_, K, V, B> {
    type Item = (K, V);

    fn next(&mut self) -> Option<Self::Item> {
        while self.page.is_empty() && self.limit > 0 {
            self.turn();
        }
        self.page.pop_front()
    }
}

/// Only the rows: what could be taken back is no part of what is.
impl<K: fmt::Debug, V: fmt::Debug, B> fmt::Debug for Table<K, V, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().filter_map(|(key, row)| Some((key, row.value.as_ref()?)));
        f.debug_map().entries(rows).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;
    use crate::error::Unavailable;

    type Octets = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

    #[derive(Debug, Clone, Default)]
    struct InMap(Rc<RefCell<Octets>>);

    impl Base for InMap {
        fn get(&self, table: u8, key: &[u8]) -> Option<Vec<u8>> {
            self.0.borrow().get(&(table, key.to_vec())).cloned()
        }

        fn walk(
            &self,
            table: u8,
            from: Bound<&[u8]>,
            to: Bound<&[u8]>,
            limit: usize,
            row: &mut dyn FnMut(&[u8], &[u8]),
        ) {
            let at = |bound: Bound<&[u8]>| bound.map(|key| (table, key.to_vec()));
            let from = match at(from) {
                Bound::Unbounded => Bound::Included((table, Vec::new())),
                from => from,
            };
            let to = match at(to) {
                Bound::Unbounded => Bound::Excluded((table + 1, Vec::new())),
                to => to,
            };
            let rows = self.0.borrow();
            rows.range((from, to)).take(limit).for_each(|((_, key), value)| row(key, value));
        }

        fn damaged(&self, table: u8, key: &[u8]) {
            panic!("table {table} has a damaged row {key:?}");
        }

        fn fault(&self) -> Result<(), Unavailable> {
            Ok(())
        }
    }

    fn set(rows: &mut Octets, number: u8, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => drop(rows.insert((number, key.to_vec()), value.to_vec())),
            None => drop(rows.remove(&(number, key.to_vec()))),
        }
    }

    impl InMap {
        fn store(&self, table: &mut Table<u16, u64, Self>) {
            let mut rows = self.0.borrow_mut();
            table.store(|number, key, value| set(&mut rows, number, key, value));
        }
    }

    fn rows<B: Base>(table: &Table<u16, u64, B>, range: impl RangeBounds<u16>) -> Vec<(u16, u64)> {
        table.range(range).map(|(key, value)| (key, value.into_owned())).collect()
    }

    /// What a table is asked to do.
    fn steps() -> impl Strategy<Value = Vec<(u8, u16)>> {
        prop::collection::vec((0u8..10, 0u16..40), 0..80)
    }

    fn write<B: Base>(table: &mut Table<u16, u64, B>, steps: &[(u8, u16)]) {
        for (at, &(what, key)) in steps.iter().enumerate() {
            match what {
                0..5 if table.contains(&key) => table.put(key, at as u64),
                0..5 => table.put_new(key, at as u64),
                5..8 => drop(table.take(&key)),
                8 => drop(table.take_range(key..key + 3)),
                _ => drop(table.change(&key, |value| *value += 100)),
            }
        }
    }

    mailwright_core::properties! {
        #[test]
        fn what_is_taken_back_never_was(first in steps(), then in steps()) {
            let mut table = Table::new(1, Nothing);
            write(&mut table, &first);
            table.keep();
            let before = rows(&table, ..);
            write(&mut table, &then);
            table.roll_back();
            prop_assert_eq!(rows(&table, ..), before);
        }

        /// With a part of the rows in the base, a part in memory and a part in both, it is the table that it would be
        /// without a base.
        #[test]
        fn a_base_changes_nothing(
            rounds in prop::collection::vec((steps(), prop::bool::ANY, 0u8..6), 0..6),
            from in 0u16..40,
            length in 0u16..20,
        ) {
            let (base, mut given) = (InMap::default(), Octets::new());
            let (mut plain, mut layered) = (Table::new(1, Nothing), Table::new(1, base.clone()));
            for (steps, stands, then) in rounds {
                write(&mut plain, &steps);
                write(&mut layered, &steps);
                if stands {
                    plain.keep();
                    layered.keep();
                } else {
                    plain.roll_back();
                    layered.roll_back();
                }
                if then > 0 {
                    layered.give(|number, key, value| set(&mut given, number, key, value));
                }
                if then > 2 {
                    base.store(&mut layered);
                    prop_assert_eq!(&*base.0.borrow(), &given, "what was given is what the base has");
                }
                if then > 4 {
                    layered.forget();
                }
                prop_assert_eq!(rows(&layered, ..), rows(&plain, ..));
                prop_assert_eq!(rows(&layered, from..from + length), rows(&plain, from..from + length));
                for key in 0..40 {
                    prop_assert_eq!(layered.contains(&key), plain.contains(&key));
                    prop_assert_eq!(layered.get(&key), plain.get(&key));
                }
            }
            layered.give(|number, key, value| set(&mut given, number, key, value));
            base.store(&mut layered);
            prop_assert_eq!(&*base.0.borrow(), &given);
            layered.forget();
            prop_assert_eq!(rows(&layered, ..), rows(&plain, ..));
        }
    }
}
