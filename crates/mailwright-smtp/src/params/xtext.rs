//! `xtext = *( xchar / hexchar )` (RFC 3461 §4): any text in the value of a parameter.

use std::borrow::Cow;
use std::fmt;
use std::str;

/// Writes a text as xtext. What is beyond ASCII stays as it is, for SMTPUTF8 (RFC 6533 §3).
pub(crate) struct Xtext<'a>(pub(crate) &'a str);

impl fmt::Display for Xtext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(|c: char| c.is_ascii() && !is_xchar(c)) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = special.chars();
            if let Some(c) = chars.next() {
                write!(f, "+{:02X}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Octets of a text as xtext.
pub(crate) fn written_len(text: &str) -> usize {
    text.len() + 2 * text.bytes().filter(|&byte| byte.is_ascii() && !is_xchar(char::from(byte))).count()
}

fn is_xchar(c: char) -> bool {
    matches!(c, '!'..='~') && !matches!(c, '+' | '=')
}

/// Reads xtext; `None` if it is none, or no UTF-8.
pub(crate) fn decode(value: &[u8]) -> Option<Cow<'_, str>> {
    decode_text(str::from_utf8(value).ok()?)
}

/// The same, of what is known to be text.
pub(crate) fn decode_text(value: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'+', value.as_bytes()).is_none() {
        return Some(Cow::Borrowed(value));
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'+' {
            let (hex, after_hex) = after.split_at_checked(2)?;
            // RFC 3461 §4: "+" and two upper-case digits.
            if !hex.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')) {
                return None;
            }
            decoded.push(u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?);
            rest = after_hex;
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_xtext_is_refused() {
        for text in ["+", "+4", "+4g", "+4a", "a+zz", "+C3", "+FF"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decode(b"gr+C3+A5").as_deref(), Some("grå"));
    }

    mailwright_core::properties! {
        #[test]
        fn what_is_written_is_read_back(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            let written = Xtext(&text).to_string();
            prop_assert_eq!(written.len(), written_len(&text));
            prop_assert!(!written.contains(|c: char| c.is_ascii_control() || matches!(c, ' ' | '=')));
            let read = decode(written.as_bytes());
            prop_assert_eq!(read.as_deref(), Some(&text[..]));
        }
    }
}
