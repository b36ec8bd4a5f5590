//! `mailwright serve`, the real binary, with a configuration, a data directory and a certificate of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use crate::support::{Folder, PATIENCE, Program, Ran, binary, python, run, stop, wait};

/// The password of all users of a test.
pub(crate) const PASSWORD: &str = "correct horse";

/// What a server needs, and what is left of it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) folder: Folder,
    openssl: Program,
}

impl Site {
    /// With one user, ann@example.org, in the configuration. `None` if a program is missing.
    pub(crate) fn new() -> Option<Self> {
        let site = Self { folder: Folder::new(), openssl: Program::find("openssl", "openssl")? };
        fs::create_dir(site.path("data")).unwrap();
        site.certificate("");
        let hash = site.command(&["config", "hash", "--password-stdin"], PASSWORD).ok();
        site.folder.write("hash", hash.stdout);
        site.configure("");
        Some(site)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a certificate for loopback and its key, with this before their names.
    pub(crate) fn certificate(&self, prefix: &str) {
        let (chain, key) = (self.path(&format!("{prefix}chain.pem")), self.path(&format!("{prefix}key.pem")));
        let mut command = self.openssl.command();
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2", "-subj", "/CN=mx.example.org", "-addext", "subjectAltName=IP:127.0.0.1"]);
        command.arg("-out").arg(chain).arg("-keyout").arg(key);
        run(&mut command, b"").ok();
    }

    /// Writes the configuration anew, with `more` behind it.
    pub(crate) fn configure(&self, more: &str) {
        self.write_config(&format!("{BASE}\n{more}\n"));
    }

    pub(crate) fn write_config(&self, text: &str) {
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(self.path("mail.toml")).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    /// The configurations that are shown, by name, with what there is here in the place of what they name: the default
    /// one, and those of `examples/config`.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        self.folder.write("relay", "secret");
        let default = self.command(&["config", "default"], "").ok();
        let mut all = vec![("default".to_owned(), String::from_utf8(default.stdout).unwrap())];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            all.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
        all.into_iter().map(|(name, text)| (name, self.adapted(&text))).collect()
    }

    /// On any free ports.
    fn adapted(&self, text: &str) -> String {
        let mut text = text
            .replace("/var/lib/mailwright", "data")
            .replace("/etc/mailwright/fullchain.pem", "chain.pem")
            .replace("/etc/mailwright/privkey.pem", "key.pem")
            .replace("/etc/mailwright/ann.hash", "hash")
            .replace("/etc/mailwright/relay.password", "relay");
        for any in ["0.0.0.0", "[::]"] {
            for port in [25, 587, 465, 993, 995] {
                text = text.replace(&format!("\"{any}:{port}\""), "\"127.0.0.1:0\"");
            }
        }
        // Nobody is asked anything: no mail is taken.
        let nobody = "nameservers = [\"127.0.0.1:1\"]\n";
        text.replace("/etc/ssl/certs/ca-certificates.crt", "chain.pem")
            .replace("[outbound]\n", &format!("[outbound]\n{nobody}"))
    }

    /// Runs `mailwright ARGS`, without an environment.
    pub(crate) fn command(&self, args: &[&str], input: &str) -> Ran {
        run(Command::new(binary()).args(args).env_clear(), input.as_bytes())
    }

    /// Runs `mailwright ARGS -c CONFIGURATION`.
    pub(crate) fn admin(&self, args: &[&str], input: &str) -> Ran {
        let config = self.path("mail.toml").display().to_string();
        self.command(&[args, &["-c", &config]].concat(), input)
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn serve(&self) -> Serve<'_> {
        let mut command = Command::new(binary());
        command.arg("serve").arg("-c").arg(self.path("mail.toml")).env_clear().stdin(Stdio::null());
        let log = File::create(self.path("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut serve = Serve { site: self, child, smtp: None, pop3s: None };
        serve.wait_for("\"message\":\"ready\"");
        let log = serve.log();
        (serve.smtp, serve.pop3s) = (addr_in(&log, "smtp"), addr_in(&log, "pop3s"));
        serve
    }
}

/// Without a user besides ann, and on any free ports.
const BASE: &str = r#"
hostname = "mx.example.org"
domains = ["example.org"]
data = "data"

[tls]
certificate = "chain.pem"
key = "key.pem"

[[listener]]
service = "smtp"
address = "127.0.0.1:0"

[[listener]]
service = "pop3s"
address = "127.0.0.1:0"

[[user]]
address = "ann@example.org"
aliases = ["info@example.org"]
password = { file = "hash" }
"#;

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Serve<'a> {
    site: &'a Site,
    child: Child,
    smtp: Option<SocketAddr>,
    pop3s: Option<SocketAddr>,
}

impl Serve<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn smtp(&self) -> SocketAddr {
        self.smtp.unwrap()
    }

    pub(crate) fn pop3s(&self) -> SocketAddr {
        self.pop3s.unwrap()
    }

    /// Where a service listens, if it does.
    pub(crate) fn addr(&self, service: &str) -> Option<SocketAddr> {
        addr_in(&self.log(), service)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.site.path("log")).unwrap()
    }

    /// Waits until the log has this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.log().contains(part) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "no {part}, {ended:?}:\n{}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Has it read its configuration again.
    pub(crate) fn hang_up(&self) {
        let kill = Command::new("kill").args(["-HUP", &self.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, waits, and gives how it did.
    pub(crate) fn stop(mut self) -> ExitStatus {
        stop(self.id());
        self.ended()
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child, PATIENCE).expect("the server ends when it is asked to")
    }

    /// Sends a message as any other server does. Nothing if Python is missing.
    pub(crate) fn deliver(&self, to: &str, message: &str) -> Option<Ran> {
        let (smtp, chain) = (self.smtp().to_string(), self.site.path("chain.pem"));
        let chain = chain.to_str().unwrap();
        python("send.py", ["plain", &smtp, chain, "none", "", "", to], message.as_bytes())
    }

    /// Fetches the only message of a user. Nothing if Python is missing.
    pub(crate) fn fetch(&self, user: &str, password: &str) -> Option<Result<String, Ran>> {
        let (pop3s, chain) = (self.pop3s().to_string(), self.site.path("chain.pem"));
        let place = self.site.path("fetched");
        let args = ["implicit", &pop3s, chain.to_str().unwrap(), user, password, place.to_str().unwrap()];
        let ran = python("fetch.py", args, b"")?;
        Some(if ran.code == Some(0) { Ok(fs::read_to_string(place).unwrap()) } else { Err(ran) })
    }
}

impl Drop for Serve<'_> {
    fn drop(&mut self) {
        // Ends this child and no other; it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if panicking() {
            println!("the server has logged:\n{}", self.log());
        }
    }
}

/// Where a service listens, as the log tells.
fn addr_in(log: &str, service: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once(&format!("\"service\":\"{service}\",\"addr\":\""))?;
    rest.split_once('"')?.0.parse().ok()
}
