//! Bodies, encoded as they come (RFC 2045 §6.7, §6.8).

use super::edit::Encoding;

/// Encodes a body, in pieces of any size.
#[derive(Debug)]
pub(super) enum Encoder {
    QuotedPrintable(QuotedPrintable),
    Base64(Base64),
}

impl Encoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintable::default()),
            Encoding::Base64 => Self::Base64(Base64::default()),
        }
    }

    pub(super) fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::QuotedPrintable(encoder) => octets.iter().for_each(|octet| encoder.push(*octet, out)),
            Self::Base64(encoder) => encoder.feed(octets, out),
        }
    }

    /// Writes what was held back. A last line has no end.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        match self {
            Self::QuotedPrintable(encoder) => encoder.finish(out),
            Self::Base64(encoder) => encode(&encoder.line, out),
        }
    }
}

/// RFC 2045 §6.7 (5): 76 characters, one of which is the `=` of a soft line break.
const QUOTED_MAX: usize = 75;

#[derive(Debug, Default)]
pub(super) struct QuotedPrintable {
    /// Characters of the line.
    column: usize,
    /// The line began with a soft line break.
    is_soft: bool,
    /// A blank that may stand at the end of a line, and then is encoded.
    blank: Option<u8>,
    /// A CR whose LF may follow.
    cr: bool,
}

impl QuotedPrintable {
    fn push(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            b'\n' if self.cr => {
                self.cr = false;
                // RFC 2045 §6.7 (3)
                if let Some(blank) = self.blank.take() {
                    self.escape(blank, out);
                }
                out.extend_from_slice(b"\r\n");
                (self.column, self.is_soft) = (0, false);
            }
            b'\r' if !self.cr => self.cr = true,
            _ => {
                self.release(out);
                match octet {
                    b' ' | b'\t' => self.blank = Some(octet),
                    b'\r' => self.cr = true,
                    b'=' => self.escape(octet, out),
                    b'!'..=b'~' => self.plain(octet, out),
                    _ => self.escape(octet, out),
                }
            }
        }
    }

    /// Writes what was held back, as no line end has followed.
    fn release(&mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.plain(blank, out);
        }
        if std::mem::take(&mut self.cr) {
            self.escape(b'\r', out);
        }
    }

    fn plain(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.make_room(1, out);
        // At the begin of a line that was not one before, it might make a delimiter (RFC 2046 §5.1.1).
        if octet == b'-' && self.column == 0 && self.is_soft {
            return self.escape(octet, out);
        }
        out.push(octet);
        self.column += 1;
    }

    fn escape(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.make_room(3, out);
        out.extend([b'=', hex(octet >> 4), hex(octet & 15)]);
        self.column += 3;
    }

    fn make_room(&mut self, characters: usize, out: &mut Vec<u8>) {
        if self.column + characters > QUOTED_MAX {
            out.extend_from_slice(b"=\r\n");
            (self.column, self.is_soft) = (0, true);
        }
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.escape(blank, out);
        }
        self.release(out);
    }
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }
}

/// Octets of a line of 76 characters (RFC 2045 §6.8).
const BASE64_LINE: usize = 57;

#[derive(Debug, Default)]
pub(super) struct Base64 {
    /// Octets of the line that is not full, or is it now.
    line: Vec<u8>,
}

impl Base64 {
    fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while !rest.is_empty() {
            if self.line.len() == BASE64_LINE {
                encode(&self.line, out);
                out.extend_from_slice(b"\r\n");
                self.line.clear();
            }
            let room = BASE64_LINE.saturating_sub(self.line.len()).min(rest.len());
            let (taken, next) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.line.extend_from_slice(taken);
            rest = next;
        }
    }
}

fn encode(octets: &[u8], out: &mut Vec<u8>) {
    for group in octets.chunks(3) {
        let mut bits = [0; 4];
        for (bit, octet) in bits.iter_mut().skip(1).zip(group) {
            *bit = *octet;
        }
        let bits = u32::from_be_bytes(bits);
        for place in 0..4_usize {
            let value = bits >> (18 - 6 * place) & 63;
            out.push(if place > group.len() { b'=' } else { digit(value) });
        }
    }
}

fn digit(value: u32) -> u8 {
    let value = u8::try_from(value & 63).unwrap_or_default();
    match value {
        0..=25 => b'A' + value,
        26..=51 => b'a' + (value - 26),
        52..=61 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::testing::Budget;
    use proptest::prelude::*;

    use super::*;
    use crate::transfer::{TransferDecoder, TransferEncoding};

    fn encoded(encoding: Encoding, octets: &[u8], step: usize) -> String {
        let (mut encoder, mut out) = (Encoder::new(encoding), Vec::new());
        octets.chunks(step).for_each(|piece| encoder.feed(piece, &mut out));
        encoder.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_quoted_printable() {
        let long = "x".repeat(75);
        for (text, expected) in [
            ("", String::new()),
            ("a=b \t\r\n \r\n", "a=3Db =09\r\n=20\r\n".to_owned()),
            ("é\0\r\n", "=C3=A9=00\r\n".to_owned()),
            ("a\nb\rc\r\r\n", "a=0Ab=0Dc=0D\r\n".to_owned()),
            ("a ", "a=20".to_owned()),
            ("a \r", "a=20=0D".to_owned()),
            ("--a", "--a".to_owned()),
            (&format!("{long}\r\n"), format!("{long}\r\n")),
            (&format!("{long}--a"), format!("{long}=\r\n=2D-a")),
            (&format!("{long} \r\n"), format!("{long}=\r\n=20\r\n")),
        ] {
            for step in 1..=text.len().max(1) {
                assert_eq!(
                    encoded(Encoding::QuotedPrintable, text.as_bytes(), step),
                    expected,
                    "{text:?} by {step}"
                );
            }
        }
    }

    /// RFC 4648 §10
    #[test]
    fn known_base64() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{7ff}\u{7ff}", "37/fvw=="),
        ] {
            assert_eq!(encoded(Encoding::Base64, text.as_bytes(), 1), expected);
        }
        let line = "QUFB".repeat(19);
        assert_eq!(encoded(Encoding::Base64, "A".repeat(114).as_bytes(), 7), format!("{line}\r\n{line}"));
    }

    mailwright_core::properties! {
        #![budget(Budget::new().floor(200))]

        #[test]
        fn what_is_encoded_is_decoded(
            octets in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                "[ \t\r\n=.aé-]{0,300}".prop_map(String::into_bytes),
            ],
            step in 1..100usize,
        ) {
            for (to, from) in [
                (Encoding::QuotedPrintable, TransferEncoding::QuotedPrintable),
                (Encoding::Base64, TransferEncoding::Base64),
            ] {
                let text = encoded(to, &octets, step);
                prop_assert_eq!(&text, &encoded(to, &octets, 1));
                prop_assert!(text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 76));
                prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "{:?}", text);
                let (mut decoder, mut decoded) = (TransferDecoder::new(from), Vec::new());
                decoder.feed(text.as_bytes(), &mut decoded);
                decoder.finish(&mut decoded);
                prop_assert_eq!(&decoded, &octets);
            }
        }
    }
}
