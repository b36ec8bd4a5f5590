//! What commands are made of: words, numbers, strings, names, dates.

use std::borrow::Cow;
use std::str;

use memchr::memchr2;
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while_m_n, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, map_opt, opt, value};
use nom::multi::separated_list0;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

use super::error::CommandError;
use super::grammar::Grammar;
use crate::types::{Date, DateTime, Flag};
use crate::utf7::decode_mailbox;

pub(super) type Parsed<'a, T> = IResult<&'a [u8], T, CommandError>;

/// What no alternative can help.
pub(super) fn failure<T>(error: CommandError) -> Result<T, nom::Err<CommandError>> {
    Err(nom::Err::Failure(error))
}

/// Another alternative may match.
pub(super) fn no_match<'a, T>(what: &'static str) -> Parsed<'a, T> {
    Err(nom::Err::Error(CommandError::Syntax(what)))
}

pub(super) fn fault(error: nom::Err<CommandError>) -> CommandError {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        nom::Err::Incomplete(_) => CommandError::Syntax("a whole command"),
    }
}

/// Makes it an error of this kind that `rule` does not match.
pub(super) fn expect<'a, T>(
    mut rule: impl Parser<&'a [u8], Output = T, Error = CommandError>,
    what: &'static str,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |input| {
        rule.parse(input).map_err(|error| match error {
            nom::Err::Failure(_) => error,
            _ => nom::Err::Failure(CommandError::Syntax(what)),
        })
    }
}

/// `SP` and something behind it. Blanks at the end of a command are forgiven.
pub(super) fn more(input: &[u8]) -> Option<&[u8]> {
    let behind = input.strip_prefix(b" ")?;
    if is_blank(behind) { None } else { Some(behind) }
}

pub(super) fn is_blank(rest: &[u8]) -> bool {
    rest.iter().all(|&byte| byte == b' ')
}

/// `SP`
pub(super) fn sp(input: &[u8]) -> Parsed<'_, char> {
    char(' ').parse(input)
}

// Classes of octets.
const ATOM: u8 = 1;
const ASTRING: u8 = 2;
const LIST: u8 = 4;
const TAG: u8 = 8;
const WORD: u8 = 16;

/// RFC 9051 §9: ATOM-CHAR, ASTRING-CHAR, list-char, the octets of a tag, and those of our keywords.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        let mut class = match byte {
            b'(' | b')' | b'{' | b'"' | b'\\' => 0,
            b'%' | b'*' => LIST,
            b']' => ASTRING | LIST | TAG,
            b'+' => ATOM | ASTRING | LIST,
            _ => ATOM | ASTRING | LIST | TAG,
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') {
            class |= WORD;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; an octet is below 256")]
        {
            classes[byte as usize] = class;
        }
        byte += 1;
    }
    classes
};

fn is(class: u8) -> impl Fn(u8) -> bool {
    move |byte| CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// Of octets that a rule has found to be ASCII.
pub(super) fn text(ascii: &[u8]) -> &str {
    str::from_utf8(ascii).unwrap_or_default()
}

/// `tag = 1*<any ASTRING-CHAR except "+">`
pub(super) fn command_tag(input: &[u8]) -> Parsed<'_, &str> {
    map(take_while1(is(TAG)), text).parse(input)
}

/// `atom = 1*ATOM-CHAR`
pub(super) fn atom(input: &[u8]) -> Parsed<'_, &str> {
    map(take_while1(is(ATOM)), text).parse(input)
}

/// A keyword of the grammar, in capitals.
pub(super) struct Keyword {
    letters: [u8; Self::MAX],
    len: usize,
}

impl Keyword {
    /// The longest is `HEADER.FIELDS.NOT`.
    const MAX: usize = 17;

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.letters.get(..self.len).unwrap_or_default()
    }
}

