//! Whatever happens at whatever moment: what was synced is given, once and in order.
//!
//! A *history* is a random use of the log: groups, syncs, new segments, openings, writes and syncs that fail, a disk
//! that is full. The disk remembers every moment of it, and at each the machine crashes in many ways. What is found
//! then is held against what was promised by that moment.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mailwright_core::testing::Budget;
use mailwright_store::disk::{Crash, Disk, DiskFile, FaultDisk, FaultFile, Survivors};
use mailwright_store_sqlite::log::{Log, LogError, OpenReport, Position};

use super::kit::{Random, STORE, append, append_synced, config, entry, ids};

/// An entry of a history. Moments are points of the disk's history.
#[derive(Debug, Clone, Copy)]
struct Written {
    id: u64,
    /// Nothing of it was written by then.
    begun: usize,
    /// By then its sync had returned, or an opening had given it.
    kept: Option<usize>,
    /// By then an opening had not given it.
    gone: Option<usize>,
}

struct History<D> {
    disk: D,
    record: FaultDisk,
    written: Vec<Written>,
    /// Positions that an index may have, each with its entry and since when.
    positions: Vec<(usize, u64, Position)>,
}

/// A disk that is a `FaultDisk`, perhaps with a flaw of its own.
trait TestDisk: Disk + Clone {
    fn over(disk: FaultDisk) -> Self;
}

impl TestDisk for FaultDisk {
    fn over(disk: FaultDisk) -> Self {
        disk
    }
}

/// How many crashes [`History::after_crash`] sees: the one it is called after, and four of its own.
const CRASHES: u64 = 5;

type Tried<T = ()> = Result<T, String>;

/// `None` if there is no log.
fn open<D: TestDisk>(disk: &D, proven: Option<Position>) -> Tried<Option<Log<D>>> {
    judge_opening(Log::open(disk.clone(), config(), Some(STORE), proven))
}

fn judge_opening<D: TestDisk>(opened: Result<(Log<D>, OpenReport), LogError>) -> Tried<Option<Log<D>>> {
    match opened {
        Ok((_, report)) if !report.damage.is_empty() => Err(format!("told as damage: {report:?}")),
        Ok((log, _)) => Ok(Some(log)),
        Err(LogError::NoLog) => Ok(None),
        Err(error) => Err(format!("not opened: {error:?}")),
    }
}

impl<D: TestDisk> History<D> {
    fn run(record: FaultDisk, seed: u64) -> Tried<Self> {
        let mut random = Random(seed);
        record.record();
        let disk = D::over(record.clone());
        let mut log = Log::create(disk.clone(), config(), STORE).map_err(|error| format!("{error:?}"))?;
        let mut history = Self { disk, record, written: Vec::new(), positions: Vec::new() };
        for id in 1..=6 + random.below(10) {
            match random.below(20) {
                0 => history.record.fail_sync(1 + random.below(4)),
                1 => history.record.fail_write(1 + random.below(4), random.below(3000) as usize),
                2 => history.record.set_capacity(Some(random.below(160 << 10))),
                _ => {}
            }
            if !history.write(&mut log, id, random.one_in(12)) || random.one_in(5) {
                log = history.reopen(&mut random)?;
            }
        }
        Ok(history)
    }

    /// `false` if the log must be opened anew.
    fn write(&mut self, log: &mut Log<D>, id: u64, unsynced: bool) -> bool {
        let begun = self.record.points();
        let mut done = append(log, &entry(id));
        if done.as_ref().is_err_and(LogError::is_full) && !log.is_poisoned() {
            // What did not fit was not begun.
            self.record.set_capacity(None);
            done = append(log, &entry(id));
        }
        self.written.push(Written { id, begun, kept: None, gone: None });
        let Ok(position) = done else { return false };
        if unsynced || log.sync().is_err() {
            return false;
        }
        self.keep(id, position);
        true
    }

    fn keep(&mut self, id: u64, position: Position) {
        let now = self.record.points() - 1;
        for written in self.written.iter_mut().filter(|written| written.id == id) {
            written.kept.get_or_insert(now);
        }
        self.positions.push((now, id, position));
    }

    /// The process is killed, and begins again.
    fn reopen(&mut self, random: &mut Random) -> Tried<Log<D>> {
        let proven = self.some_position(random, usize::MAX);
        let log = loop {
            match Log::open(self.disk.clone(), config(), Some(STORE), proven) {
                // A fault that was ordered hits the opening: once more.
                Err(LogError::Io(_)) => self.record.set_capacity(None),
                opened => break judge_opening(opened)?.ok_or("the log is gone")?,
            }
        };
        self.record.set_capacity(None);
        let given = ids(&log, None)?;
        self.judge(&given, self.record.points() - 1)?;
        let now = self.record.points() - 1;
        for written in &mut self.written {
            if !given.iter().any(|(id, _)| *id == written.id) {
                written.gone.get_or_insert(now);
            }
        }
        for (id, position) in given {
            self.keep(id, position);
        }
        Ok(log)
    }

