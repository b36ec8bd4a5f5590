//! What an opening does with what it finds.

use std::sync::Arc;

use mailwright_store::Checksum;
use mailwright_store::disk::{Crash, Disk, DiskFile, FaultDisk, Survivors};
use mailwright_store_sqlite::log::{
    Damage, DamageKind, Log, LogConfig, LogError, OpenReport, Position, StoreId, Verified, verify,
};

use super::kit::{Entry, STORE, append, append_synced, config, entry, ids, ids_and_damage};

type TestLog = Log<FaultDisk>;

/// A disk with a log of entries 1 to `count`, and where they stand.
fn disk_with(count: u64) -> (FaultDisk, Vec<Position>) {
    let disk = FaultDisk::new();
    let mut log = Log::create(disk.clone(), config(), STORE).unwrap();
    let positions = (1..=count).map(|id| append_synced(&mut log, &entry(id)).unwrap()).collect();
    (disk, positions)
}

fn open(disk: &FaultDisk, proven: Option<Position>) -> (TestLog, OpenReport) {
    Log::open(disk.clone(), config(), Some(STORE), proven).unwrap()
}

fn given(log: &TestLog) -> Vec<u64> {
    ids(log, None).unwrap().into_iter().map(|(id, _)| id).collect()
}

fn name(segment: u64) -> String {
    format!("{segment:016x}.seg")
}

fn kinds(damage: &[Damage]) -> Vec<DamageKind> {
    damage.iter().map(|damage| damage.kind).collect()
}

fn verified(disk: &FaultDisk, proven: Option<Position>) -> (Verified, Vec<DamageKind>) {
    let mut told = Vec::new();
    let verified = verify(disk, Some(STORE), proven, |damage| told.push(damage.kind)).unwrap();
    assert_eq!(verified.damage, told.len() as u64);
    (verified, told)
}

#[test]
fn there_must_be_a_log() {
    let disk = FaultDisk::new();
    assert!(matches!(Log::open(disk.clone(), config(), None, None), Err(LogError::NoLog)));
    assert!(matches!(verify(&disk, None, None, |_| ()), Err(LogError::NoLog)));
    // What a crash leaves while one is created.
    disk.create(&name(1), 8192).unwrap();
    disk.create("lock", 0).unwrap();
    assert!(matches!(Log::open(disk.clone(), config(), None, None), Err(LogError::NoLog)));
    let log = Log::create(disk.clone(), config(), STORE).unwrap();
    assert_eq!(log.segments().collect::<Vec<_>>(), [2]);
    assert!(matches!(Log::create(disk.clone(), config(), STORE), Err(LogError::Exists)));
    drop(log);
    assert_eq!(given(&open(&disk, None).0), [0; 0]);
    assert_eq!(disk.list().unwrap(), [name(3), "lock".into()], "what is not needed is removed");
}

#[test]
fn it_must_be_ours() {
    let (disk, _) = disk_with(2);
    let other = Some(StoreId([1; 16]));
    assert!(matches!(Log::open(disk.clone(), config(), other, None), Err(LogError::Foreign { segment: 1 })));
    let (log, _) = Log::open(disk, config(), None, None).unwrap();
    assert_eq!(log.store(), STORE);
    assert_eq!(format!("{:?}", log.store()), "StoreId(..)");
}

#[test]
fn another_version_is_left_alone() {
    // A later one, and the one from before the first release, whose rows were others.
    for other in [3, 1] {
        let (disk, _) = disk_with(2);
        let header = Position { segment: 1, offset: 0, group: 0, crc: 0 };
        change_header(&disk, header, |header| header[8] = other);
        let newer = Log::open(disk.clone(), config(), None, None).unwrap_err();
        assert!(
            matches!(newer, LogError::Newer { segment: 1, version } if version == other.into()),
            "{newer:?}"
        );
        assert!(newer.to_string().contains(&format!("version {other}")));
        assert!(matches!(Log::create(disk, config(), STORE), Err(LogError::Newer { .. })));
    }
}

#[test]
fn each_opening_begins_a_segment_and_an_epoch() {
    let (disk, positions) = disk_with(1);
    for epoch in 2..6 {
        let (log, report) = open(&disk, positions.last().copied());
        assert_eq!(log.epoch(), epoch);
        assert_eq!(report, OpenReport { last: positions.last().copied(), ..OpenReport::default() });
        assert_eq!(log.segments().collect::<Vec<_>>(), [1, epoch]);
        drop(log);
        assert_eq!(disk.list().unwrap(), [name(1), name(epoch)], "empty ones are removed");
    }
    assert!(disk.open(&name(1)).unwrap().len().unwrap() < config().segment_bytes, "the rest is given back");
}

