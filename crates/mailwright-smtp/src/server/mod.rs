//! The server's side of a session.

mod config;
mod event;
mod machine;

pub use config::{Config, Limits, Timeouts};
pub use event::{Aborted, Accepted, AuthStep, Event, Hello, Question, ask};
pub use machine::{Error, Server, Waiting, WrongProtocol};
