//! Commands and their grammar (RFC 5321 §4.1.1), over one complete line.

use std::borrow::Cow;
use std::str;

use mailwright_core::{ForwardPath, InvalidAddress, ReversePath};
use nom::bytes::complete::{tag_no_case, take_while1};
use nom::character::complete::{char, space0, space1};
use nom::combinator::{opt, verify};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};
use thiserror::Error;

/// A command, as one line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `EHLO`: the client, which speaks ESMTP, gives its name.
    Ehlo(&'a str),
    /// `HELO`: the client gives its name.
    Helo(&'a str),
    /// `MAIL FROM`: a transaction begins.
    Mail(ReversePath, MailParams),
    /// `RCPT TO`: a recipient more.
    Rcpt(ForwardPath, RcptParams),
    /// `DATA`: the content follows.
    Data,
    /// `RSET`: the transaction is forgotten.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY`: is there such a mailbox?
    Vrfy,
    /// `EXPN`: who is on this list?
    Expn,
    /// `HELP`.
    Help,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth {
        /// The SASL mechanism's name, in the client's spelling.
        mechanism: &'a str,
        /// What the client says first, if it does.
        initial: Option<InitialResponse<'a>>,
    },
}

/// The `initial-response` of AUTH (RFC 4954 §4), still in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InitialResponse<'a>(pub &'a [u8]);

impl std::fmt::Debug for InitialResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitialResponse(..)")
    }
}

/// The parameters of MAIL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailParams {
    /// `SIZE`: the octets that the client announces (RFC 1870 §6). A number beyond `u64` is its maximum.
    pub size: Option<u64>,
    /// `BODY` (RFC 6152).
    pub body: Option<Body>,
    /// `AUTH`: on whose behalf the client, if it is trusted, says to send; empty for `<>` (RFC 4954 §5).
    pub auth: Option<String>,
}

/// The parameters of RCPT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RcptParams {}

/// What octets the content may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// `7BIT`.
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
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
    /// A parameter that was not offered.
    #[error("unknown parameter")]
    UnknownParameter,
    /// A parameter with a value that it cannot have, or given twice.
    #[error("bad value of the parameter {0}")]
    Parameter(&'static str),
}

impl<'a> Command<'a> {
    /// Reads a line, given without its CRLF.
    ///
    /// ```
    /// use mailwright_smtp::Command;
    ///
    /// let command = Command::parse(b"mail FROM:<ann@example.org> SIZE=1000")?;
    /// let Command::Mail(from, params) = command else { unreachable!() };
    /// assert_eq!((from.to_string().as_str(), params.size), ("<ann@example.org>", Some(1000)));
    /// # Ok::<_, mailwright_smtp::CommandError>(())
    /// ```
    ///
    /// # Errors
    /// [`CommandError`], of which each has its own reply.
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError> {
        let (verb, rest) = line.split_first_chunk().ok_or(CommandError::Unknown)?;
        let (after, command) = match Verb::from_be_bytes(*verb) & UPPER {
            _ if rest.first().is_some_and(u8::is_ascii_alphabetic) => start_tls(line),
            MAIL => mail(rest),
            RCPT => rcpt(rest),
            EHLO => ehlo(rest),
            HELO => helo(rest),
            DATA => alone(rest, Self::Data, "DATA alone"),
            RSET => alone(rest, Self::Rset, "RSET alone"),
            QUIT => alone(rest, Self::Quit, "QUIT alone"),
            AUTH => auth(rest),
            NOOP => with_string(rest, Self::Noop),
            HELP => with_string(rest, Self::Help),
            VRFY => with_string(rest, Self::Vrfy),
            EXPN => with_string(rest, Self::Expn),
            _ => return Err(CommandError::Unknown),
        }
        .map_err(fault)?;
        if after.is_empty() { Ok(command) } else { Err(CommandError::Syntax("the end of the line")) }
    }
}

/// A verb as a number, so that its letters are compared at once: all but one have four.
type Verb = u32;

/// Makes upper case of letters, and letters of nothing else.
const UPPER: Verb = Verb::from_be_bytes([!0x20; 4]);

