//! Whatever is on the disk: nothing panics, what is undamaged is found, and what is not is told.

use std::ops::Range;

use mailwright_core::testing::Budget;
use mailwright_store::disk::{Crash, Disk, DiskFile, FaultDisk};
use mailwright_store_sqlite::log::{Damage, DamageKind, Log, LogError, Logged, Position, verify};

use super::kit::{Random, STORE, append_synced, config, entry, ids_and_damage};

/// A group as it was written.
struct Stands {
    id: u64,
    position: Position,
    /// Its header, index and rows.
    head: Vec<u8>,
    /// All of it.
    whole: Vec<u8>,
}

fn read(disk: &FaultDisk, segment: u64, range: Range<u64>) -> Vec<u8> {
    let Ok(file) = disk.open(&format!("{segment:016x}.seg")) else { return Vec::new() };
    let mut bytes = vec![0; (range.end - range.start) as usize];
    let len = file.read_at(&mut bytes, range.start).unwrap();
    bytes.truncate(len);
    bytes
}

impl Stands {
    fn new(disk: &FaultDisk, id: u64, position: Position) -> Self {
        let entry = entry(id);
        let head = 128 + 96 * entry.bodies.len() as u64 + entry.meta.len() as u64;
        let whole = head + entry.bodies.iter().map(|body| body.len).sum::<u64>();
        let read = |len| read(disk, position.segment, position.offset..position.offset + len);
        Self { id, position, head: read(head), whole: read(whole) }
    }

    fn is_there(&self, disk: &FaultDisk, bytes: &[u8]) -> bool {
        let Position { segment, offset, .. } = self.position;
        read(disk, segment, offset..offset + bytes.len() as u64) == bytes
    }
}

/// A log that was opened several times, with its groups.
fn log_of(random: &mut Random) -> (FaultDisk, Vec<Stands>) {
    let disk = FaultDisk::new();
    let mut log = Log::create(disk.clone(), config(), STORE).unwrap();
    let mut last = None;
    for id in 1..=4 + random.below(16) {
        if random.one_in(5) {
            drop(log);
            log = Log::open(disk.clone(), config(), None, last.filter(|_| random.one_in(2))).unwrap().0;
        }
        last = Some(append_synced(&mut log, &entry(id)).unwrap());
    }
    let groups = log.groups_after(None).map(|logged| match logged.unwrap() {
        Logged::Group(group) => {
            let id = u64::from_le_bytes(*group.meta.first_chunk().unwrap());
            Stands::new(&disk, id, group.position)
        }
        Logged::Damage(damage) => panic!("{damage:?}"),
    });
    let groups = groups.collect();
    (disk, groups)
}

fn spoil(disk: &FaultDisk, random: &mut Random) {
    let names = disk.list().unwrap();
    let Some(name) = random.pick(&names) else { return };
    let len = disk.open(name).unwrap().len().unwrap();
    // Where something is: at the boundaries of blocks more often than elsewhere.
    let at = random.below(len.max(1));
    let at = if random.one_in(2) { at / 4096 * 4096 + random.below(128) } else { at };
    match random.below(12) {
        0..6 => {
            for _ in 0..=random.below(3) {
                let _ =
                    disk.flip(name, (at + random.below(40)).min(len.saturating_sub(1)), 1 << random.below(8));
            }
        }
        6..8 => {
            let run = random.below(6000);
            let bytes = random.bytes(run);
            disk.overwrite(name, at, &bytes).unwrap();
        }
        8 => disk.overwrite(name, at, &vec![0; random.below(9000) as usize]).unwrap(),
        9 => {
            // A piece of the log, elsewhere.
            let other = random.pick(&names).unwrap();
            let mut bytes = vec![0; 4096 * (1 + random.below(4)) as usize];
            let from = disk.open(other).unwrap();
            let read = from.read_at(&mut bytes, random.below(6) * 4096).unwrap();
            disk.overwrite(name, at / 4096 * 4096, &bytes[..read]).unwrap();
        }
        10 => disk.open(name).unwrap().set_len(at).unwrap(),
        _ => disk.remove(name).unwrap(),
    }
}

/// Whether what was told says that this group is lost.
fn explains(damage: &Damage, lost: &Position) -> bool {
    let here = damage.segment == lost.segment;
    let covers = here && (damage.offset..damage.offset + damage.len).contains(&lost.offset);
    let names = damage.groups.as_ref().is_some_and(|groups| groups.contains(&lost.group));
    covers || names || damage.kind == DamageKind::Proven && damage.segment >= lost.segment
}

