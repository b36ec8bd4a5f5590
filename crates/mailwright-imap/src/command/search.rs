//! SEARCH (RFC 9051 §6.4.4, RFC 4466, RFC 4731, RFC 5032, RFC 5182, RFC 7162).

use std::str;

use bytes::Bytes;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag_no_case;
use nom::combinator::{map, opt};
use nom::sequence::preceded;

use super::ast::Command;
use super::error::CommandError;
use super::grammar::{Grammar, GrammarLimits};
use super::lexical::{
    Parsed, astring, atom, date, each_in_parentheses, expect, failure, flag_keyword, keyword, more, no_match,
    number64, nz_number, quoted, sp,
};
use super::mailbox::mod_sequence_valzer;
use super::section::header_fld_name;
use super::sequence::sequence_set;
use crate::types::{Flag, MessageSet, SearchKey, SearchReturn};

type Key = SearchKey<MessageSet>;

/// `search = "SEARCH" [search-return-opts] SP search-program`
pub(super) fn search<'a>(rest: &'a [u8], grammar: &Grammar, uid: bool) -> Parsed<'a, Command> {
    let (rest, returns) = search_return_opts(rest, grammar)?;
    let (rest, ()) = charset(rest)?;
    let mut keys = Keys { left: grammar.limits.search_keys, limits: grammar.limits };
    let (mut rest, key) = expect(preceded(sp, |input| keys.search_key(input, 0)), "search keys")(rest)?;
    let mut all = vec![key];
    while let Some(behind) = more(rest) {
        let (behind, key) = expect(|input| keys.search_key(input, 0), "search keys")(behind)?;
        all.push(key);
        rest = behind;
    }
    Ok((rest, Command::Search { uid, returns, key: and(all) }))
}

/// One key is itself.
fn and(mut keys: Vec<Key>) -> Key {
    match keys.pop() {
        Some(key) if keys.is_empty() => key,
        Some(key) => {
            keys.push(key);
            SearchKey::And(keys)
        }
        None => SearchKey::All,
    }
}

/// `search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"`, where
/// `search-return-opt = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"`
fn search_return_opts<'a>(rest: &'a [u8], grammar: &Grammar) -> Parsed<'a, Option<SearchReturn>> {
    let (behind, begin) = opt(tag_no_case(&b" RETURN "[..])).parse(rest)?;
    if begin.is_none() {
        return Ok((rest, None));
    }
    let mut returns = SearchReturn::default();
    let each = |input| {
        let (rest, name) = keyword(input)?;
        let option = match name.as_bytes() {
            b"MIN" => &mut returns.min,
            b"MAX" => &mut returns.max,
            b"ALL" => &mut returns.all,
            b"COUNT" => &mut returns.count,
            b"SAVE" => &mut returns.save,
            _ => return no_match("a return option"),
        };
        *option = true;
        Ok((rest, ()))
    };
    let options = each_in_parentheses(each, grammar.limits.list_items, "return options");
    let (rest, count) = expect(options, "RETURN (MIN MAX ALL COUNT SAVE)")(behind)?;
    // RFC 9051 §6.4.4: an empty list is ALL.
    returns.all |= count == 0;
    Ok((rest, Some(returns)))
}

/// `"CHARSET" SP charset SP`, where `charset = atom / quoted`
fn charset(rest: &[u8]) -> Parsed<'_, ()> {
    let (behind, begin) = opt(tag_no_case(&b" CHARSET "[..])).parse(rest)?;
    if begin.is_none() {
        return Ok((rest, ()));
    }
    let name = alt((map(quoted, |name| name.into_owned()), map(atom, |name| name.as_bytes().to_vec())));
    let (rest, name) = expect(name, "CHARSET and its name")(behind)?;
    if name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"US-ASCII") {
        Ok((rest, ()))
    } else {
        failure(CommandError::BadCharset)
    }
}

/// Search keys, counted.
struct Keys {
    left: usize,
    limits: GrammarLimits,
}

impl Keys {
    /// `search-key = "ALL" / "ANSWERED" / ... / sequence-set / "(" search-key *(SP search-key) ")"`, in so many
    /// others
    fn search_key<'a>(&mut self, input: &'a [u8], depth: usize) -> Parsed<'a, Key> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return failure(CommandError::TooMany("search keys")),
        }
        match input.first() {
            Some(b'(') => {
                self.deeper(depth)?;
                let mut keys = Vec::new();
                let each = |input| {
                    let (rest, key) = self.search_key(input, depth + 1)?;
                    keys.push(key);
                    Ok((rest, ()))
                };
                let (rest, count) = each_in_parentheses(each, usize::MAX, "search keys")(input)?;
                return if count == 0 { no_match("a search key") } else { Ok((rest, and(keys))) };
            }
            Some(b'0'..=b'9' | b'*' | b'$') => {
                return map(sequence_set, |set| SearchKey::Messages(MessageSet::numbers(set))).parse(input);
            }
            _ => {}
        }
        let (rest, name) = keyword(input)?;
        match name.as_bytes() {
            b"NOT" => {
                self.deeper(depth)?;
                let (rest, key) = preceded(sp, |input| self.search_key(input, depth + 1)).parse(rest)?;
                Ok((rest, not(key)))
            }
            b"OR" => {
                self.deeper(depth)?;
                let (rest, one) = preceded(sp, |input| self.search_key(input, depth + 1)).parse(rest)?;
                let (rest, other) = preceded(sp, |input| self.search_key(input, depth + 1)).parse(rest)?;
                Ok((rest, SearchKey::Or(Box::new((one, other)))))
            }
            name => simple_key(name, rest),
        }
    }

    fn deeper(&self, depth: usize) -> Result<(), nom::Err<CommandError>> {
        if depth < self.limits.search_depth { Ok(()) } else { failure(CommandError::TooDeep) }
    }
}

