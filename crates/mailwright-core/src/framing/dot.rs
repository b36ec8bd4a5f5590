//! Bodies that end in a line with a single dot (RFC 5321 §4.5.2, RFC 1939 §3).

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr3;

use crate::output::Output;

/// What is wrong with the bytes of a body. Each of them has been used to make two servers see two different
/// ends of one message ("SMTP smuggling").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyFault {
    /// CR without LF.
    BareCr,
    /// LF without CR.
    BareLf,
    /// NUL.
    Nul,
}

/// A step of [`DotReader::next`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DotStep {
    /// A piece of the body, transparency undone; a slice of the input, not a copy.
    Chunk(Bytes),
    /// The body has this fault here. Reading goes on to the body's end, which it does not move.
    Fault(BodyFault),
    /// The body has ended.
    End,
    /// The end, or more of the body, is still to come.
    NeedMore,
}

/// Finds the end of a dot-ended body, CRLF.CRLF and nothing else, and undoes the doubling of dots.
///
/// Whatever cannot be told yet (a CR, a dot) stays in the input, so the only state is where we are in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotReader {
    at_line_start: bool,
}

impl Default for DotReader {
    fn default() -> Self {
        Self::new()
    }
}

impl DotReader {
    /// At the start of a body. An end right here is the end of an empty one: the CRLF before it is that of
    /// the DATA command (RFC 5321 §4.1.1.4).
    pub fn new() -> Self {
        Self { at_line_start: true }
    }

    /// Takes the next piece of the body off the front of `input`.
    pub fn next(&mut self, input: &mut BytesMut) -> DotStep {
        if self.at_line_start && input.first() == Some(&b'.') {
            match (input.get(1), input.get(2)) {
                (None, _) | (Some(b'\r'), None) => return DotStep::NeedMore,
                (Some(b'\r'), Some(b'\n')) => {
                    input.advance(3);
                    return DotStep::End;
                }
                _ => input.advance(1),
            }
            self.at_line_start = false;
        }
        self.scan(input)
    }

    fn scan(&mut self, input: &mut BytesMut) -> DotStep {
        let mut from = 0;
        loop {
            let rest = input.get(from..).unwrap_or_default();
            let Some(at) = memchr3(b'\r', b'\n', 0, rest).map(|at| from + at) else {
                return self.chunk(input, input.len(), false);
            };
            let fault = match (input.get(at), input.get(at + 1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    from = at + 2;
                    // Only a dot, or not knowing what follows, ends a chunk at a line's end.
                    if input.get(from).is_none_or(|&next| next == b'.') {
                        return self.chunk(input, from, true);
                    }
                    continue;
                }
                (Some(b'\r'), None) => return self.chunk(input, at, false),
                (Some(b'\r'), _) => BodyFault::BareCr,
                (Some(b'\n'), _) => BodyFault::BareLf,
                _ => BodyFault::Nul,
            };
            if at > 0 {
                return self.chunk(input, at, false);
            }
            input.advance(1);
            self.at_line_start = false;
            return DotStep::Fault(fault);
        }
    }

    /// Gives out the first `len` octets, if there are any.
    fn chunk(&mut self, input: &mut BytesMut, len: usize, at_line_start: bool) -> DotStep {
        if len == 0 {
            return DotStep::NeedMore;
        }
        self.at_line_start = at_line_start;
        DotStep::Chunk(input.split_to(len).freeze())
    }
}

/// Writes a dot-ended body: doubles the dots, and makes every line end CRLF. It cannot write a bare CR, a bare
/// LF or a NUL, whatever it is given, nor an end before [`finish`](Self::finish).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotWriter {
    at_line_start: bool,
    /// The last octet was a CR, whose LF has not come yet; nothing was written for it.
    owes_line_end: bool,
}

impl Default for DotWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl DotWriter {
    /// At the start of a body.
    pub fn new() -> Self {
        Self { at_line_start: true, owes_line_end: false }
    }

