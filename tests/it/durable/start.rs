//! Starts that cannot succeed say why, in a line and with what to do about it, and lose nothing.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Attempt, Ledger, Outcome, assert_failed, assert_sound, keep};
use crate::support::{ANY_PORTS, Dev, Folder, Mount, PATIENCE, Wire, binary, run};

/// Starts a server that cannot start: it says this in its first line, and then what to do.
#[track_caller]
fn refused(dir: &Path, code: i32, message: &str, remedy: &str) {
    let mut command = Command::new(binary());
    let ran =
        run(command.args(["--log", "off", "dev"]).args(ANY_PORTS).arg("--keep").arg(dir), b"").ended(code);
    let text = String::from_utf8(ran.stderr).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [first, second] = lines[..] else { panic!("not a line and a remedy:\n{text}") };
    assert!(first.starts_with("mailwright: ") && first.contains(message), "{text}");
    assert!(first.contains(dir.to_str().unwrap()), "{text}");
    assert!(second.starts_with("  ") && second.contains(remedy), "{text}");
}

/// One server at a time; the first one does not notice.
#[test]
fn a_second_server() {
    let folder = Folder::new();
    let dir = folder.path().join("kept");
    let first = keep(&dir);
    let mut wire = Wire::smtp(first.smtp);
    refused(&dir, 69, "another mailwright process has", "one server at a time uses a data directory");
    wire.mail("ann@localhost", "Subject: as ever\r\n\r\n");
    assert_eq!(first.messages("ann").len(), 1);
    first.works();
    first.stop();
    assert_sound(&dir);
}

#[test]
fn a_data_directory_that_is_a_file() {
    let folder = Folder::new();
    let file = folder.write("kept", "mine");
    refused(&file, 73, "", "");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn a_data_directory_that_cannot_be_written() {
    let folder = Folder::new();
    let dir = folder.path().join("kept");
    let dev = keep(&dir);
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: before\r\n\r\n");
    dev.stop();

    // Root may write whatever the permissions are.
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.join("probe"), "").is_err() {
        refused(&dir, 77, "Permission denied", "chown USER");
    } else {
        fs::remove_file(dir.join("probe")).unwrap();
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    if let Some(mount) = Mount::read_only(&dir) {
        refused(&dir, 77, "Read-only file system", "mount it for writing");
        drop(mount);
    }

    let dev = keep(&dir);
    assert_eq!(dev.messages("ann").len(), 1);
    dev.works();
}

/// A server that keeps its mail there with this many file descriptors.
fn limited(dir: &Path, descriptors: u32) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")).arg(binary());
    command.arg("dev").args(ANY_PORTS).arg("--keep").arg(dir);
    command
}

/// However many are missing, it starts or says that it cannot, and what is there stays as it is.
#[test]
fn too_few_file_descriptors_to_start() {
    let folder = Folder::new();
    let dir = folder.path().join("kept");
    let dev = keep(&dir);
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: before\r\n\r\n");
    dev.stop();
    let (mut failed, mut started) = (Vec::new(), Vec::new());
    for descriptors in (10..=40).step_by(2) {
        let log = match Dev::try_run(limited(&dir, descriptors), Folder::new()) {
            Err((status, log)) => {
                failed.push(descriptors);
                let unreachable = ["unable to open database file", "the store is unavailable"];
                assert_failed(status, &log, &[&unreachable[..], &["Too many open files"]].concat());
                log
            }
            Ok(dev) => {
                started.push(descriptors);
                let (status, log) = dev.stop();
                assert!(status.success(), "{descriptors}: {status}\n{log}");
                log
            }
        };
        assert!(!log.contains("store.rebuilt"), "{descriptors}: the index was thrown away:\n{log}");
    }
    println!("with {failed:?} descriptors it does not start, with {started:?} it does");
    assert!(failed.len() > 2 && started.len() > 2);
    let dev = keep(&dir);
    assert_eq!(dev.messages("ann").len(), 1);
    dev.works();
    dev.stop();
    assert_sound(&dir);
}

/// Without a descriptor left, whoever is connected goes on, and no mail is lost; when there are some again, all is
/// as before.
#[test]
fn too_few_file_descriptors_at_work() {
    const DESCRIPTORS: u32 = 64;
    const CONNECTIONS: u8 = 100;
    const LARGE: usize = 300 << 10;
    let octets_of = |number| if number % 4 == 3 { LARGE } else { 300 };
    let folder = Folder::new();
    let dir = folder.path().join("kept");
    let dev = Dev::run(limited(&dir, DESCRIPTORS), Folder::new());
    let mut ledger = Ledger::default();
    let mut existing = Wire::smtp(dev.smtp);
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", dev.id())).unwrap().count();
    let idle = descriptors();
    let address = |number: u8| Ipv4Addr::new(127, 0, 0, 2 + number % 4);
    let mut others: Vec<Wire> =
        (0..CONNECTIONS).map(|number| Wire::connect_from(address(number), None, dev.smtp)).collect();
    let last = others.last_mut().unwrap().within(PATIENCE).unwrap();
    assert!(last.is_empty() || last.starts_with(b"421 "), "the limit is not met");
    // Those too large for the log need a file each.
    for number in 0..40 {
        let octets = octets_of(number);
        let attempt = Attempt::new(format!("none left {number}"), octets);
        let outcome = attempt.send(&mut existing, "localhost");
        let is_temporary = matches!(&outcome, Outcome::Refused(reply) if reply.starts_with('4'));
        assert!(
            outcome == Outcome::Acknowledged || (octets == LARGE && is_temporary),
            "{octets}: {outcome:?}"
        );
        ledger.enter(&attempt, outcome);
    }
    let during = ledger.acknowledged();
    drop(others);
    // That they have gone is known to the server a little later.
    let until = Instant::now() + PATIENCE;
    while descriptors() > idle + 5 {
        assert!(Instant::now() < until, "{} descriptors are open, not {idle}", descriptors());
        sleep(Duration::from_millis(10));
    }
    for number in 0..8 {
        let attempt = Attempt::new(format!("again {number}"), octets_of(number));
        let outcome = attempt.send(&mut existing, "localhost");
        assert_eq!(outcome, Outcome::Acknowledged);
        ledger.enter(&attempt, outcome);
    }
    println!("{during} of 40 mails taken without a descriptor left");
    ledger.compare(&dev.messages("ann")).ok();
    dev.works();
    dev.crash();
    let dev = keep(&dir);
    ledger.compare(&dev.messages("ann")).ok();
    dev.stop();
    assert_sound(&dir);
}
