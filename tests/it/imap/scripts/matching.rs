//! Whether a reply is what a script expects.

use super::item::Item;
use super::variables::{Segment, Variables, only_name};

/// A reply of the server.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) items: Vec<Item>,
    /// As it came.
    pub(super) shown: String,
    /// The numbers that were expunged since the command, before this reply.
    pub(super) expunged: Vec<u32>,
}

impl Reply {
    /// The number that a message had at the command, as it is now.
    fn number(&self, mut number: u32) -> Option<u32> {
        for &expunged in &self.expunged {
            if number == expunged {
                return None;
            }
            number -= u32::from(number > expunged);
        }
        Some(number)
    }

    /// Whether one such reply may tell two things that are expected: flags and a text, say.
    pub(super) fn is_shared(&self) -> bool {
        let named = |at: usize, name| self.items.get(at).is_some_and(|item| item.is(name));
        named(1, "FETCH") || named(0, "LIST") || named(0, "LSUB")
    }
}

/// Whether the reply is as expected, and what is known then.
pub(super) fn matches(expected: &[Item], reply: &Reply, variables: &Variables) -> Option<Variables> {
    let first = expected.first();
    let is = |name| first.is_some_and(|first| first.is(name));
    let rule = if is("LIST") || is("LSUB") {
        Rule::unordered(1)
    } else if is("STATUS") {
        Rule::unordered(2)
    } else {
        Rule::default()
    };
    let mut matcher = Matcher { variables: variables.clone(), reply };
    // Text follows a status, and nobody expects which.
    let status = ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|name| is(name));
    let got = if status { reply.items.get(..expected.len())? } else { &reply.items };
    matcher.sequence(expected, got, &rule).then_some(matcher.variables)
}

/// How a list is compared.
#[derive(Debug, Clone, Default)]
struct Rule {
    /// In any order; so many items belong together.
    unordered: Option<usize>,
    /// There may be more than is expected.
    extra: bool,
    ignored: Vec<Vec<u8>>,
    banned: Vec<Vec<u8>>,
}

impl Rule {
    fn unordered(count: usize) -> Self {
        Self { unordered: Some(count), extra: true, ..Self::default() }
    }

    fn flags() -> Self {
        Self { extra: false, ignored: vec![br"\recent".to_vec()], ..Self::unordered(1) }
    }

    /// What a script says at the start of a list, and the list behind it.
    fn and<'a>(&self, mut list: &'a [Item]) -> (Self, &'a [Item]) {
        let mut rule = self.clone();
        while let Some((Item::Word(word), rest)) = list.split_first() {
            let Some(directive) = word.strip_prefix(b"$!") else { break };
            let equals = directive.iter().position(|&octet| octet == b'=');
            let (name, value) = directive.split_at(equals.unwrap_or(directive.len()));
            let value = value.strip_prefix(b"=").unwrap_or_default();
            match name {
                b"unordered" => {
                    let count = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                    (rule.unordered, rule.extra) = (Some(count.unwrap_or(1)), true);
                }
                b"ordered" => (rule.unordered, rule.extra) = (None, false),
                b"extra" => rule.extra = true,
                b"noextra" => rule.extra = false,
                b"ignore" => rule.ignored.push(value.to_vec()),
                b"ban" => rule.banned.push(value.to_vec()),
                _ => panic!("no directive: {}", String::from_utf8_lossy(word)),
            }
            list = rest;
        }
        (rule, list)
    }
}

struct Matcher<'a> {
    variables: Variables,
    reply: &'a Reply,
}

