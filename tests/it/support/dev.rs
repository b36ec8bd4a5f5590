//! `mailwright dev`, the real binary.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use super::{Folder, PATIENCE, Wire, contains, stop, wait};

/// The most lines that it prints on stdout.
const LINES_MAX: usize = 100;

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Dev {
    child: Child,
    folder: Folder,
    /// What it has printed, up to the line that it is ready.
    pub(crate) banner: String,
    pub(crate) smtp: SocketAddr,
    pub(crate) smtps: SocketAddr,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
    pub(crate) pop3: SocketAddr,
    pub(crate) pop3s: SocketAddr,
}

impl Dev {
    /// Any free ports, and the certificate to trust in [`ca`](Self::ca).
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Besides, these arguments.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(binary());
        command.arg("dev").args(ANY_PORTS).arg("--write-ca").arg(folder.path().join("ca.pem")).args(args);
        Self::run(command, folder)
    }

    /// With mail on disk.
    pub(crate) fn start_on_disk() -> Self {
        let folder = Folder::new();
        let mut command = Command::new(binary());
        command.arg("dev").args(ANY_PORTS).arg("--write-ca").arg(folder.path().join("ca.pem"));
        command.arg("--keep").arg(folder.path().join("mail"));
        Self::run(command, folder)
    }

    /// With this many file descriptors.
    pub(crate) fn start_limited(descriptors: u32) -> Self {
        let folder = Folder::new();
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
        command.arg("-c").arg(limited).arg(binary()).arg("dev").args(ANY_PORTS);
        Self::run(command, folder)
    }

    /// A command that starts it. `folder` gets its log.
    pub(crate) fn run(command: Command, folder: Folder) -> Self {
        Self::try_run(command, folder).unwrap_or_else(|(status, log)| panic!("not ready, {status:?}:\n{log}"))
    }

    /// The same of one that may end before it is ready: then how it did, if it did, and what it has said.
    pub(crate) fn try_run(
        mut command: Command,
        folder: Folder,
    ) -> Result<Self, (Option<ExitStatus>, String)> {
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(folder.path().join("log")).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok).take(LINES_MAX) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut banner = String::new();
        while !banner.contains("ready in ") {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => banner.extend([&line, "\n"]),
                Err(gone) => {
                    // Who has closed its output is about to end.
                    let limit =
                        if gone == RecvTimeoutError::Disconnected { PATIENCE } else { Duration::ZERO };
                    let status = wait(&mut child, limit);
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err((status, banner + &log_of(&folder)));
                }
            }
        }
        let addr = |name: &str| addr_in(&banner, name);
        let (smtp, smtps) = (addr("SMTP"), addr("SMTPS"));
        let (imap, imaps) = (addr("IMAP"), addr("IMAPS"));
        let (pop3, pop3s) = (addr("POP3"), addr("POP3S"));
        Ok(Self { child, folder, banner, smtp, smtps, imap, imaps, pop3, pop3s })
    }

    /// The file with the certificate to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, waits, and gives how it did and what it has logged.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        let id = self.child.id();
        self.stop_process(id)
    }

    /// The same if the server is a child of the command that was run.
    pub(crate) fn stop_process(self, id: u32) -> (ExitStatus, String) {
        stop(id);
        self.ended()
    }

    /// Waits, and gives how it ended and what it has logged.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child, PATIENCE).expect("the server ends when it is asked to");
        (status, log_of(&self.folder))
    }

    /// All messages of a user, as POP3 has them.
    pub(crate) fn messages(&self, user: &str) -> Vec<Vec<u8>> {
        let mut wire = Wire::pop3(self.pop3);
        wire.expect(format!("USER {user}@localhost"), "+OK");
        wire.expect(format!("PASS {user}"), "+OK");
        let stat = wire.expect("STAT", "+OK");
        let count: usize = stat.split_whitespace().nth(1).unwrap().parse().unwrap();
        let message = |number| {
            wire.expect(format!("RETR {number}"), "+OK");
            wire.lines()
        };
        let messages = (1..=count).map(message).collect();
        wire.expect("QUIT", "+OK");
        wire.rest();
        messages
    }

    /// Mail goes through as ever.
    #[track_caller]
    pub(crate) fn works(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let subject = format!("Subject: works {}\r\n\r\n", NUMBER.fetch_add(1, Ordering::Relaxed));
        Wire::smtp(self.smtp).mail("bob@localhost", &subject);
        let messages = self.messages("bob");
        assert!(messages.iter().any(|message| contains(message, subject.as_bytes())), "it is lost");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Ends this child and no other; it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            const SHOWN: usize = 100;
            let log = log_of(&self.folder);
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            println!("the server has logged:\n{last}");
        }
    }
}

/// Arguments for ports that the system chooses.
pub(crate) const ANY_PORTS: [&str; 12] = [
    "--smtp",
    "127.0.0.1:0",
    "--smtps",
    "127.0.0.1:0",
    "--imap",
    "127.0.0.1:0",
    "--imaps",
    "127.0.0.1:0",
    "--pop3",
    "127.0.0.1:0",
    "--pop3s",
    "127.0.0.1:0",
];

fn log_of(folder: &Folder) -> String {
    String::from_utf8_lossy(&fs::read(folder.path().join("log")).unwrap_or_default()).into_owned()
}

/// The address that a banner has behind the name of a service.
fn addr_in(banner: &str, name: &str) -> SocketAddr {
    let mut words = banner.split_whitespace().skip_while(|word| *word != name).skip(1);
    let addr = words.next().unwrap_or_else(|| panic!("no {name} in:\n{banner}"));
    addr.parse().unwrap_or_else(|error| panic!("{name}: {addr}: {error}"))
}

/// The binary `mailwright`, beside this one. It is built if it is missing, or older than what it is made of.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/PROFILE/deps/it-HASH
        let test = env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let binary = profile.join("mailwright");
        if !is_fresh(&binary) {
            build(profile);
        }
        binary
    })
}

fn is_fresh(binary: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    // `TARGET: SOURCE SOURCE ...`, written by cargo.
    let sources = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let newest: Option<SystemTime> =
        sources.split_whitespace().skip(1).filter_map(|source| changed(Path::new(source))).max();
    matches!((changed(binary), newest), (Some(built), Some(newest)) if built >= newest)
}

fn build(profile: &Path) {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--package", "mailwright-server", "--bin", "mailwright", "--target-dir"]);
    command.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    assert!(command.status().unwrap().success(), "cannot build the binary: {command:?}");
}
