//! How fast the embedded engine makes messages durable, beside the disk's own speed in the same run: the same octets
//! appended to a bare file, one `fdatasync` for each message, and one for each hundred.
#![expect(clippy::expect_used, reason = "a measurement that fails is over")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailwright_core::Timestamp;
use mailwright_store::{
    AccountOp, Append, Batch, BatchId, BlobHint, BlobWriter, MailboxOp, NewAccount, OpOutcome, Store, Target,
};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};

/// Octets of a message.
const MESSAGE: usize = 4000;
const NOW: Timestamp = Timestamp(1_795_363_201_000);
const ROUND: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let dir = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let dir = dir.join(format!("mailwright-bench-store-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    println!("messages of {MESSAGE} octets a second, and the share of a bare file's");
    for (tasks, together) in [(1, 1), (20, 20), (100, 100)] {
        let bare = bare(&dir, together);
        let engine = runtime.block_on(engine(&dir, tasks));
        println!(
            "{tasks:>4} at once  {engine:>8.0}  bare, {together:>3} a sync {bare:>8.0}  {:.2}",
            engine / bare
        );
    }
    let _ = std::fs::remove_dir_all(&dir);
    ExitCode::SUCCESS
}

/// Messages a second, `together` of them to a sync.
fn bare(dir: &Path, together: usize) -> f64 {
    let path = dir.join("bare");
    let mut file = File::create(&path).expect("a file");
    let group = vec![0x61; MESSAGE * together];
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < ROUND {
        file.write_all(&group).expect("written");
        file.sync_data().expect("synced");
        count += together;
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    drop(file);
    let _ = std::fs::remove_file(path);
    rate
}

async fn engine(dir: &Path, tasks: usize) -> f64 {
    let dir = dir.join(format!("engine-{tasks}"));
    let config = SqliteConfig::at(&dir);
    let (store, _) =
        tokio::task::spawn_blocking(|| SqliteStore::open(config)).await.expect("run").expect("opened");
    let account = AccountOp::Create(NewAccount { login: "ann".to_owned(), ..NewAccount::default() });
    store.commit(Batch::new(BatchId([0xFF; 16]), NOW).with(account)).await.expect("an account");
    let count = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(append(store.clone(), task as u64, begin, Arc::clone(&count))))
        .collect();
    for task in running {
        task.await.expect("it ends");
    }
    let rate = count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
    tokio::task::spawn_blocking(move || store.close()).await.expect("closed");
    rate
}

/// Each task into a mailbox of its own, one message after the other.
async fn append(store: SqliteStore, task: u64, begin: Instant, count: Arc<AtomicU64>) {
    let id = |number: u64| BatchId(((u128::from(task) << 64) | u128::from(number)).to_be_bytes());
    let name = format!("box{task}").parse().expect("a name");
    let create = MailboxOp::Create { account: mailwright_core::AccountId(1), name, special_use: None };
    let created = store.commit(Batch::new(id(0), NOW).with(create)).await.expect("a mailbox");
    let Some(OpOutcome::MailboxCreated { mailbox, .. }) = created.ops.into_iter().next() else { return };
    let content = Bytes::from(vec![0x61; MESSAGE]);
    let mut number = 0;
    while begin.elapsed() < ROUND {
        number += 1;
        let mut writer = store.blob_writer(BlobHint { now: NOW, size: None }).await.expect("a blob");
        writer.write(content.clone()).await.expect("written");
        let blob = writer.finish(NOW).await.expect("finished").id();
        let append = Append::new(Target::Id(mailbox), blob, NOW);
        store.commit(Batch::new(id(number), NOW).with(append)).await.expect("committed");
        count.fetch_add(1, Ordering::Relaxed);
    }
}