impl Matcher<'_> {
    /// Each is as expected. `rule` is for lists that do not follow a name with a rule of its own.
    fn sequence(&mut self, expected: &[Item], got: &[Item], rule: &Rule) -> bool {
        expected.len() == got.len() && self.prefix(expected, got, rule)
    }

    fn prefix(&mut self, expected: &[Item], got: &[Item], rule: &Rule) -> bool {
        expected.iter().zip(got).enumerate().all(|(at, (item, got))| {
            let name = at.checked_sub(1).map(|before| &expected[before]);
            let is = |word| name.is_some_and(|name| name.is(word));
            if is("FLAGS") {
                self.item(item, got, &Rule::flags())
            } else if is("FETCH") {
                self.item(item, got, &Rule::unordered(2))
            } else {
                self.item(item, got, rule)
            }
        })
    }

    fn item(&mut self, expected: &Item, got: &Item, rule: &Rule) -> bool {
        match (expected, got) {
            (Item::Word(word), _) if word == b"$" => true,
            (Item::Word(word), _) => match only_name(word).filter(|name| !is_number(name)) {
                Some(name) => self.variable(name, got),
                // NIL is no text.
                None if expected.is("NIL") || got.is("NIL") => expected.is("NIL") && got.is("NIL"),
                None => self.text(word, got, false),
            },
            (Item::Text(text), _) => !got.is("NIL") && self.text(text, got, false),
            (Item::Raw(text), _) => !got.is("NIL") && self.text(text, got, true),
            (Item::List(expected), Item::List(got)) => self.list(expected, got, rule),
            (Item::Code(expected), Item::Code(got)) => self.sequence(expected, got, &Rule::default()),
            (Item::List(_) | Item::Code(_), _) => false,
        }
    }

    fn variable(&mut self, name: &[u8], got: &Item) -> bool {
        match self.variables.get(name).cloned() {
            Some(known) => same(&known, got),
            None => self.variables.bind(name, got),
        }
    }

    fn text(&self, expected: &[u8], got: &Item, raw: bool) -> bool {
        let Some(got) = got.octets() else { return false };
        if raw {
            return without_returns(expected).eq_ignore_ascii_case(&without_returns(got));
        }
        let segments = self.variables.expand(expected, |number| self.reply.number(number));
        segments.is_ok_and(|segments| is_like(&segments, got))
    }

    fn list(&mut self, expected: &[Item], got: &[Item], rule: &Rule) -> bool {
        let (rule, expected) = rule.and(expected);
        let among = |words: &[Vec<u8>], item: &Item| {
            words.iter().any(|word| str::from_utf8(word).is_ok_and(|word| item.is(word)))
        };
        if got.iter().any(|item| among(&rule.banned, item)) {
            return false;
        }
        let inner = Rule::default();
        let Some(count) = rule.unordered else {
            return (rule.extra || expected.len() == got.len())
                && expected.len() <= got.len()
                && self.prefix(expected, got, &inner);
        };
        let mut rest: Vec<&[Item]> = got.chunks(count).collect();
        for wanted in expected.chunks(count) {
            let found = rest.iter().position(|got| {
                let before = self.variables.clone();
                let same = self.sequence(wanted, got, &inner);
                if !same {
                    self.variables = before;
                }
                same
            });
            let Some(found) = found else { return false };
            rest.remove(found);
        }
        rule.extra || rest.iter().all(|chunk| among(&rule.ignored, &chunk[0]))
    }
}

fn is_number(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_digit)
}

/// Whether two replies have told the same.
fn same(known: &Item, got: &Item) -> bool {
    match (known, got) {
        (Item::List(known), Item::List(got)) | (Item::Code(known), Item::Code(got)) => {
            known.len() == got.len() && known.iter().zip(got).all(|(known, got)| same(known, got))
        }
        _ => match (known.octets(), got.octets()) {
            (Some(known_octets), Some(got_octets)) => {
                known.is("NIL") == got.is("NIL") && known_octets.eq_ignore_ascii_case(got_octets)
            }
            _ => false,
        },
    }
}

fn is_like(expected: &[Segment], mut got: &[u8]) -> bool {
    for Segment { octets, exact } in expected {
        let Some((start, rest)) = got.split_at_checked(octets.len()) else { return false };
        if if *exact { start != octets } else { !start.eq_ignore_ascii_case(octets) } {
            return false;
        }
        got = rest;
    }
    got.is_empty()
}

fn without_returns(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|&octet| octet != b'\r').collect()
}

