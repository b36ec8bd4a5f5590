//! A part of the DNS in memory, for tests and simulations.

mod data;
mod parse;
mod resolver;

#[cfg(feature = "testing")]
pub(crate) use data::Found;
pub use parse::{InvalidZone, ZoneFault};
pub use resolver::Zones;
