//! Reports as they are written, and read back by the scanner.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how tests fail")]

mod golden;
mod read_back;
