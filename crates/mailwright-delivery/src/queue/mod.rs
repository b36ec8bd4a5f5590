//! The queue at work: entries are claimed, tried, and settled, until each message has arrived or its sender knows why
//! not.

mod admin;
mod command;
mod config;
mod elsewhere;
mod envelope;
mod event;
mod expand;
mod lines;
mod open;
mod report;
mod run;
mod running;
#[cfg(feature = "sqlite")]
mod sqlite;
mod started;
mod submit;
mod told;
mod worker;

pub use command::AdminError;
pub use config::{QueueConfig, SubmitLimits};
pub use elsewhere::Reports;
pub use envelope::{Envelope, InvalidEnvelope};
pub use event::QueueEvent;
pub use expand::{ALIAS_DEPTH, Expanded, expand};
pub use lines::InvalidContent;
pub use open::{OpenQueue, StartError};
pub use report::{ReportError, report_arrival};
pub use running::RunningQueue;
pub use started::{Queue, QueueParts};
pub use submit::SubmitError;
