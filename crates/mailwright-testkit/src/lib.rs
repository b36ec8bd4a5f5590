#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account;
mod arrivals;
mod attachment;
mod builder;
mod content;
mod engine;
mod fault;
mod greylist;
mod handler;
mod limits;
mod links;
mod login;
mod mailboxes;
mod message;
#[cfg(feature = "network")]
pub mod network;
mod parameter;
mod protocol;
mod recorder;
mod report;
mod server;
mod session;
mod shared;
mod tape;
#[cfg(feature = "tls")]
mod tls;

pub use account::{Account, Kept};
pub use attachment::Attachment;
pub use builder::Builder;
pub use fault::Stage;
pub use limits::Limits;
pub use mailwright_tokio::Tls;
pub use message::Message;
pub use protocol::Protocol;
pub use recorder::Recorder;
pub use server::MailServer;
pub use tape::{Compare, Cut, NotATranscript, Recording, ReplayConfig, ReplayError};

/// For those who test machines: two of them at a wire, transcripts, any split of the input, a clock that only moves when
/// told.
pub use mailwright_core::testing as machine;
