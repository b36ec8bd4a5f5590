//! A disk that gets full, and then has room again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Attempt, Ledger, Outcome, assert_sound};
use crate::serve_process::{PASSWORD, Serve, Site};
use crate::support::{Folder, Mount, Wire, python};

/// How soon mail is taken again.
const SOON: Duration = Duration::from_secs(5);

/// The server notices in time that there is little room left, and has some for those who delete.
#[test]
fn a_disk_that_gets_full() {
    check("256 KiB", "768 KiB", "1 MiB", 1536 << 10, true);
}

/// Without a reserve it finds out when it writes.
#[test]
fn a_disk_that_is_full_at_once() {
    check("256 KiB", "0", "0", 2 << 20, false);
}

/// A file of the log takes a sixth of the disk, and more than the reserve has.
#[test]
fn a_disk_for_few_segments() {
    check("1 MiB", "768 KiB", "1 MiB", 1 << 20, true);
}

/// The reserve is not given up for as long as mail is taken, nor for others to take.
#[test]
fn a_watermark_no_higher_than_the_reserve() {
    check("1 MiB", "1 MiB", "1 MiB", 768 << 10, true);
}

#[test]
fn a_disk_for_few_segments_that_is_full_at_once() {
    check("1 MiB", "0", "0", 4 << 20, false);
}

fn check(segment: &str, reserve: &str, watermark: &str, room: u64, has_reserve: bool) {
    let Some(site) = Site::new() else { return };
    let data = site.path("data");
    let Some(_mount) = Mount::small(8 << 20, &data) else { return };
    site.configure(&format!(
        "[storage]\nsegment = \"{segment}\"\nreserve = \"{reserve}\"\nwatermark = \"{watermark}\""
    ));
    // What the log has it does not give back yet: so others take most of the room, and leave some later.
    let (others, rest) = (data.join("others"), data.join("rest"));
    fill(&others, room);
    let mut serve = site.serve();
    let mut sender = Sender { smtp: serve.smtp(), ledger: Ledger::default(), sent: 0 };

    // Small ones may still find room where large ones do not.
    while sender.send(20 << 10) == Outcome::Acknowledged {}
    assert!(sender.ledger.acknowledged() > 10, "hardly anything was taken");
    for octets in [300 << 10, 20 << 10] {
        sender.is_refused(octets);
    }
    let left = fill(&rest, u64::MAX);
    println!("{left} octets were left");
    assert!(!has_reserve || left > 512 << 10, "there was hardly any room when mail was first refused");
    for octets in [300 << 10, 20 << 10, 300] {
        sender.send(octets);
    }
    let before = sender.ledger.acknowledged();
    if has_reserve {
        // Reading and deleting go on.
        let Some(()) = sender.delete(&site, &serve, 5) else { return };
        // What the end has given back is taken by others, and the server starts all the same.
        assert!(serve.stop().success());
        fill(&rest, u64::MAX);
        serve = site.serve();
        sender.smtp = serve.smtp();
        sender.is_refused(300);
        let Some(()) = sender.delete(&site, &serve, 3) else { return };
    }
    let Some(messages) = take(&site, &serve, 0) else { return };
    sender.ledger.compare(&messages).ok();
    let deleted = before - sender.ledger.acknowledged();

    // There is room again.
    fs::remove_file(others).unwrap();
    fs::remove_file(rest).unwrap();
    let begun = Instant::now();
    while sender.send(20 << 10) != Outcome::Acknowledged {
        assert!(begun.elapsed() < SOON, "{SOON:?} later no mail is taken");
        sleep(Duration::from_millis(20));
    }
    println!("{before} mails taken, {deleted} deleted; room was noticed after {:?}", begun.elapsed());
    for octets in [300, 20 << 10, 300 << 10, 300] {
        assert_eq!(sender.send(octets), Outcome::Acknowledged);
    }
    sender.ledger.compare(&take(&site, &serve, 0).unwrap()).ok();
    let status = serve.stop();
    assert!(status.success(), "{status}");

    let serve = site.serve();
    println!("{}", sender.ledger.compare(&take(&site, &serve, 0).unwrap()).ok());
    serve.stop();
    assert_sound(&data);
}

struct Sender {
    smtp: SocketAddr,
    ledger: Ledger,
    sent: usize,
}

impl Sender {
    /// Sends an attempt: it is taken, or refused for want of room.
    #[track_caller]
    fn send(&mut self, octets: usize) -> Outcome {
        let attempt = Attempt::new(self.sent.to_string(), octets);
        self.sent += 1;
        let outcome = attempt.send(&mut Wire::smtp(self.smtp), "example.org");
        match &outcome {
            Outcome::Acknowledged => {}
            Outcome::Refused(reply) => assert!(reply.starts_with("452 4.3.1 "), "{reply}"),
            Outcome::Unknown => panic!("the connection was closed"),
        }
        self.ledger.enter(&attempt, outcome.clone());
        outcome
    }

    #[track_caller]
    fn is_refused(&mut self, octets: usize) {
        let outcome = self.send(octets);
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    }

    /// Reads all mail, and deletes every so many. Nothing if Python is missing.
    fn delete(&mut self, site: &Site, serve: &Serve<'_>, every: usize) -> Option<()> {
        let messages = take(site, serve, every)?;
        self.ledger.compare(&messages).ok();
        messages.iter().skip(every - 1).step_by(every).for_each(|message| self.ledger.forget(message));
        Some(())
    }
}

/// Writes so many octets, or as many as there is room for, and says how many.
fn fill(path: &Path, octets: u64) -> u64 {
    let mut file = File::create(path).unwrap();
    let piece = [0x55; 4096];
    for _ in 0..octets / 4096 {
        match file.write_all(&piece) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => break,
            Err(error) => panic!("{error}"),
        }
    }
    // Only what is on the disk has its room for sure.
    let _ = file.sync_all();
    file.metadata().unwrap().len()
}

/// All of ann's mail, of which every so many are then deleted. Nothing if Python is missing.
fn take(site: &Site, serve: &Serve<'_>, every: usize) -> Option<Vec<Vec<u8>>> {
    let folder = Folder::new();
    let (addr, chain) = (serve.pop3s().to_string(), site.path("chain.pem"));
    let (chain, place) = (chain.to_str().unwrap(), folder.path().to_str().unwrap());
    python("take.py", [&addr, chain, "ann@example.org", PASSWORD, place, &every.to_string()], b"")?.ok();
    let count = folder.all().len();
    Some((1..=count).map(|number| fs::read(folder.path().join(number.to_string())).unwrap()).collect())
}
