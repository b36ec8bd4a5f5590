//! The server's side of IMAP.

mod answers;
mod appending;
mod commands;
mod config;
mod error;
mod event;
mod machine;
mod numbering;
mod question;
mod reply;
mod row;
mod search;
mod selected;
mod state;
mod telling;

pub use config::{Config, Limits, Literals, Timeouts};
pub use error::{Error, Incomplete, Waiting, WrongProtocol};
pub use event::{
    Appended, AuthStep, Changed, Copied, Event, Fetch, Found, ListRow, MailboxStatus, Permanent, Results,
    Search, Stored, Synced, View, ask,
};
pub use machine::Server;
pub use question::Question;
pub use row::Row;
