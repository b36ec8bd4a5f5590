use proptest::prelude::*;

use super::*;
use crate::conformance::block_on;
use crate::{
    AccountOp, Append, BatchId, BlobWriter, Cause, Expunge, FlagChange, Grantee, MailboxOp, MetadataTarget,
    NewAccount, NewEntry, OnOverQuota, Op, OpOutcome, Opaque, Priority, QueueOp, QueueRecipient, QuotaLimits,
    QuotaOp, RightsChange, Settlement, StoreFlags, SystemFlag, Target, Transfer, Visibility,
};

const NOW: Timestamp = Timestamp(1_795_363_201_000);

fn batch(number: u8, ops: impl IntoIterator<Item = Op>) -> Batch {
    Batch { id: BatchId([number; 16]), now: NOW, ops: ops.into_iter().collect() }
}

fn upload(store: &MemoryStore, content: &'static str) -> Result<BlobId, BlobError> {
    block_on(async {
        let mut writer = store.blob_writer(BlobHint { now: NOW, size: None }).await?;
        writer.write(Bytes::from_static(content.as_bytes())).await?;
        Ok(writer.finish(NOW).await?.id())
    })
}

fn account(login: &str) -> Op {
    AccountOp::Create(NewAccount { login: login.to_owned(), ..NewAccount::default() }).into()
}

fn name(text: &str) -> MailboxName {
    text.parse().unwrap()
}

fn entry(number: u32, blob: BlobId) -> NewEntry {
    let address: mailwright_core::Address = "carl@example.net".parse().unwrap();
    NewEntry {
        id: QueueId { trace: TraceId::new(NOW, [0; 4]), entry: number },
        route: "example.net".parse().unwrap(),
        priority: Priority::default(),
        due: NOW,
        expires: NOW,
        sender: mailwright_core::ReversePath::Null,
        recipients: vec![QueueRecipient::from(address)],
        envelope: Opaque::default(),
        blob,
    }
}

/// Two accounts, some messages, two leased entries.
fn populated() -> (MemoryStore, BlobId, Vec<Lease>) {
    let mut config = MemoryConfig::default();
    config.limits.vanished_rows = 2;
    let store = MemoryStore::new(config);
    let blob = upload(&store, "hello").unwrap();
    let inbox = |number| Op::from(Append::new(Target::inbox(AccountId(number)), blob, NOW));
    let ops = [account("ann"), account("bob"), inbox(1), inbox(1), inbox(1), inbox(2), entry(1, blob).into()];
    block_on(store.commit(batch(1, ops.into_iter().chain([entry(2, blob).into()])))).unwrap();
    let selector = crate::Selector::Any { room: 9, except: Default::default() };
    let lease = Duration::from_secs(60);
    let claim = Claim { now: NOW, worker: crate::WorkerId(1), lease, selector, limit: 9 };
    let leases = block_on(store.claim(&claim)).unwrap().into_iter().map(|claimed| claimed.lease).collect();
    (store, blob, leases)
}

