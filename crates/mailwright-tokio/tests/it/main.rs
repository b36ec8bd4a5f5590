//! Tests of the driver, the listener and the SMTP server on simulated connections, time standing still.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "that is how tests fail")]

mod attend;
mod body;
mod cancel;
mod client;
mod driver;
mod exhaustion;
mod extensions;
mod inbox;
mod io;
mod listener;
mod offload;
mod on_message;
mod pace;
mod proxy;
mod proxy_header;
mod shutdown;
mod smtp;
mod socks;
mod tls;
#[cfg(feature = "tower")]
mod tower;
