//! Content on its way out. Whatever it is given, no bare CR, no bare LF and no NUL is written, unless the server was
//! told that it is binary, and no end before its end.

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::Output;
use mailwright_core::framing::{BodyFault, DotWriter};

use crate::lines::Lines;

/// The content of one message on its way out.
#[derive(Debug)]
pub(super) enum Content {
    /// Behind DATA, with dots doubled (RFC 5321 §4.5.2).
    Dotted(DotWriter),
    /// In chunks as it is (RFC 3030).
    Chunked(Chunks),
}

#[derive(Debug)]
pub(super) struct Chunks {
    /// Checks the lines; `None` if there need not be any (RFC 3030 §3).
    lines: Option<Lines>,
    /// What will be the next chunk: its size must be known before it is sent.
    next: BytesMut,
    /// Octets of a chunk.
    size: usize,
    /// Chunks that were sent, and not answered.
    unanswered: usize,
    /// How many that may be.
    ahead: usize,
}

impl Content {
    pub(super) fn dotted() -> Self {
        Self::Dotted(DotWriter::new())
    }

    /// In chunks of `size` octets, of which `ahead` may wait for their answers.
    pub(super) fn chunked(size: usize, ahead: usize) -> Self {
        Self::Chunked(Chunks::new(Some(Lines::default()), size, ahead))
    }

    /// In chunks as well, of any octets.
    pub(super) fn binary(size: usize, ahead: usize) -> Self {
        Self::Chunked(Chunks::new(None, size, ahead))
    }

