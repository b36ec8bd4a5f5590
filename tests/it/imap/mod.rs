//! IMAP: scripts, the programs and libraries of others, their habits, and those who mean harm.

mod clients;
mod hostile;
mod quirks;
mod scripts;
mod server;
mod transcript;