/// A word of letters, digits, `-` and `.`
pub(super) fn keyword(input: &[u8]) -> Parsed<'_, Keyword> {
    let is_word = is(WORD);
    let (mut letters, mut len) = ([0; Keyword::MAX], 0);
    for (letter, &byte) in letters.iter_mut().zip(input).take_while(|(_, byte)| is_word(**byte)) {
        *letter = byte.to_ascii_uppercase();
        len += 1;
    }
    let (_, rest) = input.split_at_checked(len).unwrap_or_default();
    if len == 0 || rest.first().is_some_and(|&byte| is_word(byte)) {
        return no_match("a word of the grammar");
    }
    Ok((rest, Keyword { letters, len }))
}

/// `astring = 1*ASTRING-CHAR / string`
pub(super) fn astring(input: &[u8]) -> Parsed<'_, Cow<'_, [u8]>> {
    match input.first() {
        Some(b'"' | b'{') => string(input),
        _ => map(take_while1(is(ASTRING)), Cow::Borrowed).parse(input),
    }
}

/// `list-mailbox = 1*list-char / string`
pub(super) fn list_mailbox(input: &[u8]) -> Parsed<'_, Cow<'_, [u8]>> {
    match input.first() {
        Some(b'"' | b'{') => string(input),
        _ => map(take_while1(is(LIST)), Cow::Borrowed).parse(input),
    }
}

/// `string = quoted / literal`
pub(super) fn string(input: &[u8]) -> Parsed<'_, Cow<'_, [u8]>> {
    alt((quoted, map(literal, Cow::Borrowed))).parse(input)
}

/// `nstring = string / nil`
pub(super) fn nstring(input: &[u8]) -> Parsed<'_, Option<Cow<'_, [u8]>>> {
    alt((map(string, Some), value(None, nil))).parse(input)
}

