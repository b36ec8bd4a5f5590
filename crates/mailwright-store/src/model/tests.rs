//! Blocks of marks, against maps in which every message stands by itself.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::rc::Rc;

use mailwright_core::{AccountId, BlobId, MailboxId, ModSeq, ThreadId, Timestamp, Uid, UidSet, UidValidity};
use proptest::prelude::*;

use super::block::Block;
use super::mark::tests::flags;
use super::naive::Naive;
use super::*;
use crate::batch::{Append, Batch, BatchId, Expunge, Op, StoreFlags, Transfer};
use crate::blob::BlobInfo;
use crate::error::{ReadError, Unavailable};
use crate::flags::{FlagChange, Flags, SystemFlag};
use crate::limits::Limits;
use crate::listing::{ChangeCursor, Changes, Columns, RowPage, Snapshot};
use crate::mailbox::MailboxOp;
use crate::{AccountOp, NewAccount};

const NOW: Timestamp = Timestamp(1_795_363_201_000);
const ANN: AccountId = AccountId(1);
const BLOB: BlobId = BlobId([1; 16]);
const SIZE: u64 = 10;

/// Rows by table and key.
type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// A base that is a map, and says how often it found a row damaged.
#[derive(Debug, Clone, Default)]
struct InMap {
    rows: Rc<RefCell<Rows>>,
    damaged: Rc<Cell<usize>>,
}

impl Base for InMap {
    fn get(&self, table: u8, key: &[u8]) -> Option<Vec<u8>> {
        self.rows.borrow().get(&(table, key.to_vec())).cloned()
    }

    fn walk(
        &self,
        table: u8,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        limit: usize,
        row: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let at = |bound: Bound<&[u8]>, open| match bound {
            Bound::Unbounded => open,
            bound => bound.map(|key| (table, key.to_vec())),
        };
        let range = (
            at(from, Bound::Included((table, Vec::new()))),
            at(to, Bound::Excluded((table + 1, Vec::new()))),
        );
        let rows = self.rows.borrow();
        rows.range(range).take(limit).for_each(|((_, key), value)| row(key, value));
    }

    fn damaged(&self, _: u8, _: &[u8]) {
        self.damaged.set(self.damaged.get() + 1);
    }

    fn fault(&self) -> Result<(), Unavailable> {
        if self.damaged.take() > 0 { Err(Unavailable::default()) } else { Ok(()) }
    }
}

impl InMap {
    /// Takes what a state has to give. Gives how many rows these are.
    fn take(&self, state: &mut State<Self>) -> usize {
        let mut rows = self.rows.borrow_mut();
        let mut given = 0;
        state.give(|_, _, _| {});
        state.store(|table, key, value| {
            given += 1;
            match value {
                Some(value) => drop(rows.insert((table, key.to_vec()), value.to_vec())),
                None => drop(rows.remove(&(table, key.to_vec()))),
            }
        });
        given
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.keywords_per_message, limits.keywords_per_mailbox, limits.vanished_rows) = (2, 3, 6);
    limits.rows_per_batch = 90;
    limits
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

fn append(mailbox: MailboxId, flags: Flags) -> Op {
    Append { flags, thread: Some(ThreadId(1)), ..Append::new(mailbox, BLOB, NOW) }.into()
}

fn batch(number: u64, ops: impl IntoIterator<Item = Op>) -> Batch {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Batch { id: BatchId(id), now: NOW, ops: ops.into_iter().collect() }
}

/// A state with an account and a mailbox besides INBOX, where the next UID is the one before the last of a block.
fn begun<B: Base>(base: B) -> State<B> {
    let mut state = State::new(base);
    state.begin(UidValidity::new(1).unwrap());
    state.stage(BlobInfo { id: BLOB, size: SIZE, checksum: 0 }, NOW);
    let ann = AccountOp::Create(NewAccount { login: "ann".to_owned(), ..NewAccount::default() });
    let other = MailboxOp::Create { account: ANN, name: "other".parse().unwrap(), special_use: None };
    state.apply(batch(0, [ann.into(), other.into()]), &limits()).unwrap();
    state.set_uid_next(MailboxId(1), uid(126));
    state.keep();
    state
}

fn everything() -> UidSet {
    UidSet::range(Uid::FIRST, uid(u32::MAX))
}

fn pages<B: Base>(
    state: &State<B>,
    snapshot: &Snapshot,
    uids: &UidSet,
    columns: Columns,
    limit: usize,
) -> Vec<RowPage> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = state.rows(snapshot, uids, columns, after, limit).unwrap();
        assert!(page.uids.len() + page.gone.len() <= limit);
        after = page.next;
        pages.push(page);
        if after.is_none() {
            return pages;
        }
    }
}

