//! Commands and their grammar (RFC 1939 §3, RFC 2449 §3), over one complete line.

use std::fmt;
use std::str;

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, digit1, space0, space1};
use nom::combinator::{map, opt, rest, verify};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use thiserror::Error;

/// A command, as one line says it.
///
/// Message numbers are counted from 1. One beyond `u64` is read as its maximum, which no maildrop has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `USER`: who wants to log in.
    User(&'a str),
    /// `PASS`: and the password.
    Pass(Password<'a>),
    /// `AUTH` (RFC 5034).
    Auth {
        /// The SASL mechanism's name, in the client's spelling.
        mechanism: &'a str,
        /// What the client says first, if it does.
        initial: Option<InitialResponse<'a>>,
    },
    /// `STLS` (RFC 2595).
    Stls,
    /// `CAPA` (RFC 2449).
    Capa,
    /// `STAT`: how many messages, how many octets?
    Stat,
    /// `LIST`: how large is this message, or each of them?
    List(Option<u64>),
    /// `UIDL`: what is the unique id of this message, or of each?
    Uidl(Option<u64>),
    /// `RETR`: the message, please.
    Retr(u64),
    /// `TOP`: its header and this many lines of its body. A number beyond `u64` is its maximum.
    Top(u64, u64),
    /// `DELE`: it may go.
    Dele(u64),
    /// `RSET`: none may go.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
}

/// The argument of PASS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password<'a>(pub &'a [u8]);

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The `initial-response` of AUTH (RFC 5034 §4), still in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InitialResponse<'a>(pub &'a [u8]);

impl fmt::Debug for InitialResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialResponse(..)")
    }
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such keyword.
    #[error("unknown command")]
    Unknown,
    /// The keyword is known, what follows it does not fit.
    #[error("syntax error, expected: {0}")]
    Syntax(&'static str),
}

impl<'a> Command<'a> {
    /// Reads a line, given without its CRLF.
    ///
    /// ```
    /// use mailwright_pop3::Command;
    ///
    /// assert_eq!(Command::parse(b"top 1 10")?, Command::Top(1, 10));
    /// assert!(Command::parse(b"RETR -1").is_err());
    /// # Ok::<_, mailwright_pop3::CommandError>(())
    /// ```
    ///
    /// # Errors
    /// [`CommandError`]; the reply to either is `-ERR`.
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError> {
        let (arguments, keyword) = keyword(line).map_err(fault)?;
        let mut upper = [0; 4];
        let upper = upper.get_mut(..keyword.len()).ok_or(CommandError::Unknown)?;
        upper.copy_from_slice(keyword);
        upper.make_ascii_uppercase();
        let (behind, command) = match &*upper {
            b"USER" => user(arguments),
            b"PASS" => pass(arguments),
            b"AUTH" => auth(arguments),
            b"STLS" => alone(arguments, Self::Stls, "STLS alone"),
            b"CAPA" => alone(arguments, Self::Capa, "CAPA alone"),
            b"STAT" => alone(arguments, Self::Stat, "STAT alone"),
            b"LIST" => list(arguments),
            b"UIDL" => uidl(arguments),
            b"RETR" => retr(arguments),
            b"TOP" => top(arguments),
            b"DELE" => dele(arguments),
            b"RSET" => alone(arguments, Self::Rset, "RSET alone"),
            b"NOOP" => alone(arguments, Self::Noop, "NOOP alone"),
            b"QUIT" => alone(arguments, Self::Quit, "QUIT alone"),
            _ => return Err(CommandError::Unknown),
        }
        .map_err(fault)?;
        if behind.is_empty() { Ok(command) } else { Err(CommandError::Syntax("the end of the line")) }
    }

    /// Whether `line` is one that carries a name, a password or a SASL response: it may be longer than others.
    #[cfg(feature = "server")]
    pub(crate) fn has_credentials(line: &[u8]) -> bool {
        let keyword = keyword(line).map_or(&[][..], |(_, keyword)| keyword);
        [&b"USER"[..], b"PASS", b"AUTH"].iter().any(|known| keyword.eq_ignore_ascii_case(known))
    }
}

type Parsed<'a, T> = IResult<&'a [u8], T, CommandError>;

impl ParseError<&[u8]> for CommandError {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self::Syntax("another form")
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

fn fault(error: nom::Err<CommandError>) -> CommandError {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        nom::Err::Incomplete(_) => CommandError::Syntax("a whole line"),
    }
}

/// Makes it an error of this kind that `rule` does not match. Blanks at the end are forgiven.
fn expect<'a, T>(
    rule: impl Parser<&'a [u8], Output = T, Error = CommandError>,
    input: &'a [u8],
    what: &'static str,
) -> Parsed<'a, T> {
    let parsed = (rule, space0).parse(input).map_err(|_| nom::Err::Failure(CommandError::Syntax(what)));
    parsed.map(|(behind, (found, _))| (behind, found))
}

