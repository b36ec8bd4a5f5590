//! Content from an application, as it may be sent: each line ends in CRLF.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// Octets of a line without its end (RFC 5322 §2.1.1, RFC 5321 §4.5.3.1.6).
const LINE_MAX: usize = 998;

/// Why content cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// A CR without LF (RFC 5321 §2.3.8): what one server takes for a line end another does not.
    #[error("line {line} has a CR that no LF follows")]
    BareCr {
        /// In which line, counted from one.
        line: u64,
    },
    /// A NUL, which no server has to take (RFC 5321 §4.5.2, RFC 5322 §4).
    #[error("line {line} has a NUL")]
    Nul {
        /// In which line, counted from one.
        line: u64,
    },
    /// More than 998 octets (RFC 5322 §2.1.1): a text with such lines is to be quoted-printable or base64.
    #[error("line {line} has more than {LINE_MAX} octets: encode the text as quoted-printable or base64")]
    LongLine {
        /// Which line, counted from one.
        line: u64,
    },
}

/// Reads content once, in pieces of any size, and ends each line in CRLF: applications write LF.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Lines that have ended.
    ended: u64,
    /// Octets of the line so far.
    column: usize,
    /// Behind a CR, which is not yet written.
    cr: bool,
    /// Octets written.
    written: u64,
    /// Behind the header and its empty line.
    header: Option<u64>,
    eight_bit: bool,
}

/// What is known of content that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Octets of the header, with the empty line behind it.
    pub(super) header: u64,
    /// Whether it has octets beyond ASCII (RFC 6152).
    pub(super) eight_bit: bool,
}

impl Lines {
    /// The next octets, as they may be sent.
    pub(super) fn push(&mut self, octets: &[u8], out: &mut BytesMut) -> Result<(), InvalidContent> {
        for &octet in octets {
            match octet {
                b'\n' => self.end_line(out),
                _ if self.cr => return Err(InvalidContent::BareCr { line: self.line() }),
                b'\r' => self.cr = true,
                0 => return Err(InvalidContent::Nul { line: self.line() }),
                _ if self.column == LINE_MAX => return Err(InvalidContent::LongLine { line: self.line() }),
                _ => {
                    self.column += 1;
                    self.written += 1;
                    self.eight_bit |= !octet.is_ascii();
                    out.put_u8(octet);
                }
            }
        }
        Ok(())
    }

    /// The line that is being read, counted from one.
    fn line(&self) -> u64 {
        self.ended + 1
    }

    fn end_line(&mut self, out: &mut BytesMut) {
        out.put_slice(b"\r\n");
        self.written += 2;
        if self.column == 0 {
            self.header.get_or_insert(self.written);
        }
        self.ended += 1;
        (self.column, self.cr) = (0, false);
    }

    /// All octets were pushed.
    pub(super) fn finish(mut self, out: &mut BytesMut) -> Result<Known, InvalidContent> {
        if self.cr {
            return Err(InvalidContent::BareCr { line: self.line() });
        }
        if self.column > 0 {
            self.end_line(out);
        }
        Ok(Known { header: self.header.unwrap_or(self.written), eight_bit: self.eight_bit })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(content: &[u8], piece: usize) -> Result<(Vec<u8>, Known), InvalidContent> {
        let (mut lines, mut out) = (Lines::default(), BytesMut::new());
        for piece in content.chunks(piece) {
            lines.push(piece, &mut out)?;
        }
        let known = lines.finish(&mut out)?;
        Ok((out.to_vec(), known))
    }

    #[test]
    fn lines_end_in_crlf() {
        for (content, sent, header) in [
            ("A: b\n\nc\n", "A: b\r\n\r\nc\r\n", 8),
            ("A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n", 8),
            ("A: b\n\r\nc", "A: b\r\n\r\nc\r\n", 8),
            ("A: b", "A: b\r\n", 6),
            ("\nc\n\nd", "\r\nc\r\n\r\nd\r\n", 2),
            ("", "", 0),
            ("A: b\n\n.\n..\n", "A: b\r\n\r\n.\r\n..\r\n", 8),
        ] {
            let known = Known { header, eight_bit: false };
            assert_eq!(read(content.as_bytes(), 100), Ok((sent.as_bytes().to_vec(), known)), "{content:?}");
        }
        assert!(read("A: é\n".as_bytes(), 100).unwrap().1.eight_bit);
    }

    #[test]
    fn what_cannot_be_sent_is_told_with_its_line() {
        let long = |octets| format!("A: b\n{}\n", "x".repeat(octets));
        for (content, why) in [
            ("a\rb\n".to_owned(), InvalidContent::BareCr { line: 1 }),
            ("a\r\r\n".to_owned(), InvalidContent::BareCr { line: 1 }),
            ("a\n\r".to_owned(), InvalidContent::BareCr { line: 2 }),
            ("a\n\nb\0".to_owned(), InvalidContent::Nul { line: 3 }),
            (long(999), InvalidContent::LongLine { line: 2 }),
        ] {
            assert_eq!(read(content.as_bytes(), 100), Err(why), "{content:?}");
        }
        assert!(read(long(998).as_bytes(), 100).is_ok());
    }

    mailwright_core::properties! {
        #[test]
        fn any_content_is_refused_or_has_lines(content in "[a\\r\\n\\x00é.]{0,30}", piece in 1..8usize) {
            let whole = read(content.as_bytes(), 1 << 10);
            prop_assert_eq!(&whole, &read(content.as_bytes(), piece), "however it is cut");
            match whole {
                Ok((sent, known)) => {
                    let sent = String::from_utf8(sent).unwrap();
                    let ends = sent.matches("\r\n").count();
                    prop_assert_eq!((ends, ends), (sent.matches('\r').count(), sent.matches('\n').count()));
                    prop_assert!(sent.is_empty() || sent.ends_with("\r\n"));
                    prop_assert_eq!(known.eight_bit, !content.is_ascii());
                    prop_assert!(known.header <= sent.len() as u64);
                    prop_assert_eq!(read(sent.as_bytes(), piece).unwrap().0, sent.as_bytes(), "once is enough");
                }
                Err(_) => prop_assert!(content.contains(['\r', '\0'])),
            }
        }
    }
}
