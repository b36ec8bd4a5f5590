//! Parameters of Content-Type and Content-Disposition as text.

use encoding_rs::{Encoding, UTF_8};
use mailwright_core::Parameters;
use mailwright_message::decode_header;

/// A parameter, as it is.
pub(crate) fn parameter<'a>(parameters: &Parameters<&'a [u8]>, name: &str) -> Option<&'a [u8]> {
    let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| *value)
}

/// A parameter that is text: with charset and percent encoding (RFC 2231 §4), or as many write it, encoded words
/// (RFC 2047).
pub(crate) fn text_parameter(parameters: &Parameters<&[u8]>, name: &str) -> Option<String> {
    match parameter(parameters, &format!("{name}*")) {
        Some(extended) => Some(decode_extended(extended)),
        None => parameter(parameters, name).map(decode_header),
    }
}

/// ```abnf
/// extended-initial-value := [charset] "'" [language] "'" extended-other-values
/// ```
fn decode_extended(value: &[u8]) -> String {
    let mut parts = value.splitn(3, |&octet| octet == b'\'');
    let (charset, text) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(text)) => (charset, text),
        _ => (&b""[..], value),
    };
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let hex = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(octet) => {
                octets.push(octet);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                octets.push(*first);
                rest = behind;
            }
        }
    }
    Encoding::for_label(charset).unwrap_or(UTF_8).decode(&octets).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names() {
        for (name, value, text) in [
            ("filename*", "utf-8'de'caf%C3%A9.txt", "café.txt"),
            ("filename*", "iso-8859-1''caf%E9", "café"),
            ("filename*", "100% %4 'x", "100% %4 'x"),
            ("FILENAME", "=?utf-8?q?caf=C3=A9?=", "café"),
        ] {
            let parameters = vec![(name.as_bytes(), value.as_bytes())];
            assert_eq!(text_parameter(&parameters, "filename").as_deref(), Some(text), "{value}");
        }
        assert_eq!(text_parameter(&vec![], "filename"), None);
    }
}
