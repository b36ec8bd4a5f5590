//! Content-Transfer-Encoding, undone (RFC 2045 §6).

use memchr::memchr;

/// How a part's body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferEncoding {
    /// 7bit, 8bit, binary: not at all.
    Identity,
    /// Quoted-printable (RFC 2045 §6.7).
    QuotedPrintable,
    /// Base64 (RFC 2045 §6.8).
    Base64,
}

impl TransferEncoding {
    /// The encoding of this name, in any case. BINARY of another answers NO `[UNKNOWN-CTE]` (RFC 9051 §7.1).
    pub fn named(name: &[u8]) -> Option<Self> {
        let is = |known: &str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
        if is("7bit") || is("8bit") || is("binary") {
            Some(Self::Identity)
        } else if is("quoted-printable") {
            Some(Self::QuotedPrintable)
        } else if is("base64") {
            Some(Self::Base64)
        } else {
            None
        }
    }
}

/// Decodes a body, in pieces of any size. What is no encoding is passed over in base64 (RFC 2045 §6.8), and stays as it
/// is in quoted-printable. How the octets are cut changes nothing.
///
/// ```
/// use mailwright_message::{TransferDecoder, TransferEncoding};
///
/// let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
/// let mut text = Vec::new();
/// decoder.feed(b"tea=3", &mut text);
/// decoder.feed(b"F =\r\nAt four.  \r\n", &mut text);
/// decoder.finish(&mut text);
/// assert_eq!(text, b"tea? At four.\r\n");
/// ```
#[derive(Debug)]
pub struct TransferDecoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Identity,
    QuotedPrintable {
        /// The end of the last line, of which what follows decides what it means.
        held: Vec<u8>,
    },
    Base64 {
        /// What is decoded already of the octet to come.
        bits: u32,
        count: u32,
    },
}

/// Blanks at the end of an incomplete line that are held back to see whether the line ends. A line has at most 998
/// octets (RFC 5322 §2.1.1); more blanks are text.
const HELD: usize = 1_000;

impl TransferDecoder {
    /// At the first octet of a body.
    pub fn new(encoding: TransferEncoding) -> Self {
        Self {
            state: match encoding {
                TransferEncoding::Identity => State::Identity,
                TransferEncoding::QuotedPrintable => State::QuotedPrintable { held: Vec::new() },
                TransferEncoding::Base64 => State::Base64 { bits: 0, count: 0 },
            },
        }
    }

    /// Decodes the next octets, and appends what they mean: never more than they are, and 1,000.
    pub fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match &mut self.state {
            State::Identity => out.extend_from_slice(octets),
            State::QuotedPrintable { held } => quoted_printable(octets, held, out),
            State::Base64 { bits, count } => base64(octets, bits, count, out),
        }
    }

    /// Appends what was held back at the end.
    pub fn finish(self, out: &mut Vec<u8>) {
        if let State::QuotedPrintable { held } = self.state {
            // As at the end of a line: blanks go, and so does a soft line break.
            let text = held.trim_ascii_end();
            escapes(text.strip_suffix(b"=").unwrap_or(text), out);
        }
    }
}

