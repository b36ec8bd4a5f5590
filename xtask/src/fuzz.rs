//! Runs the fuzz targets for a named processor time, so that runs compare however loaded the machine is.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

const INSTALL: &str = "fuzzing needs a nightly toolchain and cargo-fuzz: \
                       rustup toolchain install nightly && cargo install --locked cargo-fuzz";

/// Processor seconds a target, if none are named.
const SECONDS: u64 = 180;

/// What the kernel counts processor time in, a second.
const TICKS: u64 = 100;

/// What is kept of the output of a target, to be shown if it crashes: the panic stands above two stacks.
const LINES_SHOWN: usize = 100;

/// At most so many files and bytes are kept of a corpus: it is replayed in every test run.
const CORPUS: (usize, u64) = (150, 200_000);

/// Builds the targets, runs them one after the other, prints a table, and says whether none crashed.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<bool> {
    let Args { seconds, merge, targets } = Args::parse(args)?;
    let fuzzer = Fuzzer::new(root)?;
    let all = fuzzer.targets()?;
    if let Some(unknown) = targets.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target `{unknown}`; there are: {}", all.join(", "));
    }
    fuzzer.build(&targets)?;
    let mut rows = Vec::new();
    for target in if targets.is_empty() { &all } else { &targets } {
        let row = fuzzer.fuzz(target, seconds)?;
        if merge {
            fuzzer.merge(target)?;
        }
        rows.push(row);
    }
    print(&rows);
    Ok(rows.iter().all(|row| row.crashes == 0))
}

#[derive(Debug, PartialEq)]
struct Args {
    seconds: u64,
    merge: bool,
    targets: Vec<String>,
}

impl Args {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut parsed = Self { seconds: SECONDS, merge: false, targets: Vec::new() };
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            match arg {
                "--merge" => parsed.merge = true,
                "--seconds" => {
                    let seconds = args.next().and_then(|number| number.parse().ok());
                    parsed.seconds = seconds.context("--seconds needs a number")?;
                }
                _ if arg.starts_with('-') => bail!("fuzz does not know `{arg}`; see `cargo xtask help`"),
                target => parsed.targets.push(target.to_owned()),
            }
        }
        Ok(parsed)
    }
}

struct Row {
    target: String,
    ticks: u64,
    executions: u64,
    crashes: usize,
}

fn print(rows: &[Row]) {
    println!("\n{:<20} {:>11} {:>12} {:>8}", "target", "CPU seconds", "executions", "crashes");
    for Row { target, ticks, executions, crashes } in rows {
        println!("{target:<20} {:>8}.{:02} {executions:>12} {crashes:>8}", ticks / TICKS, ticks % TICKS);
    }
}

/// Where everything lies.
struct Fuzzer {
    /// The package of the targets.
    dir: PathBuf,
    /// Outside the work tree, and not that of the other builds: other flags, another compiler.
    target_dir: PathBuf,
    host: String,
}

impl Fuzzer {
    fn new(root: &Path) -> Result<Self> {
        let version = Command::new("cargo").args(["+nightly", "fuzz", "--version"]).output();
        if !version.is_ok_and(|output| output.status.success()) {
            bail!(INSTALL);
        }
        let about = Command::new("rustc").args(["+nightly", "-vV"]).output()?;
        let about = String::from_utf8(about.stdout)?;
        let host =
            about.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
        Ok(Self { dir: root.join("fuzz"), target_dir: target_dir()?, host: host.to_owned() })
    }

    fn targets(&self) -> Result<Vec<String>> {
        let mut targets = Vec::new();
        for file in fs::read_dir(self.dir.join("fuzz_targets"))? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                targets.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        targets.sort();
        Ok(targets)
    }

    /// Builds these targets, or all.
    fn build(&self, targets: &[String]) -> Result<()> {
        let all = [String::new()];
        for target in if targets.is_empty() { &all } else { targets } {
            let mut cargo = Command::new("cargo");
            cargo.args(["+nightly", "fuzz", "build", "--target", &self.host]);
            cargo.args(Some(target).filter(|name| !name.is_empty()));
            println!("$ cargo +nightly fuzz build {target}");
            let status = cargo.current_dir(&self.dir).env("CARGO_TARGET_DIR", &self.target_dir).status()?;
            if !status.success() {
                bail!("the fuzz targets do not build");
            }
        }
        Ok(())
    }

    /// Runs a target until it has used its time, or crashes: after that it would find the same again.
    fn fuzz(&self, target: &str, seconds: u64) -> Result<Row> {
        println!("{target}: {seconds} CPU seconds");
        let mut row = Row { target: target.to_owned(), ticks: 0, executions: 0, crashes: 0 };
        while row.ticks < seconds * TICKS && row.crashes == 0 {
            // The fuzzer counts by the wall clock, and gets less than that on a loaded machine: so again, for
            // what is left.
            let left = (seconds * TICKS - row.ticks).div_ceil(TICKS);
            let before = children_ticks()?;
            let ran = self.run_once(target, left)?;
            let used = children_ticks()? - before;
            row.ticks += used;
            row.executions += ran.executions;
            if !ran.ok {
                row.crashes += 1;
                println!("{}", ran.last_lines);
            } else if used == 0 {
                bail!("{target} ends at once");
            }
        }
        Ok(row)
    }

