//! Foreign programs.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use super::{Folder, PATIENCE, wait};

/// Most octets that a program may print.
const OUTPUT_MAX: u64 = 64 << 20;

/// A program that is installed.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// Its home: what the user has configured is none of ours.
    home: Folder,
}

impl Program {
    /// Looks for a program in Debian's `package`. One that is missing is a failure in CI; elsewhere the test is
    /// skipped, which this says.
    pub(crate) fn find(name: &str, package: &str) -> Option<Self> {
        let folders = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
        if path.is_none() {
            missing(&format!("{name} is not installed (apt-get install {package})"));
        }
        Some(Self { path: path?, home: Folder::new() })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(self.home.path()).env("HOME", self.home.path()).env("LC_ALL", "C");
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Ran {
        run(self.command().args(args), b"")
    }

    pub(crate) fn home(&self) -> &Folder {
        &self.home
    }
}

/// Runs a script of ours, if Python is there.
pub(crate) fn python<I: IntoIterator<Item: AsRef<OsStr>>>(
    script: &str,
    args: I,
    input: &[u8],
) -> Option<Ran> {
    let python = Program::find("python3", "python3")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/python").join(script);
    // `-I`: nothing of the user's is imported; `-B`: and nothing is written.
    Some(run(python.command().arg("-IB").arg(script).args(args), input))
}

/// What a program has done.
#[derive(Debug)]
pub(crate) struct Ran {
    what: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    /// It has succeeded; else what it has said is shown.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ended(0)
    }

    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.what, self.text());
        self
    }

    /// All that it has said.
    pub(crate) fn text(&self) -> String {
        const SHOWN: usize = 20_000;
        let start = |octets: &[u8]| String::from_utf8_lossy(&octets[..octets.len().min(SHOWN)]).into_owned();
        format!("{}\n{}", start(&self.stdout), start(&self.stderr))
    }
}

/// Runs a command to its end, which must come in time.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ran {
    let what = format!("{command:?}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
    let stdin = child.stdin.take();
    let input = input.to_owned();
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let status = wait(&mut child, PATIENCE);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    // A program may leave its input unread.
    let _ = writer.join().unwrap();
    let (stdout, stderr) = (stdout.join().unwrap().unwrap(), stderr.join().unwrap().unwrap());
    let ran = Ran { what, code: status.and_then(|status| status.code()), stdout, stderr };
    assert!(status.is_some(), "not done after {PATIENCE:?}: {}\n{}", ran.what, ran.text());
    ran
}

fn collect(pipe: impl Read + Send + 'static) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        pipe.take(OUTPUT_MAX).read_to_end(&mut all)?;
        Ok(all)
    })
}

fn is_ci() -> bool {
    env::var("CI").is_ok_and(|ci| ci == "true")
}

/// Something that CI must have is not there: elsewhere the test is skipped.
pub(crate) fn missing(what: &str) {
    assert!(!is_ci(), "{what}");
    skip(what);
}

/// Says why a test is not run, also when the output of tests is captured.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(io::stderr(), "skip: {why}");
}
