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
    /// A piece of the body, transparency undone; a slice of the input, not a copy. In one with many doubled dots,
    /// what is behind them has moved up.
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
        // `input[..kept]` is body, up to `read` it has been looked at; between the two were doubled dots.
        let (mut kept, mut read) = (0, 0);
        loop {
            let unread = input.get(read..).unwrap_or_default();
            if self.at_line_start {
                match unread {
                    [] | [b'.'] | [b'.', b'\r'] => return taken(input, kept, read),
                    [b'.', b'\r', b'\n', ..] if kept > 0 => break,
                    [b'.', b'\r', b'\n', ..] => {
                        input.advance(read + 3);
                        return DotStep::End;
                    }
                    [b'.', ..] => read += 1,
                    _ => {}
                }
                self.at_line_start = false;
            }
            let unread = input.get(read..).unwrap_or_default();
            let (body, stop) = stretch(unread);
            if read > kept && body > 0 {
                input.copy_within(read..read + body, kept);
            }
            (kept, read) = (kept + body, read + body);
            match stop {
                Stop::LineStart => {
                    self.at_line_start = true;
                    if kept >= MOVED_MAX {
                        break;
                    }
                }
                Stop::NeedMore => return taken(input, kept, read),
                Stop::Fault(_) if kept > 0 => break,
                Stop::Fault(fault) => {
                    input.advance(read + 1);
                    return DotStep::Fault(fault);
                }
            }
        }
        taken(input, kept, read)
    }
}

/// Takes what was read off the input, and gives out what of it is body, if anything is.
fn taken(input: &mut BytesMut, kept: usize, read: usize) -> DotStep {
    if kept == 0 {
        input.advance(read);
        return DotStep::NeedMore;
    }
    let chunk = input.split_to(kept).freeze();
    input.advance(read - kept);
    DotStep::Chunk(chunk)
}

/// At a doubled dot, what stands before it is given out on its own from so many octets on; of less, what is behind
/// the dot is moved up to it.
const MOVED_MAX: usize = 1024;

/// Why a [`stretch`] of body ends.
enum Stop {
    /// Behind it a line starts, with a dot or with what has not come yet.
    LineStart,
    /// Behind it nothing has come, or a CR alone.
    NeedMore,
    /// Behind it is this.
    Fault(BodyFault),
}

/// How many octets are body as they stand, and what is behind them.
fn stretch(text: &[u8]) -> (usize, Stop) {
    let mut from = 0;
    loop {
        from += plain_blocks(text.get(from..).unwrap_or_default());
        let rest = text.get(from..).unwrap_or_default();
        let Some(at) = memchr3(b'\r', b'\n', 0, rest).map(|at| from + at) else {
            return (text.len(), Stop::NeedMore);
        };
        let fault = match (text.get(at), text.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => {
                from = at + 2;
                // Only a dot, or not knowing what follows, is of interest at a line's start.
                if text.get(from).is_none_or(|&next| next == b'.') {
                    return (from, Stop::LineStart);
                }
                continue;
            }
            (Some(b'\r'), None) => return (at, Stop::NeedMore),
            (Some(b'\r'), _) => BodyFault::BareCr,
            (Some(b'\n'), _) => BodyFault::BareLf,
            _ => BodyFault::Nul,
        };
        return (at, Stop::Fault(fault));
    }
}

/// Octets that are looked at together.
const BLOCK: usize = 128;

/// How many octets from the front are whole lines and parts of lines without anything of interest. The rest is
/// for a closer look.
fn plain_blocks(text: &[u8]) -> usize {
    let mut plain = 0;
    if text.first() == Some(&b'\n') {
        return plain;
    }
    while let Some(block) = text.get(plain..).and_then(<[u8]>::first_chunk::<BLOCK>)
        && let Some(next) = text.get(plain + 1..).and_then(<[u8]>::first_chunk::<BLOCK>)
        && is_plain(block, next)
    {
        plain += BLOCK;
    }
    // Not between a CR and its LF.
    plain - usize::from(plain.checked_sub(1).and_then(|last| text.get(last)) == Some(&b'\r'))
}

