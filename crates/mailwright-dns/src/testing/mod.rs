//! For tests: a name server on this machine, over [`Zones`](crate::Zones).

mod server;
mod wire;

pub use server::ZoneServer;
