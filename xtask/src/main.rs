//! The habits of the workspace: every check, one command. `cargo xtask help` lists them.

mod bench;
mod cargo;
mod checks;
mod ci;
mod finding;
mod fuzz;
mod graph;
mod law;
mod packages;
mod planted;
mod report;
mod rfc;
mod source;
mod tokens;
mod workspace;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask <command>

  ci [--long]      every check and every test, then one table; goes on past failures
  test [--long]    the same, after installing the Debian packages that the end-to-end tests need
  check [name]     the structural checks alone (seconds), or one of them
  features         each crate with each of its features alone (minutes)
  planted          plants a violation for each check into a copy and demands that it is caught
  fuzz [--seconds <n>] [--merge] [target...]
                   builds the fuzz targets, runs these or all for n CPU seconds each (180), then a table; what
                   they find goes into the corpora only with --merge
  fuzz-replay      runs the fuzz corpora through the fuzz targets, once, without a fuzzer
  interop          only the end-to-end tests with foreign mail programs
  rfc              where each RFC of docs/rfc/index.md is implemented and tested
  bench [name]     `cargo bench`, or one measuring program: idle, startup, data, store; imap is beside Debian's
                   Dovecot, queue beside its Postfix, and they have flags: bench imap help
  help             this text

  --long           the long count of each random test instead of its time budget (sets MAILWRIGHT_LONG=1)
  --root <dir>     another work tree than this one

Environment: CI=true turns skips into failures; MAILWRIGHT_TEST_DATA names the folder of outside test data;
MAILWRIGHT_BUDGET_SECS overrides the time budget of each random test, but never its floor of cases;
MAILWRIGHT_SEED runs the one case of each random test that a failure has named.";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command and says whether all was well.
fn run(args: impl Iterator<Item = String>) -> Result<bool> {
    let Args { root, long, words } = Args::parse(args)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help"] => {
            println!("{HELP}\n\nStructural checks:\n{}", checks::list());
            Ok(true)
        }
        ["ci"] => ci::ci(&root, long),
        ["test"] => ci::test(&root, long),
        ["check"] => checks::run_all(&root),
        ["check", name] => checks::run_one(&root, name),
        ["features"] => ci::features(&root),
        ["planted"] => planted::run(&root),
        ["fuzz", args @ ..] => fuzz::run(&root, args),
        ["fuzz-replay"] => ci::fuzz_replay(&root),
        ["interop"] => ci::interop(&root),
        ["rfc"] => rfc::print(&root),
        ["bench", name_and_args @ ..] => bench::run(&root, name_and_args),
        _ => bail!("unknown command `{}`; see `cargo xtask help`", words.join(" ")),
    }
}

struct Args {
    root: PathBuf,
    long: bool,
    words: Vec<String>,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut parsed = Self { root: own_root(), long: false, words: Vec::new() };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--long" => parsed.long = true,
                "--root" => parsed.root = args.next().context("--root needs a folder")?.into(),
                "--help" | "-h" => parsed.words = vec!["help".into()],
                _ => parsed.words.push(arg),
            }
        }
        parsed.root = parsed.root.canonicalize().with_context(|| parsed.root.display().to_string())?;
        Ok(parsed)
    }
}

/// The work tree that `cargo xtask` was called in. Asked for at run time: clones may share a target directory, and
/// with it this program.
fn own_root() -> PathBuf {
    let own =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}
