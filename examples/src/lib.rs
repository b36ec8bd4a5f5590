//! Small whole programs on mailwright's crates:
//!
//! | program | what it shows |
//! |---|---|
//! | `receive` | mail into an application, in one method |
//! | `sansio` | the SMTP machine over a blocking socket, without a runtime |
//! | `send_durably` | mail from an application, that survives its end |
//! | `whole_server` | the reference server inside a process of one's own |
//!
//! Run one with `cargo run -p mailwright-examples --example receive`.
