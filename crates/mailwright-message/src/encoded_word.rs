//! Encoded words in header fields (RFC 2047).

use memchr::memmem;

use crate::charset::{Charset, CharsetDecoder};
use crate::transfer::{TransferDecoder, TransferEncoding, hex};

/// Decodes a field's value: encoded words, and where there are none UTF-8 (RFC 6532). What cannot be decoded becomes
/// U+FFFD. White space stays as it is, but what separates two encoded words is no part of the text (RFC 2047 §6.2).
///
/// ```
/// assert_eq!(mailwright_message::decode_header(b"=?utf-8?q?t?= =?iso-8859-1?B?6Q==?= at four"), "té at four");
/// ```
pub fn decode_header(value: &[u8]) -> String {
    let mut text = String::new();
    decode_into(value, &mut text);
    text
}

/// The same, appended.
pub(crate) fn decode_into(value: &[u8], text: &mut String) {
    let mut rest = value;
    // Of the encoded words just before `rest`: a character may be cut between two (RFC 2047 §5 forbids it).
    let mut open: Option<Open<'_>> = None;
    let mut search = 0;
    let mut octets = Vec::new();
    while let Some(at) = memmem::find(rest.get(search..).unwrap_or_default(), b"=?") {
        let at = search + at;
        let Some((word, length)) = EncodedWord::parse(rest.get(at..).unwrap_or_default()) else {
            search = at + 2;
            continue;
        };
        let before = rest.get(..at).unwrap_or_default();
        let is_next = open.is_some() && before.iter().all(u8::is_ascii_whitespace);
        if !is_next {
            close(&mut open, text);
            push(before, text);
        }
        octets.clear();
        word.decode(&mut octets);
        if open.as_ref().is_some_and(|open| !open.charset.eq_ignore_ascii_case(word.charset)) {
            close(&mut open, text);
        }
        let open = open.get_or_insert_with(|| Open::new(word.charset));
        open.decoder.feed(&octets, false, text);
        rest = rest.get(at + length..).unwrap_or_default();
        search = 0;
    }
    close(&mut open, text);
    push(rest, text);
}

struct Open<'a> {
    charset: &'a [u8],
    decoder: CharsetDecoder,
}

impl<'a> Open<'a> {
    fn new(charset: &'a [u8]) -> Self {
        Self { charset, decoder: CharsetDecoder::new(Charset::named(Some(charset))) }
    }
}

fn close(open: &mut Option<Open<'_>>, text: &mut String) {
    if let Some(mut open) = open.take() {
        open.decoder.feed(&[], true, text);
    }
}

fn push(octets: &[u8], text: &mut String) {
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// ```abnf
/// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
/// ```
/// A language may follow on the charset (RFC 2231 §5).
struct EncodedWord<'a> {
    charset: &'a [u8],
    is_base64: bool,
    text: &'a [u8],
}

impl<'a> EncodedWord<'a> {
    /// The word at the begin of `octets`, and its length.
    fn parse(octets: &'a [u8]) -> Option<(Self, usize)> {
        let rest = octets.strip_prefix(b"=?")?;
        let (charset, rest) = until_mark(rest)?;
        let (encoding, rest) = until_mark(rest)?;
        let (text, rest) = until_mark(rest)?;
        let rest = rest.strip_prefix(b"=")?;
        let charset = charset.split(|octet| *octet == b'*').next()?;
        let is_base64 = match encoding {
            b"b" | b"B" => true,
            b"q" | b"Q" => false,
            _ => return None,
        };
        if charset.is_empty() || charset.iter().any(u8::is_ascii_whitespace) {
            return None;
        }
        Some((Self { charset, is_base64, text }, octets.len().saturating_sub(rest.len())))
    }

    fn decode(&self, out: &mut Vec<u8>) {
        if self.is_base64 {
            return TransferDecoder::new(TransferEncoding::Base64).feed(self.text, out);
        }
        let mut rest = self.text;
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match (first, behind) {
                (b'_', _) => out.push(b' '),
                (b'=', [high, low, behind @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                    out.push(hex(*high).unwrap_or_default() << 4 | hex(*low).unwrap_or_default());
                    rest = behind;
                }
                _ => out.push(*first),
            }
        }
    }
}

/// What is before the next question mark, and what is behind it.
fn until_mark(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'?', octets)?;
    Some((octets.get(..at)?, octets.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: &[(&str, &str)]) {
        for (value, text) in known {
            assert_eq!(decode_header(value.as_bytes()), *text, "{value}");
        }
    }

    /// RFC 2047 §8, without the parentheses.
    #[test]
    fn the_rfc_s_examples() {
        check(&[
            ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
            ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=     =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        ]);
    }

    #[test]
    fn known_words() {
        check(&[
            ("plain", "plain"),
            ("=?ISO-8859-1?Q?a?= \t =?ISO-8859-1?q?b?=", "ab"),
            ("=?utf-8*en?B?w6k=?=", "é"),
            ("=?utf-8?q?=C3?= =?UTF-8?q?=a9?=", "é"),
            ("=?utf-8?q?=C3?=x", "\u{fffd}x"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?none?q?caf=C3=A9?=", "café"),
            ("=?utf-8?x?a?= =?utf-8?q?b =?= =??q?c?= =?", "=?utf-8?x?a?= b = =??q?c?= =?"),
            ("a=?utf-8?q?b?=c", "abc"),
            ("café", "café"),
        ]);
        assert_eq!(decode_header(b"caf\xe9"), "caf\u{fffd}");
    }
}
