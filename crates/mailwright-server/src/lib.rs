#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arrival;
mod binary;
mod certificate;
mod chaos;
mod client_tls;
mod content;
mod directories;
mod held;
mod incoming;
mod listener;
mod login;
mod lookup;
mod provider;
mod queued;
mod receive;
mod received;
mod release;
mod residents;
mod running;
mod server;
mod service;
mod serving;
mod settings;
mod shared;
mod socket;
mod soliciting;
mod submit;
#[cfg(test)]
mod tests;
mod tokens;

pub use certificate::{CertificateError, Certificates};
pub use client_tls::client_tls;
pub use listener::Listener;
pub use residents::ResidentError;
pub use running::Running;
pub use server::{Server, StartError};
pub use service::{Auth, Service};
pub use settings::{Alias, AliasAddress, Scram, Settings, StaticUser};
pub use tokens::CheckToken;