/// Everything that can be asked is answered as the maps say.
fn compare<B: Base>(state: &State<B>, naive: &Naive, some: &UidSet, limit: usize) {
    state.contradictions(|mailbox, what| panic!("mailbox {mailbox}: {what}"));
    for (&id, mailbox) in &naive.mailboxes {
        let snapshot = state.open(id).unwrap();
        assert_eq!(snapshot.status, mailbox.status());
        assert_eq!(snapshot.first_unseen, mailbox.first_unseen());
        let keywords: BTreeSet<String> = snapshot.keywords.iter().map(|keyword| keyword.folded()).collect();
        assert_eq!(keywords, mailbox.keywords());
        let all = everything();
        for (uids, columns) in [
            (&all, Columns::ALL),
            (some, Columns::FLAGS.and(Columns::MODSEQ)),
            (some, Columns::UIDS.and(Columns::SIZE)),
        ] {
            let expected: Vec<_> = mailbox.messages.iter().filter(|(uid, _)| uids.contains(**uid)).collect();
            let pages = pages(state, &snapshot, uids, columns, limit);
            let found: Vec<Uid> = pages.iter().flat_map(|page| page.uids.clone()).collect();
            assert_eq!(found, expected.iter().map(|(uid, _)| **uid).collect::<Vec<_>>());
            if columns.has(Columns::FLAGS) {
                let found: Vec<_> =
                    pages.iter().flat_map(|page| page.flags.iter().zip(&page.modseqs)).collect();
                let expected: Vec<_> =
                    expected.iter().map(|(_, message)| (&message.flags, &message.modseq)).collect();
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "to the letter");
            }
            let sizes = if columns.has(Columns::SIZE) { expected.len() } else { 0 };
            assert_eq!(pages.iter().map(|page| page.sizes.len()).sum::<usize>(), sizes);
        }
        for since in 0..=naive.modseq + 1 {
            let since = ModSeq::new(since).unwrap();
            let after = (some.first()).map(|uid| ChangeCursor { modseq: since, uid });
            for after in [None, after] {
                changes(state, naive, id, since, after, limit);
            }
        }
    }
}

/// A snapshot still has the messages that it had, if what vanished since is remembered.
fn compare_view<B: Base>(state: &State<B>, naive: &Naive, snapshot: &Snapshot, uids: &[Uid], limit: usize) {
    let mailbox = &naive.mailboxes[&snapshot.mailbox];
    if mailbox.floor > snapshot.status.highest_modseq {
        let rows = state.rows(snapshot, &everything(), Columns::UIDS, None, limit);
        return assert_eq!(rows, Err(ReadError::SnapshotTooOld));
    }
    let pages = pages(state, snapshot, &everything(), Columns::UIDS, limit);
    let live: BTreeSet<Uid> = pages.iter().flat_map(|page| page.uids.clone()).collect();
    let gone: BTreeSet<Uid> = pages.iter().flat_map(|page| &page.gone).map(|gone| gone.uid).collect();
    assert!(live.iter().all(|uid| mailbox.messages.contains_key(uid)));
    assert!(gone.iter().all(|uid| !mailbox.messages.contains_key(uid)));
    assert_eq!(live.union(&gone).copied().collect::<Vec<_>>(), uids);
}

/// What has changed since is what the maps say, page by page.
fn changes<B: Base>(
    state: &State<B>,
    naive: &Naive,
    id: MailboxId,
    since: ModSeq,
    mut after: Option<ChangeCursor>,
    limit: usize,
) {
    let mailbox = &naive.mailboxes[&id];
    let from = after.map_or((since, uid(u32::MAX)), |after| (after.modseq, after.uid));
    let mut found = Vec::new();
    loop {
        let columns = Columns::FLAGS.and(Columns::MODSEQ);
        let page = match state.changed_since(id, since, columns, after, limit).unwrap() {
            Changes::Page(page) => page,
            Changes::TooOld => return assert!(since < mailbox.floor),
        };
        assert!(since >= mailbox.floor);
        assert!(page.rows.uids.len() <= limit);
        found.extend(page.rows.modseqs.iter().copied().zip(page.rows.uids).zip(page.rows.flags));
        after = page.next;
        if after.is_none() {
            assert_eq!(page.vanished, mailbox.vanished_since(since));
            assert_eq!(page.upto, mailbox.highest);
            break;
        }
        assert_eq!(page.vanished, UidSet::new(), "on the last page only");
    }
    let changed = mailbox.messages.iter();
    let changed = changed.map(|(uid, message)| ((message.modseq, *uid), message.flags.clone()));
    let changed: BTreeMap<_, _> = changed.filter(|(place, _)| *place > from).collect();
    assert_eq!(found, changed.into_iter().collect::<Vec<_>>());
}

