//! `mailwright serve` for a domain of its own, which takes mail for others; on ports that stay the same from one start
//! to the next, so that servers can know each other.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use mailwright_auth::{Cost, Verifier};
use serde_json::Value;

use super::debian::{certify, free_addrs};
use super::{Folder, Imap, PATIENCE, Ran, Tunnel, Wire, binary, run, wait};

/// A configuration, its data, and where it listens.
#[derive(Debug)]
pub(crate) struct Installation {
    folder: Folder,
    domain: &'static str,
    /// For other servers.
    pub(crate) smtp: SocketAddr,
    /// For users, who need no TLS of their own.
    submission: Tunnel,
    imap: Tunnel,
}

impl Installation {
    /// Of the users ann and bob of this domain. `outbound` begins with what there is to be in `[outbound]` besides; its
    /// routes may follow. `None` if a program is missing.
    pub(crate) fn new(domain: &'static str, outbound: &str) -> Option<Self> {
        let folder = Folder::new();
        let certificate = certify(&folder)?;
        fs::create_dir(folder.path().join("data")).unwrap();
        let cost = Cost::new(8, 1, 1).unwrap();
        let verifier = Verifier::hash(b"secret", [7; 16], cost).unwrap();
        folder.write("hash", verifier.as_text());
        let [smtp, smtps, imaps, nobody] = free_addrs();
        let listeners = [("smtp", smtp), ("smtps", smtps), ("imaps", imaps)];
        let listeners = listeners
            .map(|(service, addr)| format!("[[listener]]\nservice = \"{service}\"\naddress = \"{addr}\"\n"));
        let users = ["ann", "bob"].map(|user| {
            format!("[[user]]\naddress = \"{user}@{domain}\"\npassword = {{ file = \"hash\" }}\n")
        });
        let base = BASE.replace("DOMAIN", domain).replace("NOBODY", &nobody.to_string());
        folder.write("mail.toml", format!("{base}{outbound}{}{}", listeners.concat(), users.concat()));
        let (submission, imap) = (Tunnel::new(smtps, &certificate), Tunnel::new(imaps, &certificate));
        Some(Self { folder, domain, smtp, submission, imap })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn serve(&self) -> Serving<'_> {
        let mut command = Command::new(binary());
        command.arg("serve").arg("-c").arg(self.path("mail.toml")).env_clear().stdin(Stdio::null());
        let log = File::create(self.path("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut serving = Serving { installation: self, child };
        let until = Instant::now() + PATIENCE;
        while !self.log().contains("\"message\":\"ready\"") {
            let ended = serving.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "not ready, {ended:?}");
            sleep(Duration::from_millis(5));
        }
        serving
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs `mailwright queue ARGS`.
    pub(crate) fn queue(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(binary());
        command.arg("queue").args(args).arg("-c").arg(self.path("mail.toml"));
        run(command.env_clear(), b"")
    }

    /// What waits, as `mailwright queue list --json` tells it.
    pub(crate) fn queued(&self) -> Vec<Value> {
        let listed = self.queue(&["list", "--json"]).ok();
        let lines = str::from_utf8(&listed.stdout).unwrap().lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A session in which a user is logged in, if the server is there.
    pub(crate) fn try_login(&self, user: &str) -> Option<Wire> {
        let mut wire = Wire::try_smtp(self.submission.addr)?;
        let plain = base64(format!("\0{user}@{}\0secret", self.domain).as_bytes());
        let reply = wire.try_ask(format!("AUTH PLAIN {plain}"))?;
        assert!(reply.starts_with("235 "), "{reply}");
        Some(wire)
    }

    #[track_caller]
    pub(crate) fn login(&self, user: &str) -> Wire {
        self.try_login(user).expect("the server is there")
    }

    /// A session with nobody logged in.
    pub(crate) fn stranger(&self) -> Wire {
        Wire::smtp(self.smtp)
    }

    /// Sends a message as this user.
    #[track_caller]
    pub(crate) fn send(&self, user: &str, to: &[&str], message: &str) {
        let mut wire = self.login(user);
        wire.expect(format!("MAIL FROM:<{user}@{}>", self.domain), "250");
        for to in to {
            wire.expect(format!("RCPT TO:<{to}>"), "250");
        }
        wire.expect("DATA", "354");
        wire.expect(format!("{message}."), "250");
        wire.expect("QUIT", "221");
    }

    /// All messages in a user's INBOX.
    #[track_caller]
    pub(crate) fn inbox(&self, user: &str) -> Vec<String> {
        let mut imap = Imap::connect(self.imap.addr);
        imap.ok(format!("LOGIN {user}@{} secret", self.domain));
        imap.ok("EXAMINE INBOX");
        let mut fetched = imap.ok("UID FETCH 1:* BODY.PEEK[]");
        fetched.retain(|response| response.contains(" FETCH ("));
        fetched
    }
}

const BASE: &str = r#"
hostname = "mx.DOMAIN"
domains = ["DOMAIN"]
data = "data"

[tls]
certificate = "ca.pem"
key = "key.pem"

[storage]
segment = "1 MiB"
reserve = "0"
watermark = "0"

[limits]
connections_per_address = 1000

[outbound]
authorities = "ca.pem"
nameservers = ["NOBODY"]
"#;

/// How mail for a domain goes to a server there.
pub(crate) fn route(domain: &str, via: SocketAddr, tls: &str) -> String {
    format!("[[route]]\ndomains = [\"{domain}\"]\nvia = [\"{via}\"]\ntls = \"{tls}\"\n")
}

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Serving<'a> {
    installation: &'a Installation,
    child: Child,
}

impl Serving<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) {
        super::stop(self.id());
        let status = wait(&mut self.child, PATIENCE).expect("the server ends when it is asked to");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        // Ends this child and no other; it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if panicking() {
            println!("{} has logged:\n{}", self.installation.domain, self.installation.log());
        }
    }
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let padded = [group, &[0; 2]].concat();
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { digit.into() } else { '=' });
        }
    }
    text
}
