//! Putting the parts together.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailwright_access::Locks;
use mailwright_auth::{Cost, CostError, Lockout, LockoutLimits, Offload, Verifier, VerifierError};
use mailwright_core::{Clock, Domain, Entropy, InvalidAddress};
use mailwright_delivery::outbound::{self, Environment, OutboundConfig, TcpDial};
use mailwright_delivery::{DynDeliver, QueueConfig};
use mailwright_dns::{Cache, CacheConfig, Hickory, HickoryConfig};
use mailwright_store::{DynStore, MemoryConfig, MemoryStore};
use mailwright_tokio::{
    Blocking, DriverConfig, Gate, GateLimits, Listen, Rustls, Shutdown, SystemClock, SystemEntropy, Tls,
};
use thiserror::Error;

use crate::certificate::{CertificateError, Certificates, Current};
use crate::chaos::Chaos;
use crate::listener::Listener;
use crate::residents::{ResidentError, settle};
use crate::running::Running;
use crate::service::Service;
use crate::serving::{Fixed, Outbound, Serving};
use crate::settings::{Settings, StaticUser};
use crate::shared::random;
use crate::socket::Socket;
use crate::tokens::CheckToken;

/// A whole mail server, to run inside a process.
///
/// Mail is kept in memory and gone with it, unless it is given a [`store`](Self::store). Mail for others is refused,
/// unless there is a way to [`deliver`](Self::deliver) it.
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
    settings: Settings,
    store: Option<Arc<dyn DynStore>>,
    certificates: Encryption,
    listen: Vec<(Listener, Socket)>,
    login_without_tls: bool,
    creates_unknown: bool,
    check_sender: bool,
    chaos: Chaos,
    cost: Cost,
    offload: Arc<dyn Offload>,
    decoy: Option<[u8; 32]>,
    tokens: Option<Arc<dyn CheckToken>>,
    gate: GateLimits,
    lockout: LockoutLimits,
    patience: Duration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    outbound: Option<Outbound<Arc<dyn DynStore>>>,
}

