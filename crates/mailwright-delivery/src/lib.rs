#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod deliver;
mod dyn_deliver;
pub mod outbound;
mod queue;

pub use deliver::{Deliver, Delivery, Parts, Write};
pub use dyn_deliver::DynDeliver;
pub use queue::{
    ALIAS_DEPTH, AdminError, Envelope, Expanded, InvalidContent, InvalidEnvelope, OpenQueue, Queue,
    QueueConfig, QueueEvent, QueueParts, ReportError, Reports, RunningQueue, StartError, SubmitError,
    SubmitLimits, expand, report_arrival,
};

pub use mailwright_queue::{RetryConfig, ScheduleConfig};
#[cfg(feature = "sqlite")]
pub use mailwright_store_sqlite::{OpenError, SqliteStore};
