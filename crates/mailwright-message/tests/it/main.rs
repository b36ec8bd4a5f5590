//! Messages as they are, as they should not be, and as they are meant to do harm.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how tests fail")]

mod any_split;
mod conversion;
mod costs;
mod hostile;
mod search;
mod sections;
mod structure;
mod submission;
