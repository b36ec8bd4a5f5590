//! The server as a whole: against the programs that people use, and against those who mean harm. Each test
//! starts a server of its own, on ports that the system chooses, and speaks to it over loopback.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]
#![expect(clippy::indexing_slicing, reason = "that is how tests fail")]

mod banner;
mod config;
mod durable;
mod fuzz_corpus;
mod hostile;
mod imap;
mod imap_model;
mod interop;
mod memory;
mod mime;
mod mta;
mod outbound;
mod proxy;
mod relay;
mod scram;
mod secrets;
mod serve;
mod serve_process;
mod serve_reload;
mod shutdown;
mod smuggling;
mod starttls;
mod support;
mod trace;
mod users;
mod verify;
