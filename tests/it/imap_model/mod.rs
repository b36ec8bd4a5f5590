//! Sessions against a model: whatever some clients do, each is told enough to know what there is.

mod client;
mod history;

use mailwright_core::testing::Budget;
use mailwright_store::{MemoryConfig, MemoryStore};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};
use tokio::runtime::{Builder, Runtime};

use crate::support::Folder;
use history::history;

const STEPS: usize = 40;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn in_memory() {
    Budget::new().floor(300).seconds(10).long(10_000).run("imap sessions in memory", |seed| {
        let store = MemoryStore::new(MemoryConfig::default());
        runtime().block_on(history(store, seed, STEPS));
    });
}

/// One store for all histories, each with an account of its own.
#[test]
fn on_disk() {
    let folder = Folder::new();
    let config = SqliteConfig::at(folder.path().join("data"));
    let store = SqliteStore::open(config).unwrap().0;
    Budget::new().floor(500).seconds(10).long(10_000).run("imap sessions on disk", |seed| {
        runtime().block_on(history(store.clone(), seed, STEPS));
    });
}
