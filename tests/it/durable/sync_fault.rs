//! Syncs: that there are as many as there must be, and what follows from one that fails.

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::thread::scope;

use super::{Attempt, Ledger, Outcome, assert_failed, assert_sound, keep};
use crate::support::{ANY_PORTS, Dev, Folder, Program, Wire, binary, skip};

/// Records the syncs of a server, and lets one of them fail.
struct Tracer(Program);

impl Tracer {
    fn find() -> Option<Self> {
        let strace = Program::find("strace", "strace")?;
        if strace.run(["--quiet=all", "true"]).code != Some(0) {
            skip("this user may not trace processes");
            return None;
        }
        Some(Self(strace))
    }

    /// A command that starts a server, which keeps its mail in `dir`. `calls` gets a file for each thread.
    fn command(&self, dir: &Path, calls: &Path, fault: Option<&str>) -> Command {
        fs::create_dir(calls).unwrap();
        let mut command = self.0.command();
        // The tracer is not in between: the process that is started is the server. Paths are told with descriptors.
        command.args([
            "-D",
            "-f",
            "--seccomp-bpf",
            "--quiet=all",
            "--signal=none",
            "--trace=fdatasync,fsync",
            "-y",
        ]);
        if let Some(fault) = fault {
            command.arg(format!("--inject={fault}"));
        }
        command.arg("-ff").arg("--output").arg(calls.join("thread"));
        command.arg(binary()).arg("dev").args(ANY_PORTS).arg("--keep").arg(dir);
        command
    }
}

/// A sync: of which file, and whether it was made to fail.
#[derive(Debug)]
struct Sync {
    path: PathBuf,
    failed: bool,
}

impl Sync {
    /// Whether it is of a segment of the log.
    fn is_of_log(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "seg")
    }
}

/// All that were made.
fn syncs(calls: &Path) -> Vec<Sync> {
    let mut all = Vec::new();
    for entry in fs::read_dir(calls).unwrap() {
        // `fdatasync(7</some/path>) = 0`
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).unwrap().0;
            all.push(Sync { path: path.into(), failed: line.ends_with("(INJECTED)") });
        }
    }
    all
}

/// The `number`th such call of each thread fails, and those that follow it if the disk `stays` so.
fn fail(tracer: &Tracer, call: &str, number: u32, stays: bool) -> String {
    let folder = Folder::new();
    let (dir, calls) = (folder.path().join("kept"), folder.path().join("calls"));
    let fault = format!("{call}:error=EIO:when={number}{}", if stays { "+" } else { "" });
    let started = Dev::try_run(tracer.command(&dir, &calls, Some(&fault)), Folder::new());
    let mut ledger = Ledger::default();
    let done = match started {
        Err((status, log)) => {
            assert_failed(status, &log, &["Input/output error", "the store is unavailable"]);
            "it does not start".to_owned()
        }
        Ok(dev) => {
            let outcomes = send_one_by_one(dev.smtp, number + 5, &mut ledger);
            let (status, log) = dev.stop();
            assert!(status.success(), "{number}: {status}\n{log}");
            let taken = outcomes.iter().take_while(|outcome| **outcome == Outcome::Acknowledged).count();
            let is_lost = syncs(&calls).iter().any(|sync| sync.failed && sync.is_of_log());
            assert_eq!(taken < outcomes.len(), is_lost, "{number}: {outcomes:?}, {:?}", syncs(&calls));
            let refused = outcomes.iter().skip(taken);
            for outcome in refused {
                let is_temporary = match outcome {
                    Outcome::Acknowledged => false,
                    Outcome::Refused(reply) => {
                        ["451 ", "452 ", "421 "].iter().any(|code| reply.starts_with(code))
                    }
                    Outcome::Unknown => true,
                };
                assert!(is_temporary, "{number}: {outcomes:?}");
            }
            format!("{taken} of {} mails are taken", outcomes.len())
        }
    };
    let dev = keep(&dir);
    ledger.compare(&dev.messages("ann")).ok();
    dev.works();
    dev.stop();
    assert_sound(&dir);
    done
}

fn send_one_by_one(smtp: SocketAddr, count: u32, ledger: &mut Ledger) -> Vec<Outcome> {
    let mut open: Option<Wire> = None;
    let send = |number| {
        let attempt = Attempt::new(format!("{number}"), 300);
        let mut wire = open.take().or_else(|| Wire::try_smtp(smtp));
        let outcome = wire.as_mut().map_or(Outcome::Unknown, |wire| attempt.send(wire, "localhost"));
        open = wire.filter(|_| outcome != Outcome::Unknown);
        ledger.enter(&attempt, outcome.clone());
        outcome
    };
    (0..count).map(send).collect()
}

fn fail_each(call: &str, numbers: RangeInclusive<u32>, stays: bool) {
    let Some(tracer) = Tracer::find() else { return };
    for number in numbers {
        println!("{call} {number}: {}", fail(&tracer, call, number, stays));
    }
}

#[test]
fn after_a_failed_sync_of_a_file_nothing_is_acknowledged() {
    fail_each("fdatasync", 1..=20, false);
}

#[test]
fn nor_while_all_syncs_fail() {
    fail_each("fdatasync", 1..=8, true);
}

/// Most of these are of directories.
#[test]
fn after_a_failed_sync_of_a_directory_nothing_is_lost() {
    fail_each("fsync", 1..=8, false);
}

/// One that comes after another is durable with it.
#[test]
fn one_sync_for_each_group() {
    const IN_A_ROW: usize = 30;
    const CONNECTIONS: usize = 20;
    const OF_EACH: usize = 5;
    let Some(tracer) = Tracer::find() else { return };
    let folder = Folder::new();
    let calls = folder.path().join("calls");
    let dev = Dev::run(tracer.command(&folder.path().join("kept"), &calls, None), Folder::new());
    let count = || {
        let all = syncs(&calls);
        let of_log = all.iter().filter(|sync| sync.is_of_log()).count();
        (of_log, all.len() - of_log)
    };
    let mut wire = Wire::smtp(dev.smtp);
    let before = count();
    for _ in 0..IN_A_ROW {
        wire.mail("ann@localhost", "Subject: one by one\r\n\r\n");
    }
    let between = count();
    assert_eq!(between.0 - before.0, IN_A_ROW);

    let together = Barrier::new(CONNECTIONS);
    scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut wire = Wire::smtp(dev.smtp);
                together.wait();
                for _ in 0..OF_EACH {
                    wire.mail("ann@localhost", "Subject: all at once\r\n\r\n");
                }
            });
        }
    });
    let after = count();
    // What SQLite syncs beside it is not in the way of any answer.
    let (syncs, others) = (after.0 - between.0, after.1 - before.1);
    let at_once = CONNECTIONS * OF_EACH;
    println!(
        "{IN_A_ROW} syncs for {IN_A_ROW} mails in a row, {syncs} for {at_once} at once, {others} of other files"
    );
    assert!((1..at_once).contains(&syncs), "{syncs}");
    assert_eq!(dev.messages("ann").len(), IN_A_ROW + at_once);
}
