#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod deliver;
mod dyn_deliver;
pub mod outbound;
mod queue;

pub use deliver::{Deliver, Delivery, Parts};
pub use dyn_deliver::DynDeliver;
pub use queue::{AdminError, Expanded, Queue, QueueConfig, QueueEvent, QueueParts, expand};
