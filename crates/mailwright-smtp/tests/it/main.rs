//! Tests of the server machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]

mod any_split;
mod app;
mod default_answer;
mod transcripts;
