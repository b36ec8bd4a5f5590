//! What differs from one session to the next.

/// In the place of anything, in a line of the server.
pub(super) const ANYTHING: &str = "{*}";

/// Letters and digits of the shortest word that is taken for an id if it has a digit: ids of queues and traces,
/// Message-IDs, UIDVALIDITY by the clock.
const ID: usize = 10;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The line, with [`ANYTHING`] for ids, dates and times.
pub(super) fn generalise(line: &str) -> String {
    let words: Vec<&str> = words(line);
    // In a date of RFC 5322 §3.3, words are separated by blanks: `Mon, 23 Nov 2026 06:18:15 +0000`.
    let near =
        |at: usize, by: isize| at.checked_add_signed(by).and_then(|at| words.get(at)).copied().unwrap_or("");
    let month = |at, by| near(at, by / 2) == " " && MONTHS.contains(&near(at, by));
    let is_variable = |(at, word): (usize, &&str)| {
        let short_number = word.len() <= 2 && is_number(word);
        let of_date = match *word {
            day if DAYS.contains(&day) => near(at, 1) == ",",
            name if MONTHS.contains(&name) => near(at, -1) == " " && is_number(near(at, -2)),
            _ => short_number && month(at, 2) || word.len() == 4 && is_number(word) && month(at, -2),
        };
        of_date || is_time(word) || is_zone(word) || is_imap_date(word) || is_id(word)
    };
    let replaced = |(at, word): (usize, &&str)| {
        if is_variable((at, word)) { ANYTHING.to_owned() } else { (*word).to_owned() }
    };
    words.iter().enumerate().map(replaced).collect()
}

/// Words, and what stands between them, an octet each.
fn words(line: &str) -> Vec<&str> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '+' | '-');
    let mut all = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match rest.find(|c| !in_word(c)) {
            Some(0) => first.len_utf8(),
            Some(length) => length,
            None => rest.len(),
        };
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        all.push(word);
        rest = after;
    }
    all
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit())
}

/// `06:18:15`
fn is_time(word: &str) -> bool {
    let parts: Vec<&str> = word.split(':').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() == 2 && is_number(part))
}

/// `+0000`
fn is_zone(word: &str) -> bool {
    word.strip_prefix(['+', '-']).is_some_and(|offset| offset.len() == 4 && is_number(offset))
}

/// `23-Nov-2026` (RFC 9051 §9, date-time).
fn is_imap_date(word: &str) -> bool {
    match word.split('-').collect::<Vec<_>>()[..] {
        [day, month, year] => is_number(day) && MONTHS.contains(&month) && year.len() == 4 && is_number(year),
        _ => false,
    }
}

fn is_id(word: &str) -> bool {
    let is_long = |part: &str| part.len() >= ID && part.bytes().any(|octet| octet.is_ascii_digit());
    word.split(|c: char| !c.is_ascii_alphanumeric()).any(is_long)
}

/// Whether a line is as `pattern` has it.
pub(super) fn matches(pattern: &str, line: &str) -> bool {
    let Some((first, more)) = pattern.split_once(ANYTHING) else { return line == pattern };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let (between, last) = more.rsplit_once(ANYTHING).unwrap_or(("", more));
    for part in between.split(ANYTHING) {
        // The first place is as good as any: what is behind it only becomes longer.
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_dates_are_left_open() {
        for (line, general) in [
            ("250 2.0.0 accepted as 06EXZ2V9K4T0QK8M", "250 2.0.0 accepted as {*}"),
            ("250-ENHANCEDSTATUSCODES", "250-ENHANCEDSTATUSCODES"),
            ("<550e8400-e29b-41d4-a716-446655440000@mx>", "<{*}@mx>"),
            ("250 SIZE 26214400", "250 SIZE 26214400"),
            ("* OK [UIDVALIDITY 1795363201] ok", "* OK [UIDVALIDITY {*}] ok"),
            (
                "* 1 FETCH (UID 1 INTERNALDATE \"23-Nov-2026 06:18:15 +0000\")",
                "* 1 FETCH (UID 1 INTERNALDATE \"{*} {*} {*}\")",
            ),
            ("Date: Mon, 23 Nov 2026 06:18:15 +0000", "Date: {*}, {*} {*} {*} {*} {*}"),
            ("May I? 12 Monkeys", "May I? 12 Monkeys"),
            ("250 2.1.5 recipient ok", "250 2.1.5 recipient ok"),
            ("", ""),
        ] {
            assert_eq!(generalise(line), general);
            assert!(matches(general, line), "{line}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, line, same) in [
            ("a{*}", "a", true),
            ("a{*}c", "abc", true),
            ("a{*}c", "ac", true),
            ("a{*}b{*}c", "axbybzc", true),
            ("a{*}c", "abd", false),
            ("ab{*}ba", "aba", false),
            ("abc", "abcd", false),
            ("{*}", "", true),
        ] {
            assert_eq!(matches(pattern, line), same, "{pattern} {line}");
        }
    }
}