/// Whether each CR has its LF behind it and each LF its CR before it, no line starts with a dot, and there is no
/// NUL. Without a branch, so that the compiler looks at many octets at once.
fn is_plain(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> bool {
    let of_interest = |(&octet, &next): (&u8, &u8)| {
        u8::from(octet == 0)
            | (u8::from(octet == b'\r') ^ u8::from(next == b'\n'))
            | (u8::from(octet == b'\n') & u8::from(next == b'.'))
    };
    block.iter().zip(next).fold(0, |found, pair| found | of_interest(pair)) == 0
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
        let mut rest = chunk.clone();
        while let Err((read, fault)) = self.pass(&rest, output) {
            // A bare CR, or LF, is made a whole line end; a NUL is dropped.
            if fault != BodyFault::Nul {
                self.end_line(output);
            }
            rest.advance(read);
        }
    }

    /// Appends a piece of the body as [`write`](Self::write) does, but mends nothing: for content that was signed, or is
    /// kept, as it is.
    ///
    /// # Errors
    /// What would have to be mended first. What stands before it is written; give up the body.
    pub fn write_sound(&mut self, chunk: &Bytes, output: &mut Output) -> Result<(), BodyFault> {
        self.pass(chunk, output).map_err(|(_, fault)| fault)
    }

    /// Whether all of the body was sound, if it ends here.
    ///
    /// # Errors
    /// Its last octet is a CR.
    pub fn check_end(&self) -> Result<(), BodyFault> {
        if self.owes_line_end { Err(BodyFault::BareCr) } else { Ok(()) }
    }

    /// Passes on what is sound. Stops at a fault, and says how many octets are read with it.
    fn pass(&mut self, chunk: &Bytes, output: &mut Output) -> Result<(), (usize, BodyFault)> {
        let (mut written, mut at) = (0, 0);
        if self.owes_line_end && !chunk.is_empty() {
            self.owes_line_end = false;
            if chunk.first() != Some(&b'\n') {
                return Err((0, BodyFault::BareCr));
            }
            self.end_line(output);
            (written, at) = (1, 1);
        }
        while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
            if self.at_line_start && rest.first() == Some(&b'.') {
                output.push(chunk.slice(written..at));
                output.put(b".");
                written = at;
            }
            let (body, stop) = stretch(rest);
            if let Some(last) = rest.get(..body).and_then(<[u8]>::last) {
                self.at_line_start = *last == b'\n';
            }
            at += body;
            match stop {
                Stop::LineStart => {}
                Stop::NeedMore => {
                    self.owes_line_end = at < chunk.len();
                    break;
                }
                Stop::Fault(fault) => {
                    output.push(chunk.slice(written..at));
                    return Err((at + 1, fault));
                }
            }
        }
        output.push(chunk.slice(written..at));
        Ok(())
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
    fn what_is_sound_is_written_up_to_a_fault() {
        use BodyFault::{BareCr, BareLf, Nul};
        for (text, expected, fault) in [
            (&b""[..], ".\r\n", None),
            (b".\r\n..\r\na.\r\n", "..\r\n...\r\na.\r\n.\r\n", None),
            (b"a", "a\r\n.\r\n", None),
            (b"a\r\n\0.", "a\r\n", Some(Nul)),
            (b"a\nb", "a", Some(BareLf)),
            (b"a\r\r\n", "a", Some(BareCr)),
            (b"a\r", "a", Some(BareCr)),
        ] {
            for step in 1..=text.len().max(1) {
                let (mut writer, mut output) = (DotWriter::new(), Output::new(1000));
                let mut pieces = text.chunks(step).map(Bytes::copy_from_slice);
                let written = pieces.try_for_each(|piece| writer.write_sound(&piece, &mut output));
                let written = written.and_then(|()| writer.check_end());
                if written.is_ok() {
                    writer.finish(&mut output);
                }
                output.release();
                let octets = output.copy_to_bytes(output.remaining());
                assert_eq!((&octets[..], written.err()), (expected.as_bytes(), fault), "{text:?} by {step}");
            }
        }
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

    crate::properties! {
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
