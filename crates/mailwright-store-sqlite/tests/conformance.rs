//! The kit that every backend passes, on a directory.

#![expect(clippy::unwrap_used, reason = "that is how tests fail")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use mailwright_core::testing::Budget;
use mailwright_store::conformance::{block_on, history, run};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};

/// A directory that goes away with it.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("mailwright-conformance-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> SqliteStore {
        let mut config = SqliteConfig::at(&self.0);
        config.segment_bytes = 1 << 20;
        config.inline_bytes = 1 << 10;
        config.reserve_bytes = 0;
        config.watermark_bytes = 0;
        config.readers = 1;
        SqliteStore::open(config).unwrap().0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn sqlite() {
    let dirs = std::cell::RefCell::new(Vec::new());
    block_on(run(async || {
        let dir = Dir::new();
        let store = dir.open();
        dirs.borrow_mut().push(dir);
        store
    }));
}

#[test]
fn histories() {
    Budget::new().floor(8).seconds(4).long(500).run("sqlite histories", |seed| {
        let dir = Dir::new();
        block_on(history(dir.open(), seed, 40));
    });
}
