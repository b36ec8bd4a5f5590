//! Administration: what is asked, by whom, and how it is done. A command asks the server that has the data directory,
//! over a socket there; if none runs, the command opens the data directory and does the same itself.

mod client;
mod execute;
mod protocol;
mod queue;
mod refusal;
mod socket;

pub(crate) use client::Office;
pub(crate) use protocol::{
    DomainRow, Hash, PasswordIn, QueueChange, QueueRow, RecipientRow, Reloaded, Reply, Request, TraceRow,
    UserRow,
};
pub(crate) use socket::{Bound, Control, ReloadRequest};