const MAIL: Verb = Verb::from_be_bytes(*b"MAIL");
const RCPT: Verb = Verb::from_be_bytes(*b"RCPT");
const EHLO: Verb = Verb::from_be_bytes(*b"EHLO");
const HELO: Verb = Verb::from_be_bytes(*b"HELO");
const DATA: Verb = Verb::from_be_bytes(*b"DATA");
const RSET: Verb = Verb::from_be_bytes(*b"RSET");
const QUIT: Verb = Verb::from_be_bytes(*b"QUIT");
const AUTH: Verb = Verb::from_be_bytes(*b"AUTH");
const NOOP: Verb = Verb::from_be_bytes(*b"NOOP");
const HELP: Verb = Verb::from_be_bytes(*b"HELP");
const VRFY: Verb = Verb::from_be_bytes(*b"VRFY");
const EXPN: Verb = Verb::from_be_bytes(*b"EXPN");

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

/// Makes it an error of this kind that `rule` does not match.
fn expect<'a, T>(
    mut rule: impl Parser<&'a [u8], Output = T, Error = CommandError>,
    what: &'static str,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |input| rule.parse(input).map_err(|_| nom::Err::Failure(CommandError::Syntax(what)))
}

/// `ehlo = "EHLO" SP ( Domain / address-literal ) CRLF`
fn ehlo(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    client_name(rest).map(|(rest, name)| (rest, Command::Ehlo(name)))
}

/// `helo = "HELO" SP Domain CRLF`
fn helo(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    client_name(rest).map(|(rest, name)| (rest, Command::Helo(name)))
}

/// What stands for the client's domain: any printable ASCII without blanks, since many clients have no domain
/// and RFC 5321 §4.1.4 forbids to refuse mail for that. At most 255 octets (§4.5.3.1.2).
fn client_name(rest: &[u8]) -> Parsed<'_, &str> {
    let name = verify(take_while1(|byte: u8| byte.is_ascii_graphic()), |name: &[u8]| name.len() <= 255);
    let (rest, (_, name, _)) = expect((space1, name, space0), "the client's domain")(rest)?;
    Ok((rest, str::from_utf8(name).unwrap_or_default()))
}

/// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`, with a blank behind the colon as of old
fn mail(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    let (rest, _) = expect((space1, tag_no_case(&b"FROM:"[..]), space0), "MAIL FROM:<address>")(rest)?;
    let (path, rest) = ReversePath::take(rest).map_err(|why| nom::Err::Failure(CommandError::Sender(why)))?;
    let mut params = MailParams::default();
    let rest = each_parameter(rest, |keyword, value| {
        if keyword.eq_ignore_ascii_case(b"SIZE") {
            set(&mut params.size, value.and_then(size_value), "SIZE")
        } else if keyword.eq_ignore_ascii_case(b"BODY") {
            set(&mut params.body, value.and_then(body_value), "BODY")
        } else if keyword.eq_ignore_ascii_case(b"AUTH") {
            set(&mut params.auth, value.and_then(auth_value), "AUTH")
        } else {
            Err(CommandError::UnknownParameter)
        }
    })?;
    Ok((rest, Command::Mail(path, params)))
}

/// `rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF`
fn rcpt(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    let (rest, _) = expect((space1, tag_no_case(&b"TO:"[..]), space0), "RCPT TO:<address>")(rest)?;
    let (path, rest) =
        ForwardPath::take(rest).map_err(|why| nom::Err::Failure(CommandError::Recipient(why)))?;
    let rest = each_parameter(rest, |_, _| Err(CommandError::UnknownParameter))?;
    Ok((rest, Command::Rcpt(path, RcptParams {})))
}

fn set<T>(slot: &mut Option<T>, value: Option<T>, name: &'static str) -> Result<(), CommandError> {
    match value {
        Some(value) if slot.is_none() => {
            *slot = Some(value);
            Ok(())
        }
        _ => Err(CommandError::Parameter(name)),
    }
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`
fn each_parameter<'a>(
    mut rest: &'a [u8],
    mut take: impl FnMut(&'a [u8], Option<&'a [u8]>) -> Result<(), CommandError>,
) -> Result<&'a [u8], nom::Err<CommandError>> {
    loop {
        let (after_blank, blank) = space0(rest)?;
        if after_blank.is_empty() {
            return Ok(after_blank);
        }
        if blank.is_empty() {
            return Err(nom::Err::Failure(CommandError::Syntax(
                "parameters as KEYWORD=value, after a blank",
            )));
        }
        let (after, (keyword, value)) = expect(esmtp_param, "KEYWORD=value")(after_blank)?;
        take(keyword, value).map_err(nom::Err::Failure)?;
        rest = after;
    }
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`
fn esmtp_param(input: &[u8]) -> Parsed<'_, (&[u8], Option<&[u8]>)> {
    pair(esmtp_keyword, opt(preceded(char('='), esmtp_value))).parse(input)
}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
fn esmtp_keyword(input: &[u8]) -> Parsed<'_, &[u8]> {
    let keyword = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'-');
    verify(keyword, |keyword: &[u8]| !keyword.starts_with(b"-")).parse(input)
}

