//! IMAP: scripts, the programs and libraries of others, their habits, and those who mean harm.

mod clients;
mod scripts;
mod server;
