//! What is appended is given, and can be read.

use bytes::Bytes;
use mailwright_store::disk::{Disk, DiskFile, FaultDisk};
use mailwright_store_sqlite::StdDisk;
use mailwright_store_sqlite::log::{Body, DamageKind, Log, LogConfig, LogError, LogReader, Place, Position};

use super::kit::{Entry, STORE, append, append_synced, body, config, entry, ids, ids_and_damage};

fn new_log() -> (FaultDisk, Log<FaultDisk>) {
    let disk = FaultDisk::new();
    (disk.clone(), Log::create(disk, config(), STORE).unwrap())
}

/// An entry with one body of so many octets.
fn large(len: usize) -> Entry {
    let bytes: Vec<u8> = (0..len).map(|at| (at / 7) as u8).collect();
    Entry { meta: b"rows".to_vec(), bodies: vec![body(0, 0, vec![Bytes::from(bytes)])] }
}

#[test]
fn groups_are_given_in_order_from_any_position() {
    let (disk, mut log) = new_log();
    let positions: Vec<_> = (1..=30).map(|id| (id, append_synced(&mut log, &entry(id)).unwrap())).collect();
    assert_eq!(ids(&log, None).unwrap(), positions);
    for (at, (_, position)) in positions.iter().enumerate() {
        assert_eq!(position.group, at as u64 + 1);
        assert_eq!(ids(&log, Some(*position)).unwrap(), positions[at + 1..]);
    }
    let segments: Vec<_> = log.segments().collect();
    assert!(segments.len() > 3 && segments.is_sorted(), "{segments:?}");
    assert_eq!(disk.list().unwrap().len(), segments.len());
    drop(log);
    let (log, report) = Log::open(disk, config(), Some(STORE), positions.last().map(|last| last.1)).unwrap();
    assert_eq!((report.damage.len(), report.copied, report.cut), (0, false, None));
    assert_eq!(ids(&log, None).unwrap(), positions);
}

#[test]
fn a_group_without_bodies_or_rows() {
    let (_, mut log) = new_log();
    let nothing = log.plan(b"", &[]).unwrap();
    let position = nothing.position();
    assert_eq!(log.append(nothing, b"", &[]).unwrap(), position);
    log.sync().unwrap();
    assert_eq!(log.groups_after(None).count(), 1);
    assert_eq!(log.groups_after(Some(position)).count(), 0);
}

#[test]
fn a_group_may_be_larger_than_a_segment() {
    let (disk, mut log) = new_log();
    let small = append_synced(&mut log, &entry(1)).unwrap();
    let entry_2 = large(100_000);
    let plan = log.plan(&entry_2.meta, &entry_2.bodies).unwrap();
    let place = plan.places()[0];
    log.append(plan, &entry_2.meta, &entry_2.bodies).unwrap();
    log.sync().unwrap();
    let behind = append_synced(&mut log, &entry(3)).unwrap();
    assert!(small.segment < place.segment && place.segment < behind.segment);
    let mut read = vec![0; 100_000];
    log.reader().read_at(&place, 0, &mut read).unwrap();
    assert_eq!(read, entry_2.bodies[0].chunks[0]);
    let first = disk.open("0000000000000001.seg").unwrap();
    assert!(first.len().unwrap() < config().segment_bytes, "room that is not needed is given back");
}

#[test]
fn a_large_group_leaves_no_empty_segment() {
    let (disk, mut log) = new_log();
    append_synced(&mut log, &large(100_000)).unwrap();
    assert_eq!(disk.list().unwrap(), ["0000000000000002.seg"]);
    let (log, report) = Log::open(disk, config(), None, None).unwrap();
    assert_eq!(report.damage, []);
    assert_eq!(log.groups_after(None).count(), 1);
}

#[test]
fn one_group_at_a_time() {
    let (_, mut log) = new_log();
    let entry_1 = entry(1);
    append(&mut log, &entry_1).unwrap();
    assert!(matches!(log.plan(b"", &[]), Err(LogError::NotSynced)));
    log.sync().unwrap();
    log.sync().unwrap();

    let plan = |log: &mut Log<FaultDisk>| log.plan(&entry_1.meta, &entry_1.bodies).unwrap();
    let (first, second, third) = (plan(&mut log), plan(&mut log), plan(&mut log));
    assert_eq!(first, second);
    assert!(matches!(log.append(first, b"other rows", &entry_1.bodies), Err(LogError::NotPlanned)));
    assert!(matches!(log.append(second, &entry_1.meta, &large(9).bodies), Err(LogError::NotPlanned)));
    append_synced(&mut log, &entry(2)).unwrap();
    let late = log.append(third, &entry_1.meta, &entry_1.bodies);
    assert!(matches!(late, Err(LogError::NotPlanned)), "another group is there now");
    assert_eq!(ids(&log, None).unwrap().len(), 2);
}

