//! Programs that send and read mail.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// What a program has said, and whether it was content.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self.text
    }

    #[track_caller]
    pub(crate) fn ok(self) -> String {
        self.ended(0)
    }
}

/// A message by swaks, from `app@client.example`. It ends with 24 if no recipient is taken, 26 if the content is not.
pub(crate) fn swaks(server: &str, to: &str, more: &[&str]) -> Option<Ran> {
    let args = ["--server", server, "--to", to, "--from", "app@client.example", "--helo", "client.example"];
    let content = ["--header", "Subject: sent", "--body", "At four.", "--timeout", "30"];
    run("swaks", "swaks", args.into_iter().chain(content).chain(more.iter().copied()), "")
}

/// curl, with this on its stdin.
pub(crate) fn curl(args: &[&str], input: &str) -> Option<Ran> {
    let always = ["--silent", "--show-error", "--max-time", "30"];
    run("curl", "curl", always.into_iter().chain(args.iter().copied()), input)
}

/// A script for Python's smtplib and imaplib, told the port.
pub(crate) fn python(script: &str, port: &str) -> Option<Ran> {
    let preface =
        "import imaplib, smtplib, socket, ssl, sys\nsocket.setdefaulttimeout(30)\nport = int(sys.argv[1])\n";
    // `-I`: nothing of the user's is imported.
    run("python3", "python3", ["-I", "-", port], &format!("{preface}{script}"))
}

/// Runs a program of Debian's `package`. One that is missing is a failure in CI; elsewhere the test is skipped, which
/// this says.
fn run<'a>(name: &str, package: &str, args: impl IntoIterator<Item = &'a str>, input: &str) -> Option<Ran> {
    let Some(path) = find(name) else {
        let missing = format!("{name} is not installed (apt-get install {package})");
        assert!(env::var("CI").map_or(true, |ci| ci != "true"), "{missing}");
        let _ = writeln!(io::stderr(), "skip: {missing}");
        return None;
    };
    let mut command = Command::new(path);
    command.args(args).env("LC_ALL", "C").env("HOME", "/nonexistent");
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    // A program may leave its input unread.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some(Ran { code: output.status.code(), text: String::from_utf8_lossy(&text).into_owned() })
}

fn find(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
