//! Whatever crashes whenever: what was answered is there, and nothing is there by halves.
//!
//! A random history runs on a disk that remembers every operation. Then it is cut at random points: the process is
//! killed, or the power is cut and takes any part of what was not synced, or first the one and then, after the next
//! opening, the other. SQLite's files come back as they were after any of its commits, or not at all. What the store
//! then has must be, row by row, what the reference model has after some of the history's groups: all those that were
//! answered, and perhaps the one that was under way.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::testing::Budget;
use mailwright_core::{
    BlobId, MailboxId, QueueId, ReversePath, Timestamp, TraceId, Uid, UidSet, UidValidity,
};
use mailwright_store::disk::{Crash, FaultDisk, Survivors};
use mailwright_store::model::{Base, Nothing, State};
use mailwright_store::{
    AccountOp, Append, Batch, BatchId, BlobInfo, Cause, Checksum, Claim, Expunge, Fence, FlagChange, Flags,
    Limits, MailboxOp, NewAccount, NewEntry, Op, Opaque, Priority, QueueRecipient, Rejected, Selector,
    Settlement, StoreFlags, SystemFlag, Target, Transfer, WorkerId,
};
use tokio::sync::oneshot;

use crate::engine::{Engine, Parts, position};
use crate::index::{Image, Index, Location, PLACES};
use crate::jobs::Job;
use crate::lag::Allowed;
use crate::log::{Log, LogConfig, LogError, StoreId};
use crate::place::BlobPlace;
use crate::shared::Shared;
use crate::staged::{Staged, StagedBody};

const START: Timestamp = Timestamp(1_795_363_201_000);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// All rows, by table and key.
type Rows = Image;

/// What a store has, but for how often it was opened.
fn rows_of<B: Base>(state: &State<B>) -> Rows {
    let mut rows = Rows::new();
    state.all(|table, key, value| drop(rows.insert((table, key.to_vec()), value.to_vec())));
    state.fault().unwrap();
    rows.remove(&(0, vec![8]));
    rows
}

/// The reference: the same rules, all in memory.
struct Model {
    state: State<Nothing>,
    fence: Fence,
    rows: Rows,
}

impl Model {
    fn new() -> Self {
        let mut state = State::new(Nothing);
        state.begin(UidValidity::new(100).unwrap());
        let fence = Fence { epoch: state.begin_epoch(), counter: 0 };
        let mut model = Self { state, fence, rows: Rows::new() };
        model.note();
        model
    }

    /// All its rows, from a state that is told to give everything.
    fn note(&mut self) {
        self.rows = rows_of(&self.state);
    }
}

/// A store on a disk that remembers.
struct Bed {
    engine: Engine<FaultDisk>,
    disk: FaultDisk,
    shared: Arc<Shared>,
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 64 << 10, ..LogConfig::default() }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.vanished_rows = 5;
    limits
}

impl Bed {
    fn open(disk: FaultDisk, image: Option<Image>) -> Self {
        let location = Location::Memory(image);
        let index = Index::open(&location).unwrap();
        let proven = position(&index).unwrap();
        let log = match Log::open(disk.clone(), config(), None, proven) {
            Err(LogError::NoLog) => Log::create(disk.clone(), config(), StoreId([7; 16])).unwrap(),
            opened => {
                let (log, report) = opened.unwrap();
                assert_eq!(report.damage, [], "a crash damages nothing");
                log
            }
        };
        let shared = Arc::new(Shared::default());
        let parts = Parts {
            log,
            location: Location::Memory(None),
            bulk: Arc::new(FaultDisk::new()),
            limits: limits(),
            cached_rows: 200,
            lag: Allowed { rows: 60, octets: 8 << 10 },
            shared: Arc::clone(&shared),
        };
        let (engine, _) = Engine::open(parts, index, UidValidity::new(100).unwrap()).unwrap();
        Self { engine, disk, shared }
    }

    fn rows(&self) -> Rows {
        rows_of(self.engine.state())
    }

    /// Every blob that the store knows has the octets that it was written with.
    fn check_bodies(&self) {
        let reader = self.engine.log_reader();
        for (key, place) in self.engine.index().page(PLACES, Bound::Unbounded, Bound::Unbounded, usize::MAX) {
            let id = BlobId(key.try_into().unwrap());
            let Some(BlobPlace::Log(place)) = mailwright_store::model::Field::from_octets(&place) else {
                panic!()
            };
            let mut read = vec![0; place.len as usize];
            reader.read_at(&place, 0, &mut read).unwrap();
            assert!(read == content(id), "the content of {id:?}");
        }
    }
}

