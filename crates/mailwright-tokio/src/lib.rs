#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "smtp")]
pub mod codec;
mod driver;
mod dyn_listen;
mod gate;
mod listener;
mod network;
#[cfg(feature = "smtp")]
mod offload;
pub mod proxy;
mod shutdown;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod socks;
mod system;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;

pub use driver::{Driver, DriverConfig, DriverError, Turn, handshake};
pub use dyn_listen::{Accepting, DynListen};
pub use gate::{Gate, GateLimits, Pass, Refused};
pub use listener::{Listen, Peer, Turned, accept_all};
pub use network::{Network, NetworkError};
#[cfg(feature = "smtp")]
pub use offload::{Blocking, BlockingLimits};
pub use shutdown::Shutdown;
#[cfg(feature = "smtp")]
pub use smtp::{SmtpHandler, SmtpServer};
pub use system::{SystemClock, SystemEntropy};
#[cfg(feature = "rustls")]
pub use tls::{Rustls, RustlsClient};
pub use transport::{Io, Tls, TlsAccepted};
