//! Putting the parts together.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use mailwright_auth::{Cost, CostError, Lockout, LockoutLimits, Mechanism, Verifier, VerifierError};
use mailwright_core::{Address, Clock, Domain, Entropy, InvalidAddress, Machine};
use mailwright_store::{
    AccountOp, Batch, BatchId, Credential, DirectoryConfig, ManagedDirectory, MemoryConfig, MemoryStore,
    NewAccount, Rejected, Store,
};
use mailwright_tokio::{
    Blocking, DriverConfig, Gate, GateLimits, Rustls, Shutdown, SmtpServer, SystemClock, SystemEntropy, Tls,
    accept_all,
};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::certificate::{Certificate, CertificateError};
use crate::chaos::Chaos;
use crate::maildrop::{Locks, Pop3};
use crate::receive::Receive;
use crate::shared::Shared;

/// What a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// SMTP, with STARTTLS and AUTH.
    Smtp,
    /// SMTP inside TLS.
    Smtps,
    /// POP3, with STLS.
    Pop3,
    /// POP3 inside TLS.
    Pop3s,
}

impl Service {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Smtp, Self::Smtps, Self::Pop3, Self::Pop3s];

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
        }
    }

    fn is_tls(self) -> bool {
        matches!(self, Self::Smtps | Self::Pop3s)
    }
}