/// What a blob has: some octets that only it has.
fn content(id: BlobId) -> Vec<u8> {
    let mut random = Random(u64::from_le_bytes(*id.0.last_chunk().unwrap()));
    let length = if random.chance(10) { 3000 + random.below(9000) } else { random.below(700) };
    (0..length).map(|_| random.next() as u8).collect()
}

/// What was done, and when.
struct History {
    disk: FaultDisk,
    /// The rows after each group, and how many operations of the disk were over when it was answered.
    groups: Vec<(usize, Rows)>,
    /// What SQLite had after each of its commits, and how many operations of the disk were over by then.
    images: Vec<(usize, Image)>,
}

fn history(seed: u64, disk: &FaultDisk) -> History {
    let mut random = Random(seed);
    disk.record();
    let mut model = Model::new();
    let mut bed = Bed::open(disk.clone(), None);
    let mut groups = vec![(0, Rows::new()), (disk.points(), model.rows.clone())];
    let mut images = vec![(disk.points(), bed.engine.index().image())];
    assert_eq!(bed.rows(), model.rows, "a new store");
    let (mut number, mut leases) = (0, Vec::new());
    for _ in 0..3 + random.below(14) {
        let mut jobs = Vec::new();
        let mut answers = Vec::new();
        if random.chance(25) {
            let now = Timestamp(START.0 + number as i64 * 1000);
            let selector = Selector::Any { room: 3, except: BTreeMap::new() };
            let claim = Claim { now, worker: WorkerId(1), lease: Duration::from_secs(5), selector, limit: 2 };
            let claimed = model.state.claim(&claim, &limits(), &mut model.fence);
            leases.extend(claimed.iter().map(|claimed| claimed.lease));
            let (answer, mut done) = oneshot::channel();
            bed.engine.step(vec![Job::Claim(claim, answer)]);
            assert_eq!(done.try_recv().unwrap().unwrap(), claimed, "seed {seed}: the same fences, too");
        }
        if random.chance(10) {
            let (answer, mut done) = oneshot::channel();
            jobs.push(Job::Show(answer));
            drop(done.try_recv());
        }
        for _ in 0..=random.below(4) {
            number += 1;
            let now = Timestamp(START.0 + number as i64 * 1000);
            if random.chance(30)
                && let Some(lease) = leases.pop()
            {
                let settlement = match random.chance(50) {
                    true => Settlement::Ack,
                    false => Settlement::Return { due: now },
                };
                let batch = Batch::new(BatchId(u128::from(number).to_be_bytes()), now)
                    .with(Op::Settle { lease, settlement });
                let expected = model.state.apply(batch.clone(), &limits()).map(|applied| applied.outcome);
                let (answer, done) = oneshot::channel();
                jobs.push(Job::Commit(batch, answer));
                answers.push((done, expected));
                continue;
            }
            let (batch, staged) = batch(&mut random, number, now);
            for Staged { info, since, body } in staged {
                bed.shared.staging.insert(Staged { info, since, body });
                model.state.stage(info, since);
            }
            let expected = model.state.apply(batch.clone(), &limits()).map(|applied| applied.outcome);
            let (answer, done) = oneshot::channel();
            jobs.push(Job::Commit(batch, answer));
            answers.push((done, expected));
        }
        bed.engine.step(jobs);
        for (mut done, expected) in answers {
            assert_eq!(done.try_recv().unwrap(), expected, "seed {seed}");
        }
        model.note();
        assert_eq!(bed.rows(), model.rows, "seed {seed}: the engine does as the model does");
        groups.push((disk.points(), model.rows.clone()));
        images.push((disk.points(), bed.engine.index().image()));
    }
    bed.check_bodies();
    History { disk: disk.clone(), groups, images }
}

fn blob(random: &mut Random, now: Timestamp) -> Staged {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&now.0.to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_le_bytes());
    let content = content(BlobId(id));
    let mut checksum = Checksum::default();
    checksum.update(&content);
    let info = BlobInfo { id: BlobId(id), size: content.len() as u64, checksum: checksum.value() };
    let half = content.len() / 2;
    let chunks = vec![Bytes::copy_from_slice(&content[..half]), Bytes::copy_from_slice(&content[half..])];
    Staged { info, since: now, body: StagedBody::Inline(chunks) }
}