/// Where the certificate comes from.
enum Encryption {
    /// From here.
    Made,
    /// From the caller.
    Given(Certificates),
    /// There is none.
    Off,
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
    #[error("cannot use the certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// A password cannot be hashed.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
    /// A password cannot be hashed.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// The accounts cannot be created.
    #[error("cannot create the accounts: {0}")]
    Resident(#[from] ResidentError),
}

impl Server {
    /// A server of this name, which is also its domain.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            accounts: Vec::new(),
            settings: Settings::new([]),
            store: None,
            certificates: Encryption::Made,
            listen: Vec::new(),
            login_without_tls: false,
            creates_unknown: false,
            check_sender: true,
            chaos: Chaos::Off,
            cost: Cost::default(),
            offload: Arc::new(Blocking::default()),
            decoy: None,
            tokens: None,
            gate: GateLimits::default(),
            lockout: LockoutLimits::default(),
            patience: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            outbound: None,
        }
    }

    /// With a user, who logs in by this address and password; see [`StaticUser`](crate::StaticUser).
    #[must_use]
    pub fn account(mut self, address: impl Into<String>, password: impl Into<String>) -> Self {
        self.accounts.push((address.into(), password.into()));
        self
    }

    /// With what may change while it runs.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Keeps mail and managed accounts there. Who gives it closes it, after the [shutdown](Running::shutdown).
    #[must_use]
    pub fn store(mut self, store: Arc<dyn DynStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// With this certificate in the place of one that is made at the start.
    #[must_use]
    pub fn certificates(mut self, certificates: Certificates) -> Self {
        self.certificates = Encryption::Given(certificates);
        self
    }

    /// Without TLS: neither STARTTLS is offered, nor any login, unless there is [one without
    /// TLS](Self::login_without_tls).
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.certificates = Encryption::Off;
        self
    }

    /// Lets clients log in without TLS too (RFC 9051 §11.1). **Whoever can listen in then reads their passwords**: only
    /// where nobody can, as within a machine, behind something that has TLS, or in a simulation.
    #[must_use]
    pub fn login_without_tls(mut self) -> Self {
        self.login_without_tls = true;
        self
    }

    /// For development: whoever logs in under a new name gets an account, users may send as anybody, local
    /// parts like `rcpt-451` and `data-550` fail as they say, passwords may be sent without TLS, and hashing
    /// them costs next to nothing.
    #[must_use]
    pub fn for_development(mut self) -> Self {
        self.cost = Cost::new(8, 1, 1).unwrap_or_default();
        self.login_without_tls = true;
        self.creates_unknown = true;
        self.check_sender = false;
        self.chaos = Chaos::On;
        self
    }

    /// Listens there, for a [`Service`] or by rules of the [`Listener`]'s own; port 0 is any free one.
    #[must_use]
    pub fn listen(mut self, listener: impl Into<Listener>, addr: impl Into<SocketAddr>) -> Self {
        self.listen.push((listener.into(), Socket::At(addr.into())));
        self
    }

    /// Listens there, or on the next free port above.
    #[must_use]
    pub fn listen_near(mut self, listener: impl Into<Listener>, addr: impl Into<SocketAddr>) -> Self {
        self.listen.push((listener.into(), Socket::Near(addr.into())));
        self
    }

    /// Takes connections from a listener that is there already: a socket that somebody else has bound, or a simulated
    /// network. [`Running::addrs`] does not name it.
    #[must_use]
    pub fn listener(mut self, listener: impl Into<Listener>, given: impl Listen) -> Self {
        self.listen.push((listener.into(), Socket::Given(Box::new(given))));
        self
    }

    /// Takes mail for others from those who have logged in, and delivers it this way.
    #[must_use]
    pub fn deliver(mut self, deliver: Arc<dyn DynDeliver<Arc<dyn DynStore>>>, queue: QueueConfig) -> Self {
        self.outbound = Some(Outbound { deliver, queue });
        self
    }

    /// Takes mail for others from those who have logged in, and delivers it by MX, or as the configuration has it, over
    /// the network of this machine.
    #[must_use]
    pub fn outbound(self, outbound: OutboundConfig, queue: QueueConfig, dns: HickoryConfig) -> Self {
        let resolver = Cache::new(Hickory::new(dns), CacheConfig::default(), Arc::clone(&self.clock));
        let environment = Environment {
            resolver: Arc::new(resolver),
            dial: Arc::new(TcpDial),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        };
        self.deliver(Arc::new(outbound::Outbound::new(outbound, environment)), queue)
    }

    /// With another time and other random octets: for tests, and for simulations. Before [`outbound`](Self::outbound),
    /// which takes what there is then.
    #[must_use]
    pub fn environment(mut self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        (self.clock, self.entropy) = (clock, entropy);
        self
    }

    /// Has passwords checked there, in the place of threads of the runtime that may block. Simulations and servers of
    /// one thread want [`Inline`](mailwright_auth::Inline).
    #[must_use]
    pub fn offload(mut self, offload: Arc<dyn Offload>) -> Self {
        self.offload = offload;
        self
    }

    /// What the password of an [`account`](Self::account) costs to check, and that of a user whom nobody knows. It should
    /// be what the verifiers of all other users cost, or how long a refusal takes tells who is one.
    #[must_use]
    pub fn password_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// What the salts are made of that SCRAM shows of users who are not there. Random and kept from one start to the next,
    /// or whoever asks before and after it sees by a changed salt who was none; without, it is random at each start.
    #[must_use]
    pub fn decoy_secret(mut self, secret: [u8; 32]) -> Self {
        self.decoy = Some(secret);
        self
    }

    /// Offers OAUTHBEARER (RFC 7628) and XOAUTH2, and has tokens checked there.
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<dyn CheckToken>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// How many may be connected.
    #[must_use]
    pub fn connections(mut self, limits: GateLimits) -> Self {
        self.gate = limits;
        self
    }

    /// When addresses are locked that guess passwords.
    #[must_use]
    pub fn lockout(mut self, limits: LockoutLimits) -> Self {
        self.lockout = limits;
        self
    }

    /// How long a shutdown waits for what is under way.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Binds all sockets, and serves.
    ///
    /// # Errors
    /// If anything is wrong; then nothing runs.
    pub async fn start(mut self) -> Result<Running, StartError> {
        let own = self.domain()?;
        let (mut addrs, mut listeners, mut sockets) = (Vec::new(), Vec::new(), Vec::new());
        for (listener, socket) in std::mem::take(&mut self.listen) {
            let (service, opened) = (listener.service, socket.open().await);
            let (addr, socket) =
                opened.map_err(|(addr, cause)| StartError::Listen { service, addr, cause })?;
            addrs.extend(addr.map(|addr| (service, addr)));
            listeners.push(listener);
            sockets.push(socket);
        }
        let users = self.users()?;
        let certificates = self.take_certificates()?;
        let authority =
            certificates.as_ref().and_then(Certificates::authority_pem).unwrap_or_default().to_owned();
        let current = certificates.map(|certificates| Arc::new(Current::new(&certificates)));
        let tls = match &current {
            Some(current) => Some(Arc::new(Rustls::new(Arc::new(current.config()?))) as Arc<dyn Tls>),
            None => None,
        };
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new(MemoryConfig::default())));
        let fixed = Fixed {
            hostname: own.clone(),
            listeners,
            store,
            lockout: Arc::new(Mutex::new(Lockout::new(self.lockout))),
            cost: self.cost,
            offload: self.offload,
            decoy: self.decoy.unwrap_or_else(|| random(&*self.entropy)),
            tokens: self.tokens,
            clock: self.clock,
            entropy: self.entropy,
            login_without_tls: self.login_without_tls,
            creates_unknown: self.creates_unknown,
            check_sender: self.check_sender,
            chaos: self.chaos,
            tls,
            gate: Gate::new(self.gate),
            shutdown: Shutdown::new(),
            driver: Arc::new(DriverConfig::default()),
            locks: Locks::default(),
            outbound: self.outbound,
            queue: Arc::default(),
        };
        let settings = self.settings.with_own(&own, &users);
        let residents = settle(&fixed.store, &settings, &*fixed.clock, &*fixed.entropy).await?;
        let serving = Arc::new(Serving::new(fixed, &settings, residents));
        for (number, socket) in sockets.into_iter().enumerate() {
            serving.listen(number, socket);
        }
        serving.tidy();
        let queue = serving.deliver();
        Ok(Running { addrs, authority, own, users, current, serving, queue, patience: self.patience })
    }

    fn domain(&self) -> Result<Domain, StartError> {
        let name = self.hostname.clone();
        self.hostname.parse().map_err(|cause| StartError::Hostname { name, cause })
    }

    /// The users with a password, as if they stood in the settings.
    fn users(&self) -> Result<Vec<StaticUser>, StartError> {
        let user = |(name, password): &(String, String)| {
            let address =
                name.parse().map_err(|cause| StartError::Account { address: name.clone(), cause })?;
            let password = password.as_bytes();
            let verifier = Verifier::hash(password, random(&*self.entropy), self.cost)?;
            let scram = &self.settings.scram;
            let verifier =
                scram.keep(verifier, password, || random(&*self.entropy)).map_err(VerifierError::from)?;
            Ok(StaticUser { address, aliases: Vec::new(), verifier })
        };
        self.accounts.iter().map(user).collect()
    }

    fn take_certificates(&self) -> Result<Option<Certificates>, CertificateError> {
        match &self.certificates {
            Encryption::Off => Ok(None),
            Encryption::Given(certificates) => Ok(Some(certificates.clone())),
            Encryption::Made => {
                let mut names = vec![self.hostname.clone()];
                names.extend((self.hostname != "localhost").then(|| "localhost".to_owned()));
                Certificates::generate(names).map(Some)
            }
        }
    }
}