fn not(key: Key) -> Key {
    SearchKey::Not(Box::new(key))
}

/// A key without others in it.
fn simple_key<'a>(name: &[u8], rest: &'a [u8]) -> Parsed<'a, Key> {
    let key = match name {
        b"ALL" => SearchKey::All,
        b"ANSWERED" => SearchKey::Flag(Flag::ANSWERED),
        b"DELETED" => SearchKey::Flag(Flag::DELETED),
        b"DRAFT" => SearchKey::Flag(Flag::DRAFT),
        b"FLAGGED" => SearchKey::Flag(Flag::FLAGGED),
        b"SEEN" => SearchKey::Flag(Flag::SEEN),
        b"UNANSWERED" => not(SearchKey::Flag(Flag::ANSWERED)),
        b"UNDELETED" => not(SearchKey::Flag(Flag::DELETED)),
        b"UNDRAFT" => not(SearchKey::Flag(Flag::DRAFT)),
        b"UNFLAGGED" => not(SearchKey::Flag(Flag::FLAGGED)),
        b"UNSEEN" => not(SearchKey::Flag(Flag::SEEN)),
        // RFC 3501 §6.4.4, where no message is \Recent.
        b"OLD" => SearchKey::All,
        b"NEW" | b"RECENT" => not(SearchKey::All),
        b"KEYWORD" => return map(preceded(sp, flag_keyword), SearchKey::Flag).parse(rest),
        b"UNKEYWORD" => {
            return map(preceded(sp, flag_keyword), |flag| not(SearchKey::Flag(flag))).parse(rest);
        }
        b"UID" => {
            let uids = |set| SearchKey::Messages(MessageSet::uids(set));
            return map(preceded(sp, sequence_set), uids).parse(rest);
        }
        b"BEFORE" => return map(preceded(sp, date), SearchKey::Before).parse(rest),
        b"ON" => return map(preceded(sp, date), SearchKey::On).parse(rest),
        b"SINCE" => return map(preceded(sp, date), SearchKey::Since).parse(rest),
        b"SENTBEFORE" => return map(preceded(sp, date), SearchKey::SentBefore).parse(rest),
        b"SENTON" => return map(preceded(sp, date), SearchKey::SentOn).parse(rest),
        b"SENTSINCE" => return map(preceded(sp, date), SearchKey::SentSince).parse(rest),
        b"LARGER" => return map(preceded(sp, number64), SearchKey::Larger).parse(rest),
        b"SMALLER" => return map(preceded(sp, number64), SearchKey::Smaller).parse(rest),
        // RFC 5032 §3
        b"OLDER" => return map(preceded(sp, nz_number), SearchKey::Older).parse(rest),
        b"YOUNGER" => return map(preceded(sp, nz_number), SearchKey::Younger).parse(rest),
        b"BCC" | b"CC" | b"FROM" | b"SUBJECT" | b"TO" => return field_key(name, rest),
        b"HEADER" => {
            let rule = (preceded(sp, header_fld_name), preceded(sp, search_text));
            return map(rule, |(name, text)| SearchKey::Header { name, text }).parse(rest);
        }
        b"BODY" => return map(preceded(sp, search_text), SearchKey::Body).parse(rest),
        b"TEXT" => return map(preceded(sp, search_text), SearchKey::Text).parse(rest),
        b"MODSEQ" => return search_modsequence(rest),
        _ => return no_match("a search key"),
    };
    Ok((rest, key))
}

/// `"FROM" SP astring`, and its like
fn field_key<'a>(name: &[u8], rest: &'a [u8]) -> Parsed<'a, Key> {
    let name = match name {
        b"BCC" => "Bcc",
        b"CC" => "Cc",
        b"FROM" => "From",
        b"SUBJECT" => "Subject",
        _ => "To",
    };
    let header = |text| SearchKey::Header { name: name.to_owned(), text };
    map(preceded(sp, search_text), header).parse(rest)
}

/// `astring`, in UTF-8
fn search_text(input: &[u8]) -> Parsed<'_, Bytes> {
    let (rest, text) = astring(input)?;
    match str::from_utf8(&text) {
        Ok(_) => Ok((rest, Bytes::from(text.into_owned()))),
        Err(_) => failure(CommandError::Syntax("search texts in UTF-8")),
    }
}

/// `search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer` (RFC 7162 §7)
///
/// Which flag it is about does not matter, since messages have one MODSEQ for all.
fn search_modsequence(rest: &[u8]) -> Parsed<'_, Key> {
    let rule = preceded(opt((sp, entry_name, sp, entry_type_req)), preceded(sp, mod_sequence_valzer));
    map(rule, SearchKey::ModSeq).parse(rest)
}

/// `entry-name = DQUOTE "/flags/" attr-flag DQUOTE` (RFC 7162 §7)
fn entry_name(input: &[u8]) -> Parsed<'_, ()> {
    let (rest, name) = quoted(input)?;
    match name.split_at_checked("/flags/".len()) {
        Some((prefix, flag)) if prefix.eq_ignore_ascii_case(b"/flags/") && !flag.is_empty() => Ok((rest, ())),
        _ => no_match("\"/flags/...\""),
    }
}

/// `entry-type-req = "priv" / "shared" / "all"` (RFC 7162 §7)
fn entry_type_req(input: &[u8]) -> Parsed<'_, ()> {
    match keyword(input)? {
        (rest, name) if matches!(name.as_bytes(), b"PRIV" | b"SHARED" | b"ALL") => Ok((rest, ())),
        _ => no_match("priv, shared or all"),
    }
}
