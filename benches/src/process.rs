//! Child processes that are measured from outside, and ended by their id.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A child that is ended when it goes out of scope.
#[derive(Debug)]
pub struct Measured {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Measured {
    /// Starts `command`, whose stdout is read.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// Starts this program again, with these arguments.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn this_program(args: &[&str]) -> Self {
        Self::start(Command::new(std::env::current_exe().expect("we run")).args(args))
    }

    /// The next line that it prints.
    ///
    /// # Panics
    /// If it has ended.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).expect("UTF-8 on its stdout");
        assert_ne!(count, 0, "the measured program has ended");
        line.trim_end().to_owned()
    }

    /// Octets of memory that it occupies now.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn resident(&self) -> u64 {
        status_kib(self.child.id(), "VmRSS:") << 10
    }

    /// Octets of memory that it has occupied at most.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn most_resident(&self) -> u64 {
        status_kib(self.child.id(), "VmHWM:") << 10
    }
}

/// What `memory` says once that does not change any more.
pub fn settled(memory: impl Fn() -> u64) -> u64 {
    let mut last = memory();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(100));
        let now = memory();
        if now == last {
            break;
        }
        last = now;
    }
    last
}

impl Drop for Measured {
    fn drop(&mut self) {
        // Ends this child and no other; it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status_kib(id: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process, and Linux");
    let value = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Makes room for so many open files, or says what to do.
///
/// # Panics
/// Where there is no `/proc`.
pub fn check_open_files(needed: u64) {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = limit.and_then(|line| line.split_whitespace().next());
    let soft: u64 = soft.map_or(u64::MAX, |soft| soft.parse().unwrap_or(u64::MAX));
    assert!(soft >= needed, "{needed} open files are needed, {soft} are allowed: ulimit -n {needed}");
}