/// One of each kind of operation, all of which can be done on what [`populated`] gives.
fn every_operation(blob: BlobId, leases: &[Lease]) -> Vec<Op> {
    let (ann, inbox, other) = (AccountId(1), MailboxId(1), MailboxId(2));
    let uids = |first: u32, last: u32| UidSet::range(Uid::new(first).unwrap(), Uid::new(last).unwrap());
    let flags = crate::Flags::from(SystemFlag::Deleted).with_keyword("work".parse().unwrap());
    let seen = crate::Flags::from(SystemFlag::Seen);
    let queue = OnOverQuota::Queue(Box::new(entry(9, blob)));
    let junk = Target::Name { account: ann, name: name("Junk/new"), create: true };
    let create = |text| MailboxOp::Create { account: ann, name: name(text), special_use: None };
    let event = mailwright_core::TraceEvent::new(
        NOW,
        mailwright_core::Stage::Commit,
        mailwright_core::Verdict::Pass,
        "kept",
    );
    let limits = QuotaLimits { messages: Some(3), ..QuotaLimits::default() };
    let metadata = |visibility| MailboxOp::Metadata {
        target: MetadataTarget::Mailbox(inbox),
        visibility,
        entry: "/comment".parse().unwrap(),
        value: Some(Bytes::from_static(b"x")),
    };
    vec![
        Append { flags, ..Append::new(junk, blob, NOW) }.into(),
        StoreFlags { mailbox: inbox, uids: uids(1, 2), change: FlagChange::Add(seen), unchanged_since: None }
            .into(),
        Op::Copy(Transfer { from: inbox, uids: uids(1, 3), to: other }),
        Op::Move(Transfer { from: inbox, uids: uids(2, 2), to: other }),
        Expunge { mailbox: other, uids: uids(1, 2), only_deleted: false }.into(),
        create("a/b").into(),
        create("a").into(),
        MailboxOp::Rename { mailbox: MailboxId(5), to: name("z") }.into(),
        MailboxOp::Rename { mailbox: inbox, to: name("old") }.into(),
        MailboxOp::Delete { mailbox: MailboxId(3) }.into(),
        MailboxOp::Subscribe { account: ann, name: name("a") }.into(),
        MailboxOp::Unsubscribe { account: ann, name: name("INBOX") }.into(),
        MailboxOp::Acl { mailbox: inbox, grantee: Grantee::Anyone, change: RightsChange::Set(Rights::ALL) }
            .into(),
        metadata(Visibility::Shared).into(),
        metadata(Visibility::Private(AccountId(2))).into(),
        QuotaOp::Assign { account: AccountId(2), root: QuotaRootId(1) }.into(),
        QuotaOp::SetLimits { root: QuotaRootId(1), limits }.into(),
        Append { on_over_quota: queue, ..Append::new(inbox, blob, NOW) }.into(),
        Op::Settle { lease: leases[0], settlement: Settlement::Ack },
        Op::Queue { entry: leases[1].entry, op: QueueOp::Reroute { route: "x.example".parse().unwrap() } },
        Op::Queue { entry: leases[1].entry, op: QueueOp::Hold },
        entry(3, blob).into(),
        Op::Trace { id: TraceId::new(NOW, [5; 4]), events: vec![event] },
        AccountOp::Enable { account: ann, enabled: false }.into(),
        AccountOp::AddAddress { account: ann, address: "ann@a.example".parse().unwrap() }.into(),
        account("carl"),
        AccountOp::Remove { account: AccountId(2) }.into(),
    ]
}

fn whole(store: &MemoryStore) -> String {
    format!("{:?}", store.0.lock().unwrap().state)
}

#[test]
fn every_operation_can_be_done() {
    let (store, blob, leases) = populated();
    block_on(store.commit(batch(2, every_operation(blob, &leases)))).unwrap();
    assert_eq!(block_on(store.queue_page(None, None, 9)).unwrap().items.len(), 3);
}

mailwright_core::properties! {
    /// Not only nothing that can be read: nothing at all.
    #[test]
    fn a_refused_batch_leaves_no_trace(order in prop::collection::vec(0usize..27, 0..40), cut in 0usize..40) {
        let (store, blob, leases) = populated();
        let all = every_operation(blob, &leases);
        // First some that may succeed or fail one by one, so that there is more to spoil; then those to be taken back.
        for (number, index) in order.iter().take(cut).enumerate() {
            let _ = block_on(store.commit(batch(10 + number as u8, [all[*index].clone()])));
        }
        let before = whole(&store);
        let refused = MailboxOp::Delete { mailbox: MailboxId(u64::MAX) }.into();
        let ops = order.iter().skip(cut).map(|index| all[*index].clone()).chain([refused]);
        prop_assert!(block_on(store.commit(batch(2, ops))).is_err());
        prop_assert_eq!(whole(&store), before);
    }
}