/// A batch, and the blobs that it brings.
fn batch(random: &mut Random, number: u64, now: Timestamp) -> (Batch, Vec<Staged>) {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let mut batch = Batch::new(BatchId(id), now);
    let mut staged = Vec::new();
    if number == 1 {
        for login in ["ann", "bob"] {
            batch = batch
                .with(AccountOp::Create(NewAccount { login: login.to_owned(), ..NewAccount::default() }));
        }
        return (batch, staged);
    }
    let uids = |random: &mut Random| {
        let uid = |n| Uid::new(n as u32).unwrap();
        let first = 1 + random.below(20);
        UidSet::range(uid(first), uid(first + random.below(4)))
    };
    for _ in 0..=random.below(3) {
        let mailbox = MailboxId(1 + random.below(3));
        batch = match random.below(12) {
            0..5 => {
                let blob = blob(random, now);
                let append = Append::new(Target::Id(mailbox), blob.info.id, now);
                staged.push(blob);
                batch.with(append)
            }
            5 => {
                let blob = blob(random, now);
                let entry = entry(number, blob.info.id, now);
                let append = Append::new(Target::Id(MailboxId(1)), blob.info.id, now);
                staged.push(blob);
                batch.with(append).with(entry)
            }
            6 | 7 => {
                let mut flags = Flags::from(SystemFlag::ALL[random.below(5) as usize]);
                if random.chance(30) {
                    flags = flags.with_keyword("$Junk".parse().unwrap());
                }
                let change =
                    if random.chance(60) { FlagChange::Add(flags) } else { FlagChange::Replace(flags) };
                batch.with(StoreFlags { mailbox, uids: uids(random), change, unchanged_since: None })
            }
            8 => batch.with(Expunge { mailbox, uids: uids(random), only_deleted: random.chance(30) }),
            9 => {
                let to = MailboxId(1 + random.below(3));
                batch.ops.push(Op::Move(Transfer { from: mailbox, uids: uids(random), to }));
                batch
            }
            10 => {
                let name = format!("box{}", random.below(4)).parse().unwrap();
                batch.with(MailboxOp::Create {
                    account: mailwright_core::AccountId(1),
                    name,
                    special_use: None,
                })
            }
            _ => batch.with(MailboxOp::Delete { mailbox: MailboxId(3 + random.below(3)) }),
        };
    }
    (batch, staged)
}

fn entry(number: u64, blob: BlobId, now: Timestamp) -> NewEntry {
    let address: mailwright_core::Address = "carl@example.net".parse().unwrap();
    NewEntry {
        id: QueueId { trace: TraceId::new(now, [0; 4]), entry: number as u32 },
        route: "example.net".parse().unwrap(),
        priority: Priority::default(),
        due: now,
        expires: now,
        sender: ReversePath::Null,
        recipients: vec![QueueRecipient::from(address)],
        envelope: Opaque::default(),
        blob,
    }
}

/// The rows without leases, which end with the process: compared by what else there is.
fn without_leases(rows: &Rows) -> Rows {
    // Entries and their times are what a lease touches.
    let touched = [40, 42, 43, 44, 45];
    rows.iter().filter(|((table, _), _)| !touched.contains(table)).map(clone).collect()
}

/// Nothing is left of leases that nobody has: each entry is in each order once.
fn check_queue(rows: &Rows) {
    let of = |table: u8| rows.keys().filter(|(one, _)| *one == table).count();
    assert_eq!([of(41), of(42), of(45)], [of(40), of(40), 0]);
}

fn clone<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

/// Which of the history's groups a store has; it must have at least `least`.
fn group_of(history: &History, bed: &Bed, least: usize, what: &str) -> usize {
    check_queue(&bed.rows());
    let rows = without_leases(&bed.rows());
    let found = history.groups.iter().rposition(|(_, group)| without_leases(group) == rows);
    // A store that was never answered is begun anew.
    let found = found.unwrap_or_else(|| panic!("{what}: a state that never was"));
    assert!(found >= least, "{what}: group {found}, but {least} were answered");
    bed.check_bodies();
    found
}

