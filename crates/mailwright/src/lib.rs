#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub use bytes;
pub use mailwright_core as core;

#[cfg(feature = "imap-server")]
pub use mailwright_access as access;
#[cfg(any(feature = "smtp-server", feature = "store"))]
pub use mailwright_auth as auth;
#[cfg(feature = "queue")]
pub use mailwright_delivery as delivery;
#[cfg(feature = "queue")]
pub use mailwright_dns as dns;
#[cfg(feature = "imap")]
pub use mailwright_imap as imap;
#[cfg(feature = "message")]
pub use mailwright_message as message;
#[cfg(feature = "pop3")]
pub use mailwright_pop3 as pop3;
#[cfg(feature = "queue")]
pub use mailwright_queue as queue;
#[cfg(feature = "server")]
pub use mailwright_server as server;
#[cfg(feature = "smtp")]
pub use mailwright_smtp as smtp;
#[cfg(feature = "store")]
pub use mailwright_store as store;
#[cfg(feature = "sqlite")]
pub use mailwright_store_sqlite as sqlite;
#[cfg(feature = "testkit")]
pub use mailwright_testkit as testkit;
#[cfg(any(feature = "smtp-server", feature = "imap-server", feature = "queue"))]
pub use mailwright_tokio as tokio;