    /// A position that an index may have that was written by `point`.
    fn some_position(&self, random: &mut Random, point: usize) -> Option<Position> {
        let known: Vec<_> = self.positions.iter().filter(|(since, ..)| *since <= point).collect();
        let recent = &known[known.len().saturating_sub(4)..];
        let from = if random.one_in(3) { &known } else { recent };
        random.pick(from).filter(|_| !random.one_in(4)).map(|(_, _, position)| *position)
    }

    /// Whether this may be what is found after a crash at `point`.
    fn judge(&self, given: &[(u64, Position)], point: usize) -> Tried {
        let mut given = given.iter().map(|(id, _)| *id).peekable();
        for written in &self.written {
            let is_given = given.next_if_eq(&written.id).is_some();
            if !is_given && written.kept.is_some_and(|kept| kept <= point) {
                return Err(format!("{written:?} is lost"));
            }
            if is_given && (written.begun > point || written.gone.is_some_and(|gone| gone <= point)) {
                return Err(format!("{written:?} is given"));
            }
        }
        given.next().map_or(Ok(()), |id| Err(format!("entry {id} is given twice, or out of order")))
    }

    /// Crashes at every point, in so many ways each; counts the crashes, those that follow included.
    fn crash_everywhere(&self, random: &mut Random, ways: u64, crashes: &mut u64) -> Tried {
        for point in 0..self.record.points() {
            let at = |what: String, crash: &Crash| format!("{what}; at point {point}, {crash:?}");
            for crash in crashes_at(&self.record, point, random, ways) {
                *crashes += CRASHES;
                let disk = self.record.crash_at(point, &crash).unwrap();
                self.after_crash(&disk, point, random).map_err(|what| at(what, &crash))?;
            }
            // Killed in the middle of a write.
            if let Some(disk) = self.record.within_point(point, random.below(5000) as usize) {
                *crashes += CRASHES;
                self.after_crash(&disk, point, random).map_err(|what| at(what, &Crash::Kill))?;
            }
        }
        Ok(())
    }

    /// Opens what a crash has left; crashes within that opening, and after it; goes on.
    fn after_crash(&self, left: &FaultDisk, point: usize, random: &mut Random) -> Tried {
        let proven = self.some_position(random, point);
        left.record();
        left.set_capacity(None);
        let disk = D::over(left.clone());
        let Some(mut log) = open(&disk, proven)? else { return self.judge(&[], point) };
        let given = ids(&log, None)?;
        self.judge(&given, point)?;
        if let Some(proven) = proven {
            let id = self.positions.iter().find(|(.., position)| *position == proven).map(|(_, id, _)| *id);
            let expected: Vec<_> = given.iter().filter(|(other, _)| Some(*other) > id).copied().collect();
            if ids(&log, Some(proven))? != expected {
                return Err(format!("after {proven:?} not the same is given"));
            }
        }

        // Within the opening. The next one may know another position.
        let opened = left.points() - 1;
        let within = random.below(opened as u64 + 1) as usize;
        let again = left.crash_at(within, &crash(random)).unwrap();
        let given_again = self.given(&D::over(again.clone()), self.some_position(random, point))?;
        self.judge(&given_again, point)?;
        let cut = again.crash(&Crash::PowerCut(survivors(random)));
        if !same(&self.given(&D::over(cut), proven)?, &given_again) {
            return Err("after the second opening: not the same is given".into());
        }

        let cut = left.crash(&Crash::PowerCut(survivors(random)));
        if !same(&self.given(&D::over(cut), proven)?, &given) {
            return Err("after the opening: not the same is given".into());
        }

        let more = 1_000_000;
        append_synced(&mut log, &entry(more)).map_err(|error| format!("not appended: {error:?}"))?;
        let cut = left.crash(&Crash::PowerCut(survivors(random)));
        let mut longer = self.given(&D::over(cut), proven)?;
        if longer.pop().map(|(id, _)| id) != Some(more) || !same(&longer, &given) {
            return Err("after going on: not the same is given".into());
        }
        Ok(())
    }

    /// All that an opening gives.
    fn given(&self, disk: &D, proven: Option<Position>) -> Tried<Vec<(u64, Position)>> {
        open(disk, proven)?.map_or(Ok(Vec::new()), |log| ids(&log, None))
    }
}

/// Whether it is the same, wherever it stands.
fn same(one: &[(u64, Position)], other: &[(u64, Position)]) -> bool {
    one.iter().map(|(id, _)| id).eq(other.iter().map(|(id, _)| id))
}

fn survivors(random: &mut Random) -> Survivors {
    match random.below(6) {
        0 => Survivors::Nothing,
        1 => Survivors::Everything,
        2 => Survivors::AllBut(random.below(30) as usize),
        3 => Survivors::First(random.below(30) as usize),
        _ => Survivors::Seed(random.next()),
    }
}

fn crash(random: &mut Random) -> Crash {
    if random.one_in(3) { Crash::Kill } else { Crash::PowerCut(survivors(random)) }
}

