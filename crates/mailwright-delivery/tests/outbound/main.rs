//! Tests of delivery attempts, in a network and a DNS in memory, time standing still.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod answers;
mod content;
mod cut;
mod families;
mod forms;
mod hostile;
mod hosts;
mod limits;
mod needs;
mod net;
mod peer;
mod proxies;
mod relays;
mod reuse;
mod sources;
mod stages;
mod tcp;
mod tls;
mod ways;
mod world;
