//! Other people's mail servers: what they have in common, and how a test sees them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use super::debian::{etc, free_addrs};
use super::{Folder, PATIENCE, Program, run, stop, wait};

/// How a message goes from one server to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Without TLS, which is not even offered.
    Plain,
    /// By STARTTLS.
    StartTls,
    /// By TLS from the start.
    Implicit,
    /// By a login, inside TLS.
    Login,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::StartTls, Self::Implicit, Self::Login];

    /// The domain that is reached this way, of a server that has this one.
    pub(crate) fn domain(self, of: &str) -> String {
        let name = match self {
            Self::Plain => "plain",
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::Login => "login",
        };
        format!("{name}.{of}")
    }
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listeners(pub(crate) [SocketAddr; 4]);

impl Listeners {
    pub(crate) fn free() -> Self {
        Self(free_addrs())
    }

    pub(crate) fn at(&self, way: Way) -> SocketAddr {
        self.0[way as usize]
    }

    /// The same, but for who comes without TLS.
    pub(crate) fn with_plain(mut self, addr: SocketAddr) -> Self {
        self.0[Way::Plain as usize] = addr;
        self
    }
}

/// An authority, and the certificate for loopback that all servers of a test have from it.
#[derive(Debug)]
pub(crate) struct Authority(Folder);

impl Authority {
    pub(crate) fn new() -> Option<Self> {
        let openssl = Program::find("openssl", "openssl")?;
        let folder = Folder::new();
        let certify = |args: &[&str], name: &str, key: &str| {
            let mut command = openssl.command();
            command.args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ]);
            command.args(["-days", "2"]).args(args).arg("-keyout").arg(folder.path().join(key));
            run(command.current_dir(folder.path()).arg("-out").arg(folder.path().join(name)), b"").ok();
        };
        certify(&["-subj", "/CN=An authority"], "authorities.pem", "authority-key.pem");
        let mut of_server = vec!["-CA", "authorities.pem", "-CAkey", "authority-key.pem"];
        of_server.extend(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        of_server.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        certify(&of_server, "certificate.pem", "key.pem");
        Some(Self(folder))
    }

    /// `authorities.pem`, `certificate.pem` or `key.pem`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Who is at each of another server's domains, and in which mailbox the mail lies. Nobody else is there.
pub(crate) fn users() -> impl Iterator<Item = (String, &'static str)> {
    let some = ["ann", "grå"].map(|user| (user.to_owned(), user));
    some.into_iter().chain((0..MANY).map(|number| (format!("u{number}"), "many")))
}

/// How many users have a number for a name, behind a `u`, and share the mailbox `many`.
pub(crate) const MANY: usize = 1000;

/// Who may log in at another server, and with which password.
pub(crate) const LOGIN: [&str; 2] = ["relay", "secret"];

/// Another server's program.
///
/// What it takes for its domain, and those of [`Way::domain`], it puts into Maildirs. What it gets for `a.example` it
/// passes on by STARTTLS, if that is offered; for a domain of one of the ways, in that way and no other: whom it demands
/// TLS of must have a certificate of the [`Authority`]. It logs in as `ann@a.example`, whose password is `secret`.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) domain: &'static str,
    /// Whom its package would have made. The first owns the mail.
    pub(crate) users: &'static [&'static str],
    /// What it logs of each connection.
    pub(crate) connected: &'static str,
    /// Those of PIPELINING, CHUNKING and SMTPUTF8 that it offers, and uses.
    pub(crate) extensions: &'static [&'static str],
    /// The command that runs it in the foreground, once all of its files are there.
    pub(crate) command: fn(&Site<'_>) -> Option<Command>,
}

impl Peer {
    pub(crate) fn offers(&self, extension: &str) -> bool {
        self.extensions.contains(&extension)
    }

    /// Runs it until the result goes out of scope, for a server of ours that listens `there`.
    pub(crate) fn start(
        &'static self,
        here: Listeners,
        there: Listeners,
        authority: &Authority,
    ) -> Option<Mta> {
        let folder = Folder::new();
        let etc = etc(&folder, self.users)?;
        for name in ["certificate.pem", "key.pem"] {
            fs::copy(authority.path(name), folder.path().join(name)).unwrap();
        }
        fs::create_dir_all(etc.join("ssl/certs")).unwrap();
        fs::copy(authority.path("authorities.pem"), etc.join("ssl/certs/ca-certificates.crt")).unwrap();
        for name in ["mail", "logs"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut command = (self.command)(&Site { folder: folder.path(), etc: &etc, here, there })?;
        Some(Mta::run(self, &mut command, folder, here))
    }
}

/// Where another server is about to run.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// Its own folder: with `mail` and `logs`, `certificate.pem` and `key.pem`.
    pub(crate) folder: &'a Path,
    /// What is laid over `/etc`: with the authorities that a system trusts.
    pub(crate) etc: &'a Path,
    here: Listeners,
    there: Listeners,
}

impl Site<'_> {
    /// Writes a file below `/etc`: in `text`, `FOLDER` is its folder, `HERE_PLAIN` and the like are the ports that it
    /// listens at, `THERE_PLAIN` and the like those that we do.
    pub(crate) fn configure(&self, name: &str, text: &str) {
        let mut text = text.replace("FOLDER", &self.folder.display().to_string());
        for (way, name) in Way::ALL.into_iter().zip(["PLAIN", "STARTTLS", "IMPLICIT", "LOGIN"]) {
            for (side, listeners) in [("THERE", self.there), ("HERE", self.here)] {
                text = text.replace(&format!("{side}_{name}"), &listeners.at(way).port().to_string());
            }
        }
        let file = self.etc.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Mta {
    child: Child,
    folder: Folder,
    peer: &'static Peer,
    listeners: Listeners,
}

impl Mta {
    /// Runs the command and waits until somebody listens everywhere.
    fn run(peer: &'static Peer, command: &mut Command, folder: Folder, listeners: Listeners) -> Self {
        let errors = File::create(folder.path().join("logs/errors")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(errors).spawn().unwrap();
        let mut mta = Self { child, folder, peer, listeners };
        let until = Instant::now() + PATIENCE;
        while listeners.0.iter().any(|addr| TcpStream::connect(addr).is_err()) {
            let ended = mta.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{} does not start, {ended:?}", peer.domain);
            sleep(Duration::from_millis(10));
        }
        mta
    }

    /// Where anybody on this machine may send anything.
    pub(crate) fn smtp(&self) -> SocketAddr {
        self.listeners.at(Way::Plain)
    }

    /// What is in one of its mailboxes.
    pub(crate) fn mail(&self, mailbox: &str) -> Vec<String> {
        self.files(mailbox).map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// How much that is.
    pub(crate) fn count(&self, mailbox: &str) -> usize {
        self.files(mailbox).count()
    }

    fn files(&self, mailbox: &str) -> impl Iterator<Item = PathBuf> {
        let folder = self.folder.path().join("mail").join(mailbox).join("new");
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
    }

    /// How many connections it has had.
    pub(crate) fn connections(&self) -> usize {
        self.log().matches(self.peer.connected).count()
    }

    pub(crate) fn log(&self) -> String {
        let files = self.folder.all().into_iter().filter(|path| path.parent().unwrap().ends_with("logs"));
        files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        // It ends its own children; none is ended that is not ours.
        if matches!(self.child.try_wait(), Ok(None)) {
            stop(self.child.id());
        }
        if wait(&mut self.child, PATIENCE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if panicking() {
            println!("{} has logged:\n{}", self.peer.domain, self.log());
        }
    }
}
