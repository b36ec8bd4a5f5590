//! Tests of queues that applications run by themselves, against mailwright's own server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]

mod dir;
mod durable;
mod outcomes;
mod scram;
mod secure;
mod sink;
mod start;
mod submit;
mod url;
mod world;