/// `nil = "NIL"`
pub(super) fn nil(input: &[u8]) -> Parsed<'_, ()> {
    match keyword(input) {
        Ok((rest, word)) if word.as_bytes() == b"NIL" => Ok((rest, ())),
        _ => no_match("NIL"),
    }
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`, with any octets but NUL, CR and LF
pub(super) fn quoted(input: &[u8]) -> Parsed<'_, Cow<'_, [u8]>> {
    const WHAT: &str = "a string with its closing quote";
    let Some(inner) = input.strip_prefix(b"\"") else { return no_match("a quoted string") };
    let (mut rest, mut found) = (inner, Cow::Borrowed(&[][..]));
    loop {
        let Some(at) = memchr2(b'"', b'\\', rest) else { return failure(CommandError::Syntax(WHAT)) };
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        if plain.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return failure(CommandError::Syntax(WHAT));
        }
        match special {
            [b'"', behind @ ..] => {
                return Ok((behind, join(found, plain)));
            }
            [b'\\', escaped @ (b'"' | b'\\'), behind @ ..] => {
                let mut longer = join(found, plain).into_owned();
                longer.push(*escaped);
                (rest, found) = (behind, Cow::Owned(longer));
            }
            _ => return failure(CommandError::Syntax("\\\\ for \\ in a quoted string")),
        }
    }
}

fn join<'a>(found: Cow<'a, [u8]>, plain: &'a [u8]) -> Cow<'a, [u8]> {
    match found {
        Cow::Borrowed(_) => Cow::Borrowed(plain),
        Cow::Owned(mut found) => {
            found.extend_from_slice(plain);
            Cow::Owned(found)
        }
    }
}

/// `literal = "{" number64 ["+"] "}" CRLF *CHAR8`
pub(super) fn literal(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, size) = literal_size(input)?;
    let what = CommandError::Syntax("a literal without NUL");
    let size = usize::try_from(size).map_err(|_| nom::Err::Failure(what))?;
    let (rest, octets) = expect(take(size), "the octets of a literal")(rest)?;
    if memchr::memchr(0, octets).is_some() { failure(what) } else { Ok((rest, octets)) }
}

/// `"{" number64 ["+"] "}" CRLF`
pub(super) fn literal_size(input: &[u8]) -> Parsed<'_, u64> {
    delimited(char('{'), number64, (opt(char('+')), char('}'), tag(&b"\r\n"[..]))).parse(input)
}

/// `number64 = 1*DIGIT`, below 2^63
pub(super) fn number64(input: &[u8]) -> Parsed<'_, u64> {
    let (rest, digits) = take_while1(|byte: u8| byte.is_ascii_digit()).parse(input)?;
    let add = |total: u64, digit: &u8| total.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    match digits.iter().try_fold(0, add) {
        Some(number) if number <= i64::MAX as u64 => Ok((rest, number)),
        _ => failure(CommandError::InvalidNumber),
    }
}

/// `nz-number64 = digit-nz *DIGIT`, below 2^63
pub(super) fn nz_number64(input: &[u8]) -> Parsed<'_, u64> {
    if input.starts_with(b"0") { failure(CommandError::InvalidNumber) } else { number64(input) }
}

/// `nz-number = digit-nz *DIGIT`, below 2^32
pub(super) fn nz_number(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, number) = nz_number64(input)?;
    u32::try_from(number).map_or_else(|_| failure(CommandError::InvalidNumber), |number| Ok((rest, number)))
}

/// `"(" [item *(SP item)] ")"`; how many there were. At most `max` are taken.
pub(super) fn each_in_parentheses<'a>(
    mut item: impl FnMut(&'a [u8]) -> Parsed<'a, ()>,
    max: usize,
    what: &'static str,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, usize> {
    move |input| {
        let mut count = 0;
        let counted = |input| {
            count += 1;
            if count > max { failure(CommandError::TooMany(what)) } else { item(input) }
        };
        let (rest, items) = delimited(char('('), separated_list0(sp, counted), char(')')).parse(input)?;
        Ok((rest, items.len()))
    }
}

/// `mailbox = "INBOX" / astring`
pub(super) fn mailbox<'a>(
    grammar: &Grammar,
) -> impl Parser<&'a [u8], Output = String, Error = CommandError> + use<'a> {
    let utf8 = grammar.utf8;
    move |input| {
        let (rest, name) = astring(input)?;
        let name = mailbox_name(&name, utf8).map_err(nom::Err::Failure)?;
        if name.is_empty() {
            return failure(CommandError::InvalidMailbox("it is empty"));
        }
        Ok((rest, name))
    }
}

/// A name, or a pattern, in UTF-8.
pub(super) fn mailbox_name(name: &[u8], utf8: bool) -> Result<String, CommandError> {
    if name.eq_ignore_ascii_case(b"INBOX") {
        return Ok("INBOX".to_owned());
    }
    // Most names are the same in each form.
    if name.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'&') {
        return Ok(text(name).to_owned());
    }
    let decoded = if utf8 || !name.is_ascii() {
        // Modified UTF-7 is ASCII; clients that send UTF-8 unasked mean UTF-8.
        str::from_utf8(name).map_err(|_| CommandError::InvalidMailbox("it is not UTF-8"))?.to_owned()
    } else {
        // It may have control characters that are none of its encoding.
        if name.iter().any(u8::is_ascii_control) {
            return Err(CommandError::InvalidMailbox("it has control characters"));
        }
        decode_mailbox(name)
            .map_err(|_| CommandError::InvalidMailbox("it is not modified UTF-7; & is written as &-"))?
    };
    // RFC 9051 §5.1: names are Net-Unicode, in which there are none.
    if decoded.contains(char::is_control) {
        return Err(CommandError::InvalidMailbox("it has control characters"));
    }
    Ok(decoded)
}

/// `flag-list = "(" [flag *(SP flag)] ")"`, without `\Recent`
pub(super) fn flag_list<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, Vec<Flag>> + use<'a> {
    let max = grammar.limits.list_items;
    move |input| {
        let mut flags = Vec::new();
        let each = |input| {
            let (rest, flag) = flag(input)?;
            flags.extend(flag);
            Ok((rest, ()))
        };
        let (rest, _) = each_in_parentheses(each, max, "flags")(input)?;
        Ok((rest, flags))
    }
}

/// `flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword`, or `\Recent`, which is `None`:
/// it was never the client's to set (RFC 3501 §2.3.2)
pub(super) fn flag(input: &[u8]) -> Parsed<'_, Option<Flag>> {
    let Some(name) = input.strip_prefix(b"\\") else { return map(flag_keyword, Some).parse(input) };
    let (rest, name) = atom(name)?;
    if name.eq_ignore_ascii_case("Recent") {
        return Ok((rest, None));
    }
    let known =
        |flag: &Flag| flag.as_str().strip_prefix('\\').is_some_and(|flag| flag.eq_ignore_ascii_case(name));
    match Flag::SYSTEM.into_iter().find(known) {
        Some(flag) => Ok((rest, Some(flag))),
        None => failure(CommandError::UnknownFlag),
    }
}

/// `flag-keyword = atom`
pub(super) fn flag_keyword(input: &[u8]) -> Parsed<'_, Flag> {
    map_opt(atom, |atom| atom.parse().ok()).parse(input)
}

/// `date = date-text / DQUOTE date-text DQUOTE`
pub(super) fn date(input: &[u8]) -> Parsed<'_, Date> {
    alt((delimited(char('"'), date_text, char('"')), date_text)).parse(input)
}

/// `date-text = date-day "-" date-month "-" date-year`
fn date_text(input: &[u8]) -> Parsed<'_, Date> {
    let rule = (terminated(date_day, char('-')), terminated(date_month, char('-')), digits::<4>);
    map(rule, |(day, month, year)| Date { year, month, day }).parse(input)
}

/// `date-day = 1*2DIGIT`
fn date_day(input: &[u8]) -> Parsed<'_, u8> {
    let day = |digits: &[u8]| u8::try_from(decimal(digits)).ok().filter(|day| (1..=31).contains(day));
    map_opt(take_while_m_n(1, 2, |byte: u8| byte.is_ascii_digit()), day).parse(input)
}

/// `date-month = "Jan" / "Feb" / ...`
fn date_month(input: &[u8]) -> Parsed<'_, u8> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let month = |name: &[u8]| {
        let known = MONTHS.iter().position(|known| name.eq_ignore_ascii_case(*known))?;
        u8::try_from(known + 1).ok()
    };
    map_opt(take(3_usize), month).parse(input)
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`, where the day may also
/// have one digit and no blank before it
pub(super) fn date_time(input: &[u8]) -> Parsed<'_, DateTime> {
    let rule = (preceded(take_while(|byte| byte == b' '), date_text), preceded(sp, time), preceded(sp, zone));
    let (rest, (date, (hour, minute, second), offset)) =
        delimited(char('"'), rule, char('"')).parse(input)?;
    Ok((rest, DateTime { date, hour, minute, second, offset }))
}

