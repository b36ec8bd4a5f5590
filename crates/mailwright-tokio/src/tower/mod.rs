//! [tower](https://docs.rs/tower)'s layers, at the two places where they fit: around the taking of a connection
//! ([`serve`]), and around the delivery of one message ([`Layered`]). In between, an SMTP session has a state and an
//! order, and is no service.

mod connection;
#[cfg(feature = "smtp")]
mod layered;
#[cfg(feature = "smtp")]
mod server;
#[cfg(feature = "smtp")]
mod transaction;

pub use connection::{Connection, serve};
#[cfg(feature = "smtp")]
pub use layered::{Deliver, Layered};
#[cfg(feature = "smtp")]
pub use transaction::{OnTransaction, Rejected, Transaction, on_transaction};

/// Any error, as tower's layers have it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