/// A whole mail server, to run inside a process.
///
/// Mail is kept in memory and gone with it. Mail for others is refused.
///
/// ```
/// use mailwright_server::{Server, Service};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mail = Server::new("localhost")
///     .account("ann@localhost", "correct horse")
///     .listen(Service::Smtp, ([127, 0, 0, 1], 0))
///     .listen(Service::Pop3, ([127, 0, 0, 1], 0))
///     .start()
///     .await?;
/// println!("SMTP on {:?}", mail.addr(Service::Smtp));
/// mail.shutdown().await; // finishes sessions
/// # Ok(()) }
/// ```
pub struct Server {
    hostname: String,
    accounts: Vec<(String, String)>,
    listen: Vec<(Service, SocketAddr, Taken)>,
    creates_unknown: bool,
    check_sender: bool,
    chaos: Chaos,
    cost: Cost,
    gate: GateLimits,
    patience: Duration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What to do if a port is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Fail,
    TryNext,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("hostname", &self.hostname)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name is no domain.
    #[error("{name:?} is no domain name: {cause}")]
    Hostname {
        /// The name.
        name: String,
        /// Why not.
        cause: InvalidAddress,
    },
    /// An account's address is none.
    #[error("{address:?} is no address: {cause}")]
    Account {
        /// The address.
        address: String,
        /// Why not.
        cause: InvalidAddress,
    },
    /// A socket cannot be had.
    #[error("cannot listen on {addr} for {}: {cause}", service.name())]
    Listen {
        /// For what.
        service: Service,
        /// Where.
        addr: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// There is no certificate.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// A password cannot be hashed.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
    /// A password cannot be hashed.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// The accounts cannot be created.
    #[error("cannot create the accounts: {0}")]
    Store(#[from] Rejected),
}

impl Server {
    /// A server of this name, which is also its domain.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            accounts: Vec::new(),
            listen: Vec::new(),
            creates_unknown: false,
            check_sender: true,
            chaos: Chaos::Off,
            cost: Cost::default(),
            gate: GateLimits::default(),
            patience: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// With an account, which logs in by its address.
    #[must_use]
    pub fn account(mut self, address: impl Into<String>, password: impl Into<String>) -> Self {
        self.accounts.push((address.into(), password.into()));
        self
    }

    /// For development: whoever logs in under a new name gets an account, users may send as anybody, local
    /// parts like `rcpt-451` and `data-550` fail as they say, passwords may be sent without TLS, and hashing
    /// them costs next to nothing.
    #[must_use]
    pub fn for_development(mut self) -> Self {
        self.cost = Cost::new(8, 1, 1).unwrap_or_default();
        self.creates_unknown = true;
        self.check_sender = false;
        self.chaos = Chaos::On;
        self
    }

    /// Listens there; port 0 is any free one.
    #[must_use]
    pub fn listen(mut self, service: Service, addr: impl Into<SocketAddr>) -> Self {
        self.listen.push((service, addr.into(), Taken::Fail));
        self
    }

    /// Listens there, or on the next free port above.
    #[must_use]
    pub fn listen_near(mut self, service: Service, addr: impl Into<SocketAddr>) -> Self {
        self.listen.push((service, addr.into(), Taken::TryNext));
        self
    }

    /// How many may be connected.
    #[must_use]
    pub fn connections(mut self, limits: GateLimits) -> Self {
        self.gate = limits;
        self
    }

    /// Binds all sockets, and serves.
    ///
    /// # Errors
    /// If anything is wrong; then nothing runs.
    pub async fn start(self) -> Result<Running, StartError> {
        let domain = self.domain()?;
        let mut sockets = Vec::new();
        for &(service, addr, taken) in &self.listen {
            let bound = bind(addr, taken).await;
            sockets.push((service, bound.map_err(|cause| StartError::Listen { service, addr, cause })?));
        }
        let mut names = vec![self.hostname.clone()];
        names.extend((self.hostname != "localhost").then(|| "localhost".to_owned()));
        let certificate = Certificate::generate(names)?;
        let store = MemoryStore::new(MemoryConfig::default());
        self.create_accounts(&store).await?;
        let mut directory = DirectoryConfig::new([domain]);
        if self.creates_unknown {
            directory = directory.creating_unknown();
        }
        let shared = Arc::new(Shared {
            hostname: self.hostname.clone(),
            directory: ManagedDirectory::new(directory, store.clone()),
            store,
            lockout: Mutex::new(Lockout::new(LockoutLimits::default())),
            cost: self.cost,
            offload: Arc::new(Blocking::default()),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            creates_unknown: self.creates_unknown,
            check_sender: self.check_sender,
            chaos: self.chaos,
        });
        let serving = Serving {
            shared,
            tls: Arc::new(Rustls::new(Arc::clone(&certificate.config))),
            gate: Gate::new(self.gate.clone()),
            shutdown: Shutdown::new(),
            driver: Arc::new(DriverConfig::default()),
            locks: Locks::default(),
        };
        let mut addrs = Vec::new();
        for (service, listener) in sockets {
            let addr = listener.local_addr().unwrap_or_else(|_| (Ipv4Addr::UNSPECIFIED, 0).into());
            addrs.push((service, addr));
            serving.serve(service, listener);
        }
        Ok(Running {
            addrs,
            authority: certificate.authority,
            shutdown: serving.shutdown,
            patience: self.patience,
        })
    }

    fn domain(&self) -> Result<Domain, StartError> {
        let name = self.hostname.clone();
        self.hostname.parse().map_err(|cause| StartError::Hostname { name, cause })
    }

    async fn create_accounts(&self, store: &MemoryStore) -> Result<(), StartError> {
        for (name, password) in &self.accounts {
            let address: Address =
                name.parse().map_err(|cause| StartError::Account { address: name.clone(), cause })?;
            let mut salt = [0; 16];
            self.entropy.fill(&mut salt);
            let verifier = Verifier::hash(password.as_bytes(), salt, self.cost)?;
            let new = NewAccount {
                login: name.clone(),
                addresses: vec![address],
                credentials: vec![Credential { name: "password".to_owned(), verifier }],
                ..NewAccount::default()
            };
            let mut id = [0; 16];
            self.entropy.fill(&mut id);
            let batch = Batch::new(BatchId(id), self.clock.wall()).with(AccountOp::Create(new));
            store.commit(batch).await?;
        }
        Ok(())
    }
}

/// Binds to `addr`, or to one of the hundred ports above.
async fn bind(addr: SocketAddr, taken: Taken) -> io::Result<TcpListener> {
    let mut bound = TcpListener::bind(addr).await;
    if taken == Taken::TryNext {
        for port in addr.port()..addr.port().saturating_add(100) {
            match &bound {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    bound = TcpListener::bind((addr.ip(), port)).await;
                }
                _ => break,
            }
        }
    }
    bound
}

type Directory = ManagedDirectory<MemoryStore>;

/// What the listeners share.
struct Serving {
    shared: Arc<Shared<MemoryStore, Directory>>,
    tls: Arc<dyn Tls>,
    gate: Gate,
    shutdown: Shutdown,
    driver: Arc<DriverConfig>,
    locks: Locks,
}

impl Serving {
    fn serve(&self, service: Service, listener: TcpListener) {
        match service {
            Service::Smtp | Service::Smtps => self.smtp(service, listener),
            Service::Pop3 | Service::Pop3s => self.pop3(service, listener),
        }
    }