/// What a batch does, before it is known which mailboxes there are.
#[derive(Debug, Clone)]
enum Step {
    Append(Flags),
    Store(UidSet, FlagChange, Option<u64>),
    Copy(UidSet, usize),
    Move(UidSet, usize),
    Expunge(UidSet, bool),
    RenameInbox,
    Delete,
    Refused,
}

fn uids() -> impl Strategy<Value = UidSet> {
    // Around the borders of the first blocks.
    let first = prop_oneof![120u32..136, 250u32..260, 1u32..300];
    let length = prop_oneof![Just(0u32), 0u32..6, Just(300)];
    prop::collection::vec((first, length), 1..3).prop_map(|runs| {
        let runs = runs.into_iter().map(|(first, length)| UidSet::range(uid(first), uid(first + length)));
        runs.fold(UidSet::new(), |all, run| all.union(&run))
    })
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..3, flags()).prop_map(|(kind, flags)| match kind {
        0 => FlagChange::Add(flags),
        1 => FlagChange::Remove(flags),
        _ => FlagChange::Replace(flags),
    });
    let since = prop::option::weighted(0.2, 0u64..12);
    prop_oneof![
        16 => flags().prop_map(Step::Append),
        16 => (uids(), change, since).prop_map(|(uids, change, since)| Step::Store(uids, change, since)),
        4 => (uids(), 0usize..3).prop_map(|(uids, to)| Step::Copy(uids, to)),
        4 => (uids(), 0usize..3).prop_map(|(uids, to)| Step::Move(uids, to)),
        5 => (uids(), any::<bool>()).prop_map(|(uids, only)| Step::Expunge(uids, only)),
        1 => Just(Step::RenameInbox),
        1 => Just(Step::Delete),
        1 => Just(Step::Refused),
    ]
}

/// In which of the mailboxes, what, and how often.
fn steps() -> impl Strategy<Value = Vec<(usize, Step, usize)>> {
    prop::collection::vec((0usize..3, step(), 1usize..16), 1..4)
}

/// In which of the mailboxes UIDs are passed over, and how many.
fn gap() -> impl Strategy<Value = Option<(usize, u32)>> {
    prop::option::weighted(0.4, (0usize..3, prop_oneof![1u32..8, 100u32..140]))
}

fn ops(naive: &Naive, number: usize, steps: Vec<(usize, Step, usize)>) -> Vec<Op> {
    let mailboxes: Vec<MailboxId> = naive.mailboxes.keys().copied().collect();
    let pick = |at: usize| mailboxes[at % mailboxes.len()];
    let op = |(place, (at, step, times)): (usize, (usize, Step, usize))| -> Vec<Op> {
        let mailbox = pick(at);
        let op = match step {
            // Of these several, so that there is something to do things with.
            Step::Append(flags) => return (0..times).map(|_| append(mailbox, flags.clone())).collect(),
            Step::Store(uids, change, since) => {
                let unchanged_since = since.and_then(ModSeq::new);
                StoreFlags { mailbox, uids, change, unchanged_since }.into()
            }
            Step::Copy(uids, to) => Op::Copy(Transfer { from: mailbox, uids, to: pick(to) }),
            Step::Move(uids, to) => Op::Move(Transfer { from: mailbox, uids, to: pick(to) }),
            Step::Expunge(uids, only_deleted) => Expunge { mailbox, uids, only_deleted }.into(),
            Step::RenameInbox => {
                let to = format!("old{number}-{place}").parse().unwrap();
                MailboxOp::Rename { mailbox: MailboxId(1), to }.into()
            }
            Step::Delete => MailboxOp::Delete { mailbox: pick(mailboxes.len() - 1) }.into(),
            Step::Refused => MailboxOp::Delete { mailbox: MailboxId(u64::MAX) }.into(),
        };
        vec![op]
    };
    steps.into_iter().enumerate().flat_map(op).collect()
}

