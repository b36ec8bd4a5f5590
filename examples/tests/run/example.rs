//! An example that runs.

use std::env;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use crate::folder::Folder;

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that wait to be looked at, and octets that are read of each.
const LINES: usize = 1000;
const LINE_MAX: u64 = 64 << 10;

/// An example, in a directory of its own. Ends with this.
pub(crate) struct Example {
    child: Child,
    lines: Receiver<String>,
    folder: Folder,
    /// Where it listens.
    pub(crate) addrs: Vec<SocketAddr>,
}

impl Example {
    /// One that listens, and says where, as the first thing that it has to say of addresses.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    pub(crate) fn start_with(name: &str, args: &[&str]) -> Self {
        let mut example = Self::run(name, args, &[]);
        while example.addrs.is_empty() {
            let line = example.line();
            let words = line.split([' ', ',', '(', ')', '[', ']']);
            example.addrs = words.filter_map(|word| word.parse().ok()).collect();
        }
        example
    }

    /// One that does its job, and ends.
    pub(crate) fn run(name: &str, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(built(name));
        command.args(args).envs(variables.iter().copied());
        command.current_dir(folder.path()).env("TMPDIR", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(LINES);
        thread::spawn(move || {
            let mut line = String::new();
            while matches!(stdout.by_ref().take(LINE_MAX).read_line(&mut line), Ok(1..)) {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { child, lines, folder, addrs: Vec::new() }
    }

    /// Where it listens, if that is one place.
    pub(crate) fn addr(&self) -> String {
        self.addrs.first().unwrap().to_string()
    }

    pub(crate) fn port(&self) -> String {
        self.addrs.first().unwrap().port().to_string()
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it says nothing more"))
    }

    /// All that it prints until it ends, and how it does.
    pub(crate) fn finish(mut self) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        // Its output has ended, or it has said nothing for too long.
        (lines, self.child.wait().unwrap())
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(self) -> ExitStatus {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        self.finish().1
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where cargo puts it: beside the directory of this test.
fn built(name: &str) -> PathBuf {
    // target/PROFILE/deps/run-HASH
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.is_file(), "{} is not built: cargo build -p mailwright-examples --examples", path.display());
    path
}
