//! APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 6855 §4), whose messages are streamed: only what stands before each is
//! read here.

use nom::Parser;
use nom::bytes::complete::{tag, tag_no_case};
use nom::character::complete::char;
use nom::combinator::{eof, opt};
use nom::sequence::{delimited, preceded, terminated};

use super::ast::AppendHead;
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{
    Parsed, command_tag, date_time, expect, fault, flag_list, is_blank, keyword, literal_size, mailbox,
    number64, sp,
};

/// What the literal is for that the prefix of a command announces at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// It is part of the command, which can be read when it is there.
    Argument,
    /// It is the message of an APPEND.
    Message {
        /// The command's tag.
        tag: String,
        /// What is said of it.
        head: AppendHead,
    },
    /// The command is none already.
    Invalid {
        /// The command's tag, if it has one.
        tag: Option<String>,
        /// Why.
        error: CommandError,
    },
}

/// What the literal is for that `prefix` announces: it ends with the announcement and its CRLF.
///
/// ```
/// use mailwright_imap::{Announced, Grammar, append_head};
///
/// let grammar = Grammar::default();
/// let Announced::Message { tag, head } = append_head(b"a1 APPEND Sent (\\Seen) {310}\r\n", &grammar) else {
///     unreachable!()
/// };
/// assert_eq!((tag.as_str(), head.mailbox.as_deref(), head.flags.len()), ("a1", Some("Sent"), 1));
/// assert_eq!(append_head(b"a2 LOGIN {4}\r\n", &grammar), Announced::Argument);
/// ```
pub fn append_head(prefix: &[u8], grammar: &Grammar) -> Announced {
    let Ok((rest, tag)) = terminated(command_tag, sp).parse(prefix) else {
        return Announced::Invalid { tag: None, error: CommandError::NoTag };
    };
    let rest = match keyword(rest) {
        Ok((rest, name)) if name.as_bytes() == b"APPEND" => rest,
        _ => return Announced::Argument,
    };
    // The mailbox name itself is announced: it would be read as one of no octets.
    if preceded(sp, literal_size).parse(rest).is_ok_and(|(behind, _)| behind.is_empty()) {
        return Announced::Argument;
    }
    match append(rest, grammar) {
        Ok((_, head)) => Announced::Message { tag: tag.to_owned(), head },
        Err(error) => Announced::Invalid { tag: Some(tag.to_owned()), error: fault(error) },
    }
}

/// What is said of a further message of an APPEND (RFC 3502): `prefix` is what follows the last message, up to the
/// announcement of the next one and its CRLF. `in_utf8` if the last [`AppendHead`] was [`utf8`](AppendHead::utf8).
///
/// # Errors
/// If it is something else.
pub fn append_next(prefix: &[u8], in_utf8: bool, grammar: &Grammar) -> Result<AppendHead, CommandError> {
    let (rest, ()) = utf8_end(prefix, in_utf8).map_err(fault)?;
    let (_, head) = append_message(rest, grammar).map_err(fault)?;
    Ok(head)
}

/// Whether an APPEND ends as it should: `line` is what follows its last message, CRLF included. `in_utf8` if the
/// last [`AppendHead`] was [`utf8`](AppendHead::utf8).
///
/// # Errors
/// If it does not.
pub fn append_end(line: &[u8], in_utf8: bool) -> Result<(), CommandError> {
    let (rest, ()) = utf8_end(line, in_utf8).map_err(fault)?;
    let rest = rest.strip_suffix(b"\r\n").unwrap_or(rest);
    if is_blank(rest) { Ok(()) } else { Err(CommandError::Syntax("the end of APPEND, or another message")) }
}

/// `append = "APPEND" SP mailbox 1*append-message` (RFC 3502), up to the first message
fn append<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, AppendHead> {
    let (rest, mailbox) = expect(preceded(sp, mailbox(grammar)), "APPEND mailbox")(rest)?;
    let (rest, head) = append_message(rest, grammar)?;
    Ok((rest, AppendHead { mailbox: Some(mailbox), ..head }))
}

/// `append-message = [SP flag-list] [SP date-time] SP literal`, where it ends before the literal's octets
fn append_message<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, AppendHead> {
    const WHAT: &str = "[(flags)] [\"date-time\"] {size}";
    let rule = (
        opt(preceded(sp, flag_list(grammar))),
        opt(preceded(sp, date_time)),
        delimited(sp, utf8_begin, (announcement, eof)),
    );
    let (rest, (flags, date, utf8)) = expect(rule, WHAT)(rest)?;
    Ok((rest, AppendHead { mailbox: None, flags: flags.unwrap_or_default(), date, utf8 }))
}

/// `"{" number64 ["+"] "}" CRLF`, of a literal or of a literal8 (RFC 4466 §3)
fn announcement(input: &[u8]) -> Parsed<'_, u64> {
    let end = (char('}'), tag(&b"\r\n"[..]));
    delimited((opt(char('~')), char('{')), number64, (opt(char('+')), end)).parse(input)
}

/// `"UTF8" SP "("` (RFC 6855 §4), if it is there
fn utf8_begin(input: &[u8]) -> Parsed<'_, bool> {
    let (rest, begin) = opt(tag_no_case(&b"UTF8 ("[..])).parse(input)?;
    Ok((rest, begin.is_some()))
}

/// `")"`, after a message in `UTF8 (`
fn utf8_end(input: &[u8], in_utf8: bool) -> Parsed<'_, ()> {
    if !in_utf8 {
        return Ok((input, ()));
    }
    let (rest, _) = expect(char(')'), ") after UTF8 (")(input)?;
    Ok((rest, ()))
}