/// Crashes a history once. Gives what is wrong by panicking.
fn crash(history: &History, random: &mut Random, what: &str) {
    let point = random.below(history.disk.points() as u64) as usize;
    // Answered before the crash: an answer is given when the disk's operations are over.
    let answered = history.groups.iter().rposition(|(points, _)| *points <= point + 1).unwrap_or(0);
    // Of the first so many of SQLite's commits none or one is what it comes back with, mostly the last.
    let choose = |random: &mut Random, commits: usize| match commits {
        0 => 0,
        _ if random.chance(20) => 0,
        commits if random.chance(60) => commits,
        commits => 1 + random.below(commits as u64) as usize,
    };
    let image = |commits: usize| Some(history.images[commits.checked_sub(1)?].1.clone());
    let committed = history.images.iter().filter(|(points, _)| *points <= point + 1).count();
    let first = choose(random, committed);
    let power_cut = |random: &mut Random| {
        Crash::PowerCut(match random.below(6) {
            0 => Survivors::Nothing,
            1 => Survivors::Everything,
            _ => Survivors::Seed(random.next()),
        })
    };
    let disk = if random.chance(25) && point > 0 {
        // In the middle of a write.
        history.disk.within_point(point, random.below(9000) as usize)
    } else {
        None
    };
    let disk = disk.or_else(|| history.disk.at_point(point)).unwrap();
    if random.chance(50) {
        let what = format!("{what}, power cut at {point}");
        let bed = Bed::open(disk.crash(&power_cut(random)), image(first));
        group_of(history, &bed, answered, &what);
    } else {
        let what = format!("{what}, killed at {point}");
        let bed = Bed::open(disk.crash(&Crash::Kill), image(first));
        let shown = group_of(history, &bed, answered, &what);
        // What the opened store showed is durable by then. SQLite has what it had then, or what it had before.
        let late = bed.engine.index().image();
        let second = if random.chance(40) { Some(late) } else { image(choose(random, first)) };
        let again = Bed::open(bed.disk.crash(&power_cut(random)), second);
        group_of(history, &again, shown, &format!("{what}, opened, power cut"));
    }
}

const CRASHES: Budget = Budget::new().floor(60).seconds(20).long(600);

/// Crash points of each history.
const POINTS: u64 = 10;

#[test]
fn nothing_that_was_answered_is_lost_and_nothing_is_there_by_halves() {
    CRASHES.run("mailwright-store-sqlite crash points, ten each", |seed| {
        let history = history(seed, &FaultDisk::new());
        let mut random = Random(!seed);
        for _ in 0..POINTS {
            crash(&history, &mut random, &format!("seed {seed}"));
        }
    });
}

/// The control: the same test finds a store that does not sync.
#[test]
fn without_syncs_it_is_noticed() {
    let noticed = (0..40).any(|seed| {
        std::panic::catch_unwind(|| {
            let history = history(seed, &FaultDisk::ignoring_syncs());
            let mut random = Random(!seed);
            for _ in 0..POINTS {
                crash(&history, &mut random, &format!("seed {seed}"));
            }
        })
        .is_err()
    });
    assert!(noticed, "a test that finds no fault in this finds none anywhere");
}

/// A store with an account and some messages, and what commits the next one.
fn filled() -> (Bed, impl FnMut(&mut Bed) -> Result<mailwright_store::Outcome, Rejected>) {
    let mut bed = Bed::open(FaultDisk::new(), None);
    let (mut random, mut number) = (Random(1), 0);
    let mut next = move |bed: &mut Bed| {
        number += 1;
        let now = Timestamp(START.0 + number as i64 * 1000);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&u64::to_be_bytes(number));
        let batch = Batch::new(BatchId(id), now);
        let batch = if number == 1 {
            batch.with(AccountOp::Create(NewAccount { login: "ann".to_owned(), ..NewAccount::default() }))
        } else {
            let blob = blob(&mut random, now);
            let append = Append::new(Target::Id(MailboxId(1)), blob.info.id, now);
            bed.shared.staging.insert(blob);
            batch.with(append)
        };
        let (answer, mut done) = oneshot::channel();
        bed.engine.step(vec![Job::Commit(batch, answer)]);
        done.try_recv().unwrap()
    };
    for _ in 0..5 {
        next(&mut bed).unwrap();
    }
    (bed, next)
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_answered_with_success() {
    for failing in 0..60 {
        let (mut bed, mut next) = filled();
        let (rows, image) = (bed.rows(), bed.engine.index().image());
        if failing < 3 {
            // Of one group one sync: the first failing one is the next group's, or one behind it.
            bed.disk.fail_sync(failing + 1);
        } else {
            bed.disk.fail_write(1, failing as usize * 100);
        }
        let mut answered = rows;
        let mut is_over = false;
        for _ in 0..5 {
            match next(&mut bed) {
                Ok(_) => {
                    assert!(!is_over, "{failing}: success after a failure");
                    answered = bed.rows();
                }
                Err(rejected) => {
                    assert!(matches!(rejected.cause, Cause::Unavailable(_)), "{failing}: {rejected:?}");
                    is_over = true;
                }
            }
        }
        assert!(is_over, "{failing}: something has failed");
        assert!(bed.shared.poisoned.load(std::sync::atomic::Ordering::Relaxed));
        // What was not answered is not there afterwards, though it may have been written: it was struck out.
        let again = Bed::open(bed.disk.crash(&Crash::Kill), Some(image));
        assert!(again.rows() == answered, "{failing}: what was answered, and nothing else");
        again.check_bodies();
    }
}