    /// Takes from the front of `piece` what there is room for.
    pub(super) fn write(&mut self, piece: &mut Bytes, output: &mut Output) -> Result<(), BodyFault> {
        match self {
            Self::Dotted(writer) => {
                let piece = piece.split_to(piece.len().min(output.room()));
                writer.write_sound(&piece, output)?;
            }
            Self::Chunked(chunks) => {
                while !piece.is_empty() {
                    chunks.send_full(output);
                    let taken = piece.split_to(piece.len().min(chunks.room()));
                    if taken.is_empty() {
                        break;
                    }
                    chunks.check(&taken)?;
                    chunks.next.extend_from_slice(&taken);
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_chunked(&self) -> bool {
        matches!(self, Self::Chunked(_))
    }

    /// Chunks that wait for their answers.
    pub(super) fn unanswered(&self) -> usize {
        match self {
            Self::Dotted(_) => 0,
            Self::Chunked(chunks) => chunks.unanswered,
        }
    }

    /// A chunk was taken; without one that waits for it, this is no such answer.
    #[must_use]
    pub(super) fn answered(&mut self) -> bool {
        match self {
            Self::Chunked(chunks) if chunks.unanswered > 0 => {
                chunks.unanswered -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether nothing more can be taken before a chunk is answered.
    pub(super) fn is_blocked(&self) -> bool {
        match self {
            Self::Dotted(_) => false,
            Self::Chunked(chunks) => chunks.room() == 0 && chunks.unanswered >= chunks.ahead,
        }
    }

    /// Checks that the content may end here.
    pub(super) fn check_end(&self) -> Result<(), BodyFault> {
        match self {
            Self::Dotted(writer) => writer.check_end(),
            Self::Chunked(chunks) => chunks.lines.as_ref().map_or(Ok(()), |lines| lines.end().map(|_| ())),
        }
    }

    /// Writes the end, on a line of its own.
    pub(super) fn finish(self, output: &mut Output) {
        match self {
            Self::Dotted(writer) => writer.finish(output),
            Self::Chunked(mut chunks) => {
                if chunks.lines.as_ref().is_some_and(|lines| lines.end() == Ok(true)) {
                    chunks.next.extend_from_slice(b"\r\n");
                }
                // Not over the announced size by what the last line needed: a chunk may have any size.
                let len = chunks.next.len();
                chunks.send(len, " LAST", output);
            }
        }
    }
}

impl Chunks {
    fn new(lines: Option<Lines>, size: usize, ahead: usize) -> Self {
        Self { lines, next: BytesMut::new(), size: size.max(2), unanswered: 0, ahead: ahead.max(1) }
    }

    fn check(&mut self, piece: &[u8]) -> Result<(), BodyFault> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        lines.check(piece).map_err(|(_, fault)| fault)
    }

    fn room(&self) -> usize {
        self.size.saturating_sub(self.next.len())
    }

    /// Sends the chunk if it is full: only now it is known not to be the last.
    fn send_full(&mut self, output: &mut Output) {
        if self.room() == 0 && self.unanswered < self.ahead && output.room() > 0 {
            // A CR waits for its LF: should that not come, the CR must not have been sent.
            let len = self.next.len() - usize::from(self.next.ends_with(b"\r"));
            self.send(len, "", output);
            self.unanswered += 1;
        }
    }

    fn send(&mut self, len: usize, last: &str, output: &mut Output) {
        output.put(format!("BDAT {len}{last}\r\n").as_bytes());
        let chunk = if len == self.next.len() {
            std::mem::take(&mut self.next).freeze()
        } else {
            self.next.copy_to_bytes(len)
        };
        output.push(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of `text` given in pieces of `step`, all chunks being answered at once.
    fn written(mut content: Content, text: &[u8], step: usize) -> Result<String, BodyFault> {
        let (mut output, mut all) = (Output::new(64), Vec::new());
        let mut drain = |output: &mut Output| {
            output.release();
            all.extend_from_slice(&output.copy_to_bytes(output.remaining()));
        };
        for piece in text.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            while !piece.is_empty() {
                content.write(&mut piece, &mut output)?;
                drain(&mut output);
                while content.answered() {}
            }
        }
        content.check_end()?;
        content.finish(&mut output);
        drain(&mut output);
        Ok(String::from_utf8(all).unwrap())
    }

    #[test]
    fn content_is_dotted_however_it_comes() {
        for (text, expected) in [
            (&b""[..], Ok(".\r\n")),
            (b"a\r\n", Ok("a\r\n.\r\n")),
            (b"a", Ok("a\r\n.\r\n")),
            (b".\r\n..\r\na.\r\n", Ok("..\r\n...\r\na.\r\n.\r\n")),
            (b"a\nb", Err(BodyFault::BareLf)),
            (b"\n", Err(BodyFault::BareLf)),
            (b"a\rb", Err(BodyFault::BareCr)),
            (b"a\r\r\n", Err(BodyFault::BareCr)),
            (b"a\r", Err(BodyFault::BareCr)),
            (b"a\0", Err(BodyFault::Nul)),
            (b"a\r\0", Err(BodyFault::BareCr)),
        ] {
            for step in 1..=text.len().max(1) {
                let seen = written(Content::dotted(), text, step);
                assert_eq!(seen.as_deref(), expected.as_deref(), "{} by {step}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn content_is_chunked_however_it_comes() {
        for (text, expected) in [
            (&b""[..], "BDAT 0 LAST\r\n"),
            (b".\r\n", "BDAT 3 LAST\r\n.\r\n"),
            (b"a", "BDAT 3 LAST\r\na\r\n"),
            (b"abcd", "BDAT 6 LAST\r\nabcd\r\n"),
            (b"ab\r\ncd\r\n", "BDAT 4\r\nab\r\nBDAT 4 LAST\r\ncd\r\n"),
            // No chunk ends between CR and LF.
            (b"abc\r\nd\r\n", "BDAT 3\r\nabcBDAT 3\r\n\r\ndBDAT 2 LAST\r\n\r\n"),
        ] {
            for step in 1..=text.len().max(1) {
                let seen = written(Content::chunked(4, 1), text, step);
                assert_eq!(seen.as_deref(), Ok(expected), "{} by {step}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn binary_content_is_sent_as_it_is() {
        for (text, expected) in [
            (&b""[..], "BDAT 0 LAST\r\n"),
            (b"a", "BDAT 1 LAST\r\na"),
            (b"\r\n.\n", "BDAT 4 LAST\r\n\r\n.\n"),
            (b"\0\n\r\r\r", "BDAT 3\r\n\0\n\rBDAT 2 LAST\r\n\r\r"),
            (b"\0\n\r.\r", "BDAT 4\r\n\0\n\r.BDAT 1 LAST\r\n\r"),
        ] {
            let whole = written(Content::binary(4, 1), text, text.len().max(1));
            for step in 1..=text.len().max(1) {
                assert_eq!(
                    written(Content::binary(4, 1), text, step),
                    whole,
                    "{} by {step}",
                    text.escape_ascii()
                );
            }
            assert_eq!(whole.as_deref(), Ok(expected), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn chunks_wait_for_their_answers() {
        let (mut content, mut output) = (Content::chunked(2, 2), Output::new(1000));
        let mut piece = Bytes::from_static(b"abcdefgh");
        content.write(&mut piece, &mut output).unwrap();
        assert_eq!((piece.len(), content.unanswered(), content.is_blocked()), (2, 2, true));
        assert!(content.answered() && !content.is_blocked());
        content.write(&mut piece, &mut output).unwrap();
        assert_eq!((piece.len(), content.unanswered()), (0, 2));
        assert!(content.answered() && content.answered() && !content.answered());
    }
}
