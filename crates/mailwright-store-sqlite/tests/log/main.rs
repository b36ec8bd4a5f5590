//! The log, on a disk in memory that fails.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod basics;
mod crash;
mod damage;
mod kit;
mod opening;
