//! A sorted table that remembers how it was.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeBounds;

/// A map whose changes can be taken back: every write notes what stood there before. Reading and writing cost
/// O(log n), taking back as much as the writes did.
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// What stood where before each write, oldest first.
    before: Vec<(K, Option<V>)>,
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn range(&self, range: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(range)
    }

    pub(super) fn first(&self) -> Option<(&K, &V)> {
        self.rows.first_key_value()
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.before.push((key, before));
    }

    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let before = self.rows.remove(key)?;
        self.before.push((key.clone(), Some(before.clone())));
        Some(before)
    }

    /// Removes a whole range, and gives it.
    pub(super) fn take_range(&mut self, range: impl RangeBounds<K>) -> Vec<(K, V)> {
        let taken: Vec<_> = self.rows.range(range).map(|(key, value)| (key.clone(), value.clone())).collect();
        for (key, value) in &taken {
            self.rows.remove(key);
            self.before.push((key.clone(), Some(value.clone())));
        }
        taken
    }

    /// Changes a row, if it is there.
    pub(super) fn change<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let value = self.rows.get_mut(key)?;
        self.before.push((key.clone(), Some(value.clone())));
        Some(change(value))
    }

    /// The writes so far stand.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The writes since the last [`keep`](Self::keep) never were.
    pub(super) fn roll_back(&mut self) {
        while let Some((key, before)) = self.before.pop() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

/// Only the rows: what could be taken back is no part of what is.
impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_back_never_was(
            first in prop::collection::vec((0u8..4, 0u8..8), 0..20),
            then in prop::collection::vec((0u8..4, 0u8..8), 0..20),
        ) {
            let mut table = Table::default();
            let write = |table: &mut Table<u8, usize>, steps: &[(u8, u8)]| {
                for (at, &(what, key)) in steps.iter().enumerate() {
                    match what {
                        0 | 1 => table.put(key, at),
                        2 => drop(table.take(&key)),
                        _ => drop(table.change(&key, |value| *value += 100)),
                    }
                }
            };
            write(&mut table, &first);
            table.keep();
            let rows = table.rows.clone();
            write(&mut table, &then);
            table.take_range(2..5);
            table.roll_back();
            prop_assert_eq!(table.rows, rows);
        }
    }
}