/// `time = 2DIGIT ":" 2DIGIT ":" 2DIGIT`
fn time(input: &[u8]) -> Parsed<'_, (u8, u8, u8)> {
    (below(24), preceded(char(':'), below(60)), preceded(char(':'), below(61))).parse(input)
}

/// `2DIGIT`
fn below<'a>(limit: u16) -> impl Parser<&'a [u8], Output = u8, Error = CommandError> {
    map_opt(digits::<2>, move |number| u8::try_from(number).ok().filter(|_| number < limit))
}

/// `zone = ("+" / "-") 4DIGIT`
fn zone(input: &[u8]) -> Parsed<'_, i16> {
    let minutes =
        map(pair(below(24), below(60)), |(hours, minutes)| i16::from(hours) * 60 + i16::from(minutes));
    let sign = alt((value(1, char('+')), value(-1, char('-'))));
    map(pair(sign, minutes), |(sign, minutes): (i16, i16)| sign * minutes).parse(input)
}

/// So many digits: four at most.
fn digits<const N: usize>(input: &[u8]) -> Parsed<'_, u16> {
    map(take_while_m_n(N, N, |byte: u8| byte.is_ascii_digit()), decimal).parse(input)
}

fn decimal(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |total, digit| total * 10 + u16::from(digit - b'0'))
}