fn check(seed: u64) {
    let mut random = Random(seed);
    let (disk, groups) = log_of(&mut random);
    let segments = disk.list().unwrap();
    for _ in 0..=random.below(3) {
        spoil(&disk, &mut random);
    }
    let proven = groups.last().map(|last| last.position).filter(|_| random.one_in(2));

    let mut told = Vec::new();
    let verified = verify(&disk, Some(STORE), proven, |damage| told.push(damage));
    let (mut log, report) = match Log::open(disk.crash(&Crash::Kill), config(), Some(STORE), proven) {
        Ok(opened) => opened,
        Err(LogError::NoLog) => {
            assert!(groups.iter().all(|group| !group.is_there(&disk, &group.head)));
            return;
        }
        Err(error) => panic!("{error:?}"),
    };
    let verified = verified.unwrap();
    let (ids, damage) = ids_and_damage(&log, None);
    let is_given = |group: &Stands| ids.contains(&group.id);

    let ascend = ids.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascend && ids.iter().all(|id| groups.iter().any(|group| group.id == *id)), "{ids:?}");
    let last_given = ids.last().copied().unwrap_or(0);
    for (at, group) in groups.iter().enumerate() {
        // The last one that is there must be whole, if nobody knows that it was synced.
        let is_last = group.id >= last_given && proven.is_none();
        let part = if is_last { &group.whole } else { &group.head };
        if group.is_there(&disk, part) {
            assert!(is_given(group), "group {at} is not found; {report:?}");
        }
        let all = [&told[..], &damage, &report.damage].concat();
        // Behind the last group that is there nobody knows that there were others, but for the proven position.
        if !is_given(group) && (group.id < last_given || proven.is_some()) {
            assert!(all.iter().any(|damage| explains(damage, &group.position)), "nobody misses group {at}");
        }
        // Segments that are gone may have been reclaimed, as far as a verification knows.
        let reclaimed = proven.is_some() && segments.iter().any(|name| disk.open(name).is_err());
        if !group.is_there(&disk, &group.whole) && (group.id < last_given || proven.is_some()) && !reclaimed {
            assert!(verified.damage > 0 || verified.unfinished, "nobody sees the damage to group {at}");
        }
    }

    // Positions that no log gave.
    let anywhere = Position {
        segment: random.next() >> random.below(64),
        offset: random.next() >> random.below(64),
        group: random.next() >> random.below(64),
        crc: 0,
    };
    let copy = disk.crash(&Crash::Kill);
    let (other, report) = Log::open(copy, config(), Some(STORE), Some(anywhere)).unwrap();
    assert_eq!(report.damage[0].kind, DamageKind::Proven);
    ids_and_damage(&other, Some(anywhere));
    verify(&disk, None, Some(anywhere), |_| ()).unwrap();
    drop(other);

    // It goes on from there.
    append_synced(&mut log, &entry(1000)).unwrap();
    let (ids_now, _) = ids_and_damage(&log, None);
    assert_eq!((&ids_now[..ids.len()], &ids_now[ids.len()..]), (&ids[..], &[1000][..]));
}

#[test]
fn what_is_undamaged_is_found_and_the_rest_is_told() {
    let budget = Budget::new().floor(100).seconds(4).long(50_000);
    budget.run(concat!(module_path!(), "::what_is_undamaged_is_found_and_the_rest_is_told"), check);
}

/// Files that were never a log.
#[test]
fn any_bytes() {
    let budget = Budget::new().floor(50).seconds(1).long(20_000);
    budget.run(concat!(module_path!(), "::any_bytes"), |seed| {
        let mut random = Random(seed);
        let disk = FaultDisk::new();
        for number in 0..random.below(4) {
            let name = format!("{:016x}.seg", random.below(4) + number * 4 + 1);
            disk.create(&name, random.below(20_000)).unwrap();
            for block in 0..4 {
                let magic = [&b"MWLOGSEG"[..], b"MWLOGGRP", b""][random.below(3) as usize];
                let len = random.below(200);
                let bytes = [magic, &random.bytes(len)].concat();
                disk.overwrite(&name, block * 4096, &bytes).unwrap();
            }
        }
        let proven = Position {
            segment: random.below(20),
            offset: random.next() >> random.below(64),
            group: random.below(9),
            crc: 0,
        };
        for proven in [None, Some(proven)] {
            assert!(matches!(verify(&disk, None, proven, |_| ()), Err(LogError::NoLog)));
            assert!(matches!(Log::open(disk.clone(), config(), Some(STORE), proven), Err(LogError::NoLog)));
        }
    });
}
