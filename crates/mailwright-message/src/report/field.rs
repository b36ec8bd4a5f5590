//! Header fields: nothing in a value can end it, and no line is too long.

/// Where a line is folded if it can be (RFC 5322 §2.1.1).
const FOLD: usize = 78;
/// Octets of a word beyond which it is cut, because a line may have 998 (RFC 5322 §2.1.1).
const WORD: usize = 900;

/// The text in one line: blanks and control characters are one space each run, and without `utf8` what is not ASCII
/// is a question mark.
pub(super) fn clean(text: &str, utf8: bool) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty()) {
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        cleaned.extend(word.chars().map(|c| if utf8 || c.is_ascii() { c } else { '?' }));
    }
    cleaned
}

/// A field, folded. `value` is [`clean`].
pub(super) fn put(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push(':');
    let mut column = name.len() + 1;
    let mut has_word = false;
    for word in value.split(' ').flat_map(pieces) {
        if has_word && column + 1 + word.len() > FOLD {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
        has_word = true;
    }
    out.push_str("\r\n");
}

/// A word, in pieces of which each fits into a line.
pub(super) fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let word = rest.take()?;
        let cut = word.floor_char_boundary(WORD);
        let (piece, after) = word.split_at_checked(cut).unwrap_or((word, ""));
        rest = Some(after).filter(|after| !after.is_empty());
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The value as it is read: RFC 5322 §2.2.3.
    fn unfolded(field: &str) -> String {
        field.replace("\r\n ", " ").replace("\r\n", "")
    }

    #[test]
    fn values_are_folded_at_blanks() {
        let mut out = String::new();
        put(&mut out, "Diagnostic-Code", &clean(&"word ".repeat(40), false));
        assert!(out.lines().count() > 2);
        assert!(out.split("\r\n").all(|line| line.len() <= FOLD));
        assert_eq!(unfolded(&out), format!("Diagnostic-Code: {}", "word ".repeat(40).trim_end()));
    }

    #[test]
    fn nothing_ends_a_field() {
        assert_eq!(clean("a\r\nBcc: b\0\t c  d", false), "a Bcc: b c d");
        assert_eq!(clean("thé", false), "th?");
        assert_eq!(clean("thé\u{85}x", true), "thé x");
    }

    mailwright_core::properties! {
        #[test]
        fn any_value_is_a_field_of_lines_that_fit(value in "(\\PC|[\\r\\n\\t ]){0,40}", times in 1..60usize, utf8 in any::<bool>()) {
            let value = clean(&value.repeat(times), utf8);
            let mut out = String::new();
            put(&mut out, "X", &value);
            prop_assert!(out.ends_with("\r\n"));
            let lines: Vec<&str> = out.strip_suffix("\r\n").unwrap().split("\r\n").collect();
            prop_assert!(lines.iter().all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
            prop_assert!(lines.iter().skip(1).all(|line| line.starts_with(' ') && !line.trim().is_empty()));
            prop_assert!(utf8 || out.is_ascii());
        }
    }
}
