//! Why octets are no command.

use nom::error::{ErrorKind, ParseError};
use thiserror::Error;

/// Why octets are no command. What they are is not told: nothing of them gets into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// They do not begin with a tag.
    #[error("a command begins with a tag")]
    NoTag,
    /// There is no such command.
    #[error("unknown command")]
    UnknownCommand,
    /// The command is known, what follows does not fit.
    #[error("syntax error, expected: {0}")]
    Syntax(&'static str),
    /// A number is zero, or too large, where it cannot be, or begins with a zero.
    #[error("a number is out of range")]
    InvalidNumber,
    /// A flag begins with a backslash and is none of RFC 9051.
    #[error("unknown system flag")]
    UnknownFlag,
    /// A mailbox name is none.
    #[error("bad mailbox name: {0}")]
    InvalidMailbox(&'static str),
    /// Search keys are one in another in another.
    #[error("parentheses, NOT and OR are nested too deeply")]
    TooDeep,
    /// There are too many of these.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// Search texts are in a charset that is not known. The answer is `NO [BADCHARSET ...]` (RFC 9051 §6.4.4).
    #[error("unknown charset, known are US-ASCII and UTF-8")]
    BadCharset,
}

impl ParseError<&[u8]> for CommandError {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self::Syntax("another form")
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}