#[test]
fn a_full_disk_needs_little_for_an_opening() {
    let config = LogConfig { segment_bytes: 1 << 20, ..LogConfig::default() };
    let disk = FaultDisk::new();
    let mut log = Log::create(disk.clone(), config, STORE).unwrap();
    append_synced(&mut log, &entry(1)).unwrap();
    for opening in 2..6 {
        drop(log);
        // Others have taken what was given back, but for a part of a reserve.
        let used: u64 = disk.list().unwrap().iter().map(|name| disk.open(name).unwrap().len().unwrap()).sum();
        disk.set_capacity(Some(used + (64 << 10)));
        log = Log::open(disk.clone(), config, Some(STORE), None).unwrap().0;
        append_synced(&mut log, &entry(opening)).unwrap();
    }
    disk.set_capacity(None);
    append_synced(&mut log, &large(6)).unwrap();
    let last = disk.open(&name(log.segments().last().unwrap())).unwrap();
    assert_eq!(last.len().unwrap(), config.segment_bytes, "with room again it is a whole one");
}

#[test]
fn a_group_that_is_not_proven_is_copied() {
    let (disk, positions) = disk_with(3);
    let mut log = open(&disk, Some(positions[2])).0;
    append(&mut log, &entry(4)).unwrap();
    drop(log);
    // It lives in the page cache alone, until the next opening makes it safe.
    assert_eq!(given(&open(&disk.crash(&Crash::PowerCut(Survivors::Nothing)), None).0), [1, 2, 3]);
    let (log, report) = open(&disk, Some(positions[2]));
    assert!(report.copied);
    assert_eq!(report.last.unwrap().group, 4);
    assert_eq!(ids(&log, Some(positions[2])).unwrap(), [(4, report.last.unwrap())]);
    assert_eq!(given(&open(&disk.crash(&Crash::PowerCut(Survivors::Nothing)), None).0), [1, 2, 3, 4]);
}

#[test]
fn the_position_of_the_original_leads_to_the_copy() {
    let (disk, positions) = disk_with(3);
    let mut log = open(&disk, None).0;
    assert_eq!(ids(&log, Some(positions[2])).unwrap(), []);
    assert_eq!(ids(&log, Some(positions[1])).unwrap().len(), 1);
    append_synced(&mut log, &entry(4)).unwrap();
    drop(log);
    let (log, report) = open(&disk, Some(positions[2]));
    assert_eq!(report.damage, []);
    assert_eq!(ids(&log, Some(positions[2])).unwrap().len(), 1);
}

#[test]
fn a_group_that_is_not_whole_is_cut() {
    let (disk, positions) = disk_with(3);
    // Of the last group the last sector did not reach the disk.
    let Position { segment, offset, .. } = positions[2];
    let end = offset + 128 + 96 * entry(3).bodies.len() as u64 + entry(3).meta.len() as u64;
    disk.flip(&name(segment), end - 1, 1).unwrap();
    assert!(verified(&disk, None).0.unfinished);
    let (mut log, report) = open(&disk, Some(positions[1]));
    assert_eq!((report.cut, report.last), (Some(positions[2]), Some(positions[1])));
    assert_eq!(report.damage, []);
    append_synced(&mut log, &entry(5)).unwrap();
    assert_eq!(given(&log), [1, 2, 5]);

    // The same group, proven: it is not cut.
    let (disk, positions) = disk_with(3);
    disk.flip(&name(segment), end - 1, 1).unwrap();
    let (log, report) = open(&disk, Some(positions[2]));
    assert_eq!((report.cut, report.last), (None, Some(positions[2])));
    let (ids, damage) = ids_and_damage(&log, None);
    assert_eq!((ids, kinds(&damage)), (vec![1, 2], vec![DamageKind::Meta]));
    assert_eq!(damage[0].bodies.len(), entry(3).bodies.len(), "what the index says of them is known");
}

#[test]
fn a_copy_that_was_damaged_is_not_cut() {
    let (disk, _) = disk_with(3);
    let (log, report) = open(&disk, None);
    let Position { segment, offset, .. } = report.last.unwrap();
    drop(log);
    disk.flip(&name(segment), offset + 128, 1).unwrap();
    let (_, report) = open(&disk, None);
    assert_eq!((kinds(&report.damage), report.cut), (vec![DamageKind::Index], None));
    let copies = disk.crash(&Crash::Kill);
    copies.flip(&name(segment), offset, 1).unwrap();
    let (_, report) = open(&copies, None);
    assert_eq!(kinds(&report.damage), [DamageKind::Group]);
}

