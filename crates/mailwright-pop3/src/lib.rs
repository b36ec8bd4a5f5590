#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod command;
mod rejection;
#[cfg(feature = "server")]
pub mod server;

pub use command::{Command, CommandError, InitialResponse, Password};
pub use rejection::{Rejection, ResponseCode};
#[cfg(feature = "server")]
pub use server::{AuthStep, Config, Deleted, Event, Flow, Maildrop, Message, Server};
