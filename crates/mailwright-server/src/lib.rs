#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod certificate;
mod chaos;
mod login;
mod maildrop;
mod provider;
mod receive;
mod received;
mod server;
mod shared;

pub use certificate::CertificateError;
pub use server::{Running, Server, Service, StartError};