/// `esmtp-value = 1*(%d33-60 / %d62-126)`
fn esmtp_value(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte| matches!(byte, 33..=60 | 62..=126)).parse(input)
}

/// `size-value = 1*20DIGIT` (RFC 1870 §4)
fn size_value(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 20 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |total: u64, byte: &u8| total.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(value.iter().fold(0, digit))
}

/// `body-value = "7BIT" / "8BITMIME"` (RFC 6152 §2)
fn body_value(value: &[u8]) -> Option<Body> {
    if value.eq_ignore_ascii_case(b"7BIT") {
        Some(Body::SevenBit)
    } else if value.eq_ignore_ascii_case(b"8BITMIME") {
        Some(Body::EightBitMime)
    } else {
        None
    }
}

/// An `xtext` mailbox, or `<>` (RFC 4954 §5)
fn auth_value(value: &[u8]) -> Option<String> {
    if value == b"<>" {
        return Some(String::new());
    }
    let decoded = xtext(value)?;
    (!decoded.chars().any(char::is_control)).then(|| decoded.into_owned())
}

/// `xtext = *( xchar / hexchar )` (RFC 3461 §4)
fn xtext(value: &[u8]) -> Option<Cow<'_, str>> {
    if !value.contains(&b'+') {
        return str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'+' {
            let (hex, after_hex) = after.split_at_checked(2)?;
            if !hex.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')) {
                return None;
            }
            decoded.push(u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?);
            rest = after_hex;
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// A verb without an argument. Blanks at the end are forgiven.
fn alone<'a>(rest: &'a [u8], command: Command<'a>, what: &'static str) -> Parsed<'a, Command<'a>> {
    let (rest, _) = space0(rest)?;
    if rest.is_empty() { Ok((rest, command)) } else { Err(nom::Err::Failure(CommandError::Syntax(what))) }
}

/// `starttls = "STARTTLS" CRLF` (RFC 3207 §4), the one verb of more than four letters
fn start_tls(line: &[u8]) -> Parsed<'_, Command<'_>> {
    match line.split_at_checked("STARTTLS".len()) {
        Some((verb, rest))
            if verb.eq_ignore_ascii_case(b"STARTTLS")
                && !rest.first().is_some_and(u8::is_ascii_alphabetic) =>
        {
            alone(rest, Command::StartTls, "STARTTLS alone")
        }
        _ => Err(nom::Err::Failure(CommandError::Unknown)),
    }
}

