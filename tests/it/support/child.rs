//! Child processes: waited for, ended by their id, measured by `/proc`.

use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often to look whether a child has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until the child has ended, if it does so within `limit`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() >= until {
            return None;
        }
        sleep(LOOK);
    }
}

/// Asks the process to end, as Ctrl-C or a service manager does.
pub(crate) fn stop(id: u32) {
    let kill = Command::new("kill").args(["-TERM", &id.to_string()]).status();
    assert!(kill.unwrap().success(), "cannot signal process {id}");
}

/// Octets of memory that the process has, and has had at most.
pub(crate) fn resident(id: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let field = |name: &str| -> u64 {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Time that the process has spent computing. The kernel tells it in hundredths of a second.
pub(crate) fn cpu_time(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The second field, in parentheses, may have spaces. utime and stime are the fields 14 and 15.
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 1..].split_whitespace().collect();
    let ticks: u64 = fields[11..=12].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}
