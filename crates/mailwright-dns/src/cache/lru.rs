//! A bounded map that forgets what was used least recently.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A bounded map that forgets what was used least recently.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    slots: HashMap<K, Slot<V>>,
    /// The keys by the time of their last use.
    by_use: BTreeMap<u64, K>,
    /// Uses so far; 64 bits do not run over.
    uses: u64,
    cost: usize,
    slots_max: usize,
    cost_max: usize,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    cost: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    pub(super) fn new(slots_max: usize, cost_max: usize) -> Self {
        Self { slots: HashMap::new(), by_use: BTreeMap::new(), uses: 0, cost: 0, slots_max, cost_max }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Of all values together.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Counts as a use.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        let slot = self.slots.get_mut(key)?;
        self.uses += 1;
        let before = std::mem::replace(&mut slot.used, self.uses);
        if let Some(key) = self.by_use.remove(&before) {
            self.by_use.insert(self.uses, key);
        }
        Some(&slot.value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.slots.remove(key)?;
        self.by_use.remove(&slot.used);
        self.cost -= slot.cost;
        Some(slot.value)
    }

    /// Makes room by forgetting others. What costs more than everything may is forgotten itself.
    pub(super) fn insert(&mut self, key: K, value: V, cost: usize) {
        self.remove(&key);
        self.uses += 1;
        self.by_use.insert(self.uses, key.clone());
        self.slots.insert(key, Slot { value, cost, used: self.uses });
        self.cost += cost;
        while self.slots.len() > self.slots_max || self.cost > self.cost_max {
            let Some((_, oldest)) = self.by_use.first_key_value() else { return };
            self.remove(&oldest.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_least_recently_used_goes() {
        let mut lru = Lru::new(2, 100);
        lru.insert("a", 1, 10);
        lru.insert("b", 2, 10);
        assert_eq!(lru.get(&"a"), Some(&1));
        lru.insert("c", 3, 10);
        assert_eq!(lru.get(&"a"), Some(&1));
        assert_eq!(lru.get(&"b"), None);
        assert_eq!((lru.len(), lru.cost()), (2, 20));
        lru.insert("d", 4, 95);
        assert_eq!(lru.get(&"d"), Some(&4));
        assert_eq!((lru.len(), lru.cost()), (1, 95));
        lru.insert("e", 5, 101);
        assert_eq!((lru.len(), lru.cost()), (0, 0));
    }

    mailwright_core::properties! {
        #[test]
        fn it_is_a_list_that_is_cut_at_the_end(
            steps in proptest::collection::vec((0..3_u8, 0..6_u8, 1..9_usize), 0..60),
            slots_max in 0..5_usize,
            cost_max in 0..20_usize,
        ) {
            let mut lru = Lru::new(slots_max, cost_max);
            // The most recently used first.
            let mut model: Vec<(u8, usize)> = Vec::new();
            for (what, key, cost) in steps {
                let found = model.iter().position(|(other, _)| *other == key);
                let taken = found.map(|at| model.remove(at));
                match what {
                    0 => {
                        prop_assert_eq!(lru.get(&key).copied(), taken.map(|(_, cost)| cost));
                        model.splice(0..0, taken);
                    }
                    1 => prop_assert_eq!(lru.remove(&key), taken.map(|(_, cost)| cost)),
                    _ => {
                        lru.insert(key, cost, cost);
                        model.insert(0, (key, cost));
                        while model.len() > slots_max
                            || model.iter().map(|(_, cost)| cost).sum::<usize>() > cost_max
                        {
                            model.pop();
                        }
                    }
                }
                prop_assert_eq!(lru.len(), model.len());
                prop_assert_eq!(lru.by_use.len(), model.len());
                prop_assert_eq!(lru.cost(), model.iter().map(|(_, cost)| cost).sum::<usize>());
            }
        }
    }
}
