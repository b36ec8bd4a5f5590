#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod command;
mod rejection;
#[cfg(feature = "server")]
mod reply;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "client")]
pub use client::Client;
pub use command::{Body, Command, CommandError, InitialResponse, MailParams, RcptParams};
pub use rejection::{NotARejection, Rejection};
#[cfg(feature = "server")]
pub use server::{Accepted, AuthStep, Config, Event, Hello, Server};
