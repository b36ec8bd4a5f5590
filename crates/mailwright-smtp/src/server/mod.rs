//! The server's side of a session.

mod config;
mod default_answer;
mod event;
mod machine;
mod question;

pub use config::{Config, Limits, Timeouts};
pub use event::{Aborted, Accepted, AuthStep, Event, Hello, ask};
pub use machine::{Error, Server, Waiting, WrongProtocol};
pub use question::Question;
