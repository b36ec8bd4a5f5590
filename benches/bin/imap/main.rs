//! How quick IMAP is, beside Debian's Dovecot: the same mailbox and the same commands in the same run.
#![expect(clippy::expect_used, reason = "a measurement that fails is over")]
#![expect(clippy::indexing_slicing, reason = "servers on this machine, and nobody else, are talked to")]

mod args;
mod client;
mod dovecot;
mod idle;
mod mail;
mod measure;
mod ops;
mod server;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use args::Args;
use measure::{bare, fill, measure, prepare};
use ops::{OPS, mailbox};
use server::Running;
use table::Table;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [role, dir] = words.as_slice()
        && role == "serve"
    {
        server::serve(dir);
        return ExitCode::SUCCESS;
    }
    match Args::parse(&words) {
        Ok(args) => {
            let dir = Scratch::new(&args.dir);
            if run(&args, &dir.0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all goals are met.
fn run(args: &Args, dir: &Path) -> bool {
    let servers: Vec<_> = args.servers.iter().map(|&which| Running::start(which, dir)).collect();
    println!("A mailbox of {} messages, 2 KB each; times in ms, median (95 %)", args.count);
    let made = |count| {
        for server in &servers {
            fill(server, &mailbox(count), count);
        }
        // What was filled without a sync is not written while something else is measured.
        let _ = Command::new("sync").status();
    };
    made(args.count);
    servers.iter().for_each(prepare);

    let mut table = Table::new();
    for op in OPS.iter().filter(|op| args.has(op.name)) {
        let times = measure(op, &servers, args.count, op.rounds);
        table.row(op.title, op.goal, &times);
        if op.name.starts_with("append") {
            table.rates(&times, &bare(dir, op.connections), op.connections);
        }
    }
    if args.has("growth") {
        for count in args.growth() {
            if count != args.count {
                made(count);
            }
            println!("\nA mailbox of {count}");
            for op in OPS.iter().filter(|op| op.grows) {
                table.row(op.title, op.goal, &measure(op, &servers, count, op.rounds / 3));
            }
        }
    }
    drop(servers);
    let mut good = table.is_good;
    if args.has("idle") {
        println!("\n1,000 sessions in IDLE");
        for &which in &args.servers {
            good &= idle::measure(which, dir, args.count);
        }
    }
    good
}

/// A folder that goes when this does.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Self {
        let dir = parent.join(format!("mailwright-bench-imap-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
