//! LIST and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 §6.3.9).

use nom::Parser;
use nom::sequence::preceded;

use super::ast::Command;
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{
    Parsed, astring, each_in_parentheses, expect, failure, keyword, list_mailbox, mailbox_name, more,
    no_match, sp,
};
use super::mailbox::status_items;
use crate::types::{List, ListReturn, ListSelect, Pattern};

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]` (RFC 5258 §6)
pub(super) fn list<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let (mut rest, mut select) = (rest, ListSelect::default());
    if rest.starts_with(b" (") {
        const WHAT: &str =
            "(SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE), RECURSIVEMATCH not without SUBSCRIBED";
        (rest, select) = expect(preceded(sp, list_select_opts(grammar)), WHAT)(rest)?;
    }
    let (rest, reference) = reference(rest, grammar)?;
    let (rest, patterns) = expect(preceded(sp, mbox_or_pat(grammar)), "a pattern of mailbox names")(rest)?;
    let Some(behind) = more(rest) else {
        let returns = ListReturn::default();
        return Ok((rest, Command::List(List { lsub: false, reference, patterns, select, returns })));
    };
    const WHAT: &str = "RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (...))";
    let (rest, returns) = expect(list_return_opts(grammar), WHAT)(behind)?;
    Ok((rest, Command::List(List { lsub: false, reference, patterns, select, returns })))
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox` (RFC 3501 §9)
pub(super) fn lsub<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let (rest, reference) = reference(rest, grammar)?;
    let (rest, pattern) = expect(preceded(sp, pattern(grammar)), "a pattern of mailbox names")(rest)?;
    let (select, returns) = Default::default();
    Ok((rest, Command::List(List { lsub: true, reference, patterns: vec![pattern], select, returns })))
}

/// `mailbox` where it may be empty
fn reference<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, String> {
    let (rest, name) = expect(preceded(sp, astring), r#"a reference, mostly """#)(rest)?;
    Ok((rest, mailbox_name(&name, grammar.utf8).map_err(nom::Err::Failure)?))
}

/// `mbox-or-pat = list-mailbox / patterns`, where `patterns = "(" list-mailbox *(SP list-mailbox) ")"`
fn mbox_or_pat<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, Vec<Pattern>> {
    let max = grammar.limits.list_items;
    let mut pattern = pattern(grammar);
    move |input| {
        if !input.starts_with(b"(") {
            return pattern(input).map(|(rest, pattern)| (rest, vec![pattern]));
        }
        let mut patterns = Vec::new();
        let each = |input| {
            let (rest, pattern) = pattern(input)?;
            patterns.push(pattern);
            Ok((rest, ()))
        };
        let (rest, _) = each_in_parentheses(each, max, "patterns")(input)?;
        if patterns.is_empty() { no_match("a pattern") } else { Ok((rest, patterns)) }
    }
}

/// `list-mailbox = 1*list-char / string`
fn pattern<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, Pattern> + use<'a> {
    let utf8 = grammar.utf8;
    move |input| {
        let (rest, name) = list_mailbox(input)?;
        // What is no name is none of a mailbox: it finds nothing.
        let text = mailbox_name(&name, utf8);
        Ok((rest, Pattern(text.unwrap_or_else(|_| String::from_utf8_lossy(&name).into_owned()))))
    }
}

/// `list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"`
fn list_select_opts<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, ListSelect> + use<'a> {
    let max = grammar.limits.list_items;
    move |input| {
        let mut select = ListSelect::default();
        let each = |input| {
            let (rest, name) = keyword(input)?;
            let option = match name.as_bytes() {
                b"SUBSCRIBED" => &mut select.subscribed,
                b"REMOTE" => &mut select.remote,
                b"RECURSIVEMATCH" => &mut select.recursive_match,
                b"SPECIAL-USE" => &mut select.special_use,
                _ => return no_match("a selection option"),
            };
            *option = true;
            Ok((rest, ()))
        };
        let (rest, _) = each_in_parentheses(each, max, "selection options")(input)?;
        // RFC 5258 §3.1: it modifies another one, of which only SUBSCRIBED can be.
        if select.recursive_match && !select.subscribed {
            return failure(CommandError::Syntax("SUBSCRIBED with RECURSIVEMATCH"));
        }
        Ok((rest, select))
    }
}

/// `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"`
fn list_return_opts<'a>(grammar: &Grammar) -> impl FnMut(&'a [u8]) -> Parsed<'a, ListReturn> {
    let grammar = *grammar;
    move |input| {
        let (rest, name) = keyword(input)?;
        if name.as_bytes() != b"RETURN" {
            return no_match("RETURN");
        }
        let mut returns = ListReturn::default();
        let each = |input| {
            let (rest, name) = keyword(input)?;
            match name.as_bytes() {
                b"SUBSCRIBED" => returns.subscribed = true,
                b"CHILDREN" => returns.children = true,
                b"SPECIAL-USE" => returns.special_use = true,
                // RFC 5819 §4: status-option
                b"STATUS" => {
                    let (rest, items) = preceded(sp, status_items(&grammar)).parse(rest)?;
                    returns.status = Some(items);
                    return Ok((rest, ()));
                }
                _ => return no_match("a return option"),
            }
            Ok((rest, ()))
        };
        let options = each_in_parentheses(each, grammar.limits.list_items, "return options");
        let (rest, _) = preceded(sp, options).parse(rest)?;
        Ok((rest, returns))
    }
}
