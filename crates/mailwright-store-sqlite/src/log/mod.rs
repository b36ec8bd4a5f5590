//! The log: the only thing that is synced before an answer, and all that is needed to rebuild the rest.
//!
//! It is a row of files, the *segments*, which are set aside whole and then filled with *groups*. A group is what
//! one sync makes durable: opaque rows, and the bodies of messages. `docs/storage-format.md` tells every byte.
//!
//! The files of this module form layers: `format` knows bytes, `segment` files, `survey` which of them belong
//! together, `walk` the way through their groups; on these stand `writer`, `open`, `replay` and `verify`.

mod config;
mod content;
mod damage;
mod error;
mod format;
mod gather;
mod open;
mod place;
mod reader;
mod replay;
mod segment;
mod survey;
mod verify;
mod walk;
mod writer;

pub use config::LogConfig;
pub use content::Group;
pub use damage::{Damage, DamageKind};
pub use error::LogError;
pub use open::OpenReport;
pub use place::{Body, LoggedBody, Place, Position, StoreId};
pub use reader::LogReader;
pub use replay::{Logged, each_group};
pub use verify::{Verified, verify};
pub use writer::{Log, Plan};
