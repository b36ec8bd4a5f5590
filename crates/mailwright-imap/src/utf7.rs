//! Mailbox names in modified UTF-7 (RFC 3501 §5.1.3), which clients use that have not enabled UTF-8.

use std::borrow::Cow;
use std::str;

use thiserror::Error;

/// The octets are no mailbox name in modified UTF-7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not in modified UTF-7 (RFC 3501 section 5.1.3)")]
pub struct InvalidUtf7;

/// Base64 with `,` for `/`.
const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Decodes a name as a client sends it.
///
/// Each name has one form only: what is printable ASCII stands for itself, runs of base64 are as long as can be,
/// and their last bits are zero.
///
/// ```
/// use mailwright_imap::decode_mailbox;
///
/// assert_eq!(decode_mailbox(b"~peter/mail/&U,BTFw-/&ZeVnLIqe-").as_deref(), Ok("~peter/mail/台北/日本語"));
/// assert!(decode_mailbox(b"&U,BTFw-&ZeVnLIqe-").is_err(), "one run would do");
/// ```
///
/// # Errors
/// If it is not in that form.
pub fn decode_mailbox(name: &[u8]) -> Result<String, InvalidUtf7> {
    if !name.iter().all(|&byte| is_direct(byte)) {
        return Err(InvalidUtf7);
    }
    let mut rest = str::from_utf8(name).map_err(|_| InvalidUtf7)?;
    let mut decoded = String::with_capacity(rest.len());
    let mut after_run = false;
    while let Some((plain, shifted)) = rest.split_once('&') {
        let (run, behind) = shifted.split_once('-').ok_or(InvalidUtf7)?;
        decoded.push_str(plain);
        if run.is_empty() {
            decoded.push('&');
            after_run = false;
        } else if after_run && plain.is_empty() {
            return Err(InvalidUtf7);
        } else {
            decode_run(run.as_bytes(), &mut decoded)?;
            after_run = true;
        }
        rest = behind;
    }
    decoded.push_str(rest);
    Ok(decoded)
}

/// Printable ASCII, which stands for itself.
fn is_direct(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Decodes UTF-16 in base64.
fn decode_run(run: &[u8], decoded: &mut String) -> Result<(), InvalidUtf7> {
    let (mut bits, mut have) = (0u32, 0u32);
    let mut high = None;
    for &byte in run {
        bits = bits << 6 | sextet(byte).ok_or(InvalidUtf7)?;
        have += 6;
        if have < 16 {
            continue;
        }
        have -= 16;
        let unit = bits >> have;
        bits &= (1 << have) - 1;
        match (high.take(), unit) {
            (None, 0xD800..=0xDBFF) => high = Some(unit),
            (None, unit) => {
                // A low surrogate alone is no char.
                let char = char::from_u32(unit).ok_or(InvalidUtf7)?;
                if u8::try_from(char).is_ok_and(is_direct) {
                    return Err(InvalidUtf7);
                }
                decoded.push(char);
            }
            (Some(high), 0xDC00..=0xDFFF) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                decoded.push(char::from_u32(code).ok_or(InvalidUtf7)?);
            }
            (Some(_), _) => return Err(InvalidUtf7),
        }
    }
    if high.is_some() || have >= 6 || bits != 0 { Err(InvalidUtf7) } else { Ok(()) }
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b',' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// Encodes a name for a client. Most names need no encoding.
///
/// ```
/// use mailwright_imap::encode_mailbox;
///
/// assert_eq!(encode_mailbox("Entwürfe & mehr"), "Entw&APw-rfe &- mehr");
/// ```
pub fn encode_mailbox(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| is_direct(byte) && byte != b'&') {
        return Cow::Borrowed(name);
    }
    let mut encoded = String::with_capacity(name.len() * 2);
    let mut run = Run::default();
    for char in name.chars() {
        if u8::try_from(char).is_ok_and(is_direct) {
            run.end(&mut encoded);
            encoded.push(char);
            if char == '&' {
                encoded.push('-');
            }
        } else {
            for &mut unit in char.encode_utf16(&mut [0; 2]) {
                run.push(unit, &mut encoded);
            }
        }
    }
    run.end(&mut encoded);
    Cow::Owned(encoded)
}

