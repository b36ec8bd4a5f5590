//! Tests of delivery attempts, in a network and a DNS in memory, time standing still.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod basics;
mod net;
mod peer;
mod world;
