//! Charsets to UTF-8.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// How octets are characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Charset {
    encoding: &'static Encoding,
}

impl Charset {
    /// The charset of this name. No name, US-ASCII and an unknown one are taken for UTF-8: what is not ASCII in them is
    /// most likely that.
    pub(crate) fn named(name: Option<&[u8]>) -> Self {
        let name = name
            .filter(|name| !name.eq_ignore_ascii_case(b"us-ascii") && !name.eq_ignore_ascii_case(b"ascii"));
        Self { encoding: name.and_then(Encoding::for_label_no_replacement).unwrap_or(UTF_8) }
    }
}

/// Decodes a text, in pieces of any size. What cannot be decoded becomes U+FFFD.
pub(crate) struct CharsetDecoder {
    decoder: Decoder,
    charset: Charset,
    /// No character is cut.
    is_between: bool,
}

impl CharsetDecoder {
    pub(crate) fn new(charset: Charset) -> Self {
        Self { decoder: charset.encoding.new_decoder_without_bom_handling(), charset, is_between: true }
    }

    /// Whether the next octets, if they are ASCII, mean themselves.
    pub(crate) fn passes_ascii(&self) -> bool {
        self.is_between && self.charset.encoding.is_ascii_compatible()
    }

    /// Decodes the next octets, and with `last` what was left of the last character.
    pub(crate) fn feed(&mut self, octets: &[u8], last: bool, out: &mut String) {
        // In others ASCII may be the second octet of a character.
        let encoding = self.charset.encoding;
        self.is_between =
            (encoding == UTF_8 || encoding.is_single_byte()) && octets.last().is_none_or(u8::is_ascii);
        let mut rest = octets;
        loop {
            let room = self.decoder.max_utf8_buffer_length(rest.len());
            out.reserve(room.unwrap_or_else(|| rest.len().saturating_mul(3).saturating_add(16)));
            let (result, read, _) = self.decoder.decode_to_string(rest, out, last);
            rest = rest.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(charset: &str, pieces: &[&[u8]]) -> String {
        let mut decoder = CharsetDecoder::new(Charset::named(Some(charset.as_bytes())));
        let mut text = String::new();
        for piece in pieces {
            if piece.is_ascii() && decoder.passes_ascii() {
                text.push_str(std::str::from_utf8(piece).unwrap());
            } else {
                decoder.feed(piece, false, &mut text);
            }
        }
        decoder.feed(b"", true, &mut text);
        text
    }

    #[test]
    fn known_texts() {
        for (charset, octets, text) in [
            ("us-ascii", &b"caf\xc3\xa9"[..], "café"),
            ("unheard-of", b"caf\xe9!", "caf\u{fffd}!"),
            ("ISO-8859-1", b"caf\xe9", "café"),
            ("shift_jis", b"\x93\xfa\x83\x5c.", "日ソ."),
            ("iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本"),
            ("utf-16le", b"a\0b\0", "ab"),
            ("hz-gb-2312", b"~{<:~}", "~{<:~}"),
        ] {
            let each: Vec<&[u8]> = octets.chunks(1).collect();
            assert_eq!(decode(charset, &[octets]), text, "{charset}");
            assert_eq!(decode(charset, &each), text, "{charset}");
        }
    }
}
