//! Tests of the server machine.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod any_split;
mod app;
mod cut;
mod default_answer;
mod transcripts;