    fn smtp(&self, service: Service, listener: TcpListener) {
        let config = mailwright_smtp::Config {
            hostname: self.shared.hostname.clone(),
            auth_mechanisms: mechanisms(),
            // Only ever for development, and only told to those on this machine.
            auth_without_tls: self.shared.creates_unknown,
            ..mailwright_smtp::Config::default()
        };
        let server = SmtpServer::with_config(config, Receive(Arc::clone(&self.shared)))
            .driver(Arc::clone(&self.driver))
            .gate(self.gate.clone())
            .shutdown(self.shutdown.clone())
            .environment(Arc::clone(&self.shared.clock), Arc::clone(&self.shared.entropy));
        let tls = Arc::clone(&self.tls);
        let server = if service.is_tls() { server.implicit_tls(tls) } else { server.start_tls(tls) };
        self.shutdown.spawn(server.serve(listener));
    }

    fn pop3(&self, service: Service, listener: TcpListener) {
        let config = Arc::new(mailwright_pop3::Config {
            hostname: self.shared.hostname.clone(),
            start_tls: !service.is_tls(),
            auth_mechanisms: mechanisms(),
            login_without_tls: self.shared.creates_unknown,
            ..mailwright_pop3::Config::default()
        });
        let turned = if service.is_tls() { Bytes::new() } else { pop3_turned_away(&config) };
        let pop3 = Arc::new(Pop3 {
            shared: Arc::clone(&self.shared),
            config,
            driver: Arc::clone(&self.driver),
            tls: Arc::clone(&self.tls),
            implicit_tls: service.is_tls(),
            shutdown: self.shutdown.clone(),
            locks: self.locks.clone(),
        });
        let session = move |io, peer| Arc::clone(&pop3).session(io, peer);
        self.shutdown.spawn(accept_all(listener, self.gate.clone(), self.shutdown.clone(), turned, session));
    }
}

fn mechanisms() -> Vec<String> {
    Mechanism::ALL.iter().map(|mechanism| mechanism.name().to_owned()).collect()
}

fn pop3_turned_away(config: &Arc<mailwright_pop3::Config>) -> Bytes {
    let rejection = mailwright_pop3::Rejection::too_many_connections();
    let mut machine = mailwright_pop3::Server::turn_away(Arc::clone(config), &rejection);
    let output = machine.output();
    output.release();
    output.copy_to_bytes(output.remaining())
}

/// A server that runs until it is shut down, or its runtime ends.
#[derive(Debug)]
pub struct Running {
    addrs: Vec<(Service, SocketAddr)>,
    authority: String,
    shutdown: Shutdown,
    patience: Duration,
}

impl Running {
    /// Where a service really listens: the first such socket.
    pub fn addr(&self, service: Service) -> Option<SocketAddr> {
        self.addrs.iter().find(|bound| bound.0 == service).map(|bound| bound.1)
    }

    /// The authority that signed the certificate, in PEM: for clients to trust.
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// Takes no more connections, finishes what is under way, then cuts off. Says whether all finished in time.
    pub async fn shutdown(self) -> bool {
        self.shutdown.drain(self.patience).await
    }
}
