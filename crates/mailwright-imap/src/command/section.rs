//! `section` and `partial` (RFC 9051 §9, RFC 3516 §5).

use nom::Parser;
use nom::character::complete::char;
use nom::combinator::{map, opt};
use nom::sequence::{delimited, preceded, separated_pair};

use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{
    Parsed, astring, each_in_parentheses, failure, keyword, no_match, number64, nz_number, nz_number64, sp,
    text,
};
use crate::types::{Partial, Section, SectionText};

/// `section = "[" [section-spec] "]"`
pub(super) fn section<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, Section> {
    delimited(char('['), |input| section_spec(input, grammar), char(']')).parse(input)
}

/// `section-binary = "[" [section-part] "]"`
pub(super) fn section_binary<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, Vec<u32>> {
    let (rest, section) = section(input, grammar)?;
    if section.text == SectionText::All {
        Ok((rest, section.part))
    } else {
        no_match("numbers in BINARY[...]")
    }
}

/// `partial = "<" number64 "." nz-number64 ">"`
pub(super) fn partial(input: &[u8]) -> Parsed<'_, Option<Partial>> {
    let rule = separated_pair(number64, char('.'), nz_number64);
    let partial = |(offset, length)| Partial { offset, length };
    opt(map(delimited(char('<'), rule, char('>')), partial)).parse(input)
}

/// `section-spec = section-msgtext / (section-part ["." section-text])`, or nothing
fn section_spec<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, Section> {
    if input.starts_with(b"]") {
        return Ok((input, Section::default()));
    }
    // section-part = nz-number *("." nz-number)
    let (mut rest, mut part) = (input, Vec::new());
    while rest.first().is_some_and(u8::is_ascii_digit) {
        if part.len() == grammar.limits.section_depth {
            return failure(CommandError::TooMany("numbers of a section"));
        }
        let (behind, number) = nz_number(rest)?;
        part.push(number);
        match behind.strip_prefix(b".") {
            Some(behind) => rest = behind,
            None => return Ok((behind, Section { part, text: SectionText::All })),
        }
    }
    let (rest, text) = section_text(rest, grammar)?;
    if part.is_empty() && text == SectionText::Mime {
        return no_match("a part before MIME");
    }
    Ok((rest, Section { part, text }))
}

/// `section-text = section-msgtext / "MIME"`, where
/// `section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"`
fn section_text<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, SectionText> {
    let (rest, name) = keyword(input)?;
    let text = match name.as_bytes() {
        b"HEADER" => SectionText::Header,
        b"TEXT" => SectionText::Text,
        b"MIME" => SectionText::Mime,
        b"HEADER.FIELDS" => return map(header_list(grammar), SectionText::HeaderFields).parse(rest),
        b"HEADER.FIELDS.NOT" => return map(header_list(grammar), SectionText::HeaderFieldsNot).parse(rest),
        _ => return no_match("a section"),
    };
    Ok((rest, text))
}

/// `SP header-list`, where `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_list<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, Vec<String>> + use<'a> {
    let max = grammar.limits.list_items;
    move |input| {
        let mut names = Vec::new();
        let each = |input| {
            let (rest, name) = header_fld_name(input)?;
            names.push(name);
            Ok((rest, ()))
        };
        let (rest, _) = preceded(sp, each_in_parentheses(each, max, "header fields")).parse(input)?;
        if names.is_empty() { no_match("a header field") } else { Ok((rest, names)) }
    }
}

/// `header-fld-name = astring`, as RFC 5322 §2.2 has field names: they are told to the client again
pub(super) fn header_fld_name(input: &[u8]) -> Parsed<'_, String> {
    let (rest, name) = astring(input)?;
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':') {
        return failure(CommandError::Syntax("the name of a header field"));
    }
    Ok((rest, text(&name).to_owned()))
}
