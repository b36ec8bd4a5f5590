//! The grammar of commands: tables, hostile input, and what is printed read again.
#![expect(clippy::unwrap_used, reason = "that is how tests fail")]

use mailwright_imap::{CommandLine, Grammar};

mod append;
mod commands;
mod hostile;
mod names;
mod printed;

/// What a command says, or why it is none. `\r\n` and `\0` stand for these octets.
fn shown(command: &str) -> String {
    let octets = format!("a {command}\r\n").replace("\\r\\n", "\r\n").replace("\\0", "\0");
    let line = CommandLine::parse(octets.as_bytes(), &Grammar::default()).unwrap();
    assert_eq!(line.tag, "a");
    line.command.map_or_else(|error| format!("! {error}"), |command| format!("{command:?}"))
}
