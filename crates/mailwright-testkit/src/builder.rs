//! A server, before it starts.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::Secret;
use mailwright_store::fold_login;
use mailwright_tokio::{Gate, GateLimits, Tls, accept_all};

use crate::arrivals::Arrivals;
use crate::engine::Engine;
use crate::fault::Faults;
use crate::limits::Limits;
use crate::login::Logins;
use crate::mailboxes::Mailboxes;
use crate::protocol::Protocol;
use crate::server::MailServer;
use crate::session;
use crate::shared::{Encryption, Shared};

impl MailServer {
    /// Starts one. It is ready when this returns.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 can be had, or no thread.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The same in a test that is not asynchronous.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 can be had, or no thread.
    #[track_caller]
    pub fn start_blocking() -> Self {
        Self::builder().start_blocking()
    }

    /// One that is to be otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// How a server is to be. [`start`](Self::start) starts it.
#[must_use = "it starts with `start`"]
pub struct Builder {
    hostname: String,
    passwords: Vec<(String, Secret)>,
    login_required: bool,
    patience: Duration,
    limits: Limits,
    encryption: Encryption,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("hostname", &self.hostname).finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            passwords: Vec::new(),
            login_required: false,
            patience: Duration::from_secs(5),
            limits: Limits::default(),
            encryption: Encryption::None,
        }
    }
}

impl Builder {
    /// The name in greetings, and the domain of who logs in without one. Default `localhost`.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = hostname.into();
        self
    }

    /// Whoever logs in so needs this password. All others are let in with any.
    pub fn password(mut self, login: impl Into<String>, password: &str) -> Self {
        self.passwords.push((login.into(), Secret::from(password)));
        self
    }

    /// Takes mail only from who has logged in (RFC 6409 §4.3). Default: from anybody.
    pub fn login_required(mut self) -> Self {
        self.login_required = true;
        self
    }

    /// How long [`wait_for`](MailServer::wait_for) waits. Default 5 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Offers STARTTLS and STLS.
    pub fn start_tls(mut self, tls: Arc<dyn Tls>) -> Self {
        self.encryption = Encryption::Offered(tls);
        self
    }

    /// Begins with TLS (RFC 8314 §3.3).
    pub fn implicit_tls(mut self, tls: Arc<dyn Tls>) -> Self {
        self.encryption = Encryption::Implicit(tls);
        self
    }

    /// How much it takes and keeps.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts it, in a thread of its own.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 can be had, or no thread.
    #[expect(
        clippy::unused_async,
        reason = "so it reads in an asynchronous test; nothing is waited for today"
    )]
    pub async fn start(self) -> MailServer {
        self.start_blocking()
    }

    /// The same without `await`.
    ///
    /// # Panics
    /// If no port of 127.0.0.1 can be had, or no thread.
    #[track_caller]
    pub fn start_blocking(self) -> MailServer {
        self.try_start().unwrap_or_else(|error| panic!("the mail server does not start: {error}"))
    }

    fn try_start(self) -> io::Result<MailServer> {
        let limits = self.limits;
        let mailboxes = Arc::new(Mailboxes::new(&self.hostname));
        let full =
            |login: String| if login.contains('@') { login } else { format!("{login}@{}", self.hostname) };
        let passwords: BTreeMap<_, _> = self
            .passwords
            .into_iter()
            .map(|(login, password)| (fold_login(&full(login)), password))
            .collect();
        let shared = Arc::new(Shared {
            hostname: self.hostname,
            logins: Arc::new(Logins { mailboxes, passwords }),
            login_required: self.login_required,
            encryption: self.encryption,
            faults: Faults::default(),
            arrivals: Arrivals::new(limits.messages),
            locks: mailwright_access::Locks::default(),
            greylist: Mutex::default(),
            cuts: Mutex::default(),
            wires: Mutex::new(VecDeque::new()),
            limits,
        });
        let mut addrs = BTreeMap::new();
        let engine = Engine::start(|shutdown| {
            let connections = shared.limits.connections;
            let gate = Gate::new(GateLimits { total: connections, per_address: connections });
            for protocol in Protocol::ALL {
                let (addr, listener) = listen()?;
                addrs.insert(protocol, addr);
                let (shared, sessions) = (Arc::clone(&shared), shutdown.clone());
                let session =
                    move |io, peer| session::serve(Arc::clone(&shared), sessions.clone(), protocol, io, peer);
                let listening = accept_all(listener, gate.clone(), shutdown.clone(), Bytes::new(), session);
                shutdown.spawn(listening);
            }
            Ok(())
        })?;
        Ok(MailServer { shared, addrs, patience: self.patience, engine })
    }
}

/// A socket at a free port; it takes connections from now on.
pub(crate) fn listen() -> io::Result<(SocketAddr, tokio::net::TcpListener)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?, tokio::net::TcpListener::from_std(listener)?))
}