mailwright_core::properties! {
    /// Whatever is done, in memory and with a part of the rows in a base and a part in memory: the same outcomes, the
    /// same refusals, the same answers, and the same rows.
    #[test]
    fn blocks_are_as_good_as_maps(
        rounds in prop::collection::vec((steps(), gap(), 0u8..4), 2..9),
        some in uids(),
        limit in 1usize..9,
    ) {
        let base = InMap::default();
        let (mut plain, mut layered) = (begun(Nothing), begun(base.clone()));
        let mut naive = Naive::begun(SIZE, uid(126));
        let mut snapshots = Vec::new();
        for (number, (steps, gap, then)) in rounds.into_iter().enumerate() {
            if let Some((which, gap)) = gap {
                let which = which % naive.mailboxes.len();
                let (id, mailbox) = naive.mailboxes.iter_mut().nth(which).unwrap();
                mailbox.uid_next = uid(mailbox.uid_next.get() + gap);
                plain.set_uid_next(*id, mailbox.uid_next);
                layered.set_uid_next(*id, mailbox.uid_next);
                plain.keep();
                layered.keep();
            }
            let batch = batch(1 + number as u64, ops(&naive, number, steps));
            let expected = naive.apply(&batch.ops, &limits());
            let applied = plain.apply(batch.clone(), &limits()).map(|applied| applied.outcome.ops);
            prop_assert_eq!(&applied, &expected);
            let applied = layered.apply(batch, &limits()).map(|applied| applied.outcome.ops);
            prop_assert_eq!(&applied, &expected);
            if then > 0 {
                base.take(&mut layered);
                let uids: Vec<Uid> = naive.mailboxes[&MailboxId(1)].messages.keys().copied().collect();
                snapshots.push((layered.open(MailboxId(1)).unwrap(), uids));
            }
            if then > 2 {
                layered.forget();
            }
        }
        base.take(&mut layered);
        let mut rows = BTreeMap::new();
        plain.all(|table, key, value| drop(rows.insert((table, key.to_vec()), value.to_vec())));
        prop_assert!(rows == *base.rows.borrow(), "the same rows");
        layered.forget();
        compare(&plain, &naive, &some, limit);
        compare(&layered, &naive, &some, limit);
        for (snapshot, uids) in snapshots {
            compare_view(&plain, &naive, &snapshot, &uids, limit);
            compare_view(&layered, &naive, &snapshot, &uids, limit);
        }
        prop_assert_eq!(base.damaged.get(), 0);
    }
}

/// A thousand messages that arrived one by one, all in the base.
fn filled(base: &InMap) -> State<InMap> {
    let mut state = begun(base.clone());
    for number in 1..=1000 {
        state.apply(batch(number, [append(MailboxId(1), Flags::new())]), &Limits::default()).unwrap();
    }
    base.take(&mut state);
    state.forget();
    state
}

#[test]
fn what_changes_many_messages_writes_few_rows() {
    let base = InMap::default();
    let mut state = filled(&base);
    let uids = everything();
    let mailbox = MailboxId(1);
    let mut number = 1000;
    let mut written = |state: &mut State<InMap>, op: Op| {
        number += 1;
        state.apply(batch(number, [op]), &Limits::default()).unwrap();
        base.take(state)
    };
    let store = |change| Op::from(StoreFlags { mailbox, uids: uids.clone(), change, unchanged_since: None });
    // UIDs 126 to 1125 are of nine blocks. Besides these the mailbox, the account's MODSEQ, the outcome and its time.
    let flagged = FlagChange::Add(SystemFlag::Flagged.into());
    assert_eq!(
        written(&mut state, store(flagged.clone())),
        9 + 9 * 2 + 4,
        "blocks, and where they are looked up"
    );
    assert_eq!(written(&mut state, store(flagged)), 2, "nothing to change");
    let seen = FlagChange::Replace(SystemFlag::Seen.into());
    assert_eq!(written(&mut state, store(seen)), 9 + 9 * 2 + 9 + 4, "none is unseen any more");
    let deleted = FlagChange::Add(Flags::from(SystemFlag::Deleted).with_keyword("work".parse().unwrap()));
    assert_eq!(written(&mut state, store(deleted)), 9 + 9 * 2 + 9 + 1 + 4, "a keyword");
    // The message, its block, where that is looked up, the blob, and the quota twice.
    assert_eq!(written(&mut state, append(mailbox, Flags::new())), 1 + 1 + 2 + 1 + 1 + 2 + 4);
}

/// As if a group of the log were lost that brought a message, and a later one has changed its block.
/// A store at rest leaves the disk alone.
#[test]
fn what_drops_nothing_writes_nothing() {
    let base = InMap::default();
    let mut state = filled(&base);
    let (reclaimed, dropped) = state.reclaim(NOW, 1000, &limits());
    assert_eq!((reclaimed.blobs, dropped.len(), base.take(&mut state)), (0, 0, 0));
}

