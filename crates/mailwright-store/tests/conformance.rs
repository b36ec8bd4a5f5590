//! The kit, on the reference model and through the boxed adapter.

use std::sync::Arc;

use mailwright_store::conformance::{block_on, history, run};
use mailwright_store::{DynStore, MemoryConfig, MemoryStore};
use proptest::prelude::*;

fn small() -> MemoryStore {
    let mut config = MemoryConfig::default();
    config.limits.vanished_rows = 7;
    config.limits.ops_per_batch = 20;
    MemoryStore::new(config)
}

fn boxed() -> Arc<dyn DynStore> {
    Arc::new(MemoryStore::default())
}

#[test]
fn memory() {
    block_on(run(async || MemoryStore::default()));
}

#[test]
fn memory_with_small_limits() {
    block_on(run(async || small()));
}

#[test]
fn boxed_memory() {
    block_on(run(async || boxed()));
}

proptest! {
    // A sixteenth of PROPTEST_CASES: each case is a few hundred batches.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.div_ceil(16)))]

    #[test]
    fn histories(seed: u64) {
        block_on(history(MemoryStore::default(), seed, 60));
        block_on(history(small(), seed, 60));
        block_on(history(boxed(), seed, 20));
    }
}