fn base64(octets: &[u8], bits: &mut u32, count: &mut u32, out: &mut Vec<u8>) {
    out.reserve(octets.len() / 4 * 3);
    for octet in octets {
        let value = match VALUES.get(usize::from(*octet)) {
            Some(value) if *value < 64 => u32::from(*value),
            // A new text may follow on its end.
            Some(&PAD) => {
                (*bits, *count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        *bits = *bits << 6 | value;
        *count += 6;
        if *count >= 8 {
            *count -= 8;
            let [.., low] = (*bits >> *count).to_be_bytes();
            out.push(low);
            *bits &= (1 << *count) - 1;
        }
    }
}

const PAD: u8 = 64;

/// What each octet stands for in base64.
static VALUES: [u8; 256] = values();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would complain")]
const fn values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    let mut values = [u8::MAX; 256];
    let mut at = 0;
    while at < alphabet.len() {
        values[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    values
}

fn quoted_printable(octets: &[u8], held: &mut Vec<u8>, out: &mut Vec<u8>) {
    let mut rest = octets;
    while let Some(at) = memchr(b'\n', rest) {
        let (line, next) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
        rest = next;
        if held.is_empty() {
            whole_line(line, out);
        } else {
            held.extend_from_slice(line);
            whole_line(held, out);
            held.clear();
        }
    }
    if rest.is_empty() {
        return;
    }
    held.extend_from_slice(rest);
    let undecided = undecided(held);
    let decided = held.len().saturating_sub(undecided);
    escapes(held.get(..decided).unwrap_or_default(), out);
    held.drain(..decided);
}

/// A line with its end.
fn whole_line(line: &[u8], out: &mut Vec<u8>) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let (text, end): (_, &[u8]) = match text.strip_suffix(b"\r") {
        Some(text) => (text, b"\r\n"),
        None => (text, b"\n"),
    };
    // RFC 2045 §6.7 (3): blanks at the end of a line were not there when it was sent.
    let blanks = text.iter().rev().take_while(|octet| is_blank(**octet)).count();
    let text = text.get(..text.len().saturating_sub(blanks)).unwrap_or_default();
    match text.strip_suffix(b"=") {
        Some(text) => escapes(text, out),
        None => {
            escapes(text, out);
            out.extend_from_slice(end);
        }
    }
}

/// How many octets at the end of an incomplete line may mean something else when more come: an escape, blanks, a CR,
/// and a soft line break in front of these.
fn undecided(line: &[u8]) -> usize {
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    let blanks = text.iter().rev().take_while(|octet| is_blank(**octet)).count();
    let cr = line.len().saturating_sub(text.len());
    if blanks > HELD {
        return 0;
    }
    match text.get(..text.len().saturating_sub(blanks)).unwrap_or_default() {
        [.., b'='] => blanks + cr + 1,
        [.., b'=', _] if blanks + cr == 0 => 2,
        _ => blanks + cr,
    }
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Decodes what has no line end.
fn escapes(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr(b'=', rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        if let [_, high, low, ..] = escape
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = escape.get(3..).unwrap_or_default();
        } else {
            out.push(b'=');
            rest = escape.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
}

/// Lower case is not allowed (RFC 2045 §6.7 (1)), and found.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use mailwright_core::testing::Budget;
    use proptest::prelude::*;

    use super::*;

    fn decode(encoding: TransferEncoding, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (TransferDecoder::new(encoding), Vec::new());
        for piece in pieces {
            decoder.feed(piece, &mut out);
        }
        decoder.finish(&mut out);
        out
    }

    fn check(encoding: TransferEncoding, encoded: &str, decoded: &str) {
        let whole = decode(encoding, &[encoded.as_bytes()]);
        assert_eq!(String::from_utf8_lossy(&whole), decoded, "{encoded:?}");
        let octets: Vec<&[u8]> = encoded.as_bytes().chunks(1).collect();
        assert_eq!(decode(encoding, &octets), whole, "{encoded:?} octet by octet");
    }

    #[test]
    fn names() {
        assert_eq!(TransferEncoding::named(b" Base64"), Some(TransferEncoding::Base64));
        assert_eq!(TransferEncoding::named(b"8BIT"), Some(TransferEncoding::Identity));
        assert_eq!(TransferEncoding::named(b"x-uuencode"), None);
    }

    /// RFC 2045 §6.8
    #[test]
    fn known_base64() {
        for (encoded, decoded) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm\r\n 9v!Yg", "foob"),
            ("Zg==Zm9v", "ffoo"),
            ("=Zm9v", "foo"),
            ("Z", ""),
        ] {
            check(TransferEncoding::Base64, encoded, decoded);
        }
    }

    /// RFC 2045 §6.7
    #[test]
    fn known_quoted_printable() {
        for (encoded, decoded) in [
            ("hello  \r\nbar=\r\n\r\nfoo\t=\r\nbar\r\n", "hello\r\nbar\r\nfoo\tbar\r\n"),
            ("foo\t \t= \r\n=62\r\n", "foo\t \tb\r\n"),
            ("foo = \t\nbar", "foo bar"),
            ("=3d=3D=x=4=", "===x=4"),
            ("a =", "a "),
            ("a \t", "a"),
            ("a \r b", "a \r b"),
            ("=0D=0A\r\n", "\r\n\r\n"),
            ("= =  x", "= =  x"),
        ] {
            check(TransferEncoding::QuotedPrintable, encoded, decoded);
        }
    }

    #[test]
    fn blanks_without_end_are_not_held() {
        let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
        let mut out = Vec::new();
        for _ in 0..100 {
            decoder.feed(&[b' '; 999], &mut out);
        }
        assert!(out.len() > 98_000, "{}", out.len());
    }

    mailwright_core::properties! {
        #![budget(Budget::new().floor(200))]

        #[test]
        fn any_split(text in "[=aF4 \t\r\n\\x00é]{0,60}", cuts in prop::collection::vec(0..100_usize, 0..4)) {
            for encoding in [
                TransferEncoding::Identity, TransferEncoding::QuotedPrintable, TransferEncoding::Base64,
            ] {
                let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
                at.extend([0, text.len()]);
                at.sort_unstable();
                let pieces: Vec<_> = at.windows(2).map(|at| &text.as_bytes()[at[0]..at[1]]).collect();
                prop_assert_eq!(decode(encoding, &pieces), decode(encoding, &[text.as_bytes()]));
            }
        }
    }
}
