//! Listening for SMTP.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use mailwright_core::{Clock, Entropy, Machine};
use mailwright_smtp::{Config, DateTime, Rejection, Server};
use tokio::net::{TcpListener, ToSocketAddrs};

use super::handler::SmtpHandler;
use super::session::{self, Setup};
use crate::driver::DriverConfig;
use crate::gate::{Gate, GateLimits};
use crate::listener::{Listen, Peer, accept_all};
use crate::shutdown::Shutdown;
use crate::system::{SystemClock, SystemEntropy};
use crate::transport::{Io, Tls};

/// An SMTP server for a handler.
///
/// ```no_run
/// # use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
/// use mailwright_tokio::SmtpServer;
/// use tokio::net::TcpListener;
///
/// struct Print;
///
/// impl SmtpHandler for Print {
///     async fn message(&self, _cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
///         println!("{} -> {:?}: {} octets", envelope.from, envelope.to, body.bytes().await?.len());
///         Ok("printed".to_owned())
///     }
/// }
///
/// # async fn main_() -> std::io::Result<()> {
/// SmtpServer::new("mx.example.org", Print).serve(TcpListener::bind("127.0.0.1:2525").await?).await;
/// # Ok(()) }
/// ```
pub struct SmtpServer<H> {
    setup: Setup<H>,
    gate: Gate,
}

impl<H> std::fmt::Debug for SmtpServer<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpServer").field("config", &self.setup.config).finish_non_exhaustive()
    }
}

impl<H: SmtpHandler> SmtpServer<H> {
    /// A server of this name, with defaults for all else.
    pub fn new(hostname: impl Into<String>, handler: H) -> Self {
        Self::with_config(Config { hostname: hostname.into(), ..Config::default() }, handler)
    }

    /// With a configuration of the protocol. Whether STARTTLS is offered is up to
    /// [`start_tls`](Self::start_tls), which has the certificate.
    pub fn with_config(config: Config, handler: H) -> Self {
        let config = Config { start_tls: false, ..config };
        let setup = Setup {
            handler,
            config: Arc::new(config),
            driver: Arc::default(),
            tls: None,
            implicit_tls: false,
            trusts: Box::new(|_| false),
            hold_until: None,
            shutdown: Shutdown::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        Self { setup, gate: Gate::new(GateLimits::default()) }
    }

    /// How connections are read and written.
    #[must_use]
    pub fn driver(mut self, driver: Arc<DriverConfig>) -> Self {
        self.setup.driver = driver;
        self
    }

    /// Offers STARTTLS.
    #[must_use]
    pub fn start_tls(mut self, tls: Arc<dyn Tls>) -> Self {
        self.setup.tls = Some(tls);
        Arc::make_mut(&mut self.setup.config).start_tls = true;
        self
    }

    /// Begins with TLS (RFC 8314 §3.3).
    #[must_use]
    pub fn implicit_tls(mut self, tls: Arc<dyn Tls>) -> Self {
        self.setup.tls = Some(tls);
        self.setup.implicit_tls = true;
        self
    }

    /// Believes proxies at these addresses what they tell of their clients by XCLIENT: address, name, and that they have
    /// logged in. **Whoever is there can pretend to be anybody.** Default nobody.
    #[must_use]
    pub fn trust_xclient(mut self, trusts: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.setup.trusts = Box::new(trusts);
        self
    }

    /// Offers FUTURERELEASE, if the configuration [has it](mailwright_smtp::server::Extensions::future_release), with the
    /// moment that this gives to each connection as the last one.
    #[must_use]
    pub fn hold_until(mut self, moment: impl Fn() -> DateTime + Send + Sync + 'static) -> Self {
        self.setup.hold_until = Some(Box::new(moment));
        self
    }

    /// Shares a limit of connections with other servers.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Ends when this does.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.setup.shutdown = shutdown;
        self
    }

    /// With another clock and other randomness.
    #[must_use]
    pub fn environment(mut self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        self.setup.clock = clock;
        self.setup.entropy = entropy;
        self
    }

    /// Listens there, and takes connections until the shutdown begins. Who asks for port 0 binds a listener first and
    /// [`serve`](Self::serve)s it, so as to know which port it is.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn listen(self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.serve(TcpListener::bind(addr).await?).await;
        Ok(())
    }

    /// Takes connections until the shutdown begins; see [`Shutdown::drain`] for their end.
    pub async fn serve(self, listener: impl Listen) {
        let turned = if self.setup.implicit_tls { Bytes::new() } else { turned_away(&self.setup.config) };
        let shutdown = self.setup.shutdown.clone();
        let setup = Arc::new(self.setup);
        let session = |io, peer| {
            let setup = Arc::clone(&setup);
            async move { session::run(&setup, io, peer).await }
        };
        accept_all(listener, self.gate, shutdown, turned, session).await;
    }

    /// Serves one connection that somebody else has taken.
    pub async fn session(&self, io: Box<dyn Io>, peer: Peer) {
        session::run(&self.setup, io, peer).await;
    }
}

fn turned_away(config: &Arc<Config>) -> Bytes {
    let mut machine = Server::turn_away(Arc::clone(config), &Rejection::too_many_connections());
    let output = machine.output();
    output.release();
    output.copy_to_bytes(output.remaining())
}
