//! A store of one's own around another: it counts what is written. As `commit` is the only write, the one method that
//! is not handed on is enough to count, to copy, or to refuse.
//!
//! `cargo run -p mailwright-examples --example custom_store`, then `swaks --server ADDRESS --to ann@localhost`.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mailwright::bytes::Bytes;
use mailwright::core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceId, Uid, UidSet,
};
use mailwright::server::{Server, Service};
use mailwright::store::*;

struct Counting<S> {
    inner: S,
    commits: AtomicU64,
}

/// Hands methods on to the store within.
macro_rules! hand_on {
    ($(fn $name:ident($($arg:ident: $of:ty),*) -> $output:ty;)*) => {
        $(async fn $name(&self, $($arg: $of),*) -> $output {
            self.inner.$name($($arg),*).await
        })*
    };
}

impl<S: Store> Store for Counting<S> {
    type BlobWriter = S::BlobWriter;
    type BlobReader = S::BlobReader;

    async fn commit(&self, batch: Batch) -> Result<Outcome, Rejected> {
        let operations = batch.ops.len();
        let outcome = self.inner.commit(batch).await?; // nothing happened if this is an error
        println!("commit {}: {operations} operations", self.commits.fetch_add(1, Relaxed) + 1);
        Ok(outcome)
    }

    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn changes(&self, topics: &[Topic]) -> ChangeHints {
        self.inner.changes(topics)
    }

    hand_on! {
        fn reclaim(now: Timestamp, limit: usize) -> Result<Reclaimed, Unavailable>;
        fn blob_writer(hint: BlobHint) -> Result<S::BlobWriter, BlobError>;
        fn blob(id: BlobId) -> Result<BlobInfo, BlobError>;
        fn read_blob(id: BlobId, range: Range<u64>) -> Result<S::BlobReader, BlobError>;
        fn read_blobs(wanted: &[(BlobId, Range<u64>)]) -> Vec<Result<Bytes, BlobError>>;
        fn open(mailbox: MailboxId) -> Result<Snapshot, ReadError>;
        fn rows(
            of: &Snapshot, these: &UidSet, columns: Columns, after: Option<Uid>, limit: usize
        ) -> Result<RowPage, ReadError>;
        fn changed_since(
            of: MailboxId, since: ModSeq, columns: Columns, after: Option<ChangeCursor>, limit: usize
        ) -> Result<Changes, ReadError>;
        fn status(mailboxes: &[MailboxId]) -> Result<Vec<Option<MailboxStatus>>, Unavailable>;
        fn mailboxes(
            of: AccountId, after: Option<MailboxName>, limit: usize
        ) -> Result<Page<MailboxInfo, MailboxName>, ReadError>;
        fn mailbox(of: AccountId, name: &MailboxName) -> Result<MailboxInfo, ReadError>;
        fn subscriptions(
            of: AccountId, after: Option<MailboxName>, limit: usize
        ) -> Result<Page<MailboxName, MailboxName>, ReadError>;
        fn shared_with(
            account: AccountId, after: Option<MailboxId>, limit: usize
        ) -> Result<Page<SharedMailbox, MailboxId>, ReadError>;
        fn acl(mailbox: MailboxId) -> Result<Vec<(Grantee, Rights)>, ReadError>;
        fn metadata(
            target: MetadataTarget, visibility: Visibility
        ) -> Result<Vec<(EntryName, Bytes)>, ReadError>;
        fn account(id: AccountId) -> Result<AccountInfo, ReadError>;
        fn find_account(key: &AccountKey) -> Result<AccountInfo, ReadError>;
        fn accounts(
            after: Option<AccountId>, limit: usize
        ) -> Result<Page<AccountInfo, AccountId>, Unavailable>;
        fn credentials(account: AccountId) -> Result<Vec<Credential>, ReadError>;
        fn domains(after: Option<Domain>, limit: usize) -> Result<Page<Domain, Domain>, Unavailable>;
        fn has_domain(domain: &Domain) -> Result<bool, Unavailable>;
        fn quota(root: QuotaRootId) -> Result<Option<Quota>, Unavailable>;
        fn claim(claim: &Claim) -> Result<Vec<Claimed>, Unavailable>;
        fn renew(
            leases: &[Lease], now: Timestamp, duration: Duration
        ) -> Result<Vec<Option<Lease>>, Unavailable>;
        fn next_due() -> Result<Option<Timestamp>, Unavailable>;
        fn destinations(
            after: Option<Domain>, limit: usize
        ) -> Result<Page<Destination, Domain>, Unavailable>;
        fn queue_page(
            route: Option<Domain>, after: Option<QueueId>, limit: usize
        ) -> Result<Page<QueueEntry, QueueId>, Unavailable>;
        fn queue_entry(id: QueueId) -> Result<Option<QueueEntry>, Unavailable>;
        fn trace(id: TraceId) -> Result<Trace, Unavailable>;
        fn traces(after: Option<TraceId>, limit: usize) -> Result<Page<TraceId, TraceId>, Unavailable>;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Counting { inner: MemoryStore::default(), commits: AtomicU64::new(0) };
    let mail = Server::new("localhost")
        .account("ann@localhost", "correct horse")
        .store(Arc::new(store))
        .listen(Service::Smtp, ([127, 0, 0, 1], 0))
        .start()
        .await?;
    println!("listening on {:?}", mail.addrs());
    tokio::signal::ctrl_c().await?;
    mail.shutdown().await;
    Ok(())
}
