//! The programs and libraries that people send and read mail with.

mod large;
mod read;
mod send;
