//! LOGIN, AUTHENTICATE, ID and ENABLE.

use mailwright_core::Secret;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::{map, value};
use nom::multi::separated_list0;
use nom::sequence::{delimited, preceded, separated_pair};

use super::ast::{Command, InitialResponse};
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{Parsed, astring, atom, expect, failure, more, nil, nstring, sp, string};

/// `login = "LOGIN" SP userid SP password`
pub(super) fn login(rest: &[u8]) -> Parsed<'_, Command> {
    let rule = (preceded(sp, astring), preceded(sp, astring));
    let (rest, (user, password)) = expect(rule, "LOGIN user password")(rest)?;
    match String::from_utf8(user.into_owned()) {
        Ok(user) => Ok((rest, Command::Login { user, password: Secret::new(password.into_owned()) })),
        Err(_) => failure(CommandError::Syntax("a user name in UTF-8")),
    }
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")]` (RFC 4959 §7)
pub(super) fn authenticate(rest: &[u8]) -> Parsed<'_, Command> {
    let (rest, mechanism) = expect(preceded(sp, atom), "AUTHENTICATE mechanism")(rest)?;
    let mechanism = mechanism.to_ascii_uppercase();
    let Some(behind) = more(rest) else {
        return Ok((rest, Command::Authenticate { mechanism, initial: None }));
    };
    let (rest, initial) = expect(initial_resp, "an initial response in base64")(behind)?;
    Ok((rest, Command::Authenticate { mechanism, initial: Some(initial) }))
}

/// `initial-resp = base64 / "="`; whether it is base64 is told when it is decoded
fn initial_resp(input: &[u8]) -> Parsed<'_, InitialResponse> {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let response = |octets: &[u8]| match octets {
        b"=" => InitialResponse::Empty,
        octets => InitialResponse::Base64(Secret::from(octets)),
    };
    map(take_while1(is_base64), response).parse(input)
}

/// `id = "ID" SPACE id_params_list` (RFC 2971 §4)
pub(super) fn id(rest: &[u8]) -> Parsed<'_, Command> {
    let (rest, pairs) = expect(preceded(sp, id_params_list), r#"ID NIL or ID ("name" "value" ...)"#)(rest)?;
    Ok((rest, Command::Id(pairs)))
}

/// `id_params_list = "(" #(string SPACE nstring) ")" / nil`
fn id_params_list(input: &[u8]) -> Parsed<'_, Vec<(String, Option<String>)>> {
    // RFC 2971 §3.3: no more than 30 pairs, names of 30 octets, values of 1,024.
    const PAIRS: usize = 30;
    const NAME: usize = 30;
    const VALUE: usize = 1024;
    let mut pairs = Vec::new();
    let each = |input| {
        let (rest, (name, value)) = separated_pair(string, sp, nstring).parse(input)?;
        if pairs.len() == PAIRS {
            return failure(CommandError::TooMany("fields in ID: 30 are allowed"));
        }
        if name.len() > NAME || value.as_ref().is_some_and(|value| value.len() > VALUE) {
            return failure(CommandError::Syntax(
                "ID with names of at most 30 octets, values of at most 1024",
            ));
        }
        pairs.push((shown(&name), value.map(|value| shown(&value))));
        Ok((rest, ()))
    };
    let list = delimited(char('('), separated_list0(sp, each), char(')'));
    let (rest, _) = alt((value((), list), nil)).parse(input)?;
    Ok((rest, pairs))
}

/// As it may stand in a log.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(char::is_control, "\u{fffd}")
}

/// `enable = "ENABLE" 1*(SP capability)` (RFC 5161 §4)
pub(super) fn enable<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let mut names = Vec::new();
    let mut rest = rest;
    while let Some(behind) = more(rest) {
        let (behind, name) = expect(capability, "ENABLE capability ...")(behind)?;
        if names.len() == grammar.limits.list_items {
            return failure(CommandError::TooMany("capabilities"));
        }
        names.push(name.to_ascii_uppercase());
        rest = behind;
    }
    if names.is_empty() {
        return failure(CommandError::Syntax("ENABLE capability ..."));
    }
    Ok((rest, Command::Enable(names)))
}

/// `capability = ("AUTH=" auth-type) / atom`
fn capability(input: &[u8]) -> Parsed<'_, &str> {
    // An atom may have "=" in it.
    atom(input)
}