/// `[ SP String ]`, of which the machine makes nothing
fn with_string<'a>(rest: &'a [u8], command: Command<'a>) -> Parsed<'a, Command<'a>> {
    if rest.is_empty() || rest.starts_with(b" ") {
        Ok((&[], command))
    } else {
        Err(nom::Err::Failure(CommandError::Unknown))
    }
}

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response]` (RFC 4954 §8)
fn auth(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    const WHAT: &str = "AUTH MECHANISM [initial-response]";
    let (rest, mechanism) = expect(preceded(space1, sasl_mech), WHAT)(rest)?;
    let (rest, initial) = opt(preceded(space1, base64_text)).parse(rest)?;
    let (rest, _) = space0(rest)?;
    let mechanism = str::from_utf8(mechanism).unwrap_or_default();
    Ok((rest, Command::Auth { mechanism, initial: initial.map(InitialResponse) }))
}

/// `sasl-mech = 1*20mech-char` (RFC 4422 §3.1)
fn sasl_mech(input: &[u8]) -> Parsed<'_, &[u8]> {
    let mech_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    verify(take_while1(mech_char), |name: &[u8]| name.len() <= 20).parse(input)
}

/// `initial-response = base64 / "="`; whether it is base64 is told when it is decoded
fn base64_text(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte != b' ').parse(input)
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
            ("EHLO c.example", "Ehlo(\"c.example\")"),
            ("ehlo [192.0.2.1] ", "Ehlo(\"[192.0.2.1]\")"),
            ("HELO WIN_PC", "Helo(\"WIN_PC\")"),
            ("EHLO", "! syntax error, expected: the client's domain"),
            ("EHLO a b", "! syntax error, expected: the end of the line"),
            ("EHLO \u{1b}[2J", "! syntax error, expected: the client's domain"),
            ("MAIL FROM:<>", "Mail(<>, MailParams { size: None, body: None, auth: None })"),
            (
                "mail from: <a@b> size=10 BODY=8bitmime AUTH=e+3Dmc2@example.com",
                "Mail(<a@b>, MailParams { size: Some(10), body: Some(EightBitMime), \
                 auth: Some(\"e=mc2@example.com\") })",
            ),
            (
                "MAIL FROM:<a@b> AUTH=<>",
                "Mail(<a@b>, MailParams { size: None, body: None, auth: Some(\"\") })",
            ),
            ("MAIL FROM:<a@b> AUTH=a+0Ab", "! bad value of the parameter AUTH"),
            ("MAIL FROM:<a@b> AUTH=a+zz", "! bad value of the parameter AUTH"),
            ("MAIL FROM:a@b", "! bad sender address: the address does not follow RFC 5321"),
            ("MAIL FROM:<ü@b>", "! bad sender address: the address is not ASCII"),
            ("MAIL <a@b>", "! syntax error, expected: MAIL FROM:<address>"),
            ("MAILFROM:<a@b>", "! unknown command"),
            ("MAIL FROM:<a@b>SIZE=1", "! syntax error, expected: parameters as KEYWORD=value, after a blank"),
            ("MAIL FROM:<a@b> SIZE", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=-1", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=0x10", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=1", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=999999999999999999999", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> BODY=9BIT", "! bad value of the parameter BODY"),
            ("MAIL FROM:<a@b> RET=HDRS", "! unknown parameter"),
            ("RCPT TO:<postmaster>", "Rcpt(<Postmaster>, RcptParams)"),
            ("RCPT TO:<@x,@y:a@b>", "Rcpt(<a@b>, RcptParams)"),
            ("RCPT TO:<a@b> NOTIFY=NEVER", "! unknown parameter"),
            ("RCPT TO:<>", "! bad recipient address: the address does not follow RFC 5321"),
            ("DATA", "Data"),
            ("data  ", "Data"),
            ("DATA x", "! syntax error, expected: DATA alone"),
            ("RSET", "Rset"),
            ("NOOP whatever \u{7f}", "Noop"),
            ("NOOP1", "! unknown command"),
            ("VRFY ann", "Vrfy"),
            ("EXPN list", "Expn"),
            ("HELP", "Help"),
            ("QUIT", "Quit"),
            ("STARTTLS", "StartTls"),
            ("AUTH PLAIN", "Auth { mechanism: \"PLAIN\", initial: None }"),
            ("AUTH PLAIN  ", "Auth { mechanism: \"PLAIN\", initial: None }"),
            ("AUTH PLAIN =", "Auth { mechanism: \"PLAIN\", initial: Some(InitialResponse(..)) }"),
            ("AUTH PLAIN a b", "! syntax error, expected: the end of the line"),
            ("AUTH", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("AUTH \u{1b}", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("", "! unknown command"),
            ("GET / HTTP/1.1", "! unknown command"),
            ("ABCDEFGHIJKLMNOP", "! unknown command"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
        let huge = Command::parse(b"MAIL FROM:<a@b> SIZE=18446744073709551617");
        assert!(matches!(huge, Ok(Command::Mail(_, MailParams { size: Some(u64::MAX), .. }))));
    }

    mailwright_core::properties! {
        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn any_arguments_are_read_or_refused(
            verb in prop::sample::select(vec!["MAIL FROM:", "RCPT TO:", "AUTH ", "EHLO ", "MAIL FROM:<a@b> "]),
            rest in "[ -~]{0,40}",
        ) {
            let _ = Command::parse(format!("{verb}{rest}").as_bytes());
        }
    }
}
