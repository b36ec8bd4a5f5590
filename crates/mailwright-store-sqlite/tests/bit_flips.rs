//! A bit of a file turns over: the store opens all the same, and loses at most the message that the bit was of.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how tests fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mailwright_core::testing::{Budget, SeededEntropy};
use mailwright_core::{BlobId, Entropy, MailboxId, Timestamp, Uid, UidSet};
use mailwright_store::conformance::block_on;
use mailwright_store::{
    AccountOp, Append, Batch, BatchId, BlobError, BlobHint, BlobReader, BlobWriter, Columns, NewAccount,
    Store, SystemFlag, Target,
};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore, verify};

const NOW: Timestamp = Timestamp(1_795_363_201_000);
const MESSAGES: u32 = 40;

fn config(dir: &Path) -> SqliteConfig {
    let mut config = SqliteConfig::at(dir);
    config.segment_bytes = 64 << 10;
    config.inline_bytes = 4 << 10;
    config.reserve_bytes = 0;
    config.watermark_bytes = 0;
    config.readers = 1;
    config
}

/// Every eighth message is too large for the log.
fn content(number: u32) -> Vec<u8> {
    let length = if number.is_multiple_of(8) { 9000 } else { 100 + number * 37 };
    (0..length).map(|at| (at * number % 251) as u8).collect()
}

fn fill(dir: &Path) {
    let (store, report) = SqliteStore::open(config(dir)).unwrap();
    assert!(report.created);
    block_on(async {
        let ann = AccountOp::Create(NewAccount { login: "ann".to_owned(), ..NewAccount::default() });
        store.commit(Batch::new(BatchId([0; 16]), NOW).with(ann)).await.unwrap();
        for number in 1..=MESSAGES {
            let mut writer = store.blob_writer(BlobHint { now: NOW, size: None }).await.unwrap();
            writer.write(Bytes::from(content(number))).await.unwrap();
            let blob = writer.finish(NOW).await.unwrap().id();
            let mut append = Append::new(Target::Id(MailboxId(1)), blob, NOW);
            append.flags = SystemFlag::Seen.into();
            store.commit(Batch::new(BatchId([number as u8; 16]), NOW).with(append)).await.unwrap();
        }
    });
    store.close();
}

/// What can be read: of each message whether its content is as it was, or why not.
fn read(store: &SqliteStore) -> BTreeMap<u32, Result<bool, BlobError>> {
    block_on(async {
        // So small an index is looked at wholly when it is opened: what can be read now stays.
        let snapshot = store.open(MailboxId(1)).await.unwrap();
        assert_eq!(snapshot.status.messages, MESSAGES);
        let all = UidSet::range(Uid::FIRST, Uid::new(u32::MAX).unwrap());
        let columns = Columns::BLOB.and(Columns::FLAGS).and(Columns::SIZE);
        let rows = store.rows(&snapshot, &all, columns, None, 1000).await.unwrap();
        let mut found = BTreeMap::new();
        for (at, uid) in rows.uids.iter().enumerate() {
            assert_eq!(rows.flags[at], SystemFlag::Seen.into());
            assert_eq!(rows.sizes[at], content(uid.get()).len() as u64);
            let read = is_whole(store, rows.blobs[at], uid.get()).await;
            found.insert(uid.get(), read);
        }
        found
    })
}

/// Whether a blob is the content of a message, octet for octet.
async fn is_whole(store: &SqliteStore, blob: BlobId, number: u32) -> Result<bool, BlobError> {
    let expected = content(number);
    let mut reader = store.read_blob(blob, 0..expected.len() as u64).await?;
    let mut body = Vec::new();
    while let Some(piece) = reader.next().await? {
        body.extend_from_slice(&piece);
    }
    Ok(body == expected)
}

/// All files below a directory, but for the lock.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "lock") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn restore(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let _ = fs::remove_dir_all(dir);
    for (path, content) in files {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn a_bit_costs_at_most_its_message() {
    let dir = std::env::temp_dir().join(format!("mailwright-bit-flips-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fill(&dir);
    assert!(verify(&dir).unwrap().is_sound());
    let pristine = files(&dir);
    let (mut damaged, mut rebuilt, mut lost) = (0, 0, 0);
    Budget::new().floor(1000).seconds(1).long(5000).run("bit flips", |seed| {
        let mut random = [0; 16];
        SeededEntropy::new(seed).fill(&mut random);
        let (which, rest) = random.split_first_chunk::<8>().unwrap();
        let (at, bit) = (u64::from_le_bytes(*rest.first_chunk().unwrap()), which[7] % 8);
        // By kind of file first, since the index is larger than all the rest.
        let kind = ["seg", "blob", "db"][usize::from(which[6] % 3)];
        let of_kind: Vec<_> =
            pristine.iter().filter(|(path, _)| path.extension().is_some_and(|found| found == kind)).collect();
        let (path, content) = of_kind[usize::from(which[0]) % of_kind.len()];
        // Where a segment is used.
        let used = content.iter().rposition(|octet| *octet != 0).map_or(1, |last| last + 1);
        let at = (at % used as u64) as usize;
        let what = format!("seed {seed}: bit {bit} of octet {at} of {}", path.display());
        restore(&dir, &pristine);
        let mut content = content.clone();
        content[at] ^= 1 << bit;
        fs::write(path, content).unwrap();

        let told = verify(&dir).map(|report| report.is_sound());
        let (store, report) =
            SqliteStore::open(config(&dir)).unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = read(&store);
        store.close();
        assert_eq!(found.len(), MESSAGES as usize, "{what}: all messages are listed");
        let unreadable: Vec<_> = found.iter().filter(|(_, read)| **read != Ok(true)).collect();
        assert!(unreadable.len() <= 1, "{what}: {unreadable:?}");
        for (_, read) in &unreadable {
            assert!(matches!(read, Err(BlobError::Damaged(_))), "{what}: {read:?}");
            assert!(!matches!(told, Ok(true)), "{what}: verify tells");
        }
        let is_index = path.extension().is_some_and(|kind| kind == "db");
        assert!(
            !is_index || told.is_err() || report.rebuilt != matches!(told, Ok(true)),
            "{what}: the opening tells"
        );
        damaged += u32::from(!matches!(told, Ok(true)));
        rebuilt += u32::from(report.rebuilt);
        lost += unreadable.len();
    });
    println!("{damaged} told, {rebuilt} indexes built anew, {lost} messages lost");
    let _ = fs::remove_dir_all(&dir);
}
