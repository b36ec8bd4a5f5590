//! The queue at work: entries are claimed, tried, and settled, until each message has arrived or its sender knows why
//! not.

mod admin;
mod command;
mod config;
mod event;
mod expand;
mod report;
mod run;
mod started;
mod told;
mod worker;

pub use command::AdminError;
pub use config::QueueConfig;
pub use event::QueueEvent;
pub use expand::{Expanded, expand};
pub use started::{Queue, QueueParts};
