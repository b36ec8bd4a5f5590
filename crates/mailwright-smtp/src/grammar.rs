//! What the rules of the grammar share: how they fail.

use mailwright_core::InvalidAddress;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};
use thiserror::Error;

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError<'a> {
    /// There is no such verb.
    #[error("unknown command")]
    Unknown,
    /// The verb is known, what follows it does not fit.
    #[error("syntax error, expected: {0}")]
    Syntax(&'static str),
    /// The reverse-path is none.
    #[error("bad sender address: {0}")]
    Sender(InvalidAddress),
    /// The forward-path is none.
    #[error("bad recipient address: {0}")]
    Recipient(InvalidAddress),
    /// A parameter that nobody knows.
    #[error("unknown parameter {0}")]
    UnknownParameter(&'a str),
    /// A parameter with a value that it cannot have.
    #[error("bad value of the parameter {0}")]
    Parameter(&'static str),
    /// A parameter that is given twice.
    #[error("the parameter {0} is given twice")]
    RepeatedParameter(&'static str),
    /// How many octets follow is not to be known: what they are, content or commands, is not either.
    #[error("syntax error, expected: BDAT size [LAST]")]
    ChunkSize,
}

/// What follows the blanks in front, which may be tabs too.
pub(crate) fn skip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, CommandError<'a>>;

impl ParseError<&[u8]> for CommandError<'_> {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self::Syntax("another form")
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) fn fault(error: nom::Err<CommandError<'_>>) -> CommandError<'_> {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        nom::Err::Incomplete(_) => CommandError::Syntax("a whole line"),
    }
}

/// Makes it an error of this kind that `rule` does not match.
pub(crate) fn expect<'a, T>(
    mut rule: impl Parser<&'a [u8], Output = T, Error = CommandError<'a>>,
    what: &'static str,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |input| rule.parse(input).map_err(|_| nom::Err::Failure(CommandError::Syntax(what)))
}