#[test]
fn nothing_is_left_of_what_is_gone() {
    let (store, blob, leases) = populated();
    block_on(store.commit(batch(2, every_operation(blob, &leases)))).unwrap();
    let accounts = block_on(store.accounts(None, 9)).unwrap().items;
    let accounts = accounts.into_iter().map(|account| AccountOp::Remove { account: account.id }.into());
    let entries = block_on(store.queue_page(None, None, 9)).unwrap().items;
    let entries = entries.into_iter().map(|entry| Op::Queue { entry: entry.id, op: QueueOp::Remove });
    let later = NOW.saturating_add(Duration::from_secs(60));
    block_on(store.commit(Batch { now: later, ..batch(3, accounts.chain(entries)) })).unwrap();
    let far = Timestamp(NOW.0 * 2);
    let reclaimed = block_on(store.reclaim(far, usize::MAX)).unwrap();
    assert_eq!((reclaimed.blobs, reclaimed.outcomes, reclaimed.traces, reclaimed.more), (1, 3, 1, false));
    let inner = store.0.lock().unwrap();
    assert_eq!(inner.state.blob_bytes(), 0);
    assert!(inner.contents.is_empty());
    assert_eq!(inner.state.rows_besides_counters(), 0);
}

#[test]
fn the_last_uid_is_not_given() {
    let (store, blob, _) = populated();
    let almost = Uid::new(u32::MAX - 1).unwrap();
    store.0.lock().unwrap().state.set_uid_next(MailboxId(1), almost);
    let append = |number| batch(number, [Append::new(MailboxId(1), blob, NOW).into()]);
    let outcome = block_on(store.commit(append(2))).unwrap();
    assert!(matches!(&outcome.ops[..], [OpOutcome::Appended(appended)] if appended.uid == almost));
    let rejected = block_on(store.commit(append(3))).unwrap_err();
    assert_eq!(rejected, Rejected { op: 0, cause: Cause::UidsExhausted });
}

#[test]
fn the_last_modseq_and_uidvalidity_are_the_last() {
    let (store, blob, _) = populated();
    store.0.lock().unwrap().state.set_modseq(AccountId(1), ModSeq::MAX);
    let rejected =
        block_on(store.commit(batch(2, [Append::new(MailboxId(1), blob, NOW).into()]))).unwrap_err();
    assert_eq!(rejected.cause, Cause::CountersExhausted);
    let first_uid_validity = UidValidity::new(u32::MAX).unwrap();
    let store = MemoryStore::new(MemoryConfig { first_uid_validity, ..MemoryConfig::default() });
    block_on(store.commit(batch(1, [account("ann")]))).unwrap();
    let rejected = block_on(store.commit(batch(2, [account("bob")]))).unwrap_err();
    assert_eq!(rejected.cause, Cause::CountersExhausted);
}

#[test]
fn it_has_a_capacity() {
    let store = MemoryStore::new(MemoryConfig { capacity: 10, ..MemoryConfig::default() });
    upload(&store, "123456789").unwrap();
    assert_eq!(store.health(), Health::Ok);
    assert_eq!(upload(&store, "xx"), Err(BlobError::NoSpace));
    upload(&store, "x").unwrap();
    assert_eq!(store.health(), Health::LowSpace);
    let over = NOW.saturating_add(store.limits().blob_grace);
    assert_eq!(block_on(store.reclaim(over, 9)).unwrap().bytes, 10);
    assert_eq!((store.health(), store.0.lock().unwrap().uploading), (Health::Ok, 0));
}

#[test]
fn chunks_are_not_copied() {
    let (store, _, _) = populated();
    let chunk = Bytes::from(vec![7; 1000]);
    let read = block_on(async {
        let mut writer = store.blob_writer(BlobHint { now: NOW, size: None }).await.unwrap();
        writer.write(chunk.clone()).await.unwrap();
        let id = writer.finish(NOW).await.unwrap().id();
        store.read_blobs(&[(id, 10..20)]).await.remove(0).unwrap()
    });
    assert_eq!(read.as_ptr(), chunk[10..].as_ptr());
}

#[test]
fn a_panic_under_the_lock_poisons_it() {
    let (store, ..) = populated();
    let shared = Arc::clone(&store.0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _inner = shared.lock().unwrap();
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(store.health(), Health::Poisoned);
    let rejected = block_on(store.commit(batch(9, []))).unwrap_err();
    assert_eq!(rejected.cause, Cause::Unavailable(Unavailable::default()));
}
