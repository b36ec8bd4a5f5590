//! Tests of the rules of MX records, the cache on a clock that moves when told, and the resolver against servers on
//! this machine.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod cache;
mod failover;
mod hickory;
mod hostile;
mod mx;
mod show;
mod zones;
