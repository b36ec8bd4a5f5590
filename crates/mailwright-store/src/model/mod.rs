//! The rules of a store, over sorted tables: for memory, and for any backend that has such tables.
//!
//! What an operation means is written once, here. A backend brings a [`Base`] where the rows lie, a [`State`] over
//! it, and makes durable what [`State::give`] tells; the contents of blobs it keeps in its own way.

mod account;
mod block;
mod check;
mod edit;
mod field;
mod listing;
mod mailbox;
mod mark;
mod message;
#[cfg(test)]
mod naive;
mod queue;
mod read;
mod reclaim;
mod records;
mod select;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod txn;
mod varint;

pub use self::field::Field;
pub use self::state::State;
pub use self::table::{Base, Nothing};
pub use self::txn::Applied;
