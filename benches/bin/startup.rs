//! How long `mailwright dev` takes until it serves.
#![expect(clippy::panic, reason = "a measurement that fails is over")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use mailwright_benches::process::Measured;

const STARTS: usize = 20;
const BAR: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let program = program();
    let mut times: Vec<Duration> = (0..STARTS).map(|_| start(&program)).collect();
    times.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (median, most) = (times.get(STARTS / 2), times.last());
    println!(
        "mailwright dev, {STARTS} starts until it says ready: p50 {:.1} ms, max {:.1} ms; bar {} ms",
        ms(median),
        ms(most),
        BAR.as_millis()
    );
    if most.is_some_and(|most| *most <= BAR) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The first argument, or the binary beside this one.
fn program() -> PathBuf {
    if let Some(path) = std::env::args_os().nth(1) {
        return path.into();
    }
    let beside = std::env::current_exe().unwrap_or_default().with_file_name("mailwright");
    if !beside.exists() {
        panic!("{} is not there: cargo build --release --package mailwright-server", beside.display());
    }
    beside
}

fn start(program: &PathBuf) -> Duration {
    let begun = Instant::now();
    // Ports by the system: another one may run.
    let free =
        ["--smtp", "--smtps", "--pop3", "--pop3s"].into_iter().flat_map(|service| [service, "127.0.0.1:0"]);
    let mut server =
        Measured::start(Command::new(program).arg("dev").args(free).env("MAILWRIGHT_LOG", "error"));
    while !server.line().starts_with("ready in") {}
    begun.elapsed()
}