#[test]
fn a_lost_message_costs_nothing_else() {
    let base = InMap::default();
    let mut state = filled(&base);
    let (mailbox, lost) = (MailboxId(1), uid(500));
    base.rows.borrow_mut().remove(&(19, (mailbox, lost).to_octets())).unwrap();
    let snapshot = state.open(mailbox).unwrap();
    let all = |state: &State<InMap>, columns| {
        state.rows(&snapshot, &everything(), columns, None, 2000).unwrap().uids.len()
    };
    assert_eq!((all(&state, Columns::FLAGS), all(&state, Columns::SIZE)), (1000, 999));
    // Also where a page begins and ends with it.
    let read: usize =
        pages(&state, &snapshot, &everything(), Columns::SIZE, 1).iter().map(|page| page.sizes.len()).sum();
    assert_eq!(read, 999);
    let limits = Limits::default();
    let copy = Op::Copy(Transfer { from: mailbox, uids: everything(), to: MailboxId(2) });
    state.apply(batch(2001, [copy]), &limits).unwrap();
    assert_eq!(state.status(MailboxId(2)).unwrap().messages, 999);
    let expunge = Expunge { mailbox, uids: everything(), only_deleted: false };
    state.apply(batch(2002, [expunge.into()]), &limits).unwrap();
    assert_eq!(all(&state, Columns::FLAGS), 0);
    let status = state.status(mailbox).unwrap();
    assert_eq!((status.messages, status.unseen, status.size), (0, 0, SIZE), "but its size");
    assert_eq!(state.fault(), Ok(()));
}

#[test]
fn a_damaged_block_is_noticed() {
    let base = InMap::default();
    let state = filled(&base);
    let snapshot = state.open(MailboxId(1)).unwrap();
    let block = (17, (MailboxId(1), Block(2)).to_octets());
    base.rows.borrow_mut().get_mut(&block).unwrap().pop().unwrap();
    let rows = state.rows(&snapshot, &everything(), Columns::FLAGS, None, 2000).unwrap();
    assert_eq!(rows.uids.len(), 1000 - 128);
    assert!(state.fault().is_err());
}

#[test]
fn contradictions_are_told() {
    let told = |tamper: &dyn Fn(&mut Rows)| {
        let base = InMap::default();
        let mut state = begun(base.clone());
        let mailbox = MailboxId(1);
        let flags = Flags::from(SystemFlag::Deleted).with_keyword("work".parse().unwrap());
        let scan = crate::Opaque { version: 1, bytes: vec![1].into() };
        let scanned = Append { scan, ..Append::new(mailbox, BLOB, NOW) };
        let ops = (0..5).map(|_| append(mailbox, flags.clone())).chain([scanned.into()]);
        state.apply(batch(1, ops), &limits()).unwrap();
        let expunge = Expunge { mailbox, uids: UidSet::range(uid(127), uid(128)), only_deleted: false };
        state.apply(batch(2, [expunge.into()]), &limits()).unwrap();
        base.take(&mut state);
        state.forget();
        tamper(&mut base.rows.borrow_mut());
        let mut told = BTreeSet::new();
        state.contradictions(|_, what| {
            told.insert(what);
        });
        told
    };
    assert_eq!(told(&|_| {}), BTreeSet::new());
    for table in [17, 18, 19, 25, 26, 27, 28, 29] {
        let first = |rows: &Rows| rows.keys().find(|(of, _)| *of == table).cloned().unwrap();
        let without = told(&|rows| {
            let row = first(rows);
            rows.remove(&row);
        });
        assert!(!without.is_empty(), "table {table} without a row");
        // As a row of a mailbox that is none, and as one of another mailbox.
        for (mailbox, what) in [(9, "stranger"), (2, "another's")] {
            let moved = told(&|rows| {
                let (table, mut key) = first(rows);
                let value = rows[&(table, key.clone())].clone();
                key[7] = mailbox;
                rows.insert((table, key), value);
            });
            assert!(!moved.is_empty(), "table {table} with a row of {what}");
        }
    }
    let scan = |rows: &mut Rows| {
        let row = rows.keys().find(|(of, _)| *of == 21).cloned().unwrap();
        let value = rows.remove(&row).unwrap();
        let (table, mut key) = row;
        key[11] += 1;
        rows.insert((table, key), value);
    };
    assert_eq!(told(&scan), BTreeSet::from(["what was found in a message has none"]));
}
