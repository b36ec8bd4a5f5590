#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod authenticate;
mod imap;
mod pop3;
mod setup;
mod source;
mod unsupported;

pub use authenticate::{Authenticate, LoginError, User};
pub use imap::{ImapLimits, ImapServer};
pub use pop3::{Locks, Pop3Server};
pub use source::{Entry, Folder, Source, SourceError, SourceResult, SourceServer};
