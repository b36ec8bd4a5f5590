use mailwright_core::testing::Budget;
use mailwright_core::{MailboxId, Timestamp};
use mailwright_store::conformance::{block_on, history, run};
use mailwright_store::{
    AccountKey, AccountOp, Append, Batch, BatchId, BlobHint, BlobWriter, Cause, Health, NewAccount, Store,
    Target,
};

use super::{SimConfig, SimDisks, SimStore};

fn config() -> SimConfig {
    SimConfig { inline_bytes: 100, ..SimConfig::default() }
}

fn open(disks: SimDisks) -> SimStore {
    let (store, report) = SimStore::open(disks, config()).unwrap();
    assert_eq!(report.damage, [], "a crash damages nothing");
    store
}

fn create(store: &SimStore, number: u8) -> Result<(), Cause> {
    let login = format!("user{number}");
    let op = AccountOp::Create(NewAccount { login, ..NewAccount::default() });
    let batch = Batch::new(BatchId([number; 16]), Timestamp(i64::from(number))).with(op);
    block_on(store.commit(batch)).map(drop).map_err(|rejected| rejected.cause)
}

fn has(store: &SimStore, number: u8) -> bool {
    block_on(store.find_account(&AccountKey::Login(format!("user{number}")))).is_ok()
}

#[test]
fn it_is_a_store() {
    block_on(run(async || open(SimDisks::new())));
}

#[test]
fn histories() {
    Budget::new().floor(8).seconds(2).long(500).run("simulated store histories", |seed| {
        block_on(history(open(SimDisks::new()), seed, 40));
    });
}

#[test]
fn what_was_answered_outlives_every_crash() {
    for seed in 0..200 {
        let mut store = open(SimDisks::new());
        for number in 0..10 {
            create(&store, number).unwrap();
            if number % 3 == 2 {
                store = open(store.crash(seed * 1001 + u64::from(number)));
            }
        }
        assert!((0..10).all(|number| has(&store, number)), "seed {seed}");
    }
}

/// The control of the last test.
#[test]
fn without_syncs_it_does_not() {
    let lost = (0..50).any(|seed| {
        let store = SimStore::open(SimDisks::ignoring_syncs(), config()).unwrap().0;
        create(&store, 1).unwrap();
        let opened = SimStore::open(store.crash(seed), config());
        opened.map_or(true, |(store, _)| !has(&store, 1))
    });
    assert!(lost);
}

/// Polls once.
fn poll<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn the_power_goes_off_at_any_write_and_nobody_is_answered() {
    let mut points = 0;
    for nth in 1.. {
        let store = open(SimDisks::new());
        create(&store, 0).unwrap();
        store.cut_power(nth, nth as usize * 37);
        let mut answered = 0;
        for number in 1..20 {
            let login = format!("user{number}");
            let op = AccountOp::Create(NewAccount { login, ..NewAccount::default() });
            let batch = Batch::new(BatchId([number; 16]), Timestamp(0)).with(op);
            match poll(store.commit(batch)) {
                Some(done) => done.map(drop).unwrap(),
                None => break,
            }
            answered = number;
        }
        if poll(store.power_lost()).is_none() {
            break;
        }
        points = nth;
        assert!(poll(store.commit(Batch::new(BatchId([99; 16]), Timestamp(0)))).is_none());
        let after = open(store.crash(nth));
        assert!((0..=answered).all(|number| has(&after, number)), "cut at {nth}");
        assert!((answered + 2..20).all(|number| !has(&after, number)), "cut at {nth}");
    }
    assert!(points > 30, "{points}: a write and a sync for each group");
}

#[test]
fn the_power_goes_off_while_it_is_opened() {
    let mut points = 0;
    for nth in 1.. {
        let store = open(SimDisks::new());
        (0..5).for_each(|number| create(&store, number).unwrap());
        let disks = store.crash(nth);
        let config = SimConfig { cut_power: Some((nth, nth as usize * 37)), ..config() };
        let disks = match SimStore::open(disks.clone(), config) {
            Err(_) => disks.crash(nth * 7),
            Ok((store, _)) if poll(store.power_lost()).is_some() => store.crash(nth * 7),
            Ok(_) => break,
        };
        points = nth;
        let store = open(disks);
        assert!((0..5).all(|number| has(&store, number)), "cut at {nth}");
    }
    assert!(points > 5, "{points}");
}

#[test]
fn after_a_fault_nothing_is_taken() {
    let store = open(SimDisks::new());
    create(&store, 0).unwrap();
    store.fail_sync(1);
    assert!(matches!(create(&store, 1), Err(Cause::Unavailable(_))));
    assert_eq!(store.health(), Health::Poisoned);
    assert!(create(&store, 2).is_err());
    let store = open(store.crash(0));
    assert!(has(&store, 0) && !has(&store, 1) && !has(&store, 2));
    // Of the segment that is set aside there is some left, of another one nothing.
    store.set_capacity(Some(0));
    let full = (3..100).find(|&number| create(&store, number) == Err(Cause::NoSpace)).unwrap();
    store.set_capacity(None);
    create(&store, full + 1).unwrap();
}

#[test]
fn bodies_are_read_back() {
    let mut store = open(SimDisks::new());
    create(&store, 0).unwrap();
    for (number, size) in [(1, 10), (2, 99), (3, 101), (4, 70_000)] {
        let hint = BlobHint { now: Timestamp(number), size: None };
        let mut writer = block_on(store.blob_writer(hint)).unwrap();
        block_on(writer.write(vec![b'a'; size / 2].into())).unwrap();
        block_on(writer.write(vec![b'b'; size - size / 2].into())).unwrap();
        let blob = block_on(writer.finish(Timestamp(number))).unwrap();
        let read = |store: &SimStore| block_on(store.read_blobs(&[(blob.id(), 0..size as u64)])).remove(0);
        let staged = read(&store).unwrap();
        let append = Append::new(Target::Id(MailboxId(1)), blob.id(), Timestamp(number));
        block_on(store.commit(Batch::new(BatchId([number as u8 + 100; 16]), Timestamp(0)).with(append)))
            .unwrap();
        assert_eq!(read(&store).unwrap(), staged);
        store = open(store.crash(number as u64 * 13));
        assert_eq!(read(&store).unwrap(), staged);
        assert_eq!(staged.len(), size);
    }
}
