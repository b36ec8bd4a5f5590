//! The queue's decisions, each alone and all together over a store.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "that is how tests fail")]

mod accept;
mod fixture;
mod kept;
mod loops;
mod outages;
mod scheduler;
mod settle;
mod sharing;
mod world;