    fn run_once(&self, target: &str, seconds: u64) -> Result<Ran> {
        let artifacts = self.dir.join("artifacts").join(target);
        fs::create_dir_all(&artifacts)?;
        fs::create_dir_all(self.scratch(target))?;
        let mut command = self.program(target);
        command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.args(dictionary(target).map(|file| format!("-dict=dict/{file}")));
        // New inputs go into the first folder.
        command.args([self.scratch(target), self.corpus(target)]);
        let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| target.to_owned())?;
        let (mut executions, mut last_lines) = (0, VecDeque::new());
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                executions = executed(&line).unwrap_or(executions);
                last_lines.push_back(line);
                if last_lines.len() > LINES_SHOWN {
                    last_lines.pop_front();
                }
            }
        }
        let last_lines = Vec::from(last_lines).join("\n");
        Ok(Ran { ok: child.wait()?.success(), executions, last_lines })
    }

    /// Copies what reaches new code into the corpus that is committed. Not what only goes there more often: of that,
    /// each run finds hundreds.
    fn merge(&self, target: &str) -> Result<()> {
        let corpus = self.corpus(target);
        let (before, _) = size(&corpus)?;
        let mut command = self.program(target);
        command.args(["-merge=1", "-use_counters=0"]).args([&corpus, &self.scratch(target)]);
        let output = command.output().with_context(|| target.to_owned())?;
        if !output.status.success() {
            bail!("{target}: merging fails:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let (files, bytes) = size(&corpus)?;
        println!(
            "{target}: {} inputs more, now {files} files of {bytes} bytes",
            files.saturating_sub(before)
        );
        if files > CORPUS.0 || bytes > CORPUS.1 {
            println!("    remedy: make it smaller, as fuzz/README.md says under \"The corpora\"");
        }
        Ok(())
    }

    /// The program itself: cargo would look whether to build again, in the time of the target.
    fn program(&self, target: &str) -> Command {
        let mut command = Command::new(self.target_dir.join(&self.host).join("release").join(target));
        command.current_dir(&self.dir).args(["-rss_limit_mb=1024", "-timeout=5"]);
        // As cargo-fuzz runs it: two crates may have a static of the same name.
        command.env("ASAN_OPTIONS", "detect_odr_violation=0");
        command
    }

    fn corpus(&self, target: &str) -> PathBuf {
        self.dir.join("corpus").join(target)
    }

    /// What was found, kept from run to run, because not all of it is worth committing.
    fn scratch(&self, target: &str) -> PathBuf {
        self.target_dir.join("scratch").join(target)
    }
}

/// How a target ended.
struct Ran {
    ok: bool,
    executions: u64,
    last_lines: String,
}

/// Beside the target folder of `.ci/run`.
fn target_dir() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("mailwright-fuzz-target"))
}

/// Of the words that a target is fed with, the file in `fuzz/dict/`.
pub(crate) fn dictionary(target: &str) -> Option<&'static str> {
    match target.split_once('_').map_or(target, |(start, _)| start) {
        "smtp" | "codec" => Some("smtp.dict"),
        "pop3" => Some("pop3.dict"),
        "imap" => Some("imap.dict"),
        "message" => Some("message.dict"),
        _ => None,
    }
}

/// The number in `stat::number_of_executed_units: 1234`.
fn executed(line: &str) -> Option<u64> {
    line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok()
}

/// Files and bytes of a folder.
fn size(folder: &Path) -> Result<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for file in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        files += 1;
        bytes += file?.metadata()?.len();
    }
    Ok((files, bytes))
}

/// The processor time of all programs that this one ran and waited for.
fn children_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat").context("processor time is measured on Linux only")?;
    parse_children_ticks(&stat).context("/proc/self/stat is not as expected")
}

/// proc(5): fields 16 and 17, cutime and cstime. The second is the name of the program, in parentheses and with
/// whatever it has in it.
fn parse_children_ticks(stat: &str) -> Option<u64> {
    let (_, from_third) = stat.rsplit_once(')')?;
    let mut fields = from_third.split_whitespace().skip(13);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let all = Args::parse(&[]).unwrap();
        assert_eq!(all, Args { seconds: SECONDS, merge: false, targets: vec![] });
        let some = Args::parse(&["uid_set", "--seconds", "3", "--merge", "codec"]).unwrap();
        assert_eq!(some, Args { seconds: 3, merge: true, targets: vec!["uid_set".into(), "codec".into()] });
        assert!(Args::parse(&["--seconds"]).is_err());
        assert!(Args::parse(&["--second", "3"]).is_err());
    }

    #[test]
    fn processor_time_is_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 700 80 20 0 1 0 9 10 11";
        assert_eq!(parse_children_ticks(stat), Some(780));
        assert_eq!(parse_children_ticks("7 (a) S 1"), None);
        assert!(children_ticks().is_ok() || !cfg!(target_os = "linux"));
    }

    #[test]
    fn executions_are_read() {
        assert_eq!(executed("stat::number_of_executed_units: 1234"), Some(1234));
        assert_eq!(executed("stat::average_exec_per_sec:     12"), None);
    }

    #[test]
    fn targets_have_their_dictionaries() {
        let dictionaries = ["smtp_server", "codec", "pop3_command", "imap_utf7", "uid_set"].map(dictionary);
        let expected = [Some("smtp.dict"), Some("smtp.dict"), Some("pop3.dict"), Some("imap.dict"), None];
        assert_eq!(dictionaries, expected);
    }
}
