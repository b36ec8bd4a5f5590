//! A message on its way to the client: how much of it, and whether it is whole.

use bytes::Bytes;
use mailwright_core::Output;
use mailwright_core::framing::DotWriter;
use memchr::memchr3_iter;

use super::maildrop::Message;
use super::reply;

/// Whether the application need go on giving pieces of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// There may be more to send.
    More,
    /// The client has all that it asked for (TOP): the rest need not be read. Answer the ticket.
    Enough,
}

/// What RETR and TOP send.
#[derive(Debug)]
pub(super) struct Sending {
    message: Message,
    writer: DotWriter,
    /// The `+OK` is said.
    started: bool,
    /// Octets of what has come, with whole line ends.
    octets: u64,
    /// The last octet was a CR: an LF behind it belongs to the same line end.
    after_cr: bool,
    /// Nothing has come of the current line.
    line_is_empty: bool,
    part: Part,
}

/// How much of a message is to be sent, and where in it we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    All,
    /// We are in the header; so many lines of the body after it.
    Header { lines: u64 },
    /// So many lines more.
    Body { left: u64 },
    /// No more.
    Enough,
}

impl Sending {
    pub(super) fn new(message: Message, lines: Option<u64>) -> Self {
        Self {
            message,
            writer: DotWriter::new(),
            started: false,
            octets: 0,
            after_cr: false,
            line_is_empty: true,
            part: lines.map_or(Part::All, |lines| Part::Header { lines }),
        }
    }

    /// Something of the message has been sent: there is no way back.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    /// All of it has come, or all that the client wants.
    pub(super) fn is_whole(&self) -> bool {
        self.part == Part::Enough || self.octets >= self.message.size
    }

    /// Sends the next piece.
    pub(super) fn write(&mut self, piece: &Bytes, output: &mut Output) -> Flow {
        if self.part != Part::Enough && !piece.is_empty() {
            self.start(output);
            let len = self.measure(piece);
            self.writer.write(&piece.slice(..len), output);
        }
        if self.part == Part::Enough { Flow::Enough } else { Flow::More }
    }

    pub(super) fn finish(mut self, output: &mut Output) {
        self.start(output);
        self.writer.finish(output);
    }

    fn start(&mut self, output: &mut Output) {
        if self.started {
            return;
        }
        self.started = true;
        match self.part {
            Part::All => reply::write_ok(output, &format!("{} octets", self.message.size)),
            _ => reply::write_ok(output, "top of message follows"),
        }
    }

    /// How much of the piece is to be sent. Lines are what the [`DotWriter`] makes of them: CRLF, and also a
    /// bare CR or LF, ends one.
    fn measure(&mut self, piece: &[u8]) -> usize {
        let mut seen = 0;
        for at in memchr3_iter(b'\r', b'\n', 0, piece) {
            self.content(at - seen);
            seen = at + 1;
            match piece.get(at) {
                Some(b'\n') if self.after_cr => self.after_cr = false,
                Some(0) => {
                    // Not sent, though it counts in the size.
                    self.octets = self.octets.saturating_add(1);
                    self.after_cr = false;
                }
                byte => {
                    self.end_line();
                    self.after_cr = byte == Some(&b'\r');
                    if self.part == Part::Enough {
                        return seen;
                    }
                }
            }
        }
        self.content(piece.len() - seen);
        piece.len()
    }

    fn content(&mut self, len: usize) {
        if len > 0 {
            self.octets = self.octets.saturating_add(len as u64);
            self.line_is_empty = false;
            self.after_cr = false;
        }
    }

    fn end_line(&mut self) {
        self.octets = self.octets.saturating_add(2);
        let was_empty = std::mem::replace(&mut self.line_is_empty, true);
        self.part = match self.part {
            // RFC 1939 §7: the header, the blank line, and then lines of the body.
            Part::Header { lines: 0 } if was_empty => Part::Enough,
            Part::Header { lines } if was_empty => Part::Body { left: lines },
            Part::Body { left: 0 | 1 } => Part::Enough,
            Part::Body { left } => Part::Body { left: left - 1 },
            part => part,
        };
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use proptest::prelude::*;

    use super::*;

    fn message(size: usize) -> Message {
        Message { index: 0, uid: None, size: size as u64 }
    }

    /// What is sent of a message that comes in pieces, and whether it was whole.
    fn sent(body: &[u8], lines: Option<u64>, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut sending, mut output) = (Sending::new(message(body.len()), lines), Output::new(0));
        for piece in pieces {
            if sending.write(&Bytes::copy_from_slice(piece), &mut output) == Flow::Enough {
                break;
            }
        }
        let whole = sending.is_whole();
        sending.finish(&mut output);
        output.release();
        (output.copy_to_bytes(output.remaining()).to_vec(), whole)
    }

    const MAIL: &[u8] = b"Subject: x\r\n.a: b\r\n\r\none\r\n.two\r\n\r\nfour";

