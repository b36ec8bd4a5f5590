//! Data of one's own as mailboxes.
//!
//! The session is the one that serves stores: `store` shows a source as one, `mailbox` remembers what a folder was
//! like, so that it can be told what has changed.

mod contract;
mod mailbox;
mod server;
mod staged;
mod state;
mod store;

pub use contract::{Entry, Folder, Source, SourceError, SourceResult};
pub use server::SourceServer;
