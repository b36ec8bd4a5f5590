//! FETCH (RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 3516, RFC 7162).

use nom::Parser;
use nom::sequence::preceded;

use super::ast::Command;
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{Parsed, each_in_parentheses, expect, failure, keyword, more, no_match, sp};
use super::mailbox::mod_sequence_value;
use super::section::{partial, section, section_binary};
use super::sequence::sequence_set;
use crate::types::{FetchItem, MessageSet, Section, SectionName, SectionText};

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
/// [fetch-modifiers]` (RFC 4466 §3)
pub(super) fn fetch<'a>(rest: &'a [u8], grammar: &Grammar, uid: bool) -> Parsed<'a, Command> {
    let (rest, set) = expect(preceded(sp, sequence_set), "a set of messages")(rest)?;
    let (rest, items) = expect(preceded(sp, |input| items(input, grammar)), "FETCH items")(rest)?;
    let (mut rest, mut changed_since, mut vanished) = (rest, None, false);
    if let Some(modifiers) = more(rest) {
        let each = |input| {
            let (rest, name) = keyword(input)?;
            match name.as_bytes() {
                // RFC 7162 §7: chgsince-fetch-mod
                b"CHANGEDSINCE" => {
                    let (rest, modseq) = preceded(sp, mod_sequence_value).parse(rest)?;
                    changed_since = Some(modseq);
                    Ok((rest, ()))
                }
                // RFC 7162 §7: rexpunges-fetch-mod
                b"VANISHED" => {
                    vanished = true;
                    Ok((rest, ()))
                }
                _ => no_match("a modifier"),
            }
        };
        let each = each_in_parentheses(each, grammar.limits.list_items, "modifiers");
        (rest, _) = expect(each, "(CHANGEDSINCE modseq) or (CHANGEDSINCE modseq VANISHED)")(modifiers)?;
    }
    // RFC 7162 §3.2.6
    if vanished && !(uid && changed_since.is_some()) {
        return failure(CommandError::Syntax("VANISHED in UID FETCH with CHANGEDSINCE only"));
    }
    Ok((rest, Command::Fetch { set: MessageSet { uid, set }, items, changed_since, vanished }))
}

/// A macro, an item, or a list of items; each once.
fn items<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, Vec<FetchItem>> {
    if !input.starts_with(b"(") {
        if let Ok((rest, name)) = keyword(input)
            && let Some(items) = macro_items(name.as_bytes())
        {
            return Ok((rest, items));
        }
        let (rest, item) = fetch_att(input, grammar)?;
        return Ok((rest, vec![item]));
    }
    let mut items = Vec::new();
    let each = |input| {
        let (rest, item) = fetch_att(input, grammar)?;
        if !items.contains(&item) {
            items.push(item);
        }
        Ok((rest, ()))
    };
    let (rest, count) = each_in_parentheses(each, grammar.limits.list_items, "FETCH items")(input)?;
    if count == 0 { no_match("a FETCH item") } else { Ok((rest, items)) }
}

/// `"ALL" / "FULL" / "FAST"`
fn macro_items(name: &[u8]) -> Option<Vec<FetchItem>> {
    let mut items = match name {
        b"FAST" | b"ALL" | b"FULL" => vec![FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size],
        _ => return None,
    };
    if name != b"FAST" {
        items.push(FetchItem::Envelope);
    }
    if name == b"FULL" {
        items.push(FetchItem::Body);
    }
    Some(items)
}

/// `fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
/// "BODY" ["STRUCTURE"] / "UID" / "BODY" [".PEEK"] section [partial] / "BINARY" [".PEEK"] section-binary [partial] /
/// "BINARY.SIZE" section-binary / "MODSEQ"`
fn fetch_att<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, FetchItem> {
    let (rest, name) = keyword(input)?;
    let item = match name.as_bytes() {
        b"FLAGS" => FetchItem::Flags,
        b"UID" => FetchItem::Uid,
        b"INTERNALDATE" => FetchItem::InternalDate,
        b"RFC822.SIZE" => FetchItem::Size,
        b"ENVELOPE" => FetchItem::Envelope,
        b"BODYSTRUCTURE" => FetchItem::BodyStructure,
        b"MODSEQ" => FetchItem::ModSeq,
        b"BODY" if rest.starts_with(b"[") => return body(rest, grammar, false),
        b"BODY.PEEK" => return body(rest, grammar, true),
        b"BODY" => FetchItem::Body,
        b"BINARY" => return binary(rest, grammar, false),
        b"BINARY.PEEK" => return binary(rest, grammar, true),
        b"BINARY.SIZE" => {
            let (rest, part) = section_binary(rest, grammar)?;
            return Ok((rest, FetchItem::BinarySize { part }));
        }
        // RFC 3501 §6.4.5: RFC822.HEADER alone does not set \Seen.
        b"RFC822" => whole(SectionText::All, false, SectionName::Rfc822),
        b"RFC822.HEADER" => whole(SectionText::Header, true, SectionName::Rfc822Header),
        b"RFC822.TEXT" => whole(SectionText::Text, false, SectionName::Rfc822Text),
        _ => return no_match("a FETCH item"),
    };
    Ok((rest, item))
}

fn whole(text: SectionText, peek: bool, name: SectionName) -> FetchItem {
    FetchItem::Section { section: Section { part: Vec::new(), text }, partial: None, peek, name }
}

/// `section [partial]`
fn body<'a>(input: &'a [u8], grammar: &Grammar, peek: bool) -> Parsed<'a, FetchItem> {
    let (rest, section) = section(input, grammar)?;
    let (rest, partial) = partial(rest)?;
    Ok((rest, FetchItem::Section { section, partial, peek, name: SectionName::Body }))
}

/// `section-binary [partial]`
fn binary<'a>(input: &'a [u8], grammar: &Grammar, peek: bool) -> Parsed<'a, FetchItem> {
    let (rest, part) = section_binary(input, grammar)?;
    let (rest, partial) = partial(rest)?;
    Ok((rest, FetchItem::Binary { part, partial, peek }))
}
