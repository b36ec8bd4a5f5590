//! The servers that are compared.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailwright_benches::client::trust;
use mailwright_benches::process::Measured;
use mailwright_server::{Server, Service};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};
use mailwright_tokio::GateLimits;
use rustls::ClientConfig;

use crate::client::Imap;
use crate::dovecot::Dovecot;

const ADDRESS: &str = "ann@localhost";
const PASSWORD: &str = "ann";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Ours,
    Dovecot,
}

impl Which {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Dovecot => "Dovecot",
        }
    }
}

/// What a session is for. Ours syncs whatever it has answered; Dovecot what its setting `mail_fsync` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `optimized`, as by default: APPEND is synced, flags are not.
    Usual,
    /// `always`: flags are, too.
    Synced,
    /// `never`: only to fill mailboxes.
    Fill,
}

/// One that runs until it goes out of scope.
pub(crate) struct Running {
    pub(crate) which: Which,
    addr: SocketAddr,
    /// Inside TLS, and whom to trust.
    tls: Option<(SocketAddr, Arc<ClientConfig>)>,
    process: Process,
}

enum Process {
    Ours(Measured),
    Dovecot(Dovecot),
}

impl Running {
    /// With what is in its part of `dir`.
    pub(crate) fn start(which: Which, dir: &Path) -> Self {
        match which {
            Which::Dovecot => {
                let dovecot = Dovecot::start(&dir.join("dovecot"));
                Self { which, addr: dovecot.addr(), tls: None, process: Process::Dovecot(dovecot) }
            }
            Which::Ours => {
                let dir = dir.join("ours");
                let mut child = Measured::this_program(&["serve", dir.to_str().expect("UTF-8")]);
                let addr = child.line().parse().expect("an address");
                let in_tls = child.line().parse().expect("an address");
                let mut authority = String::new();
                loop {
                    match child.line() {
                        line if line == "ready" => break,
                        line => authority = authority + &line + "\n",
                    }
                }
                let tls = Some((in_tls, trust(&authority)));
                Self { which, addr, tls, process: Process::Ours(child) }
            }
        }
    }

    /// A session that has logged in.
    pub(crate) fn session(&self, role: Role) -> Imap {
        self.log_in(role, Imap::connect(self.addr, None))
    }

    /// The same inside TLS.
    pub(crate) fn tls_session(&self) -> Imap {
        let (addr, trusted) = self.tls.as_ref().expect("TLS");
        self.log_in(Role::Usual, Imap::connect(*addr, Some(trusted)))
    }

    fn log_in(&self, role: Role, mut imap: Imap) -> Imap {
        let user = match (self.which, role) {
            (Which::Ours, _) => ADDRESS,
            (Which::Dovecot, Role::Usual) => "ann",
            (Which::Dovecot, Role::Synced) => "ann-always",
            (Which::Dovecot, Role::Fill) => "ann-never",
        };
        imap.login(user, PASSWORD);
        imap
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Octets that it occupies.
    pub(crate) fn memory(&self) -> u64 {
        match &self.process {
            Process::Ours(child) => child.resident(),
            Process::Dovecot(dovecot) => dovecot.memory(),
        }
    }
}

/// Ours as a process of its own: prints where it listens and whom to trust, and serves.
pub(crate) fn serve(dir: &str) {
    let dir = PathBuf::from(dir);
    fs::create_dir_all(&dir).expect("a directory");
    let (store, _) = SqliteStore::open(SqliteConfig::at(&dir)).expect("opened");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        // Passwords in the clear, and quickly hashed: neither is measured.
        let running = Server::new("localhost")
            .for_development()
            .account(ADDRESS, PASSWORD)
            .store(Arc::new(store))
            .connections(GateLimits { total: 10_000, per_address: 10_000 })
            .listen(Service::Imap, (Ipv4Addr::LOCALHOST, 0))
            .listen(Service::Imaps, (Ipv4Addr::LOCALHOST, 0))
            .start();
        let running = running.await.expect("a server");
        let addr = |service| running.addr(service).expect("bound");
        let authority = running.authority_pem().trim();
        println!("{}\n{}\n{authority}\nready", addr(Service::Imap), addr(Service::Imaps));
        std::future::pending::<()>().await;
    });
}
