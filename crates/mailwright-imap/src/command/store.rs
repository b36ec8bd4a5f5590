//! STORE (RFC 9051 §6.4.6, RFC 4466, RFC 7162).

use nom::Parser;
use nom::branch::alt;
use nom::character::complete::char;
use nom::combinator::{opt, value};
use nom::sequence::preceded;

use super::ast::{Command, StoreAction};
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{
    Parsed, each_in_parentheses, expect, failure, flag, flag_list, keyword, more, no_match, sp,
};
use super::mailbox::mod_sequence_valzer;
use super::sequence::sequence_set;
use crate::types::{Flag, MessageSet};

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags` (RFC 4466 §3)
pub(super) fn store<'a>(rest: &'a [u8], grammar: &Grammar, uid: bool) -> Parsed<'a, Command> {
    let (rest, set) = expect(preceded(sp, sequence_set), "a set of messages")(rest)?;
    let (mut rest, mut unchanged_since) = (rest, None);
    if let Some(modifiers) = rest.strip_prefix(b" ").filter(|behind| behind.starts_with(b"(")) {
        // RFC 7162 §7: store-modifier
        let each = |input| match keyword(input)? {
            (rest, name) if name.as_bytes() == b"UNCHANGEDSINCE" => {
                let (rest, modseq) = preceded(sp, mod_sequence_valzer).parse(rest)?;
                unchanged_since = Some(modseq);
                Ok((rest, ()))
            }
            _ => no_match("a modifier"),
        };
        let each = each_in_parentheses(each, grammar.limits.list_items, "modifiers");
        (rest, _) = expect(each, "(UNCHANGEDSINCE modseq)")(modifiers)?;
    }
    let (rest, (action, silent)) = expect(preceded(sp, store_att), "FLAGS, +FLAGS, -FLAGS, .SILENT")(rest)?;
    let (rest, flags) = expect(preceded(sp, |input| flags(input, grammar)), "flags")(rest)?;
    let set = MessageSet { uid, set };
    Ok((rest, Command::Store { set, unchanged_since, action, silent, flags }))
}

/// `["+" / "-"] "FLAGS" [".SILENT"]`
fn store_att(input: &[u8]) -> Parsed<'_, (StoreAction, bool)> {
    let sign = alt((value(StoreAction::Add, char('+')), value(StoreAction::Remove, char('-'))));
    let (rest, sign) = opt(sign).parse(input)?;
    let (rest, name) = keyword(rest)?;
    let silent = match name.as_bytes() {
        b"FLAGS" => false,
        b"FLAGS.SILENT" => true,
        _ => return no_match("FLAGS"),
    };
    Ok((rest, (sign.unwrap_or(StoreAction::Replace), silent)))
}

/// `flag-list / (flag *(SP flag))`
fn flags<'a>(input: &'a [u8], grammar: &Grammar) -> Parsed<'a, Vec<Flag>> {
    if input.starts_with(b"(") {
        return flag_list(grammar)(input);
    }
    let (mut rest, first) = flag(input)?;
    let mut flags: Vec<_> = first.into_iter().collect();
    while let Some(behind) = more(rest) {
        let (behind, next) = flag(behind)?;
        if flags.len() == grammar.limits.list_items {
            return failure(CommandError::TooMany("flags"));
        }
        flags.extend(next);
        rest = behind;
    }
    Ok((rest, flags))
}
