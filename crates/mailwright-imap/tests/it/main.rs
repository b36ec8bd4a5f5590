//! Tests of the server machine.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

mod answers;
mod any_split;
mod app;
mod history;
mod mailboxes;
mod message;
mod orders;
mod transcripts;