#[test]
fn a_body_that_the_index_does_not_show_yet_is_not_taken_for_unused() {
    let mut bed = Bed::open(FaultDisk::new(), None);
    let blob = blob(&mut Random(1), START);
    let id = blob.info.id;
    bed.shared.staging.insert(blob);
    let batch = Batch::new(BatchId([1; 16]), START).with(Op::from(entry(1, id, START)));
    let (answer, mut done) = oneshot::channel();
    bed.engine.step(vec![Job::Commit(batch, answer)]);
    done.try_recv().unwrap().unwrap();
    assert!(bed.engine.lags());
    let later = START.saturating_add(limits().blob_grace * 2);
    let (answer, mut done) = oneshot::channel();
    bed.engine.step(vec![Job::Reclaim(later, 100, answer)]);
    assert_eq!(done.try_recv().unwrap().unwrap().blobs, 0);
    assert!(bed.engine.index().get(PLACES, &id.0).is_some());
    bed.check_bodies();
}

/// Whoever tidies up, or asks what there is, comes in the middle of it; a group is refused and nothing else is.
#[test]
fn what_the_index_does_not_show_survives_a_group_that_is_refused() {
    let mut bed = Bed::open(FaultDisk::new(), None);
    let mut random = Random(2);
    let mut enqueue = |bed: &mut Bed, number: u64| {
        let now = Timestamp(START.0 + number as i64);
        let blob = blob(&mut random, now);
        let entry = entry(number, blob.info.id, now);
        bed.shared.staging.insert(blob);
        let batch = Batch::new(BatchId(u128::from(number).to_be_bytes()), now).with(Op::from(entry));
        let (answer, mut done) = oneshot::channel();
        bed.engine.step(vec![Job::Commit(batch, answer)]);
        done.try_recv().unwrap()
    };
    enqueue(&mut bed, 1).unwrap();
    let selector = Selector::Any { room: 3, except: BTreeMap::new() };
    let now = Timestamp(START.0 + 10);
    let claim = Claim { now, worker: WorkerId(1), lease: Duration::from_secs(500), selector, limit: 2 };
    let (answer, mut done) = oneshot::channel();
    bed.engine.step(vec![Job::Claim(claim, answer)]);
    let claimed = done.try_recv().unwrap().unwrap();
    bed.disk.set_capacity(Some(0));
    let refused = (2..50).find(|number| enqueue(&mut bed, *number).is_err());
    assert!(refused.is_some(), "the disk is full");
    bed.disk.set_capacity(None);
    // The lease that was given before still holds.
    let settle = Op::Settle { lease: claimed[0].lease, settlement: Settlement::Ack };
    let (answer, mut done) = oneshot::channel();
    bed.engine.step(vec![Job::Commit(Batch::new(BatchId([9; 16]), now).with(settle), answer)]);
    done.try_recv().unwrap().unwrap();
    let rows = bed.rows();
    let again = Bed::open(bed.disk.crash(&Crash::PowerCut(Survivors::Nothing)), None);
    assert!(without_leases(&again.rows()) == without_leases(&rows));
    check_queue(&again.rows());
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let (mut bed, mut next) = filled();
    let mut taken = 0;
    // Of the segment that is set aside there is some left, of another one nothing.
    bed.disk.set_capacity(Some(100 << 10));
    let full = loop {
        match next(&mut bed) {
            Ok(_) => taken += 1,
            Err(rejected) => break rejected,
        }
    };
    assert_eq!(full.cause, Cause::NoSpace);
    assert!(taken > 0);
    let rows = bed.rows();
    assert_eq!(next(&mut bed).unwrap_err().cause, Cause::NoSpace);
    assert!(bed.rows() == rows, "what is refused leaves nothing");
    bed.disk.set_capacity(None);
    next(&mut bed).unwrap();
    let rows = bed.rows();
    let again = Bed::open(bed.disk.crash(&Crash::PowerCut(Survivors::Nothing)), None);
    assert!(again.rows() == rows);
    again.check_bodies();
}
