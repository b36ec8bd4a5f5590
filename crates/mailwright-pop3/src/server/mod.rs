//! The server's side of a session.

mod config;
mod event;
mod machine;
mod maildrop;
mod reply;
mod sending;

pub use config::{Config, Expire, Limits, Timeouts};
pub use event::{AuthStep, Event, Question, ask};
pub use machine::{Error, Incomplete, Server, Waiting, WrongProtocol};
pub use maildrop::{Deleted, InvalidUniqueId, Maildrop, Message};
pub use sending::Flow;
