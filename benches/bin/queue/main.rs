//! How quick mail is passed on, beside Debian's Postfix: the same messages, the same driver and the same sink, in the
//! same run. And what the queue costs that is long.
#![expect(clippy::expect_used, reason = "a measurement that fails is over")]
#![expect(clippy::indexing_slicing, reason = "servers on this machine, and nobody else, are talked to")]

mod driver;
mod long;
mod ours;
mod postfix;
mod sink;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use driver::{Load, Passed};
use ours::Ours;
use postfix::Postfix;
use sink::Sink;

const HELP: &str =
    "cargo xtask bench queue [--quick] [--only relay|long] [--connections 1|20] [--dir <folder>]

  --quick   fewer messages, and at most 100,000 of them queued
  --only    mail that is passed on, or what a long queue costs
  --connections
            mail that is passed on, by so many only
  --dir     where the mail is while this runs; the default is the folder for temporary files";

struct Args {
    quick: bool,
    only: Option<String>,
    connections: Option<usize>,
    dir: PathBuf,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [role, dir, sink] = words.as_slice()
        && role == "serve"
    {
        ours::serve(Path::new(dir), sink.parse().expect("an address"));
        return ExitCode::SUCCESS;
    }
    let Some(args) = parse(&words) else {
        eprintln!("{HELP}");
        return ExitCode::FAILURE;
    };
    let dir = args.dir.join(format!("mailwright-bench-queue-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let wants = |part: &str| args.only.as_ref().is_none_or(|only| only == part);
    let mut good = true;
    if wants("relay") {
        good &= relay(&dir, if args.quick { 500 } else { 3_000 }, args.connections);
    }
    if wants("long") {
        good &=
            long::measure(&dir, if args.quick { &[1_000, 100_000] } else { &[1_000, 100_000, 1_000_000] });
    }
    let _ = std::fs::remove_dir_all(&dir);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(words: &[String]) -> Option<Args> {
    let mut args = Args { quick: false, only: None, connections: None, dir: std::env::temp_dir() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => args.quick = true,
            "--only" => {
                args.only =
                    Some(words.next().filter(|part| ["relay", "long"].contains(&part.as_str()))?.clone());
            }
            "--connections" => {
                args.connections = Some(words.next()?.parse().ok().filter(|count| [1, 20].contains(count))?);
            }
            "--dir" => args.dir = words.next()?.into(),
            _ => return None,
        }
    }
    Some(args)
}

/// Whether the goals are met.
fn relay(dir: &Path, count: usize, only: Option<usize>) -> bool {
    let sink = Sink::start();
    let ours = Ours::start(&dir.join("ours"), sink.addr);
    let postfix = Postfix::start(&dir.join("postfix"), sink.addr);
    println!("{count} messages of 10 KB: driver, server, sink; each durable before its 250\n");
    println!("{:>12} {:>24} {:>24} {:>8} {:>6}", "connections", "ours", "Postfix", "ratio", "goal");
    let mut good = true;
    let all = [(1, 2.0), (20, 5.0)];
    for (connections, goal) in all.into_iter().filter(|(count, _)| only.is_none_or(|only| only == *count)) {
        // In turns, so that what else the machine does falls on both.
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let load = |addr, login| Load { addr, login, connections, count: count / 3 };
            mine.push(driver::pass(&sink, &load(ours.addr, true)));
            theirs.push(driver::pass(&sink, &load(postfix.addr(), false)));
        }
        let (mine, theirs) = (Passed::median(mine), Passed::median(theirs));
        let ratio = mine.rate / theirs.rate;
        let tail = mine.p99 / theirs.p99;
        println!(
            "{connections:>12} {:>22.0}/s {:>22.0}/s {ratio:>8.2} {goal:>6}{}",
            mine.rate,
            theirs.rate,
            missed(ratio >= goal)
        );
        println!(
            "{:>12} {:>21.1} ms {:>21.1} ms {tail:>8.3} {:>6}{}",
            "p99",
            mine.p99 * 1e3,
            theirs.p99 * 1e3,
            0.1,
            if connections == 1 { "" } else { missed(tail <= 0.1) },
        );
        good &= ratio >= goal && (connections == 1 || tail <= 0.1);
    }
    good
}

fn missed(is_met: bool) -> &'static str {
    if is_met { "" } else { "  MISSED" }
}
