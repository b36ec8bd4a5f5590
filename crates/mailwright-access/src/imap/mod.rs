//! IMAP over a store.
//!
//! `session` has the state and what all commands need; each group of commands is a file of methods; `run` calls them.

mod append;
mod appending;
mod calendar;
mod change;
mod fetch;
mod flags;
mod limits;
mod list;
mod listings;
mod login;
mod mailboxes;
mod names;
mod pages;
mod refusal;
mod run;
mod scans;
mod search;
mod search_plan;
mod section;
mod select;
mod server;
mod session;
mod stop;
mod transfer;

pub use limits::ImapLimits;
pub use server::ImapServer;
