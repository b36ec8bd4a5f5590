//! Patterns of mailbox names (RFC 9051 §6.3.9), matched in time proportional to the name's length squared at most,
//! whatever the pattern is.

use std::iter::once;

use smallvec::{SmallVec, smallvec};

/// A pattern of mailbox names, in UTF-8: `*` stands for anything, `%` for anything without a separator.
///
/// ```
/// use mailwright_imap::types::Pattern;
///
/// let pattern = Pattern("lists/%".to_owned());
/// assert!(pattern.matches("lists/rust", '/'));
/// assert!(!pattern.matches("lists/rust/users", '/'));
/// assert!(pattern.matching_parents("lists/rust/users", '/').eq(["lists/rust"]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

/// For each place in a name, whether what is before it matches: the first is the name's begin, the last its end.
type Row = SmallVec<[bool; 128]>;

impl Pattern {
    /// This pattern behind the reference of a LIST.
    pub fn behind(&self, reference: &str) -> Self {
        Self(format!("{reference}{}", self.0))
    }

    /// Whether the whole of `name` matches. INBOX, also as the first level of `name`, matches in any case.
    pub fn matches(&self, name: &str, separator: char) -> bool {
        match self.0.as_str() {
            "*" => true,
            "%" => !name.contains(separator),
            _ => self.row(name, separator).and_then(|row| row.last().copied()).unwrap_or(false),
        }
    }

    /// The names above `name` that match, the highest first: LIST tells of them too if they are no mailboxes
    /// (RFC 9051 §6.3.9).
    pub fn matching_parents<'n>(
        &self,
        name: &'n str,
        separator: char,
    ) -> impl Iterator<Item = &'n str> + use<'n> {
        let row = self.row(name, separator).unwrap_or_default();
        let places = name.char_indices().zip(row);
        places.filter_map(
            move |((at, char), matches)| {
                if char == separator && matches { name.get(..at) } else { None }
            },
        )
    }

    /// `None` if nothing can match, as the pattern has more letters than the name.
    fn row(&self, name: &str, separator: char) -> Option<Row> {
        let pattern = self.0.as_str();
        let places = name.chars().count() + 1;
        pattern.chars().filter(|char| !matches!(char, '*' | '%')).nth(places - 1).is_none().then_some(())?;
        let inbox = inbox_letters(name, separator);
        let mut row: Row = smallvec![false; places];
        if let Some(first) = row.first_mut() {
            *first = true;
        }
        let mut wanted = pattern.chars().peekable();
        while let Some(mut char) = wanted.next() {
            match char {
                '*' | '%' => {
                    // A run of wildcards is one.
                    while let Some(next) = wanted.next_if(|next| matches!(next, '*' | '%')) {
                        char = if next == '*' { '*' } else { char };
                    }
                    wildcard(&mut row, name, (char == '%').then_some(separator));
                }
                _ => letter(&mut row, name, char, inbox),
            }
        }
        Some(row)
    }
}

/// How many of the first letters of `name` are those of INBOX.
fn inbox_letters(name: &str, separator: char) -> usize {
    const INBOX: &str = "INBOX";
    match name.split_at_checked(INBOX.len()) {
        Some((first, rest))
            if first.eq_ignore_ascii_case(INBOX) && (rest.is_empty() || rest.starts_with(separator)) =>
        {
            INBOX.len()
        }
        _ => 0,
    }
}

/// Any letters, or any but `except`.
fn wildcard(row: &mut Row, name: &str, except: Option<char>) {
    let mut reached = false;
    for (cell, before) in row.iter_mut().zip(once(None).chain(name.chars().map(Some))) {
        reached = *cell || reached && before.is_none_or(|char| Some(char) != except);
        *cell = reached;
    }
}

