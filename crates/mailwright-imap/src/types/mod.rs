//! What commands and answers are made of. Syntax only: nothing here knows a mailbox.

mod date;
mod fetch;
mod flag;
mod list;
mod pattern;
mod search;
mod sequence;
mod status;

pub use date::{Date, DateTime};
pub use fetch::{FetchItem, Partial, Section, SectionName, SectionText};
#[cfg(feature = "server")]
pub(crate) use flag::is_flag;
pub use flag::{Flag, InvalidFlag};
pub use list::{List, ListReturn, ListSelect};
pub use pattern::Pattern;
pub use search::{SearchKey, SearchReturn};
pub use sequence::{MessageSet, SeqNumber, SequenceSet};
pub use status::{StatusItem, StatusItems};
