//! What the measuring programs and the benchmarks share.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

pub mod client;
pub mod compare;
pub mod debian;
pub mod process;
