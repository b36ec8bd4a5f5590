//! `xtext` (RFC 3461 §4): any printable text where SMTP takes no blank and no `=`.

use std::fmt::Write as _;

/// `xtext = *( xchar / hexchar )`
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_graphic() && !matches!(octet, b'+' | b'=') {
            encoded.push(char::from(octet));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "+{octet:02X}");
        }
    }
    encoded
}

/// `None` if it is not xtext, or not of a text.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        match octet {
            b'+' => {
                let (hex, after_hex) = after.split_at_checked(2)?;
                decoded.push(upper_hex(hex)?);
                rest = after_hex;
            }
            b'=' => return None,
            _ if octet.is_ascii_graphic() => {
                decoded.push(octet);
                rest = after;
            }
            _ => return None,
        }
    }
    String::from_utf8(decoded).ok()
}

/// Two digits, of which letters are in upper case as the grammar demands.
fn upper_hex(digits: &[u8]) -> Option<u8> {
    let digit = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let [high, low] = digits else { return None };
    Some(digit(high)? << 4 | digit(low)?)
}

/// `utf-8-addr-unitext` (RFC 6533 §3): only what may not stand there is written as `\x{20}`.
pub(crate) fn encode_unitext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || matches!(c, '+' | '=' | '\\') {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "\\x{{{:02X}}}", u32::from(c));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

/// An address of the type `utf-8` as ORCPT has it (RFC 6533 §3): `\x{4E2D}` is a character. `None` if it is not one.
pub(crate) fn decode_unitext(encoded: &str) -> Option<String> {
    let mut decoded = String::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((before, escape)) = rest.split_once('\\') {
        decoded.push_str(before);
        let (point, after) = escape.strip_prefix("x{")?.split_once('}')?;
        let is_point = (2..=6).contains(&point.len()) && point.bytes().all(|digit| digit.is_ascii_hexdigit());
        let point = u32::from_str_radix(point, 16).ok().filter(|_| is_point)?;
        decoded.push(char::from_u32(point)?);
        rest = after;
    }
    decoded.push_str(rest);
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 3461 §4, RFC 6533 §3
    #[test]
    fn known_texts() {
        assert_eq!(encode("e=mc2+ @x"), "e+3Dmc2+2B+20@x");
        for (encoded, decoded) in [
            ("", Some("")),
            ("Bob@Dest.example", Some("Bob@Dest.example")),
            ("e+3Dmc2", Some("e=mc2")),
            ("+C3+BC", Some("ü")),
            ("+3d", None),
            ("+3", None),
            ("a=b", None),
            ("a b", None),
            ("+FF", None),
        ] {
            assert_eq!(decode(encoded).as_deref(), decoded, "{encoded}");
        }
        for (encoded, decoded) in [
            ("j\\x{FC}rgen@x", Some("jürgen@x")),
            ("jürgen@x", Some("jürgen@x")),
            ("\\x{5C}", Some("\\")),
            ("\\x{D800}", None),
            ("\\x{+12}", None),
            ("\\x{1234567}", None),
            ("\\y", None),
            ("\\x{41", None),
        ] {
            assert_eq!(decode_unitext(encoded).as_deref(), decoded, "{encoded}");
        }
    }

    mailwright_core::properties! {
        #[test]
        fn what_was_encoded_is_decoded(text in "(\\PC|[+=\\r\\n\\x00]){0,30}") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='));
            prop_assert_eq!(decode(&encoded), Some(text));
        }

        #[test]
        fn anything_is_decoded_or_not(text in "(\\PC|[+=\\\\x{}0-9A-F]){0,30}") {
            let _ = (decode(&text), decode_unitext(&text));
        }
    }
}