/// `keyword = 3*4VCHAR` (RFC 2449 §3); those that we know have letters only
fn keyword(line: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(|byte: u8| byte.is_ascii_alphabetic()).parse(line)
}

/// `user = "USER" SP name CRLF` (RFC 1939 §7)
fn user(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let (behind, name) = expect(preceded(space1, param), arguments, "USER name")?;
    Ok((behind, Command::User(name)))
}

/// `param = 1*VCHAR` (RFC 2449 §3)
fn param(input: &[u8]) -> Parsed<'_, &str> {
    map(take_while1(|byte: u8| byte.is_ascii_graphic()), text).parse(input)
}

/// `pass = "PASS" SP string CRLF` (RFC 1939 §7)
fn pass(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let (behind, password) = expect(preceded(char(' '), password), arguments, "PASS password")?;
    Ok((behind, Command::Pass(Password(password))))
}

/// The one argument of PASS, in which blanks may be part of the password (RFC 1939 §7), and so may octets
/// that are not ASCII, but no control characters
fn password(input: &[u8]) -> Parsed<'_, &[u8]> {
    verify(rest, |password: &[u8]| !password.is_empty() && !password.iter().any(u8::is_ascii_control))
        .parse(input)
}

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response]` (RFC 5034 §5)
fn auth(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let rule = (preceded(space1, sasl_mech), opt(preceded(space1, initial_response)));
    let (behind, (mechanism, initial)) = expect(rule, arguments, "AUTH MECHANISM [initial-response]")?;
    Ok((behind, Command::Auth { mechanism, initial: initial.map(InitialResponse) }))
}

/// `sasl-mech = 1*20mech-char` (RFC 4422 §3.1)
fn sasl_mech(input: &[u8]) -> Parsed<'_, &str> {
    let mech_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    map(verify(take_while1(mech_char), |name: &[u8]| name.len() <= 20), text).parse(input)
}

/// `initial-response = base64 / "="` (RFC 5034 §5); whether it is base64 is told when it is decoded
fn initial_response(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte != b' ').parse(input)
}

/// `list = "LIST" [SP msg] CRLF` (RFC 1939 §5)
fn list(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    optional_msg(arguments, "LIST [message]").map(|(behind, msg)| (behind, Command::List(msg)))
}

/// `uidl = "UIDL" [SP msg] CRLF` (RFC 1939 §7)
fn uidl(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    optional_msg(arguments, "UIDL [message]").map(|(behind, msg)| (behind, Command::Uidl(msg)))
}

/// `retr = "RETR" SP msg CRLF` (RFC 1939 §5)
fn retr(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let (behind, msg) = expect(preceded(space1, number), arguments, "RETR message")?;
    Ok((behind, Command::Retr(msg)))
}

/// `dele = "DELE" SP msg CRLF` (RFC 1939 §5)
fn dele(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let (behind, msg) = expect(preceded(space1, number), arguments, "DELE message")?;
    Ok((behind, Command::Dele(msg)))
}

/// `top = "TOP" SP msg SP n CRLF` (RFC 1939 §7)
fn top(arguments: &[u8]) -> Parsed<'_, Command<'_>> {
    let rule = (preceded(space1, number), preceded(space1, number));
    let (behind, (msg, lines)) = expect(rule, arguments, "TOP message lines")?;
    Ok((behind, Command::Top(msg, lines)))
}

/// `[SP msg]`
fn optional_msg<'a>(arguments: &'a [u8], what: &'static str) -> Parsed<'a, Option<u64>> {
    if arguments.trim_ascii().is_empty() {
        return Ok((&[], None));
    }
    let (behind, msg) = expect(preceded(space1, number), arguments, what)?;
    Ok((behind, Some(msg)))
}

/// `1*DIGIT`, base 10 (RFC 1939 §4). It never wraps: a number beyond `u64` is its maximum.
fn number(input: &[u8]) -> Parsed<'_, u64> {
    let add = |total: u64, digit: &u8| total.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    map(digit1, |digits: &[u8]| digits.iter().fold(0, add)).parse(input)
}

/// A keyword without an argument. Blanks at the end are forgiven.
fn alone<'a>(arguments: &'a [u8], command: Command<'a>, what: &'static str) -> Parsed<'a, Command<'a>> {
    let (behind, _) = space0(arguments)?;
    if behind.is_empty() { Ok((behind, command)) } else { Err(nom::Err::Failure(CommandError::Syntax(what))) }
}

/// Of octets that a rule has found to be ASCII.
fn text(ascii: &[u8]) -> &str {
    str::from_utf8(ascii).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        match Command::parse(line.as_bytes()) {
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn lines_are_commands_or_said_not_to_be() {
        for (line, expected) in [
            ("USER mrose", "User(\"mrose\")"),
            ("user mrose@example.org ", "User(\"mrose@example.org\")"),
            ("USER", "! syntax error, expected: USER name"),
            ("USER ", "! syntax error, expected: USER name"),
            ("USER a b", "! syntax error, expected: the end of the line"),
            ("USER ü", "! syntax error, expected: USER name"),
            ("USER \u{1b}[2J", "! syntax error, expected: USER name"),
            ("PASS secret", "Pass(Password(..))"),
            ("PASS", "! syntax error, expected: PASS password"),
            ("PASS ", "! syntax error, expected: PASS password"),
            ("PASS a\0b", "! syntax error, expected: PASS password"),
            ("PASS a\rb", "! syntax error, expected: PASS password"),
            ("PASSsecret", "! unknown command"),
            ("AUTH PLAIN", "Auth { mechanism: \"PLAIN\", initial: None }"),
            ("auth plain =", "Auth { mechanism: \"plain\", initial: Some(InitialResponse(..)) }"),
            ("AUTH PLAIN a b", "! syntax error, expected: the end of the line"),
            ("AUTH", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("AUTH ABCDEFGHIJKLMNOPQRSTU", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("STLS", "Stls"),
            ("STLS now", "! syntax error, expected: STLS alone"),
            ("capa", "Capa"),
            ("CAPA  ", "Capa"),
            ("CAPA x", "! syntax error, expected: CAPA alone"),
            ("STAT", "Stat"),
            ("STAT 1", "! syntax error, expected: STAT alone"),
            ("LIST", "List(None)"),
            ("LIST ", "List(None)"),
            ("LIST 1", "List(Some(1))"),
            ("LIST 007 ", "List(Some(7))"),
            ("LIST x", "! syntax error, expected: LIST [message]"),
            ("LIST 1 2", "! syntax error, expected: the end of the line"),
            ("UIDL", "Uidl(None)"),
            ("UIDL 2", "Uidl(Some(2))"),
            ("RETR 1", "Retr(1)"),
            ("RETR 0", "Retr(0)"),
            ("RETR 4294967297", "Retr(4294967297)"),
            ("RETR 18446744073709551615", "Retr(18446744073709551615)"),
            ("RETR 18446744073709551616", "Retr(18446744073709551615)"),
            ("RETR 10000000000000000000000", "Retr(18446744073709551615)"),
            ("RETR -1", "! syntax error, expected: RETR message"),
            ("RETR +1", "! syntax error, expected: RETR message"),
            ("RETR 1.0", "! syntax error, expected: the end of the line"),
            ("RETR 0x1", "! syntax error, expected: the end of the line"),
            ("RETR ١", "! syntax error, expected: RETR message"),
            ("RETR", "! syntax error, expected: RETR message"),
            ("RETR1", "! syntax error, expected: RETR message"),
            ("TOP 1 0", "Top(1, 0)"),
            ("top 1 10", "Top(1, 10)"),
            ("TOP 1 10000000000000000000000", "Top(1, 18446744073709551615)"),
            ("TOP 1", "! syntax error, expected: TOP message lines"),
            ("TOP 1 -1", "! syntax error, expected: TOP message lines"),
            ("TOP 1 2 3", "! syntax error, expected: the end of the line"),
            ("DELE 1", "Dele(1)"),
            ("DELE", "! syntax error, expected: DELE message"),
            ("RSET", "Rset"),
            ("NOOP", "Noop"),
            ("NOOP x", "! syntax error, expected: NOOP alone"),
            ("QUIT", "Quit"),
            ("QUIT ", "Quit"),
            ("APOP mrose c4c9334bac560ecc979e58001b3e22fb", "! unknown command"),
            ("", "! unknown command"),
            (" NOOP", "! unknown command"),
            ("NOOPS", "! unknown command"),
            ("GET / HTTP/1.1", "! unknown command"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn passwords_are_taken_as_they_are() {
        for password in [&b"secret"[..], b" two  blanks ", b"\xfc\xff", b"PASS"] {
            let line = [b"pass ", password].concat();
            assert_eq!(Command::parse(&line), Ok(Command::Pass(Password(password))));
        }
    }

    mailwright_core::properties! {
        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn any_arguments_are_read_or_refused(
            keyword in prop::sample::select(vec!["USER", "PASS ", "AUTH ", "LIST ", "TOP ", "TOP 1 ", "RETR "]),
            rest in "[ -~]{0,40}",
        ) {
            let _ = Command::parse(format!("{keyword}{rest}").as_bytes());
        }

        #[test]
        fn any_number_is_read_as_it_is(number in any::<u64>(), zeros in 0..30usize) {
            let line = format!("RETR {}{number}", "0".repeat(zeros));
            prop_assert_eq!(Command::parse(line.as_bytes()), Ok(Command::Retr(number)));
        }
    }
}
