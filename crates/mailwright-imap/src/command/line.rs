//! One whole command, its tag and what it says.

use nom::Parser;
use nom::combinator::map;
use nom::sequence::preceded;

use super::ast::Command;
use super::auth::{authenticate, enable, id, login};
use super::error::CommandError;
use super::fetch::fetch;
use super::grammar::Grammar;
use super::lexical::{Parsed, command_tag, expect, failure, fault, is_blank, keyword, sp};
use super::list::{list, lsub};
use super::mailbox::{create, rename, select, set_and_mailbox, status, with_mailbox};
use super::search::search;
use super::sequence::sequence_set;
use super::store::store;
use crate::types::MessageSet;

/// A command with its tag, which the answer to it bears even if it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The tag. It can stand in an answer as it is.
    pub tag: String,
    /// The command.
    pub command: Result<Command, CommandError>,
}

impl CommandLine {
    /// Reads a whole command, as [`CommandFramer`](mailwright_core::framing::CommandFramer) finds it: with its
    /// literals and the CRLF at its end.
    ///
    /// ```
    /// use mailwright_imap::{Command, CommandLine, Grammar};
    ///
    /// let line = CommandLine::parse(b"a1 delete {7}\r\nOld box\r\n", &Grammar::default())?;
    /// assert_eq!(line.tag, "a1");
    /// assert_eq!(line.command, Ok(Command::Delete { mailbox: "Old box".to_owned() }));
    ///
    /// let line = CommandLine::parse(b"a2 DELETE\r\n", &Grammar::default())?;
    /// assert_eq!(line.command.unwrap_err().to_string(), "syntax error, expected: a mailbox name");
    /// # Ok::<_, mailwright_imap::CommandError>(())
    /// ```
    ///
    /// # Errors
    /// [`CommandError::NoTag`]. All other errors are in [`command`](Self::command).
    pub fn parse(bytes: &[u8], grammar: &Grammar) -> Result<Self, CommandError> {
        let line = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let Ok((rest, tag)) = command_tag(line) else { return Err(CommandError::NoTag) };
        if !rest.is_empty() && !rest.starts_with(b" ") {
            return Err(CommandError::NoTag);
        }
        Ok(Self { tag: tag.to_owned(), command: whole(rest, grammar) })
    }
}

fn whole(rest: &[u8], grammar: &Grammar) -> Result<Command, CommandError> {
    let (rest, command) = command(rest, grammar).map_err(fault)?;
    if is_blank(rest) { Ok(command) } else { Err(CommandError::Syntax("the end of the command")) }
}

/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`, without tag and CRLF
fn command<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let Ok((rest, name)) = preceded(sp, keyword).parse(rest) else {
        return failure(CommandError::UnknownCommand);
    };
    match name.as_bytes() {
        b"UID" => uid(rest, grammar),
        b"FETCH" => fetch(rest, grammar, false),
        b"NOOP" => Ok((rest, Command::Noop)),
        b"IDLE" => Ok((rest, Command::Idle)),
        b"SELECT" => select(rest, grammar, false),
        b"EXAMINE" => select(rest, grammar, true),
        b"STATUS" => status(rest, grammar),
        b"LIST" => list(rest, grammar),
        b"LSUB" => lsub(rest, grammar),
        b"SEARCH" => search(rest, grammar, false),
        b"STORE" => store(rest, grammar, false),
        b"COPY" => copy(rest, grammar, false),
        b"MOVE" => r#move(rest, grammar, false),
        b"EXPUNGE" => Ok((rest, Command::Expunge { uids: None })),
        b"CAPABILITY" => Ok((rest, Command::Capability)),
        b"LOGIN" => login(rest),
        b"AUTHENTICATE" => authenticate(rest),
        b"STARTTLS" => Ok((rest, Command::StartTls)),
        b"ID" => id(rest),
        b"ENABLE" => enable(rest, grammar),
        b"NAMESPACE" => Ok((rest, Command::Namespace)),
        b"CREATE" => create(rest, grammar),
        b"DELETE" => with_mailbox(rest, grammar, |mailbox| Command::Delete { mailbox }),
        b"RENAME" => rename(rest, grammar),
        b"SUBSCRIBE" => with_mailbox(rest, grammar, |mailbox| Command::Subscribe { mailbox }),
        b"UNSUBSCRIBE" => with_mailbox(rest, grammar, |mailbox| Command::Unsubscribe { mailbox }),
        b"CHECK" => Ok((rest, Command::Check)),
        b"CLOSE" => Ok((rest, Command::Close)),
        b"UNSELECT" => Ok((rest, Command::Unselect)),
        b"LOGOUT" => Ok((rest, Command::Logout)),
        // With its message it never comes here: see `append_head`.
        b"APPEND" => failure(CommandError::Syntax("APPEND mailbox [(flags)] [\"date-time\"] {size}")),
        _ => failure(CommandError::UnknownCommand),
    }
}

/// `uid = "UID" SP (copy / move / fetch / search / store / uid-expunge)`
fn uid<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let Ok((rest, name)) = preceded(sp, keyword).parse(rest) else {
        return failure(CommandError::UnknownCommand);
    };
    match name.as_bytes() {
        b"FETCH" => fetch(rest, grammar, true),
        b"SEARCH" => search(rest, grammar, true),
        b"STORE" => store(rest, grammar, true),
        b"COPY" => copy(rest, grammar, true),
        b"MOVE" => r#move(rest, grammar, true),
        b"EXPUNGE" => uid_expunge(rest),
        _ => failure(CommandError::UnknownCommand),
    }
}

/// `copy = "COPY" SP sequence-set SP mailbox`
fn copy<'a>(rest: &'a [u8], grammar: &Grammar, uid: bool) -> Parsed<'a, Command> {
    let (rest, (set, mailbox)) = set_and_mailbox(rest, grammar)?;
    Ok((rest, Command::Copy { set: MessageSet { uid, set }, mailbox }))
}

/// `move = "MOVE" SP sequence-set SP mailbox`
fn r#move<'a>(rest: &'a [u8], grammar: &Grammar, uid: bool) -> Parsed<'a, Command> {
    let (rest, (set, mailbox)) = set_and_mailbox(rest, grammar)?;
    Ok((rest, Command::Move { set: MessageSet { uid, set }, mailbox }))
}

/// `uid-expunge = "EXPUNGE" SP sequence-set`
fn uid_expunge(rest: &[u8]) -> Parsed<'_, Command> {
    let set = map(preceded(sp, sequence_set), |set| Command::Expunge { uids: Some(set) });
    expect(set, "a set of UIDs")(rest)
}