/// This letter; in any case if it is one of the first `inbox`.
fn letter(row: &mut Row, name: &str, wanted: char, inbox: usize) {
    let mut before = false;
    for (index, (cell, char)) in row.iter_mut().zip(once('\0').chain(name.chars())).enumerate() {
        let matches = before && (char == wanted || index <= inbox && char.eq_ignore_ascii_case(&wanted));
        before = std::mem::replace(cell, matches);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern(pattern.to_owned()).matches(name, '/')
    }

    #[test]
    fn wildcards_match_what_they_stand_for() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("%/%", "a/b/c", false),
            ("a*", "a/b/c", true),
            ("a%", "a/b", false),
            ("*b", "a/b", true),
            ("%b", "a/b", false),
            ("%*", "a/b", true),
            ("*%", "a/b", true),
            ("a*%c", "a/b/c", true),
            ("a%c", "abc", true),
            ("a%c", "a/c", false),
            ("foo", "foo", true),
            ("foo", "fo", false),
            ("foo", "fooo", false),
            ("foo", "Foo", false),
            ("", "", true),
            ("", "a", false),
            ("ä%", "äé", true),
            ("inbox", "INBOX", true),
            ("InB%", "INBOX", true),
            ("inbox/a", "INBOX/a", true),
            ("inbox/a", "INBOX/A", false),
            ("INBOX", "inbox", true),
            ("inboxes", "INBOXES", false),
            ("*o%", "foo/bar", false),
            ("*o/%", "foo/bar", true),
            ("%o/*r", "foo/bar", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(Pattern("%".into()).matches("a/b", '.'));
        assert!(!Pattern("%".into()).matches("a.b", '.'));
    }

    #[test]
    fn parents_that_match_are_found() {
        for (pattern, name, expected) in [
            ("%", "a/b/c", &["a"][..]),
            ("%/%", "a/b/c", &["a/b"]),
            ("*", "a/b/c", &["a", "a/b"]),
            ("a", "a/b/c", &["a"]),
            ("a/b/c", "a/b/c", &[]),
            ("b%", "a/b", &[]),
            ("inb%", "INBOX/a", &["INBOX"]),
            ("%", "ä/b", &["ä"]),
        ] {
            let found: Vec<_> = Pattern(pattern.to_owned()).matching_parents(name, '/').collect();
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_reference_stands_before() {
        assert_eq!(Pattern("%".to_owned()).behind("lists/"), Pattern("lists/%".to_owned()));
    }

    /// Threat I5: 40 names of 60 letters. Without optimisation and beside other work milliseconds become tenths of a
    /// second; what is exponential does not end.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    fn no_pattern_takes_long() {
        let names: Vec<_> = (0..40).map(|n| format!("{}{n:02}", "a".repeat(58))).collect();
        let pattern = |piece: &str, times| Pattern(format!("{}b", piece.repeat(times)));
        let patterns = [
            pattern("*%", 100),
            pattern("*a", 59),
            pattern("%a", 59),
            pattern("*%a", 59),
            pattern("%", 5000),
            pattern("%a*", 1000),
            pattern("a", 60_000),
        ];
        let start = Instant::now();
        for pattern in patterns {
            for name in &names {
                assert!(!pattern.matches(name, '/') && pattern.matching_parents(name, '/').next().is_none());
            }
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    /// What is meant, written down plainly, and slow.
    fn plainly(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], name) => name.is_empty(),
            (['*', rest @ ..], name) => (0..=name.len()).any(|skipped| plainly(rest, &name[skipped..])),
            (['%', rest @ ..], name) => {
                let most = name.iter().position(|&char| char == '/').unwrap_or(name.len());
                (0..=most).any(|skipped| plainly(rest, &name[skipped..]))
            }
            ([wanted, rest @ ..], [char, name @ ..]) => wanted == char && plainly(rest, name),
            _ => false,
        }
    }

    mailwright_core::properties! {
        #[test]
        fn it_matches_what_is_meant(pattern in "[ab/*%]{0,8}", name in "[ab/]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), plainly(&chars(&pattern), &chars(&name)));
            let parents: Vec<_> = name
                .match_indices('/')
                .map(|(at, _)| &name[..at])
                .filter(|parent| plainly(&chars(&pattern), &chars(parent)))
                .collect();
            let found: Vec<_> = Pattern(pattern).matching_parents(&name, '/').collect();
            prop_assert_eq!(found, parents);
        }
    }
}
