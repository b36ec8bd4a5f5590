//! SEARCH HEADER: a field of a header, in its octets.

use super::fold::{fold, fold_ascii};
use super::needle::Needle;
use crate::encoded_word::decode_into;
use crate::section::{field_name, lines};
use crate::syntax::lexer::unfold;

/// Folded texts of fields, whose memory is used again.
#[derive(Debug, Default)]
pub(crate) struct FoldedField {
    folded: Vec<u8>,
    decoded: String,
}

impl FoldedField {
    pub(crate) fn clear(&mut self) {
        self.folded.clear();
    }

    /// Appends an unfolded value: decoded, without regard to case.
    pub(crate) fn add(&mut self, value: &[u8]) {
        // Most have neither encoded words nor anything but ASCII.
        if value.is_ascii() && memchr::memmem::find(value, b"=?").is_none() {
            return fold_ascii(value, &mut self.folded);
        }
        self.decoded.clear();
        decode_into(value, &mut self.decoded);
        fold(&self.decoded, &mut self.folded);
    }

    pub(crate) fn folded(&self) -> &[u8] {
        &self.folded
    }
}

impl Needle {
    /// Whether a header has a field of this name, in any case, that has the text in its decoded value
    /// (RFC 9051 §6.4.4: `HEADER <field-name> <string>`). The empty text is in each.
    ///
    /// ```
    /// use mailwright_message::Needle;
    ///
    /// let header = b"Subject: =?utf-8?q?th=C3=A9?=\r\n \r\nX-Tea: green\r\n\r\n";
    /// assert!(Needle::new("THÉ").matches_header(header, "subject"));
    /// assert!(!Needle::new("thé").matches_header(header, "X-Tea"));
    /// assert!(Needle::new("").matches_header(header, "X-Tea"));
    /// ```
    pub fn matches_header(&self, header: &[u8], name: &str) -> bool {
        let mut field = FoldedField::default();
        let mut value: Option<Vec<u8>> = None;
        let mut matches = |value: &mut Option<Vec<u8>>| {
            value.take().is_some_and(|value| {
                field.clear();
                field.add(&unfold(&value));
                self.is_in(field.folded())
            })
        };
        for line in lines(header) {
            if matches!(line, b"\r\n" | b"\n") {
                break;
            }
            if line.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
                if let Some(value) = &mut value {
                    value.extend_from_slice(line);
                }
                continue;
            }
            if matches(&mut value) {
                return true;
            }
            if let Some(found) = field_name(line)
                && found.eq_ignore_ascii_case(name.as_bytes())
            {
                let colon = memchr::memchr(b':', line).unwrap_or_default();
                value = line.get(colon + 1..).map(<[u8]>::to_vec);
            }
        }
        matches(&mut value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: a@b\r\nX: one\r\n two =?utf-8?q?thr?=\r\n =?utf-8?q?ee?=\r\nX : four\r\nno field\r\n\r\nX: five";

    #[test]
    fn fields_are_unfolded_and_decoded() {
        let finds = |text: &str, name: &str| Needle::new(text).matches_header(HEADER, name);
        assert!(finds("ONE TWO THREE", "x"));
        assert!(finds("Four", "X"));
        assert!(finds("", "from"));
        assert!(!finds("onetwo", "x"));
        assert!(!finds("five", "x"));
        assert!(!finds("", "to"));
        assert!(!finds("no", "no field"));
    }
}
