#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod certificate;
mod chaos;
mod client_tls;
mod directories;
mod login;
mod provider;
mod receive;
mod received;
mod residents;
mod running;
mod server;
mod service;
mod serving;
mod settings;
mod shared;
mod socket;
#[cfg(test)]
mod tests;

pub use certificate::{CertificateError, Certificates};
pub use client_tls::client_tls;
pub use residents::ResidentError;
pub use running::Running;
pub use server::{Server, StartError};
pub use service::Service;
pub use settings::{Alias, AliasAddress, Settings, StaticUser};
