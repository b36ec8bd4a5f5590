#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod command;
mod rejection;
#[cfg(feature = "server")]
pub mod server;
pub mod types;
mod utf7;
#[cfg(feature = "server")]
mod wire;

pub use command::{
    Announced, AppendHead, Command, CommandError, CommandLine, Grammar, GrammarLimits, InitialResponse,
    QresyncParameters, StoreAction, append_end, append_head, append_next,
};
pub use rejection::{Rejection, ResponseCode};
#[cfg(feature = "server")]
pub use server::{Config, Event, Server};
pub use utf7::{InvalidUtf7, decode_mailbox, encode_mailbox};