/// A run of base64 as it is written.
#[derive(Default)]
struct Run {
    bits: u32,
    have: u32,
    is_open: bool,
}

impl Run {
    fn push(&mut self, unit: u16, encoded: &mut String) {
        if !self.is_open {
            self.is_open = true;
            encoded.push('&');
        }
        self.bits = self.bits << 16 | u32::from(unit);
        self.have += 16;
        while self.have >= 6 {
            self.have -= 6;
            encoded.push(digit(self.bits >> self.have));
            self.bits &= (1 << self.have) - 1;
        }
    }

    fn end(&mut self, encoded: &mut String) {
        if !self.is_open {
            return;
        }
        if self.have > 0 {
            encoded.push(digit(self.bits << (6 - self.have)));
        }
        encoded.push('-');
        *self = Self::default();
    }
}

fn digit(sextet: u32) -> char {
    ALPHABET.get(sextet as usize & 63).copied().unwrap_or(b'A').into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_one_form() {
        for (encoded, decoded) in [
            ("INBOX", "INBOX"),
            ("", ""),
            ("a&-b", "a&b"),
            ("&-&-", "&&"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&U,BTF2XlZyyKng-", "台北日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("&APw-&-&APw-", "ü&ü"),
            ("&2D3eAA-", "😀"),
            ("&AAo-", "\n"),
            ("&AH8-", "\u{7f}"),
            ("&Jjo-!", "☺!"),
        ] {
            assert_eq!(decode_mailbox(encoded.as_bytes()).as_deref(), Ok(decoded), "{encoded}");
            assert_eq!(encode_mailbox(decoded), encoded, "{decoded}");
        }
    }

    #[test]
    fn what_has_another_form_is_none() {
        for encoded in [
            &b"&"[..],
            b"a&b",
            b"&APw",
            b"&Jjo!",
            b"&U,BTFw-&ZeVnLIqe-",
            b"&AGE-",    // an "a" in base64
            b"&ACY-",    // an "&" in base64
            b"&AC8AYQ-", // "/a" in base64
            b"&APw=-",   // padding
            b"&AP/-",    // "/" of plain base64
            b"&APx-",    // bits left that are not zero
            b"&APwA-",   // six bits left
            b"&A-",      // too little
            b"&2D0-",    // a high surrogate alone
            b"&3gA-",    // a low surrogate alone
            b"&2D0AYQ-", // a high surrogate before a letter
            b"&3gDYPQ-", // surrogates the wrong way round
            "&ÄÖ-".as_bytes(),
            b"Entw\xfcrfe",
            "Entwürfe".as_bytes(),
            b"a\0b",
            b"a\nb",
            b"a\x7fb",
        ] {
            assert_eq!(decode_mailbox(encoded), Err(InvalidUtf7), "{}", encoded.escape_ascii());
        }
    }

    mailwright_core::properties! {
        #[test]
        fn encoded_names_are_decoded_again(name in any::<String>()) {
            let encoded = encode_mailbox(&name);
            prop_assert!(encoded.bytes().all(is_direct));
            prop_assert_eq!(decode_mailbox(encoded.as_bytes()), Ok(name.clone()));
        }

        #[test]
        fn what_is_decoded_has_one_form(name in "[a&AD23,+-]{0,12}") {
            if let Ok(decoded) = decode_mailbox(name.as_bytes()) {
                prop_assert_eq!(encode_mailbox(&decoded), name);
            }
        }

        #[test]
        fn any_octets_are_decoded_or_refused(name in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode_mailbox(&name);
        }
    }
}
