//! `kill -9`, again and again.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::{Attempt, Ledger, Outcome, assert_sound, keep};
use crate::support::{ANY_PORTS, Folder, Wire, binary, cpu_time};

const CYCLES: u32 = 30;
const SENDERS: u32 = 4;

/// Sends attempts until the server is gone.
fn send_until_the_end(smtp: SocketAddr, sender: &str) -> Vec<(Attempt, Outcome)> {
    let mut attempts = Vec::new();
    let Some(mut wire) = Wire::try_smtp(smtp) else { return attempts };
    loop {
        let number = attempts.len();
        // Most are small, and some too large for the log.
        let octets = match number % 16 {
            15 => 300 << 10,
            3 | 7 | 11 => 20 << 10,
            _ => 300,
        };
        let attempt = Attempt::new(format!("{sender}.{number}"), octets);
        let outcome = attempt.send(&mut wire, "localhost");
        attempts.push((attempt, outcome));
        if let Some((_, Outcome::Unknown)) = attempts.last() {
            return attempts;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled() {
    let folder = Folder::new();
    let dir = folder.path().join("kept");
    let mut ledger = Ledger::default();
    let mut starts = Vec::new();
    binary();
    for cycle in 0..CYCLES {
        let begun = Instant::now();
        let dev = keep(&dir);
        starts.push((begun.elapsed(), cpu_time(dev.id())));
        let smtp = dev.smtp;
        let sent: Vec<(Attempt, Outcome)> = scope(|scope| {
            let start = |sender| scope.spawn(move || send_until_the_end(smtp, &format!("{cycle}.{sender}")));
            let senders: Vec<_> = (0..SENDERS).map(start).collect();
            // How far the senders are by then is never the same.
            sleep(Duration::from_millis(150 + 25 * u64::from(cycle)));
            dev.crash();
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
        });
        for (attempt, outcome) in sent {
            assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
            ledger.enter(&attempt, outcome);
        }
        // What repairs after a crash may crash, too.
        if cycle % 3 == 0 {
            crash_while_it_starts(&dir, Duration::from_millis(10 + 5 * u64::from(cycle)));
        }
    }
    let dev = keep(&dir);
    let comparison = ledger.compare(&dev.messages("ann")).ok();
    dev.stop();
    assert_sound(&dir);

    let slowest = starts.iter().map(|(wall, _)| *wall).max().unwrap();
    let busiest = starts.iter().map(|(_, cpu)| *cpu).max().unwrap();
    starts.sort_unstable();
    let median = starts[starts.len() / 2].0;
    println!(
        "{CYCLES} cycles: {comparison}; ready in {median:?}, at most {slowest:?} ({busiest:?} of computing)"
    );
    assert!(comparison.acknowledged > 100, "hardly anything was sent");
    // The slowest by computing time: this machine may have other things to do, too.
    assert!(median < Duration::from_secs(1) && busiest < Duration::from_secs(1));
}

fn crash_while_it_starts(dir: &std::path::Path, after: Duration) {
    let mut command = Command::new(binary());
    command.arg("dev").args(ANY_PORTS).arg("--keep").arg(dir);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}
