//! What is written, straight into the [`Output`](mailwright_core::Output), without allocation.
//!
//! Whatever octets a message, a name or a flag has: none of them ends a line or begins another response (threat I7).

mod body;
mod envelope;
mod section;
mod text;

pub(crate) use body::body;
pub(crate) use envelope::envelope;
pub(crate) use section::{binary, section};
pub(crate) use text::{date_time, flags, mailbox, number, permanent_flags, string, text, uid_set};
