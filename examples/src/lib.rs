//! Small whole programs on mailwright's crates:
//!
//! | program | what it shows |
//! |---|---|
//! | `receive` | mail into an application, in one method |
//! | `sansio` | the SMTP machine over a blocking socket, without a runtime |
//! | `whole_server` | the reference server inside a process of one's own |
//!
//! Run one with `cargo run -p mailwright-examples --example receive`.
