//! Behind a proxy: the header of the PROXY protocol, in which it tells for whom it has connected.
//!
//! A [`Proxied`] listener reads it, versions 1 (text) and 2 (binary) of HAProxy's `proxy-protocol.txt`, from the
//! [networks](crate::Network) that it trusts and from no others. It stands before TLS and before any protocol, so all of
//! them take connections from it.
//!
//! The other way round, [`Header::to_v2`] is what one says to a proxy that is to connect for us.

mod header;
mod listener;

pub use header::{Header, HeaderError, parse};
pub use listener::{Proxied, ProxyConfig};
