//! SELECT, EXAMINE, CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and STATUS.

use mailwright_core::{ModSeq, UidValidity};
use nom::Parser;
use nom::character::complete::char;
use nom::combinator::{map_opt, opt};
use nom::sequence::{delimited, preceded, separated_pair};

use super::ast::{Command, QresyncParameters};
use super::error::CommandError;
use super::grammar::Grammar;
use super::lexical::{
    Parsed, atom, each_in_parentheses, expect, failure, keyword, mailbox, more, no_match, number64,
    nz_number, nz_number64, sp,
};
use super::sequence::{known_set, sequence_set};
use crate::types::{Flag, SequenceSet, StatusItem, StatusItems};

/// A command whose only argument is a mailbox.
pub(super) fn with_mailbox<'a>(
    rest: &'a [u8],
    grammar: &Grammar,
    command: impl FnOnce(String) -> Command,
) -> Parsed<'a, Command> {
    let (rest, mailbox) = expect(preceded(sp, mailbox(grammar)), "a mailbox name")(rest)?;
    Ok((rest, command(mailbox)))
}

/// `select = "SELECT" SP mailbox [select-params]`, and `examine` (RFC 4466 §3)
pub(super) fn select<'a>(rest: &'a [u8], grammar: &Grammar, read_only: bool) -> Parsed<'a, Command> {
    let (mut rest, mailbox) = expect(preceded(sp, mailbox(grammar)), "a mailbox name")(rest)?;
    let (mut condstore, mut qresync) = (false, None);
    if let Some(params) = more(rest) {
        let each = |input| {
            let (rest, name) = keyword(input)?;
            match name.as_bytes() {
                b"CONDSTORE" => {
                    condstore = true;
                    Ok((rest, ()))
                }
                b"QRESYNC" => {
                    let (rest, parameters) = preceded(sp, qresync_parameters).parse(rest)?;
                    qresync = Some(Box::new(parameters));
                    Ok((rest, ()))
                }
                _ => no_match("a parameter"),
            }
        };
        const WHAT: &str = "(CONDSTORE) or (QRESYNC (uidvalidity modseq [uids] [(numbers uids)]))";
        (rest, _) = expect(each_in_parentheses(each, grammar.limits.list_items, "parameters"), WHAT)(params)?;
    }
    Ok((rest, Command::Select { mailbox, read_only, condstore, qresync }))
}

/// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"` (RFC 7162 §7)
fn qresync_parameters(input: &[u8]) -> Parsed<'_, QresyncParameters> {
    let rule = (
        map_opt(nz_number, UidValidity::new),
        preceded(sp, mod_sequence_value),
        opt(preceded(sp, known_set)),
        opt(preceded(sp, seq_match_data)),
    );
    let (rest, (uid_validity, modseq, known, matches)) =
        delimited(char('('), rule, char(')')).parse(input)?;
    Ok((rest, QresyncParameters { uid_validity, modseq, known, matches }))
}

/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"` (RFC 7162 §7)
fn seq_match_data(input: &[u8]) -> Parsed<'_, (SequenceSet, SequenceSet)> {
    delimited(char('('), separated_pair(known_set, sp, known_set), char(')')).parse(input)
}

/// `mod-sequence-value = 1*DIGIT`, 1 to 2^63 − 1 (RFC 7162 §7)
pub(super) fn mod_sequence_value(input: &[u8]) -> Parsed<'_, ModSeq> {
    map_opt(nz_number64, ModSeq::new).parse(input)
}

/// `mod-sequence-valzer = "0" / mod-sequence-value` (RFC 7162 §7)
pub(super) fn mod_sequence_valzer(input: &[u8]) -> Parsed<'_, ModSeq> {
    map_opt(number64, ModSeq::new).parse(input)
}

/// `create = "CREATE" SP mailbox [create-params]` (RFC 4466 §3), with `create-param =/ "USE" SP "(" ... ")"`
/// (RFC 6154 §6)
pub(super) fn create<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let (mut rest, mailbox) = expect(preceded(sp, new_mailbox(grammar)), "a mailbox name")(rest)?;
    let mut special_use = Vec::new();
    if let Some(params) = more(rest) {
        let max = grammar.limits.list_items;
        let each = |input| {
            let (rest, attribute) = use_attr(input)?;
            special_use.push(attribute);
            Ok((rest, ()))
        };
        let mut attributes = each_in_parentheses(each, max, "attributes");
        let create_param = |input| match keyword(input)? {
            (rest, name) if name.as_bytes() == b"USE" => {
                preceded(sp, &mut attributes).parse(rest).map(|(rest, _)| (rest, ()))
            }
            _ => no_match("USE"),
        };
        (rest, _) =
            expect(each_in_parentheses(create_param, max, "parameters"), r"(USE (\Use ...))")(params)?;
    }
    Ok((rest, Command::Create { mailbox, special_use }))
}

