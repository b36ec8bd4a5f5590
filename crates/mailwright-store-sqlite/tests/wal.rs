//! SQLite's write-ahead log: it stays as short as it is to be, however small the groups are.

use std::fs;

use mailwright_core::Timestamp;
use mailwright_store::conformance::block_on;
use mailwright_store::{AccountOp, Batch, BatchId, NewAccount, Store as _};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};

const NOW: Timestamp = Timestamp(1_795_363_201_000);

#[test]
fn it_does_not_grow_for_ever() {
    const WAL: u64 = 1 << 20;
    let dir = std::env::temp_dir().join(format!("mailwright-wal-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let mut config = SqliteConfig::at(&dir);
    (config.segment_bytes, config.reserve_bytes, config.watermark_bytes) = (1 << 20, 0, 0);
    (config.checkpoint_bytes, config.wal_bytes) = (WAL / 4, WAL);
    let store = SqliteStore::open(config).unwrap().0;
    let mut longest = 0;
    for number in 0..200 {
        let login = format!("user {number}");
        let account = AccountOp::Create(NewAccount { login, ..NewAccount::default() });
        block_on(store.commit(Batch::new(BatchId([number; 16]), NOW).with(account))).unwrap();
        longest = longest.max(fs::metadata(dir.join("index.db-wal")).unwrap().len());
    }
    store.close();
    fs::remove_dir_all(&dir).unwrap();
    // It is looked at after each group, of which the last may be too much.
    assert!(longest <= WAL + WAL / 4, "{longest} octets");
}
