#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod command;
mod grammar;
#[cfg(any(feature = "client", feature = "server"))]
mod lines;
mod params;
mod protocol;
mod reason;
mod rejection;
#[cfg(feature = "server")]
mod reply;
#[cfg(feature = "server")]
pub mod server;
mod xclient;

#[cfg(feature = "client")]
pub use client::Client;
pub use command::{Command, InitialResponse};
pub use grammar::CommandError;
pub use params::{
    Body, DateTime, DeliverBy, EnvelopeId, Extension, Hold, InvalidValue, Late, MailParams, NoSupport,
    Notify, OriginalRecipient, Priority, RcptParams, Ret, Solicitation, ValidSince,
};
pub use protocol::Protocol;
pub use reason::Reason;
pub use rejection::{NotARejection, Rejection};
#[cfg(feature = "server")]
pub use server::{Accepted, AuthStep, Config, Event, Hello, Server};
pub use xclient::{Told, XClient};