/// A kill, and so many power cuts, those first that lose nothing or all.
fn crashes_at(disk: &FaultDisk, point: usize, random: &mut Random, ways: u64) -> Vec<Crash> {
    let mut crashes = vec![Crash::Kill];
    // If nothing is pending all power cuts are the same.
    let pending = disk.at_point(point).unwrap().pending();
    let ways = ways.min(1 << pending.min(20));
    let cuts = [Survivors::Nothing, Survivors::Everything].into_iter();
    crashes.extend(cuts.chain((0..ways).map(|_| survivors(random))).take(ways as usize).map(Crash::PowerCut));
    crashes
}

/// A line that is seen though the test passes.
fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

#[test]
fn what_was_synced_is_given_once_and_in_order() {
    let (mut crashes, mut groups) = (0, 0);
    let budget = Budget::new().floor(6).seconds(8).long(400);
    budget.run(concat!(module_path!(), "::what_was_synced_is_given_once_and_in_order"), |seed| {
        let history = History::<FaultDisk>::run(FaultDisk::new(), seed).unwrap();
        groups += history.written.len();
        history.crash_everywhere(&mut Random(!seed), 8, &mut crashes).unwrap();
    });
    tell(&format!("crash points: {crashes}, of {groups} groups"));
    assert!(crashes > 5000);
}

/// Every subset of what may be left, at every moment of a short history.
#[test]
fn every_subset_of_a_short_history() {
    let mut crashes = 0;
    for seed in 0..3 {
        let record = FaultDisk::new();
        record.record();
        let log = Log::create(record.clone(), config(), STORE).unwrap();
        let mut history =
            History { disk: record.clone(), record, written: Vec::new(), positions: Vec::new() };
        let mut random = Random(seed);
        let mut log = Some(log);
        for id in (1..).filter(|id| entry(*id).meta.len() < 300 && entry(*id).bodies.is_empty()).take(3) {
            let mut now = log.take().unwrap();
            let done = history.write(&mut now, id, id == 2);
            log = Some(if done { now } else { history.reopen(&mut random).unwrap() });
        }
        for point in 0..history.record.points() {
            let pending = history.record.at_point(point).unwrap().pending();
            assert!(pending <= 10, "{pending} pieces");
            for mask in 0..1_u32 << pending {
                let kept = (0..pending).map(|piece| mask >> piece & 1 == 1).collect();
                let crash = Crash::PowerCut(Survivors::These(kept));
                let left = history.record.crash_at(point, &crash).unwrap();
                history.after_crash(&left, point, &mut random).unwrap();
                crashes += CRASHES;
            }
        }
    }
    tell(&format!("crash points: {crashes}, every subset"));
}

/// Which syncs are only pretended.
#[derive(Clone, Copy, PartialEq)]
enum Skipped {
    Files,
    Directory,
}

/// A disk on which some syncs do nothing.
#[derive(Clone)]
struct Forgetful<const FILES: bool>(FaultDisk);

struct ForgetfulFile<const FILES: bool>(FaultFile);

impl<const FILES: bool> TestDisk for Forgetful<FILES> {
    fn over(disk: FaultDisk) -> Self {
        Self(disk)
    }
}

impl<const FILES: bool> Forgetful<FILES> {
    const SKIPPED: Skipped = if FILES { Skipped::Files } else { Skipped::Directory };
}

impl<const FILES: bool> Disk for Forgetful<FILES> {
    type File = ForgetfulFile<FILES>;

    fn list(&self) -> std::io::Result<Vec<String>> {
        self.0.list()
    }

    fn create(&self, name: &str, len: u64) -> std::io::Result<Self::File> {
        self.0.create(name, len).map(ForgetfulFile)
    }

    fn open(&self, name: &str) -> std::io::Result<Self::File> {
        self.0.open(name).map(ForgetfulFile)
    }

    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.remove(name)
    }

    fn sync_dir(&self) -> std::io::Result<()> {
        if Self::SKIPPED == Skipped::Directory { Ok(()) } else { self.0.sync_dir() }
    }
}

impl<const FILES: bool> DiskFile for ForgetfulFile<FILES> {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> std::io::Result<()> {
        if Forgetful::<FILES>::SKIPPED == Skipped::Files { Ok(()) } else { self.0.sync() }
    }
}

/// How many of some histories have a crash in which a promise is broken.
fn broken<D: TestDisk>(new: impl Fn() -> FaultDisk) -> usize {
    let breaks = |seed: &u64| {
        let run = || {
            let history = History::<D>::run(new(), *seed)?;
            history.crash_everywhere(&mut Random(!seed), 8, &mut 0)
        };
        // It may also be the test that does not know any more what to do.
        !matches!(catch_unwind(AssertUnwindSafe(run)), Ok(Ok(())))
    };
    (0..5).filter(breaks).count()
}

/// The test is able to fail: on a disk that does not do what it promises, it does.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    assert_eq!(broken::<FaultDisk>(FaultDisk::ignoring_syncs), 5);
    assert_eq!(broken::<Forgetful<true>>(FaultDisk::new), 5);
    assert_eq!(broken::<Forgetful<false>>(FaultDisk::new), 5);
}