    /// Appends a piece of the body. Large stretches without a change are passed on without a copy.
    pub fn write(&mut self, chunk: &Bytes, output: &mut Output) {
        let (mut written, mut at) = (0, 0);
        if self.owes_line_end && !chunk.is_empty() {
            self.end_line(output);
            at = usize::from(chunk.first() == Some(&b'\n'));
            written = at;
        }
        while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
            if self.at_line_start && rest.first() == Some(&b'.') {
                output.push(chunk.slice(written..at));
                output.put(b".");
                written = at;
            }
            let Some(found) = memchr3(b'\r', b'\n', 0, rest).map(|skip| at + skip) else {
                self.at_line_start = false;
                break;
            };
            self.at_line_start &= found == at;
            match (chunk.get(found), chunk.get(found + 1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    self.at_line_start = true;
                    at = found + 2;
                    continue;
                }
                (Some(b'\r'), None) => self.owes_line_end = true,
                _ => {}
            }
            // This octet cannot be passed on as it is.
            output.push(chunk.slice(written..found));
            if chunk.get(found) != Some(&0) && !self.owes_line_end {
                self.end_line(output);
            }
            at = found + 1;
            written = at;
        }
        output.push(chunk.slice(written..));
    }

    fn end_line(&mut self, output: &mut Output) {
        output.put(b"\r\n");
        self.at_line_start = true;
        self.owes_line_end = false;
    }

    /// Ends the body, on a line of its own.
    pub fn finish(mut self, output: &mut Output) {
        if self.owes_line_end || !self.at_line_start {
            self.end_line(output);
        }
        output.put(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `text` given in pieces of `step`: the body, its first fault, and what is left behind its end.
    fn read(text: &[u8], step: usize) -> (Vec<u8>, Option<BodyFault>, Option<Vec<u8>>) {
        let (mut reader, mut input, mut body, mut fault) = (DotReader::new(), BytesMut::new(), vec![], None);
        let mut pieces = text.chunks(step);
        loop {
            match reader.next(&mut input) {
                DotStep::Chunk(chunk) => body.extend_from_slice(&chunk),
                DotStep::Fault(kind) => fault = fault.or(Some(kind)),
                DotStep::End => {
                    let rest = pieces.fold(input.to_vec(), |rest, piece| [&rest, piece].concat());
                    return (body, fault, Some(rest));
                }
                DotStep::NeedMore => match pieces.next() {
                    Some(piece) => input.extend_from_slice(piece),
                    None => return (body, fault, None),
                },
            }
        }
    }

    #[test]
    fn only_crlf_dot_crlf_ends_a_body() {
        use BodyFault::{BareCr, BareLf, Nul};
        for (text, body, fault, ended) in [
            (&b".\r\n"[..], &b""[..], None, true),
            (b"a\r\n.\r\n", b"a\r\n", None, true),
            (b"..\r\n...a\r\n.b\r\n.\r\n", b".\r\n..a\r\nb\r\n", None, true),
            (b"a.\r\n", b"a.\r\n", None, false),
            (b"a\r\n.", b"a\r\n", None, false),
            (b"a\n.\n", b"a.", Some(BareLf), false),
            (b"a\n.\r\n", b"a.\r\n", Some(BareLf), false),
            (b"a\r\n.\n", b"a\r\n", Some(BareLf), false),
            (b"a\r.\r", b"a.", Some(BareCr), false),
            (b"a\r\n.\rb", b"a\r\nb", Some(BareCr), false),
            (b"a\r\r\n.\r\n", b"a\r\n", Some(BareCr), true),
            (b"a\r\n\0.\r\n", b"a\r\n.\r\n", Some(Nul), false),
            (b"a\r\n.\0\r\n", b"a\r\n\r\n", Some(Nul), false),
        ] {
            for step in 1..=text.len() {
                let (seen, why, rest) = read(text, step);
                assert_eq!((&seen[..], why, rest.is_some()), (body, fault, ended), "{text:?} by {step}");
            }
        }
    }

    fn written(body: &[u8], step: usize) -> Vec<u8> {
        let (mut writer, mut output) = (DotWriter::new(), Output::new(0));
        for piece in body.chunks(step.max(1)) {
            writer.write(&Bytes::copy_from_slice(piece), &mut output);
        }
        writer.finish(&mut output);
        output.release();
        output.copy_to_bytes(output.remaining()).to_vec()
    }

    #[test]
    fn line_ends_are_made_whole() {
        for (body, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"a", b"a\r\n.\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b".\r\n..\r\n", b"..\r\n...\r\n.\r\n"),
            (b"a\n.\nb\r.\r", b"a\r\n..\r\nb\r\n..\r\n.\r\n"),
            (b"\0.\0\r\n", b"..\r\n.\r\n"),
            (b"a\r\r\n", b"a\r\n\r\n.\r\n"),
        ] {
            for step in 1..=body.len().max(1) {
                assert_eq!(written(body, step), wire, "{body:?} by {step}");
            }
        }
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"\r\n.\0ab"[..]), 0..40)
    }

    proptest! {
        #[test]
        fn what_is_written_has_one_end_and_no_bare_octet(body in hostile(), step in 1..8usize) {
            let wire = written(&body, step);
            let (read_back, fault, rest) = read(&wire, wire.len());
            prop_assert_eq!((fault, rest), (None, Some(vec![])));
            // What was sound already comes back as it was.
            let (sound, fault, _) = read(&[&body[..], b"\r\n.\r\n"].concat(), 1000);
            if fault.is_none() && !body.windows(3).any(|w| w == b"\n.\r") && !body.starts_with(b".") {
                let undotted = !body.windows(2).any(|w| w == b"\n.");
                if undotted && (body.is_empty() || body.ends_with(b"\r\n")) {
                    prop_assert_eq!(read_back, sound.strip_suffix(b"\r\n").unwrap_or(&sound).to_vec());
                }
            }
        }

        #[test]
        fn any_split_reads_the_same(text in hostile(), step in 1..8usize) {
            prop_assert_eq!(read(&text, step), read(&text, text.len().max(1)));
        }
    }
}
