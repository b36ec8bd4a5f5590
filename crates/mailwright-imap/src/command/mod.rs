//! Commands (RFC 9051 §9 `command`), read from whole frames: their literals stand in them.

mod append;
mod ast;
mod auth;
mod error;
mod fetch;
mod grammar;
mod lexical;
mod line;
mod list;
mod mailbox;
mod search;
mod section;
mod sequence;
mod store;

pub use append::{Announced, append_end, append_head, append_next};
pub use ast::{AppendHead, Command, InitialResponse, QresyncParameters, StoreAction};
pub use error::CommandError;
pub use grammar::{Grammar, GrammarLimits};
pub use line::CommandLine;
