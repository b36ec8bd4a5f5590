//! The server's side of a session.

mod answers;
mod config;
mod content;
mod default_answer;
mod error;
mod event;
mod hearing;
mod machine;
mod offer;
mod question;
mod refusal;
mod remark;
mod speaking;
mod state;

pub use config::{Config, Extensions, FutureRelease, Limits, Timeouts};
pub use error::{Error, Waiting, WrongProtocol};
pub use event::{Aborted, Accepted, AuthStep, Etrn, Event, Hello, ask};
pub use machine::Server;
pub use question::Question;

pub use crate::protocol::Protocol;
