//! What the servers of all protocols are made of.

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use mailwright_core::{Clock, Entropy, Machine, Timestamp, TlsInfo};
use mailwright_store::{Batch, BatchId};
use mailwright_tokio::{
    Driver, DriverConfig, Gate, GateLimits, Io, Shutdown, SystemClock, SystemEntropy, Tls, handshake,
};

/// How connections are served, and by what time.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) driver: Arc<DriverConfig>,
    pub(crate) tls: Option<Arc<dyn Tls>>,
    pub(crate) implicit_tls: bool,
    pub(crate) gate: Gate,
    pub(crate) shutdown: Shutdown,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            driver: Arc::default(),
            tls: None,
            implicit_tls: false,
            gate: Gate::new(GateLimits::default()),
            shutdown: Shutdown::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl Setup {
    /// Shakes hands, if the protocol begins with TLS.
    pub(crate) async fn begin(&self, io: Box<dyn Io>) -> io::Result<(Box<dyn Io>, Option<TlsInfo>)> {
        let Some(tls) = self.tls.as_ref().filter(|_| self.implicit_tls) else { return Ok((io, None)) };
        let (io, info) = handshake(tls.as_ref(), io, &self.driver).await?;
        Ok((io, Some(info)))
    }

    /// A driver that reads as far ahead as the machine's longest command, or it would never see its end.
    pub(crate) fn drive<M: Machine>(&self, machine: M, io: Box<dyn Io>, command: usize) -> Driver<M> {
        let config = if self.driver.input_limit > command {
            Arc::clone(&self.driver)
        } else {
            Arc::new(DriverConfig {
                input_limit: command.saturating_add(1),
                ..DriverConfig::clone(&self.driver)
            })
        };
        Driver::new(machine, io, Arc::clone(&self.clock), config)
            .with_tls(self.tls.clone())
            .with_shutdown(&self.shutdown)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Octets for an exchange of authentication.
    pub(crate) fn nonce(&self) -> [u8; 18] {
        let mut nonce = [0; 18];
        self.entropy.fill(&mut nonce);
        nonce
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        Batch::new(BatchId(id), self.now())
    }
}

/// The methods that the servers of all protocols have.
macro_rules! common_settings {
    ($setup:ident, $config:ident, $start_tls:literal) => {
        /// How connections are read and written.
        #[must_use]
        pub fn driver(mut self, driver: Arc<mailwright_tokio::DriverConfig>) -> Self {
            self.$setup.driver = driver;
            self
        }

        #[doc = concat!("Offers ", $start_tls, ".")]
        #[must_use]
        pub fn start_tls(mut self, tls: Arc<dyn mailwright_tokio::Tls>) -> Self {
            self.$setup.tls = Some(tls);
            Arc::make_mut(&mut self.$config).start_tls = true;
            self
        }

        /// Begins with TLS (RFC 8314 §3.3).
        #[must_use]
        pub fn implicit_tls(mut self, tls: Arc<dyn mailwright_tokio::Tls>) -> Self {
            self.$setup.tls = Some(tls);
            self.$setup.implicit_tls = true;
            self
        }

        /// Shares a limit of connections with other servers.
        #[must_use]
        pub fn gate(mut self, gate: mailwright_tokio::Gate) -> Self {
            self.$setup.gate = gate;
            self
        }

        /// Ends when this does.
        #[must_use]
        pub fn shutdown(mut self, shutdown: mailwright_tokio::Shutdown) -> Self {
            self.$setup.shutdown = shutdown;
            self
        }

        /// With another clock and other randomness.
        #[must_use]
        pub fn environment(
            mut self,
            clock: Arc<dyn mailwright_core::Clock>,
            entropy: Arc<dyn mailwright_core::Entropy>,
        ) -> Self {
            self.$setup.clock = clock;
            self.$setup.entropy = entropy;
            self
        }

        /// Takes connections until the shutdown begins; see [`Shutdown::drain`](mailwright_tokio::Shutdown::drain)
        /// for their end.
        pub async fn serve(self, listener: impl mailwright_tokio::Listen) {
            let turned = if self.$setup.implicit_tls { bytes::Bytes::new() } else { self.turned_away() };
            let (gate, shutdown) = (self.$setup.gate.clone(), self.$setup.shutdown.clone());
            let server = Arc::new(self);
            let session = |io, peer| {
                let server = Arc::clone(&server);
                async move { server.session(io, peer).await }
            };
            mailwright_tokio::accept_all(listener, gate, shutdown, turned, session).await;
        }
    };
}

pub(crate) use common_settings;

/// What a machine says without having been told anything.
pub(crate) fn said(machine: &mut impl Machine) -> Bytes {
    let output = machine.output();
    output.release();
    output.copy_to_bytes(output.remaining())
}