#[test]
fn a_bad_group_before_the_proven_one_is_damage() {
    let (disk, positions) = disk_with(12);
    for at in [0, 4, 8] {
        disk.flip(&name(positions[at].segment), positions[at].offset + 60, 4).unwrap();
    }
    let expected: Vec<u64> = (1..=12).filter(|id| ![1, 5, 9].contains(id)).collect();
    let (log, report) = open(&disk, None);
    assert_eq!(kinds(&report.damage), [DamageKind::Group; 3]);
    assert_eq!(report.damage[1].offset, positions[4].offset);
    assert_eq!(report.damage[1].groups, Some(5..=5));
    let (ids, damage) = ids_and_damage(&log, None);
    assert_eq!((&ids, &damage), (&expected, &report.damage));
    assert_eq!(ids_and_damage(&log, Some(positions[5])).0, [7, 8, 10, 11, 12]);
    drop(log);
    let (total, told) = verified(&disk, None);
    assert_eq!((total.groups, told), (9, vec![DamageKind::Group; 3]));
}

#[test]
fn a_log_that_ends_too_early_is_damage() {
    let (disk, positions) = disk_with(12);
    let Position { segment, offset, .. } = positions[10];
    disk.open(&name(segment)).unwrap().set_len(offset).unwrap();
    if positions[11].segment != segment {
        disk.remove(&name(positions[11].segment)).unwrap();
    }
    assert_eq!(verified(&disk, Some(positions[11])).1, [DamageKind::Proven]);
    let (mut log, report) = open(&disk, Some(positions[11]));
    assert_eq!(kinds(&report.damage), [DamageKind::Proven]);
    assert_eq!(report.damage[0].groups, Some(12..=12));
    let next = append_synced(&mut log, &entry(20)).unwrap();
    assert_eq!(next.group, 13, "numbers are not used again");
    assert!(next.segment > positions[11].segment);
    assert_eq!(ids_and_damage(&log, Some(positions[11])).0, [20]);
    let (ids, damage) = ids_and_damage(&log, None);
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20]);
    assert_eq!((kinds(&damage), &damage[0].groups), (vec![DamageKind::Chain], &Some(11..=12)));
}

#[test]
fn another_group_at_the_proven_position_is_damage() {
    let (disk, positions) = disk_with(5);
    let other = Position { crc: !positions[2].crc, ..positions[2] };
    let (log, report) = open(&disk, Some(other));
    assert_eq!(kinds(&report.damage), [DamageKind::Proven]);
    assert_eq!(ids_and_damage(&log, Some(other)).0, [3, 4, 5]);
}

#[test]
fn a_missing_segment_is_damage() {
    let (disk, positions) = disk_with(30);
    let middle = positions[15].segment;
    disk.remove(&name(middle)).unwrap();
    let lost: Vec<u64> = positions.iter().filter(|at| at.segment == middle).map(|at| at.group).collect();
    let (log, report) = open(&disk, None);
    assert_eq!(kinds(&report.damage), [DamageKind::SegmentMissing]);
    assert_eq!(report.damage[0].segment, middle);
    assert_eq!(report.damage[0].groups, Some(lost[0]..=lost[lost.len() - 1]));
    let (ids, _) = ids_and_damage(&log, None);
    assert_eq!(ids, (1..=30).filter(|id| !lost.contains(id)).collect::<Vec<_>>());
    drop(log);
    assert_eq!(verified(&disk, None).1, [DamageKind::SegmentMissing]);
    assert_eq!(verified(&disk, Some(positions[29])).1, [], "before the proven position it was reclaimed");
}

#[test]
fn groups_are_found_without_their_segments_header() {
    let (disk, positions) = disk_with(30);
    let all: Vec<u64> = (1..=30).collect();
    let segments: Vec<u64> = disk.list().unwrap().iter().map(|name| parse(name)).collect();
    for segment in &segments {
        let disk = disk.crash(&Crash::Kill);
        disk.overwrite(&name(*segment), 0, &[0x55; 4096]).unwrap();
        let (log, report) = open(&disk, None);
        let (ids, damage) = ids_and_damage(&log, None);
        assert_eq!((&ids, kinds(&damage)), (&all, vec![DamageKind::SegmentHeader]), "segment {segment}");
        assert_eq!(damage, report.damage);
    }
    // All of them, whose log it is included.
    for segment in &segments {
        disk.overwrite(&name(*segment), 0, &[0; 4096]).unwrap();
    }
    let (log, _) = Log::open(disk, config(), None, positions.last().copied()).unwrap();
    assert_eq!(log.store(), STORE);
    assert_eq!(ids_and_damage(&log, None).0, all);
}

fn parse(name: &str) -> u64 {
    u64::from_str_radix(name.trim_end_matches(".seg"), 16).unwrap()
}

