use super::*;

const NOTHING: Crash = Crash::PowerCut(Survivors::Nothing);
const EVERYTHING: Crash = Crash::PowerCut(Survivors::Everything);

fn content(disk: &FaultDisk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// A disk with a durable file `a` of these bytes.
fn disk_with(bytes: &[u8]) -> (FaultDisk, FaultFile) {
    let disk = FaultDisk::new();
    let file = disk.create("a", bytes.len() as u64).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    assert_eq!(disk.pending(), 0);
    (disk, file)
}

#[test]
fn it_is_a_disk() {
    let disk = FaultDisk::new();
    let file = disk.create("a", 10_000).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), vec![0; 10_000]);
    file.write_at(&[1; 5000], 4000).unwrap();
    disk.open("a").unwrap().write_at(&[2; 3], 11_000).unwrap();
    assert_eq!(file.len().unwrap(), 11_003);
    let expected = [vec![0; 4000], vec![1; 5000], vec![0; 2000], vec![2; 3]].concat();
    assert_eq!(content(&disk, "a").unwrap(), expected);
    let mut buf = [9; 4];
    assert_eq!(file.read_at(&mut buf, 11_001).unwrap(), 2);
    assert_eq!(buf, [2, 2, 9, 9]);
    assert_eq!(file.read_at(&mut buf, 11_003).unwrap(), 0);
    file.set_len(4100).unwrap();
    file.set_len(5000).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), [vec![0; 4000], vec![1; 100], vec![0; 900]].concat());
    assert_eq!(disk.create("a", 0).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    disk.create("b", 0).unwrap();
    assert_eq!(disk.list().unwrap(), ["a", "b"]);
    disk.remove("a").unwrap();
    assert_eq!(disk.list().unwrap(), ["b"]);
    assert_eq!(disk.open("a").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(disk.remove("a").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(file.len().unwrap(), 5000, "who has it open goes on using it");
}

#[test]
fn a_kill_loses_nothing() {
    let (disk, file) = disk_with(b"old");
    file.write_at(b"new", 0).unwrap();
    disk.create("b", 1).unwrap();
    let killed = disk.crash(&Crash::Kill);
    assert_eq!(content(&killed, "a").unwrap(), b"new");
    assert_eq!(content(&killed, "b").unwrap(), [0]);
    let cut = killed.crash(&NOTHING);
    assert_eq!((content(&cut, "a").unwrap(), content(&cut, "b")), (b"old".to_vec(), None));
    killed.open("a").unwrap().write_at(b"two", 0).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), b"new", "they share nothing");
}

#[test]
fn a_power_cut_loses_what_is_not_synced() {
    let (disk, file) = disk_with(b"old");
    file.write_at(b"new", 0).unwrap();
    file.set_len(2).unwrap();
    assert_eq!(disk.pending(), 2);
    assert_eq!(content(&disk.crash(&NOTHING), "a").unwrap(), b"old");
    assert_eq!(content(&disk.crash(&EVERYTHING), "a").unwrap(), b"ne");
    let these =
        |kept: &[bool]| content(&disk.crash(&Crash::PowerCut(Survivors::These(kept.to_vec()))), "a").unwrap();
    assert_eq!(these(&[false, true]), b"ol");
    assert_eq!(these(&[true]), b"new");
    file.sync().unwrap();
    assert_eq!(content(&disk.crash(&NOTHING), "a").unwrap(), b"ne");
}

#[test]
fn names_are_the_directorys() {
    let (disk, _) = disk_with(b"old");
    let file = disk.create("b", 3).unwrap();
    disk.remove("a").unwrap();
    file.sync().unwrap();
    let cut = disk.crash(&NOTHING);
    assert_eq!(cut.list().unwrap(), ["a"], "the new one is gone, the removed one is back");
    assert_eq!(content(&cut, "a").unwrap(), b"old");
    disk.sync_dir().unwrap();
    assert_eq!(disk.crash(&NOTHING).list().unwrap(), ["b"]);
    assert_eq!(content(&disk.crash(&NOTHING), "b").unwrap(), [0; 3]);

    disk.create("c", 3).unwrap();
    disk.sync_dir().unwrap();
    assert_eq!(content(&disk.crash(&NOTHING), "c").unwrap(), b"", "its length was not synced");
}

#[test]
fn writes_are_torn_at_sectors() {
    let (disk, file) = disk_with(&[0; 2048]);
    file.write_at(&[1; 1024], 500).unwrap();
    assert_eq!(disk.pending(), 3, "12, 512 and 500 bytes");
    let torn = disk.crash(&Crash::PowerCut(Survivors::AllBut(1)));
    let expected = [vec![0; 500], vec![1; 12], vec![0; 512], vec![1; 500], vec![0; 524]].concat();
    assert_eq!(content(&torn, "a").unwrap(), expected);
    let first = disk.crash(&Crash::PowerCut(Survivors::First(1)));
    assert_eq!(content(&first, "a").unwrap(), [vec![0; 500], vec![1; 12], vec![0; 1536]].concat());
    let torn = |seed| content(&disk.crash(&Crash::PowerCut(Survivors::Seed(seed))), "a").unwrap();
    let all: std::collections::BTreeSet<_> = (0..200).map(torn).collect();
    assert_eq!(all.len(), 8, "every subset of three");
    assert_eq!(torn(7), torn(7));
}