    #[test]
    fn top_counts_the_same_however_the_pieces_are_cut() {
        for (lines, expected) in [
            (0, &b"Subject: x\r\n..a: b\r\n\r\n.\r\n"[..]),
            (1, b"Subject: x\r\n..a: b\r\n\r\none\r\n.\r\n"),
            (3, b"Subject: x\r\n..a: b\r\n\r\none\r\n..two\r\n\r\n.\r\n"),
            (4, b"Subject: x\r\n..a: b\r\n\r\none\r\n..two\r\n\r\nfour\r\n.\r\n"),
            (u64::MAX, b"Subject: x\r\n..a: b\r\n\r\none\r\n..two\r\n\r\nfour\r\n.\r\n"),
        ] {
            let expected = [b"+OK top of message follows\r\n", expected].concat();
            for first in 0..=MAIL.len() {
                for second in first..=MAIL.len() {
                    let pieces = [&MAIL[..first], &MAIL[first..second], &MAIL[second..]];
                    let (seen, whole) = sent(MAIL, Some(lines), &pieces);
                    assert_eq!(
                        (seen.escape_ascii().to_string(), whole),
                        (expected.escape_ascii().to_string(), true),
                        "{lines} lines, cut at {first} and {second}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_line_is_does_not_depend_on_how_it_ends() {
        for (body, lines, expected) in [
            (&b"a: b\n\none\ntwo\n"[..], 1, &b"a: b\r\n\r\none\r\n.\r\n"[..]),
            (b"a: b\r\rone\rtwo\r", 1, b"a: b\r\n\r\none\r\n.\r\n"),
            (b"a: b\r\r\none\r\n", 0, b"a: b\r\n\r\n.\r\n"),
            (b"a: b\r\n\0\r\none\r\n", 0, b"a: b\r\n\r\n.\r\n"),
            (b"a: b\r\n\r\0\none\r\n", 1, b"a: b\r\n\r\n\r\n.\r\n"),
            (b"\r\none\r\ntwo\r\n", 1, b"\r\none\r\n.\r\n"),
            (b"no: body", 7, b"no: body\r\n.\r\n"),
            (b"", 7, b".\r\n"),
        ] {
            let expected = [b"+OK top of message follows\r\n", expected].concat();
            for step in 1..=body.len().max(1) {
                let pieces: Vec<_> = body.chunks(step).collect();
                let (seen, _) = sent(body, Some(lines), &pieces);
                assert_eq!(seen.escape_ascii().to_string(), expected.escape_ascii().to_string(), "by {step}");
            }
        }
    }

    #[test]
    fn a_short_message_is_not_whole() {
        for cut in 0..MAIL.len() {
            assert!(!sent(MAIL, None, &[&MAIL[..cut]]).1, "{cut}");
            assert!(!sent(MAIL, Some(9), &[&MAIL[..cut]]).1, "{cut}");
        }
        // Sizes count whole line ends: such a message is longer on the wire than in the store.
        assert!(sent(b"a\r\nb\r\n", None, &[b"a\nb\n"]).1);
        assert!(!sent(b"a\r\nb\r\n", None, &[b"a\nb"]).1);
        assert!(sent(b"\0\0", None, &[b"\0\0"]).1);
    }

    #[test]
    fn pieces_are_not_copied() {
        for lines in [None, Some(10)] {
            let (mut sending, mut output) = (Sending::new(message(2000), lines), Output::new(0));
            let piece = Bytes::from([b"a: b\r\n\r\n", &[b'x'; 2000][..]].concat());
            let _ = sending.write(&piece, &mut output);
            output.release();
            let status = output.chunk().len();
            assert!(output.chunk().starts_with(b"+OK "));
            output.advance(status);
            assert_eq!(output.chunk().as_ptr(), piece.as_ptr());
        }
    }

    mailwright_core::properties! {
        #[test]
        fn any_split_sends_the_same(
            body in prop::collection::vec(prop::sample::select(&b"\r\n\r\n.\0ab"[..]), 0..40),
            lines in prop::option::of(0..6u64),
            step in 1..8usize,
        ) {
            let pieces: Vec<_> = body.chunks(step).collect();
            prop_assert_eq!(sent(&body, lines, &pieces), sent(&body, lines, &[&body[..]]));
        }

        #[test]
        fn the_top_is_what_the_whole_begins_with(
            body in prop::collection::vec(prop::sample::select(&b"\r\n\r\n.\0ab"[..]), 0..40),
            lines in 0..6u64,
        ) {
            let text = |wire: Vec<u8>| {
                let at = wire.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
                wire[at..].strip_suffix(b".\r\n").unwrap().to_vec()
            };
            let (whole, top) = (text(sent(&body, None, &[&body]).0), text(sent(&body, Some(lines), &[&body]).0));
            prop_assert!(whole.starts_with(&top));
            let wire: Vec<_> = whole.split_inclusive(|&byte| byte == b'\n').collect();
            let header = wire.iter().position(|line| *line == b"\r\n").map_or(wire.len(), |at| at + 1);
            let wanted = wire.len().min(header + lines as usize);
            prop_assert_eq!(top, wire[..wanted].concat());
        }
    }
}
