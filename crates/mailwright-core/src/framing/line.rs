//! Lines that end in CRLF.

use bytes::{Buf, BytesMut};
use memchr::memchr;

/// How long a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLimits {
    /// Octets of a line, CRLF included; a longer one is refused. Default 4,096: RFC 5321 §4.5.3.1.4 asks for
    /// 512 and what extensions add. Cost: what one connection may buffer for one command.
    pub max: usize,
    /// Octets of a refused line that are thrown away in the hope of its end. Default 1 MiB: beyond it the
    /// peer is not speaking our protocol, and the connection is given up. Cost: none, they are not kept.
    pub discard: usize,
}

impl Default for LineLimits {
    fn default() -> Self {
        Self { max: 4096, discard: 1 << 20 }
    }
}

/// What stands at the front of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The first `len` octets are a line, CRLF included. The caller takes them off the input.
    Complete {
        /// Octets, CRLF included.
        len: usize,
    },
    /// No line yet.
    NeedMore,
    /// A line ended in LF without CR, and was taken off: a peer that counts lines otherwise than we do
    /// could hide commands in it, so it means nothing.
    BareLf,
    /// A line over the limit has ended, and was taken off.
    TooLong,
    /// A line over the limit has no end in sight.
    Endless,
}

/// Finds lines, and remembers how far it has looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFramer {
    /// Octets at the front of the input without an LF.
    scanned: usize,
    /// Octets of the current line that were thrown away.
    discarded: usize,
}

impl LineFramer {
    /// At the start of a line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the front of the input is the middle of a line, of which the first part was thrown away.
    pub fn is_discarding(&self) -> bool {
        self.discarded > 0
    }

    /// Looks for the end of the line at the front of `input`.
    #[inline]
    pub fn frame(&mut self, input: &mut BytesMut, limits: LineLimits) -> Line {
        let unseen = input.get(self.scanned..).unwrap_or_default();
        if let Some(at) = memchr(b'\n', unseen) {
            let len = self.scanned + at + 1;
            let has_cr = len.checked_sub(2).and_then(|at| input.get(at)) == Some(&b'\r');
            if has_cr && self.discarded == 0 && len <= limits.max {
                self.scanned = 0;
                return Line::Complete { len };
            }
            let (line, discarded) = refused(self.discarded, len, input, limits);
            *self = Self { scanned: 0, discarded };
            return line;
        }
        let (line, discarded) = without_end(self.discarded, input, limits);
        *self = Self { scanned: input.len(), discarded };
        line
    }
}

/// A line has ended, of which `len` octets are in the input, and it means nothing. Also says how many octets of
/// the current line have been thrown away.
#[cold]
fn refused(discarded: usize, len: usize, input: &mut BytesMut, limits: LineLimits) -> (Line, usize) {
    let whole = discarded + len;
    if whole > limits.discard.max(limits.max) {
        return (Line::Endless, whole);
    }
    input.advance(len);
    (if whole > limits.max { Line::TooLong } else { Line::BareLf }, 0)
}

/// All that is in the input is of one line.
fn without_end(mut discarded: usize, input: &mut BytesMut, limits: LineLimits) -> (Line, usize) {
    let whole = discarded + input.len();
    if whole > limits.max {
        discarded = whole;
        input.clear();
    }
    (if whole > limits.discard.max(limits.max) { Line::Endless } else { Line::NeedMore }, discarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: LineLimits = LineLimits { max: 8, discard: 20 };

    /// Frames `text` given in pieces of `step`; lines are shown as text, the rest by name.
    fn frames(text: &[u8], step: usize) -> Vec<String> {
        let (mut framer, mut input, mut seen) = (LineFramer::new(), BytesMut::new(), Vec::new());
        for piece in text.chunks(step) {
            input.extend_from_slice(piece);
            loop {
                match framer.frame(&mut input, SMALL) {
                    Line::NeedMore => break,
                    Line::Complete { len } => {
                        seen.push(String::from_utf8_lossy(&input.split_to(len)).trim_end().to_owned());
                    }
                    Line::Endless => {
                        seen.push("Endless".to_owned());
                        return seen;
                    }
                    other => seen.push(format!("{other:?}")),
                }
                assert!(input.len() <= SMALL.max + step);
            }
        }
        seen
    }

    #[test]
    fn lines_are_found_however_they_arrive() {
        for (text, expected) in [
            (&b"NOOP\r\nQUIT\r\nx"[..], &["NOOP", "QUIT"][..]),
            (b"\r\nNOOP\r\n", &["", "NOOP"]),
            (b"123456\r\n1234567\r\nNOOP\r\n", &["123456", "TooLong", "NOOP"]),
            (b"NOOP\nQUIT\r\n\nx\r\n", &["BareLf", "QUIT", "BareLf", "x"]),
            (b"a\rb\r\n", &["a\rb"]),
            (b"123456789012345678\r\nNOOP\r\n", &["TooLong", "NOOP"]),
            (b"1234567890123456789\r\nNOOP\r\n", &["Endless"]),
            (b"1234567890123456789012345", &["Endless"]),
        ] {
            for step in 1..=text.len() {
                assert_eq!(frames(text, step), expected, "in pieces of {step}");
            }
        }
    }
}
