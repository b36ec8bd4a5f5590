//! A queue of an application's own, before it starts.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::{Address, Clock, Domain, Entropy, InvalidAddress};
use mailwright_dns::{Cache, CacheConfig, DynResolver, Hickory, HickoryConfig, Resolver};
use mailwright_queue::{RetryConfig, SettleConfig};
use mailwright_store::Store;
use mailwright_tokio::{Shutdown, SystemClock, SystemEntropy};
use rustls::crypto::CryptoProvider;
use thiserror::Error;
use tokio::runtime::Handle;

use super::config::QueueConfig;
use super::elsewhere::{Elsewhere, Reports};
use super::running::RunningQueue;
use super::started::{Queue, QueueParts};
use crate::dyn_deliver::DynDeliver;
use crate::outbound::{
    ClientTls, Dial, Environment, Outbound, OutboundConfig, Pattern, Route, TcpDial, TlsPolicy, TrustError,
    Way,
};

/// What is said in EHLO by who has no name (RFC 5321 §4.1.4): a relay that we log in to does not mind.
const NAMELESS: &str = "[127.0.0.1]";

/// How a queue is to work that an application runs by itself. [`start`](Self::start) makes it work.
#[must_use = "a queue works from `start` on"]
pub struct OpenQueue<S> {
    store: Arc<S>,
    close: fn(&S),
    routes: Vec<Route>,
    retry: RetryConfig,
    hostname: Option<Domain>,
    postmaster: Option<Address>,
    reports: Reports,
    encryption: Encryption,
    resolver: Option<Arc<dyn DynResolver>>,
    dial: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    patience: Duration,
    adjust: Vec<Adjust>,
}

type Adjust = Box<dyn FnOnce(&mut OutboundConfig, &mut QueueConfig) + Send>;

/// Where TLS comes from.
enum Encryption {
    /// From the provider of this process.
    OfProcess,
    /// From the caller.
    Given(ClientTls),
    /// There is none.
    Off,
}

/// Why a queue does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no tokio runtime around the call.
    #[error("a queue starts within a tokio runtime")]
    NoRuntime,
    /// Mail may go by MX, and servers refuse clients that do not say who they are (RFC 5321 §4.1.4).
    #[error("mail goes by MX, and there is no hostname to say: set it, or send all mail by a smarthost")]
    NoHostname,
    /// No address of a postmaster can be made of the hostname.
    #[error("reports cannot come from postmaster@{hostname}: {cause}")]
    Postmaster {
        /// The hostname.
        hostname: String,
        /// Why not.
        cause: InvalidAddress,
    },
    /// A route may use TLS, and neither the caller nor the process has a crypto provider.
    #[error("there is no TLS: give the queue `tls`, install a rustls crypto provider, or say `without_tls`")]
    NoTls,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] TrustError),
    /// A route demands TLS, and [`without_tls`](OpenQueue::without_tls) was said.
    #[error("a route demands TLS, and the queue is to be without")]
    TlsDemanded,
    /// The system's name servers are not known.
    #[error("/etc/resolv.conf: {0}")]
    Dns(#[source] io::Error),
}

impl<S: Store> Queue<S> {
    /// A queue in a store of the caller's own, which others may use too. It is tidied ([`Store::reclaim`]) once a
    /// minute.
    pub fn on(store: Arc<S>) -> OpenQueue<S> {
        OpenQueue {
            store,
            close: |_| {},
            routes: Vec::new(),
            retry: RetryConfig::default(),
            hostname: None,
            postmaster: None,
            reports: Reports::default(),
            encryption: Encryption::OfProcess,
            resolver: None,
            dial: Arc::new(TcpDial),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            patience: Duration::from_secs(10),
            adjust: Vec::new(),
        }
    }
}

impl<S: Store> OpenQueue<S> {
    /// Which way mail goes that no earlier route fits. Default: by MX.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// When it is tried again, and when it is given up. Default: after 1 minute, growing to 4 hours, for 5 days
    /// (RFC 5321 §4.5.4.1).
    pub fn retry(self, retry: RetryConfig) -> Self {
        Self { retry, ..self }
    }

    /// The name that is said in EHLO, and that stands in reports: of this machine, and in the DNS with its address
    /// (RFC 5321 §2.3.5). No system knows it for sure, so there is no default if mail goes by MX. If all of it goes by
    /// relays, it is the address literal `[127.0.0.1]`.
    pub fn hostname(self, hostname: Domain) -> Self {
        Self { hostname: Some(hostname), ..self }
    }

    /// From whom reports come. Default: `postmaster@` the hostname, so if there is none an address that leads nowhere.
    pub fn postmaster(self, postmaster: Address) -> Self {
        Self { postmaster: Some(postmaster), ..self }
    }

    /// How senders are told of mail that does not arrive. Default: by mail.
    pub fn reports(self, reports: Reports) -> Self {
        Self { reports, ..self }
    }

    /// Whom TLS trusts, and with which provider. Default: the authorities of the system
    /// ([`ClientTls::system`]), with the provider that the application has installed for the process
    /// ([`CryptoProvider::get_default`]).
    pub fn tls(self, tls: ClientTls) -> Self {
        Self { encryption: Encryption::Given(tls), ..self }
    }

