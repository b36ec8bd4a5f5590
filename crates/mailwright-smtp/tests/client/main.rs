//! Tests of the client machine.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod any_split;
mod app;
mod content;
mod cut;
mod ends;
mod peer;
mod sender;
mod transcripts;
