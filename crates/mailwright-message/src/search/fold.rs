//! Texts that are compared without regard to case.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Appends a text in the form in which texts are compared, which is near that of i;unicode-casemap (RFC 5051):
/// compatibility decomposition, then capitals; so that `ß` is `SS`, and the ligature `ﬁ` is `FI`.
pub(crate) fn fold(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|octet| !octet.is_ascii()).unwrap_or(rest.len());
        let (plain, behind) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
        fold_ascii(plain.as_bytes(), out);
        // What is ASCII is decomposed already, and nothing moves across it.
        let other = behind.bytes().position(|octet| octet.is_ascii()).unwrap_or(behind.len());
        let (other, behind) = behind.split_at_checked(other).unwrap_or((behind, ""));
        let mut utf8 = [0; 4];
        for character in other.nfkd().flat_map(char::to_uppercase) {
            out.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        }
        rest = behind;
    }
}

/// The same for ASCII.
pub(crate) fn fold_ascii(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text);
    if let Some(new) = out.get_mut(start..) {
        new.make_ascii_uppercase();
    }
}

/// How much of a text can be folded before more of it is known: all but its last character with what is combined
/// with it.
pub(crate) fn foldable(text: &str) -> usize {
    let mut starts = text.char_indices().rev();
    starts.find(|(_, character)| canonical_combining_class(*character) == 0).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        fold(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 5051 §2, and a little more.
    #[test]
    fn what_is_equal() {
        for (one, other) in [
            ("Tea", "tEA"),
            ("É", "e\u{301}"),
            ("straße", "STRASSE"),
            ("ﬁsh", "Fish"),
            ("σας", "ΣΑΣ"),
            ("①ﾃ", "1テ"),
            ("q\u{307}\u{323}", "Q\u{323}\u{307}"),
            ("ǆ", "dž"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("tea"), folded("te"));
    }

    #[test]
    fn what_waits() {
        for (text, at) in [("", 0), ("ab", 1), ("abe\u{301}\u{323}", 2), ("\u{301}", 0), ("日本", 3)] {
            assert_eq!(foldable(text), at, "{text}");
        }
    }
}
