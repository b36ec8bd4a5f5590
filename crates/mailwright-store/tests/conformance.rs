//! The kit, on the reference model and through the boxed adapter.

use std::sync::Arc;

use mailwright_core::testing::Budget;
use mailwright_store::conformance::{block_on, history, run};
use mailwright_store::{DynStore, MemoryConfig, MemoryStore};

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

/// Each case is some hundred batches.
#[test]
fn histories() {
    let budget = Budget::new().floor(16).seconds(4).long(2_000);
    budget.run(concat!(module_path!(), "::histories"), |seed| {
        block_on(history(MemoryStore::default(), seed, 60));
        block_on(history(small(), seed, 60));
        block_on(history(boxed(), seed, 20));
    });
}