    /// Mail is sent in the clear, whatever servers offer.
    pub fn without_tls(self) -> Self {
        Self { encryption: Encryption::Off, ..self }
    }

    /// Who finds hosts. Default: the name servers of `/etc/resolv.conf`, behind a cache.
    pub fn dns(self, resolver: impl Resolver + 'static) -> Self {
        Self { resolver: Some(Arc::new(resolver)), ..self }
    }

    /// Who opens connections. Default: TCP.
    pub fn dial(self, dial: impl Dial + 'static) -> Self {
        Self { dial: Arc::new(dial), ..self }
    }

    /// What time it is, and what is random. Default: the system's.
    pub fn environment(self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, ..self }
    }

    /// How long a [shutdown](RunningQueue::shutdown) waits for what is under way. Default: 10 seconds.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Changes any other setting, as the last one to do so.
    pub fn adjust(
        mut self,
        change: impl FnOnce(&mut OutboundConfig, &mut QueueConfig) + Send + 'static,
    ) -> Self {
        self.adjust.push(Box::new(change));
        self
    }

    /// Begins to work: with what the store has, and what is submitted from now on. To be called within a tokio runtime.
    ///
    /// # Errors
    /// If something is missing that mail could not be sent without. Files that are looked for are read here, and
    /// blocked for: `/etc/resolv.conf`, the authorities of the system.
    pub fn start(self) -> Result<RunningQueue<S>, StartError> {
        Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let resolver = match self.resolver {
            Some(resolver) => resolver,
            None => {
                let system = HickoryConfig::system().map_err(StartError::Dns)?;
                let clock = Arc::clone(&self.clock);
                Arc::new(Cache::new(Hickory::new(system), CacheConfig::default(), clock))
            }
        };
        let hostname = match self.hostname {
            Some(hostname) => hostname,
            None if goes_by_mx(&self.routes) => return Err(StartError::NoHostname),
            None => NAMELESS.parse().map_err(|_| StartError::NoHostname)?,
        };
        let postmaster = match self.postmaster {
            Some(postmaster) => postmaster,
            None => format!("postmaster@{hostname}")
                .parse()
                .map_err(|cause| StartError::Postmaster { hostname: hostname.to_string(), cause })?,
        };
        let mut outbound = OutboundConfig::new(hostname.clone());
        outbound.tls = self.encryption.of(&self.routes)?;
        outbound.routes = self.routes;
        let mut settle = SettleConfig::new(hostname, postmaster);
        settle.retry = self.retry;
        let mut queue = QueueConfig::new(settle);
        for change in self.adjust {
            change(&mut outbound, &mut queue);
        }
        let environment = Environment {
            resolver,
            dial: self.dial,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        };
        let deliver: Arc<dyn DynDeliver<S>> = Arc::new(Outbound::new(outbound, environment));
        let parts = QueueParts {
            store: self.store,
            deliver,
            directory: Elsewhere(self.reports),
            clock: self.clock,
            entropy: self.entropy,
        };
        let shutdown = Shutdown::new();
        let queue = Queue::start(parts, queue, &shutdown);
        Ok(RunningQueue::new(queue, shutdown, self.patience, self.close))
    }

    /// What is done with the store at the end.
    #[cfg(feature = "sqlite")]
    pub(super) fn closing(self, close: fn(&S)) -> Self {
        Self { close, ..self }
    }
}

impl<S> fmt::Debug for OpenQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenQueue")
            .field("routes", &self.routes)
            .field("hostname", &self.hostname)
            .finish_non_exhaustive()
    }
}

impl Encryption {
    /// As far as the routes need it.
    fn of(self, routes: &[Route]) -> Result<Option<ClientTls>, StartError> {
        match self {
            Self::Given(tls) => Ok(Some(tls)),
            Self::Off if routes.iter().filter_map(policy).any(demands) => Err(StartError::TlsDemanded),
            Self::Off => Ok(None),
            Self::OfProcess
                if !goes_by_mx(routes) && routes.iter().filter_map(policy).all(|p| p == TlsPolicy::Never) =>
            {
                Ok(None)
            }
            Self::OfProcess => {
                let provider = CryptoProvider::get_default().ok_or(StartError::NoTls)?;
                Ok(Some(ClientTls::system(Arc::clone(provider))?))
            }
        }
    }
}

/// Whether mail for some domain goes by MX.
fn goes_by_mx(routes: &[Route]) -> bool {
    for route in routes {
        match (&route.way, &route.pattern) {
            (Way::Mx, _) => return true,
            (Way::Relay(_), Pattern::Any) => return false,
            _ => {}
        }
    }
    true
}

fn policy(route: &Route) -> Option<TlsPolicy> {
    match &route.way {
        Way::Mx => None,
        Way::Relay(relay) => Some(relay.tls),
    }
}

fn demands(policy: TlsPolicy) -> bool {
    matches!(policy, TlsPolicy::Required | TlsPolicy::Implicit)
}