#[test]
fn a_growing_file_may_be_longer_than_what_was_written() {
    let (disk, file) = disk_with(b"old");
    file.write_at(b"new", 3).unwrap();
    let longer = disk.crash(&Crash::PowerCut(Survivors::First(1)));
    assert_eq!(content(&longer, "a").unwrap(), b"old\0\0\0");
}

#[test]
fn after_a_failed_sync_nothing_is_certain() {
    let (disk, file) = disk_with(b"old");
    file.write_at(b"new", 0).unwrap();
    disk.fail_sync(2);
    disk.sync_dir().unwrap();
    assert!(file.sync().is_err());
    assert_eq!(content(&disk, "a").unwrap(), b"new", "programs go on to see it");
    file.sync().unwrap();
    assert_eq!(content(&disk.crash(&NOTHING), "a").unwrap(), b"old", "a later sync does not help");
    assert_eq!(content(&disk.crash(&EVERYTHING), "a").unwrap(), b"new");

    file.write_at(b"N", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(content(&disk.crash(&NOTHING), "a").unwrap(), b"Nld", "what is written again is written");
    assert_eq!(content(&disk.crash(&EVERYTHING), "a").unwrap(), b"New");

    disk.create("b", 0).unwrap();
    disk.fail_sync(1);
    assert!(disk.sync_dir().is_err());
    disk.sync_dir().unwrap();
    assert_eq!(disk.crash(&NOTHING).list().unwrap(), ["a"]);
}

#[test]
fn a_write_may_end_early() {
    let (disk, file) = disk_with(b"old");
    disk.fail_write(2, 2);
    file.write_at(b"X", 0).unwrap();
    assert!(file.write_at(b"new", 0).is_err());
    assert_eq!(content(&disk, "a").unwrap(), b"ned");
    file.write_at(b"all", 0).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), b"all");
}

#[test]
fn a_disk_may_be_full() {
    let (disk, file) = disk_with(b"old");
    disk.set_capacity(Some(5));
    file.write_at(b"new", 0).unwrap();
    let full = file.write_at(b"longer", 2).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&disk, "a").unwrap(), b"nelon", "as much as there was room for");
    assert_eq!(disk.create("b", 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&disk, "b").unwrap(), b"", "and an empty file is left behind");
    assert_eq!(file.set_len(6).unwrap_err().kind(), io::ErrorKind::StorageFull);
    file.set_len(2).unwrap();
    file.write_at(b"123", 2).unwrap();
    disk.set_capacity(None);
    file.write_at(b"longer", 2).unwrap();
}

#[test]
fn bytes_change_by_themselves() {
    let (disk, file) = disk_with(b"abc");
    file.write_at(b"xyz", 0).unwrap();
    disk.flip("a", 1, 0b11).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), b"xzz");
    assert_eq!(content(&disk.crash(&EVERYTHING), "a").unwrap(), b"xzz");
    disk.overwrite("a", 0, b"--").unwrap();
    for crash in [Crash::Kill, NOTHING] {
        assert_eq!(content(&disk.crash(&crash), "a").unwrap()[..2], *b"--");
    }
    assert!(disk.flip("a", 3, 1).is_err());
    assert!(disk.flip("b", 0, 1).is_err());
}

#[test]
fn syncs_may_be_ignored() {
    let disk = FaultDisk::ignoring_syncs();
    let file = disk.create("a", 3).unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    assert_eq!(disk.crash(&NOTHING).list().unwrap(), [""; 0]);
    let after = disk.crash(&EVERYTHING);
    after.open("a").unwrap().write_at(b"new", 0).unwrap();
    after.open("a").unwrap().sync().unwrap();
    assert_eq!(content(&after.crash(&NOTHING), "a").unwrap(), [0; 3], "after a crash too");
}

#[test]
fn every_moment_can_be_had_again() {
    let (disk, file) = disk_with(b"____");
    assert_eq!(disk.points(), 0);
    disk.record();
    file.write_at(b"one", 0).unwrap();
    file.sync().unwrap();
    disk.fail_sync(1);
    file.write_at(b"twos", 0).unwrap();
    assert!(file.sync().is_err());
    disk.remove("a").unwrap();
    assert_eq!(disk.points(), 6);
    let at = |point, crash: &Crash| content(&disk.crash_at(point, crash).unwrap(), "a");
    let seen: Vec<_> = (0..6).map(|point| at(point, &Crash::Kill)).collect();
    let some = |bytes: &[u8]| Some(bytes.to_vec());
    let twos = some(b"twos");
    assert_eq!(seen, [some(b"____"), some(b"one_"), some(b"one_"), twos.clone(), twos, None]);
    let left: Vec<_> = (0..6).map(|point| at(point, &NOTHING)).collect();
    let one = some(b"one_");
    assert_eq!(left, [some(b"____"), some(b"____"), one.clone(), one.clone(), one.clone(), one]);
    assert!(disk.at_point(6).is_none());

    let within = |point, bytes| disk.within_point(point, bytes).map(|disk| content(&disk, "a").unwrap());
    assert_eq!(within(3, 0).unwrap(), b"one_");
    assert_eq!(within(3, 2).unwrap(), b"twe_");
    assert_eq!((within(3, 4), within(2, 0), within(0, 0)), (None, None, None));
}