#[test]
fn limits() {
    let limits = LogConfig { group_bytes: 9000, bodies_per_group: 2, ..config() };
    let mut log = Log::create(FaultDisk::new(), limits, STORE).unwrap();
    let rows = vec![0; 9000 - 128];
    log.plan(&rows, &[]).unwrap();
    let too_large = |planned| assert!(matches!(planned, Err(LogError::TooLarge)), "{planned:?}");
    too_large(log.plan(&[&rows[..], b"1"].concat(), &[]));
    let bodies = [1, 2, 3].map(|at| body(1, at, vec![Bytes::from_static(b"body")]));
    log.plan(b"", &bodies[..2]).unwrap();
    too_large(log.plan(b"", &bodies));
    let mut labelled = bodies[0].clone();
    labelled.label = vec![b'l'; Body::LABEL_BYTES];
    log.plan(b"", std::slice::from_ref(&labelled)).unwrap();
    labelled.label.push(b'l');
    too_large(log.plan(b"", &[labelled]));
    too_large(log.plan(b"", &[Body { len: u64::MAX, ..bodies[0].clone() }]));
}

#[test]
fn a_failed_write_poisons() {
    let (disk, mut log) = new_log();
    append_synced(&mut log, &entry(1)).unwrap();
    disk.fail_write(1, 1000);
    assert!(matches!(append(&mut log, &entry(2)), Err(LogError::Io(_))));
    assert!(log.is_poisoned());
    assert!(matches!(log.plan(b"", &[]), Err(LogError::Poisoned)));
    assert!(matches!(log.sync(), Err(LogError::Poisoned)));
    let (log, report) = Log::open(disk, config(), None, None).unwrap();
    assert_eq!(report.damage, []);
    assert_eq!(ids(&log, None).unwrap().len(), 1);
}

#[test]
fn a_failed_sync_poisons_and_the_group_is_struck_out() {
    let (disk, mut log) = new_log();
    append_synced(&mut log, &entry(1)).unwrap();
    append(&mut log, &entry(2)).unwrap();
    disk.fail_sync(1);
    assert!(matches!(log.sync(), Err(LogError::Io(_))));
    assert!(matches!(log.sync(), Err(LogError::Poisoned)));
    let (mut log, _) = Log::open(disk, config(), None, None).unwrap();
    assert_eq!(ids(&log, None).unwrap().len(), 1);
    append_synced(&mut log, &entry(3)).unwrap();
    let given: Vec<_> = ids(&log, None).unwrap().iter().map(|(id, position)| (*id, position.group)).collect();
    assert_eq!(given, [(1, 1), (3, 2)]);
}

#[test]
fn a_new_segment_that_cannot_be_begun_poisons() {
    let faults: [fn(&FaultDisk); 3] =
        [|disk| disk.fail_sync(1), |disk| disk.fail_sync(2), |disk| disk.fail_write(1, 50)];
    for fault in faults {
        let (disk, mut log) = new_log();
        append_synced(&mut log, &entry(1)).unwrap();
        fault(&disk);
        assert!(matches!(append(&mut log, &large(30_000)), Err(LogError::Io(_))));
        assert!(log.is_poisoned());
        let (log, report) = Log::open(disk, config(), None, None).unwrap();
        assert_eq!(report.damage, []);
        assert_eq!(ids(&log, None).unwrap().len(), 1);
    }
}

