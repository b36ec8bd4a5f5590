//! One delivery attempt: the way to a domain's servers, and the conversation with one of them.
//!
//! An attempt goes from host to host, and from address to address, until a server takes or refuses the message:
//! hosts that cannot be reached, do not greet us, or fail before MAIL are passed over (RFC 5321 §5.1), and what is
//! answered from MAIL on counts. Each stage has a time of its own (RFC 5321 §4.5.3.2), and the whole has one.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mailwright_delivery::outbound::{
//!     Environment, Outbound, OutboundConfig, Relay, RelayHost, Route, TcpDial, Way,
//! };
//! use mailwright_dns::Zones;
//! use mailwright_tokio::{SystemClock, SystemEntropy};
//!
//! let mut config = OutboundConfig::new("mx.example.org".parse()?);
//! let mut smarthost = Relay::new(RelayHost::named("relay.example.net".parse()?, 587));
//! smarthost.hosts.push(RelayHost::named("backup.example.net".parse()?, 587));
//! config.routes = vec![
//!     Route::new(".partner.example".parse()?, Way::Mx), // by itself; all else by the smarthost
//!     Route::new("*".parse()?, Way::Relay(smarthost)),
//! ];
//! let environment = Environment {
//!     resolver: Arc::new(Zones::default()), // in earnest `Cache<Hickory>`
//!     dial: Arc::new(TcpDial),
//!     clock: Arc::new(SystemClock),
//!     entropy: Arc::new(SystemEntropy),
//! };
//! let outbound = Outbound::new(config, environment); // `Deliver` for any store
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod attempt;
mod config;
mod connect;
mod connection;
mod dial;
mod environment;
mod form;
mod job;
mod memory;
mod message;
mod open;
mod outcome;
mod plan;
mod pool;
mod relay_url;
mod route;
mod send;
mod shared;
mod source;
mod trust;
mod via;
mod walk;
mod watch;
mod without_tls;
mod words;

use std::sync::Arc;
use std::time::Duration;

pub use config::{ClientTls, EightBit, OutboundConfig, PoolConfig};
pub use dial::{Dial, DialError, Dialed, TcpDial};
pub use environment::Environment;
pub use relay_url::{InvalidRelayUrl, RelayUrlFault};
pub use route::{Family, HostName, Pattern, Protocol, Relay, RelayHost, Route, TlsPolicy, Way};
pub use source::Source;
pub use trust::TrustError;
pub use via::{ProxyDial, SocksDial, Via};

use mailwright_store::{Claimed, Store};
use tracing::{Instrument, info_span};

use self::attempt::Attempt;
use self::job::Job;
use self::shared::Shared;
use crate::deliver::{Deliver, Delivery, Parts};

/// Delivers to other servers by SMTP and LMTP. To be used within a tokio runtime.
#[derive(Debug)]
pub struct Outbound {
    shared: Shared,
}

impl Outbound {
    /// With nothing open.
    pub fn new(config: OutboundConfig, environment: Environment) -> Self {
        Self { shared: Shared::new(config, environment) }
    }

    /// Says goodbye on all connections that are kept, and keeps none from here on. Attempts go on. Waits at most as
    /// long as `patience`.
    pub async fn close(&self, patience: Duration) {
        self.shared.pool.close(patience).await;
    }
}

/// How long servers that are left may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

impl<S: Store> Deliver<S> for Outbound {
    async fn deliver(&self, store: &Arc<S>, claimed: &Claimed, parts: &Parts) -> Delivery {
        let entry = &claimed.entry;
        let span = info_span!("attempt", entry = %entry.id, route = %entry.route);
        let job = Job { store: &**store, entry, parts };
        Attempt::new(&self.shared).run(job).instrument(span).await
    }

    /// Says QUIT on the connections that are kept.
    async fn close(&self) {
        self.shared.pool.close(GOODBYE).await;
    }
}
