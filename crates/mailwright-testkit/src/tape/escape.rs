//! Octets as text, as the transcripts of [`run_transcripts`](mailwright_core::testing::run_transcripts) have them.

/// Printable ASCII as it is, all else escaped.
pub(super) fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for (at, &octet) in octets.iter().enumerate() {
        match octet {
            b'\r' => text += "\\r",
            b'\n' => text += "\\n",
            b'\\' => text += "\\\\",
            b'{' if repeats(octets.get(at..).unwrap_or_default()) => text += "\\{",
            b' '..=b'~' => text.push(char::from(octet)),
            _ => text += &format!("\\x{octet:02x}"),
        }
    }
    text
}

/// Whether this would be read as `{3*a}`.
fn repeats(octets: &[u8]) -> bool {
    octets.contains(&b'*') && octets.contains(&b'}')
}

/// The octets again; `None` if an escape is none.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escaped) = rest.split_at_checked(at)?;
        octets.extend_from_slice(before.as_bytes());
        let (octet, length) = match escaped.as_bytes() {
            [_, b'r', ..] => (b'\r', 2),
            [_, b'n', ..] => (b'\n', 2),
            [_, b'\\', ..] => (b'\\', 2),
            [_, b'{', ..] => (b'{', 2),
            [_, b'x', ..] => (u8::from_str_radix(escaped.get(2..4)?, 16).ok()?, 4),
            _ => return None,
        };
        octets.push(octet);
        rest = escaped.get(length..)?;
    }
    octets.extend_from_slice(rest.as_bytes());
    Some(octets)
}

#[cfg(test)]
mod tests {
    use mailwright_core::testing::Budget;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_texts() {
        for (octets, text) in [
            (&b"EHLO c.example\r\n"[..], "EHLO c.example\\r\\n"),
            (b"caf\xc3\xa9 \\", "caf\\xc3\\xa9 \\\\"),
            (b"A1 APPEND INBOX {3}", "A1 APPEND INBOX {3}"),
            (b"{3*a}", "\\{3*a}"),
        ] {
            assert_eq!(escape(octets), text);
            assert_eq!(unescape(text).as_deref(), Some(octets));
        }
        assert_eq!([unescape("\\q"), unescape("\\x1"), unescape("\\")], [None, None, None]);
    }

    mailwright_core::properties! {
        #![budget(Budget::new().floor(200))]

        #[test]
        fn what_is_escaped_is_one_line_and_comes_back(octets in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = escape(&octets);
            prop_assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')));
            prop_assert_eq!(unescape(&text), Some(octets));
        }
    }
}