#[cfg(test)]
mod tests {
    use super::super::item::{self, pieces};
    use super::*;

    fn items(line: &str) -> Vec<Item> {
        item::reply(&pieces(line.as_bytes())).unwrap()
    }

    /// What is expected matches one reply, and not the other.
    #[track_caller]
    fn check(expected: &str, right: &str, wrong: &str) {
        let matches = |line: &str, expunged: &[u32]| {
            let reply = Reply { items: items(line), shown: String::new(), expunged: expunged.to_vec() };
            matches(&items(expected), &reply, &Variables::default()).is_some()
        };
        assert!(matches(right, &[]), "{expected} against {right}");
        assert!(!matches(wrong, &[]), "{expected} against {wrong}");
    }

    #[test]
    fn replies_are_as_expected() {
        check(r"1 fetch (uid $uid)", r"1 FETCH (FLAGS (\Seen) UID 7)", r"2 FETCH (UID 7)");
        check(
            r"1 fetch (flags (\seen))",
            r"1 FETCH (FLAGS (\Recent \Seen))",
            r"1 FETCH (FLAGS (\Seen \Draft))",
        );
        check(r"1 fetch (flags (\recent))", r"1 FETCH (FLAGS (\Recent))", r"1 FETCH (FLAGS ())");
        check(
            r"1 fetch (envelope ($ NIL))",
            r"1 FETCH (ENVELOPE (x NIL))",
            r#"1 FETCH (ENVELOPE (x "NIL"))"#,
        );
        check(
            "1 fetch (body[text]<0> hey)",
            "1 FETCH (BODY[TEXT]<0> {3}\r\nHey)",
            "1 FETCH (BODY[TEXT] hey)",
        );
        check(
            "1 fetch (body[header.fields (a b)] $)",
            "1 FETCH (BODY[HEADER.FIELDS (A B)] \"\")",
            "1 FETCH ()",
        );
        check("search 1 2", "SEARCH 1 2", "SEARCH 1 2 3");
        check("search", "SEARCH", "SEARCH 1");
        check("thread (1 (2 3)(4))", "THREAD (1 (2 3) (4))", "THREAD (1 (2 3 4))");
        check(
            "status a (messages 0 unseen 1)",
            "STATUS A (UNSEEN 1 MESSAGES 0)",
            "STATUS A (UNSEEN 0 MESSAGES 1)",
        );
        check(r"list () $sep a", r#"LIST (\HasNoChildren) "/" "a""#, r#"LIST () "/" b"#);
        check(r"list (\noselect) / a", r"LIST (\x \Noselect) / a", r"LIST (\x) / a");
        check(r"list ($!ban=\noselect) / a", r"LIST (\x) / a", r"LIST (\x \Noselect) / a");
        check(r"list ($!noextra $!ignore=\x) / a", r"LIST (\x) / a", r"LIST (\y) / a");
        check("esearch (tag $) all 1", "ESEARCH (TAG x) ALL 1", "ESEARCH (TAG x y) ALL 1");
        check("esearch ($!extra tag $) all 1", "ESEARCH (TAG x y) ALL 1", "ESEARCH (TAG) ALL 1");
        check("ok [uidvalidity $v]", "OK [UIDVALIDITY 3] it is (so", "OK it is");
        check("bye", "BYE it was \"nice", "OK");
        check(r#"a "%{case:B}c""#, "A BC", "A bc");
    }

    #[test]
    fn a_name_stands_for_one_thing() {
        check("search $a $a", "SEARCH 1 1", "SEARCH 1 2");
        check("a $modseq1 $modseq3 $modseq2", "A 10 12 11", "A 10 11 11");
    }

    #[test]
    fn numbers_follow_expunges() {
        let reply = Reply { items: items("2 EXPUNGE"), shown: String::new(), expunged: vec![4, 1] };
        let matches = |expected| matches(&items(expected), &reply, &Variables::default()).is_some();
        assert!(matches("$3 expunge"));
        assert!(!matches("$2 expunge") && !matches("$4 expunge"));
    }
}