/// A group that was cut stays so, though it is whole on the disk again.
#[test]
fn what_was_cut_does_not_come_back() {
    let (disk, positions) = disk_with(3);
    let mut log = open(&disk, Some(positions[2])).0;
    let proven = append_synced(&mut log, &entry(4)).unwrap();
    let cut = append(&mut log, &entry(5)).unwrap();
    drop(log);
    let file = disk.open(&name(cut.segment)).unwrap();
    let mut group = vec![0; 4096];
    file.read_at(&mut group, cut.offset).unwrap();
    file.write_at(&[0; 128], cut.offset).unwrap();
    // The next one fits into the fresh segment, or goes past it.
    for next in [entry(6), large(1)] {
        let disk = disk.crash(&Crash::Kill);
        let mut log = open(&disk, Some(proven)).0;
        append_synced(&mut log, &next).unwrap();
        drop(log);
        disk.overwrite(&name(cut.segment), cut.offset, &group).unwrap();
        for proven in [None, Some(proven), Some(positions[0])] {
            let (log, report) = open(&disk, proven);
            assert_eq!(report.damage, []);
            let (ids, damage) = ids_and_damage(&log, None);
            assert_eq!((&ids[..4], ids.len(), damage), (&[1, 2, 3, 4][..], 5, vec![]));
            assert_ne!(ids[4], 5);
        }
    }
}

/// An entry that does not fit into a segment.
fn large(id: u64) -> Arc<Entry> {
    let large =
        (id..).map(entry).find(|entry| entry.bodies.iter().any(|body| body.len > config().segment_bytes));
    large.unwrap()
}

/// The header of a group, changed, with the right checksum.
fn change_header(disk: &FaultDisk, at: Position, change: impl FnOnce(&mut [u8; 128])) {
    let mut header = [0; 128];
    disk.open(&name(at.segment)).unwrap().read_at(&mut header, at.offset).unwrap();
    change(&mut header);
    let mut checksum = Checksum::default();
    checksum.update(&header[..124]);
    header[124..].copy_from_slice(&checksum.value().to_le_bytes());
    disk.overwrite(&name(at.segment), at.offset, &header).unwrap();
}

#[test]
fn groups_that_do_not_follow_one_another_are_given_and_told() {
    let (disk, positions) = disk_with(6);
    change_header(&disk, positions[2], |header| header[84] ^= 1);
    let (log, report) = open(&disk, Some(positions[0]));
    assert_eq!(kinds(&report.damage), [DamageKind::Chain; 2], "the chain is broken before it and behind it");
    assert_eq!(report.damage[0].groups, None, "none is missing");
    assert_eq!(ids_and_damage(&log, None).0, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn groups_of_another_store_are_not_given() {
    let (disk, positions) = disk_with(6);
    change_header(&disk, positions[2], |header| header[8] ^= 1);
    let (log, report) = open(&disk, None);
    assert_eq!(kinds(&report.damage), [DamageKind::Group]);
    assert_eq!(ids_and_damage(&log, None).0, [1, 2, 4, 5, 6]);
}

#[test]
fn nothing_is_removed_while_there_is_damage() {
    let (disk, positions) = disk_with(30);
    let last = positions[29];
    let in_last = positions.iter().filter(|at| at.segment == last.segment);
    for at in in_last {
        disk.flip(&name(at.segment), at.offset, 1).unwrap();
    }
    let before = disk.list().unwrap();
    let (_, report) = open(&disk, Some(last));
    assert_eq!(kinds(&report.damage), [DamageKind::Proven]);
    let after = disk.list().unwrap();
    assert_eq!(after[..before.len()], before, "somebody may want to look at it");
    assert_eq!(disk.open(&name(last.segment)).unwrap().len().unwrap(), config().segment_bytes);
}

#[test]
fn a_verification_changes_nothing_and_counts() {
    let (disk, positions) = disk_with(30);
    disk.record();
    let (total, told) = verified(&disk, None);
    assert_eq!(disk.points(), 1);
    assert_eq!(told, []);
    let bodies: usize = (1..=30).map(|id| entry(id).bodies.len()).sum();
    assert_eq!((total.groups, total.bodies), (30, bodies as u64));
    assert_eq!((total.last, total.unfinished), (positions.last().copied(), false));
    let with_body = (0..29).find(|at| !entry(*at as u64 + 1).bodies.is_empty()).unwrap();
    let entry = entry(with_body as u64 + 1);
    let at = 128 + 96 * entry.bodies.len() + entry.meta.len();
    disk.flip(&name(positions[with_body].segment), positions[with_body].offset + at as u64, 1).unwrap();
    let mut told = Vec::new();
    verify(&disk, None, None, |damage| told.push(damage)).unwrap();
    assert_eq!(kinds(&told), [DamageKind::Body]);
    assert_eq!((told[0].bodies.len(), told[0].bodies[0].blob), (1, entry.bodies[0].blob));
    assert_eq!(told[0].bodies[0].label, entry.bodies[0].label);
}
