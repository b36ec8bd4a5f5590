//! IMAP commands, which are lines joined by literals (RFC 9051 §4.3, RFC 7888).

use bytes::BytesMut;
use memchr::{memchr, memrchr};
use thiserror::Error;

/// The announcement of a literal at the end of a line: `{42}`, `{42+}`, `~{42}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// Octets that follow the line.
    pub size: u64,
    /// The sender does not wait for a continuation (RFC 7888).
    pub non_sync: bool,
    /// May contain NUL (RFC 3516).
    pub binary: bool,
}

/// A line ends like the announcement of a literal, but the number is none below 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the size of a literal is a number below 2^63")]
pub struct InvalidLiteral;

impl Literal {
    /// The announcement at the end of `line` (given without its CRLF), if there is one.
    ///
    /// # Errors
    /// If it is one, but its size is not a number.
    pub fn at_end(line: &[u8]) -> Result<Option<Self>, InvalidLiteral> {
        let Some(inner) = line.strip_suffix(b"}") else { return Ok(None) };
        let Some((before, number)) = memrchr(b'{', inner).and_then(|at| inner.split_at_checked(at)) else {
            return Ok(None);
        };
        let number = number.get(1..).unwrap_or_default();
        let digits = number.strip_suffix(b"+").unwrap_or(number);
        if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(InvalidLiteral);
        }
        let size = digits.iter().fold(0u64, |n, digit| n.wrapping_mul(10) + u64::from(digit - b'0'));
        if size > i64::MAX as u64 {
            return Err(InvalidLiteral);
        }
        Ok(Some(Self { size, non_sync: digits.len() < number.len(), binary: before.ends_with(b"~") }))
    }
}

/// What stands at the front of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandFrame {
    /// The first `len` octets are a whole command, literals and the last CRLF included.
    Complete {
        /// Octets of the command.
        len: usize,
    },
    /// The first `len` octets end in the announcement of a literal and its CRLF. Either take it into the
    /// command with [`CommandFramer::inline`], or take the prefix off and stream the literal.
    Prefix {
        /// Octets of the prefix, CRLF included.
        len: usize,
        /// What was announced.
        literal: Literal,
    },
    /// Not decided yet.
    NeedMore,
    /// A line ended in LF without CR, or the size of a literal is no number. `len` octets belong to it.
    Malformed {
        /// Octets up to the end of that line.
        len: usize,
    },
    /// The command is over the limit. Where it ends cannot be known, so nothing after it can be trusted.
    TooLong,
}

/// Finds whole commands, and remembers how far it has looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandFramer {
    /// Where the current line starts: behind the last literal that was taken in.
    line: usize,
    /// Octets without an LF, from the front.
    scanned: usize,
}

impl CommandFramer {
    /// At the start of a command.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for the end of the command at the front of `input`, which may have at most `max` octets.
    #[inline]
    pub fn frame(&mut self, input: &BytesMut, max: usize) -> CommandFrame {
        let unseen = input.get(self.scanned..).unwrap_or_default();
        let Some(at) = memchr(b'\n', unseen) else {
            // A literal that was taken in may reach beyond what has come.
            self.scanned = self.scanned.max(input.len());
            return if self.scanned > max { CommandFrame::TooLong } else { CommandFrame::NeedMore };
        };
        let len = self.scanned + at + 1;
        if len > max {
            return CommandFrame::TooLong;
        }
        self.scanned = len;
        let line = input.get(self.line..len).and_then(|line| line.strip_suffix(b"\r\n"));
        match line.map(Literal::at_end) {
            Some(Ok(Some(literal))) => CommandFrame::Prefix { len, literal },
            Some(Ok(None)) => {
                *self = Self::default();
                CommandFrame::Complete { len }
            }
            Some(Err(InvalidLiteral)) | None => {
                *self = Self::default();
                CommandFrame::Malformed { len }
            }
        }
    }

    /// Takes the literal that was just announced into the command: the next [`frame`](Self::frame) looks
    /// behind it.
    pub fn inline(&mut self, literal: Literal) {
        let size = usize::try_from(literal.size).unwrap_or(usize::MAX);
        self.scanned = self.scanned.saturating_add(size);
        self.line = self.scanned;
    }

    /// Starts anew at the front of the input, after a prefix was taken off.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_told_from_text() {
        let literal = |size, non_sync, binary| Ok(Some(Literal { size, non_sync, binary }));
        for (line, expected) in [
            (&b"a APPEND x {3}"[..], literal(3, false, false)),
            (b"{0+}", literal(0, true, false)),
            (b"~{9}", literal(9, false, true)),
            (b"a NOOP", Ok(None)),
            (b"}", Ok(None)),
            (b"{}", Err(InvalidLiteral)),
            (b"{-1}", Err(InvalidLiteral)),
            (b"{9223372036854775807}", literal(9_223_372_036_854_775_807, false, false)),
            (b"{9223372036854775808}", Err(InvalidLiteral)),
            (b"{18446744073709551617}", Err(InvalidLiteral)),
        ] {
            assert_eq!(Literal::at_end(line), expected, "{line:?}");
        }
    }

    #[test]
    fn commands_are_found_however_they_arrive() {
        let text = b"a LOGIN {3}\r\nx\r\n {1+}\r\ny\r\nb NOOP\r\nc X {999}\r\n";
        for step in 1..=text.len() {
            let (mut framer, mut input, mut seen) = (CommandFramer::new(), BytesMut::new(), Vec::new());
            for piece in text.chunks(step) {
                input.extend_from_slice(piece);
                loop {
                    match framer.frame(&input, 40) {
                        CommandFrame::Prefix { literal, .. } if literal.size < 10 => framer.inline(literal),
                        CommandFrame::Complete { len } | CommandFrame::Prefix { len, .. } => {
                            framer.reset();
                            seen.push(input.split_to(len).freeze());
                        }
                        CommandFrame::NeedMore => break,
                        other => panic!("{other:?}"),
                    }
                }
            }
            assert_eq!(
                seen,
                [&b"a LOGIN {3}\r\nx\r\n {1+}\r\ny\r\n"[..], b"b NOOP\r\n", b"c X {999}\r\n"],
                "by {step}"
            );
        }
    }

    #[test]
    fn what_is_too_long_is_said_before_it_is_read() {
        let mut framer = CommandFramer::new();
        let input = BytesMut::from(&b"a {100}\r\n"[..]);
        let CommandFrame::Prefix { literal, .. } = framer.frame(&input, 50) else { panic!() };
        framer.inline(literal);
        assert_eq!(framer.frame(&input, 50), CommandFrame::TooLong);
    }
}
