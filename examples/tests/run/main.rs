//! Runs each example, and talks to it with a program that people use. `cargo test -p mailwright-examples` builds the
//! examples first; with `--test run` alone they have to be there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]

mod client;
mod example;
mod folder;
mod hook;
mod integrations;
mod programs;
mod snippets;
mod table;