/// `mailbox`, of which there is none yet, and at whose end a separator means nothing (RFC 9051 §6.3.4)
fn new_mailbox<'a>(
    grammar: &Grammar,
) -> impl Parser<&'a [u8], Output = String, Error = CommandError> + use<'a> {
    let separator = grammar.separator;
    let mut mailbox = mailbox(grammar);
    move |input| {
        let (rest, name) = mailbox.parse(input)?;
        match name.strip_suffix(separator) {
            None => Ok((rest, name)),
            Some("") => failure(CommandError::InvalidMailbox("it is empty")),
            Some(name) if name.eq_ignore_ascii_case("INBOX") => Ok((rest, "INBOX".to_owned())),
            Some(name) => Ok((rest, name.to_owned())),
        }
    }
}

/// `use-attr = "\All" / "\Archive" / ... / "\" atom` (RFC 6154 §6)
fn use_attr(input: &[u8]) -> Parsed<'_, Flag> {
    map_opt(preceded(char('\\'), atom), |name| format!("\\{name}").parse().ok()).parse(input)
}

/// `rename = "RENAME" SP mailbox SP mailbox`
pub(super) fn rename<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let rule = (preceded(sp, mailbox(grammar)), preceded(sp, new_mailbox(grammar)));
    let (rest, (from, to)) = expect(rule, "RENAME mailbox mailbox")(rest)?;
    Ok((rest, Command::Rename { from, to }))
}

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
pub(super) fn status<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Command> {
    let (rest, mailbox) = expect(preceded(sp, mailbox(grammar)), "a mailbox name")(rest)?;
    let (rest, items) = expect(preceded(sp, status_items(grammar)), "STATUS mailbox (items)")(rest)?;
    Ok((rest, Command::Status { mailbox, items }))
}

/// `"(" status-att *(SP status-att) ")"`
pub(super) fn status_items<'a>(
    grammar: &Grammar,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, StatusItems> + use<'a> {
    let max = grammar.limits.list_items;
    move |input| {
        let mut items = StatusItems::new();
        let each = |input| {
            let (rest, item) = status_att(input)?;
            if !items.contains(&item) {
                items.push(item);
            }
            Ok((rest, ()))
        };
        let (rest, _) = each_in_parentheses(each, max, "STATUS items")(input)?;
        if items.is_empty() { no_match("an item") } else { Ok((rest, items)) }
    }
}

/// `status-att = "MESSAGES" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" / "DELETED" / "SIZE"`, `"RECENT"` (RFC 3501 §9),
/// `"HIGHESTMODSEQ"` (RFC 7162 §7), `"APPENDLIMIT"` (RFC 7889 §5)
fn status_att(input: &[u8]) -> Parsed<'_, StatusItem> {
    let (rest, name) = keyword(input)?;
    let item = match name.as_bytes() {
        b"MESSAGES" => StatusItem::Messages,
        b"RECENT" => StatusItem::Recent,
        b"UIDNEXT" => StatusItem::UidNext,
        b"UIDVALIDITY" => StatusItem::UidValidity,
        b"UNSEEN" => StatusItem::Unseen,
        b"DELETED" => StatusItem::Deleted,
        b"SIZE" => StatusItem::Size,
        b"HIGHESTMODSEQ" => StatusItem::HighestModSeq,
        b"APPENDLIMIT" => StatusItem::AppendLimit,
        _ => return no_match("a STATUS item"),
    };
    Ok((rest, item))
}

/// `"COPY" SP sequence-set SP mailbox`: the same in `copy` and `move`
pub(super) fn set_and_mailbox<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, (SequenceSet, String)> {
    let (rest, set) = expect(preceded(sp, sequence_set), "a set of messages")(rest)?;
    let (rest, mailbox) = expect(preceded(sp, mailbox(grammar)), "a mailbox name")(rest)?;
    Ok((rest, (set, mailbox)))
}