#[test]
fn a_full_disk_poisons_nothing() {
    let (disk, mut log) = new_log();
    disk.set_capacity(Some(config().segment_bytes + config().short_segment_bytes));
    let mut id = 0;
    let full = loop {
        id += 1;
        match append_synced(&mut log, &entry(id)) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(full.is_full(), "{full:?}");
    assert!(!log.is_poisoned());
    assert_eq!(log.segments().count(), 2, "the last one is short");
    disk.set_capacity(None);
    append_synced(&mut log, &entry(id)).unwrap();
    let given: Vec<_> = ids(&log, None).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(given, (1..=id).collect::<Vec<_>>());
}

#[test]
fn a_body_is_read_by_range() {
    let (disk, mut log) = new_log();
    let entry = large(1000);
    let plan = log.plan(&entry.meta, &entry.bodies).unwrap();
    let place = plan.places()[0];
    log.append(plan, &entry.meta, &entry.bodies).unwrap();
    let reader = log.reader();
    let mut buf = [0; 10];
    reader.read_at(&place, 990, &mut buf).unwrap();
    assert_eq!(buf, entry.bodies[0].chunks[0][990..]);
    for offset in [991, 1000, u64::MAX] {
        assert!(matches!(reader.read_at(&place, offset, &mut buf), Err(LogError::OutOfRange)));
    }
    let elsewhere = Place { segment: 77, ..place };
    assert!(matches!(reader.read_at(&elsewhere, 0, &mut buf), Err(LogError::Missing { segment: 77 })));
    let beyond = Place { offset: 1 << 30, ..place };
    assert!(matches!(reader.read_at(&beyond, 0, &mut buf), Err(LogError::Missing { .. })));
    let nowhere = Place { offset: u64::MAX, len: u64::MAX, ..place };
    assert!(matches!(reader.read_at(&nowhere, 1, &mut buf), Err(LogError::OutOfRange)));
    drop(log);
    LogReader::new(disk.into(), 1).read_at(&place, 0, &mut buf).unwrap();
}

#[test]
fn a_segment_can_be_removed() {
    let (disk, mut log) = new_log();
    let positions: Vec<_> = (1..=30).map(|id| append_synced(&mut log, &entry(id)).unwrap()).collect();
    let segments: Vec<_> = log.segments().collect();
    assert!(matches!(log.remove_segment(*segments.last().unwrap()), Err(LogError::InUse)));
    log.remove_segment(segments[0]).unwrap();
    log.remove_segment(segments[1]).unwrap();
    let left: Vec<_> = positions.iter().filter(|position| position.segment > segments[1]).collect();
    let first = left.first().unwrap();
    let (log, report) = Log::open(disk, config(), None, Some(**first)).unwrap();
    assert_eq!(report.damage, [], "what was before the proven position was reclaimed");
    assert_eq!(ids(&log, Some(**first)).unwrap().len(), left.len() - 1);
    let (ids, damage) = ids_and_damage(&log, None);
    assert_eq!(ids.len(), left.len());
    let missing = Some(1..=first.group - 1);
    assert_eq!((damage[0].kind, &damage[0].groups), (DamageKind::SegmentMissing, &missing));
    assert_eq!(damage.len(), 1);
}

#[test]
fn positions_come_back() {
    let position = Position { segment: 1 << 40, offset: 8192, group: 3, crc: 4 };
    let bytes = position.encode();
    assert_eq!(Position::decode(&bytes), Some(position));
    assert_eq!(Position::decode(&bytes[1..]), None);
    assert_eq!(Position::decode(&[&bytes[..], b"1"].concat()), None);
    for other in [Position { offset: 8193, ..position }, Position { group: u64::MAX, ..position }] {
        assert_eq!(Position::decode(&other.encode()), None, "there is no such position");
    }
}

/// The same on a real disk, with as few open files as was said.
#[test]
fn on_a_real_disk() {
    let path = std::env::temp_dir().join(format!("mailwright-log-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let disk = StdDisk::open(&path).unwrap();
    let mut log = Log::create(disk.clone(), config(), STORE).unwrap();
    let mut positions: Vec<_> =
        (1..=40).map(|id| (id, append_synced(&mut log, &entry(id)).unwrap())).collect();
    assert_eq!(ids(&log, None).unwrap(), positions);
    #[cfg(target_os = "linux")]
    {
        let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let open = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        let open = open.filter(|target| target.starts_with(&path)).count();
        assert!(open <= 1 + config().open_segments, "{open} files are open");
    }
    drop(log);
    let (log, report) = Log::open(disk, config(), Some(STORE), None).unwrap();
    assert!(report.copied, "nothing tells that the last one was synced");
    positions.last_mut().unwrap().1 = report.last.unwrap();
    assert_eq!(ids(&log, None).unwrap(), positions);
    std::fs::remove_dir_all(&path).unwrap();
}
