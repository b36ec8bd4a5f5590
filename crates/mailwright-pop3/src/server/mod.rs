//! The server's side of a session.

mod config;
mod event;
mod machine;
mod maildrop;
mod question;
mod reply;
mod sending;

pub use config::{Config, Expire, Limits, Timeouts};
pub use event::{AuthStep, Event, ask};
pub use machine::{Error, Incomplete, Server, Waiting, WrongProtocol};
pub use maildrop::{Deleted, InvalidUniqueId, Maildrop, Message};
pub use question::Question;
pub use sending::Flow;
