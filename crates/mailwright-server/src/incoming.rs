//! The trace that others have left in a message that arrives (RFC 5321 §4.4).

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use thiserror::Error;

/// A message has passed more servers than any that arrives somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many hops: this message is in a loop")]
pub(crate) struct TooManyHops;

/// Counts the Received fields of a message as it passes, because too many mean a loop (RFC 5321 §6.3), and leaves out
/// Return-Path: it is ours to say (§4.4), and who reads the message shall find it once.
#[derive(Debug)]
pub(crate) struct Incoming {
    hops: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// At the begin of a line, or in what may become one of the names.
    Name {
        /// These octets of it, which are not passed on yet.
        held: Vec<u8>,
        /// Whether the field in front was left out, and so is what goes on of it.
        leaves_out: bool,
    },
    /// Further on in a line.
    Rest { leaves_out: bool },
    /// Behind the header.
    Body,
}

/// What the beginning of a line is.
enum Line {
    /// That cannot be told yet.
    Open,
    Received,
    ReturnPath,
    Other,
}

impl Incoming {
    /// RFC 5321 §6.3 asks for 100 at least.
    pub(crate) const HOPS_MAX: usize = 100;

    pub(crate) fn new() -> Self {
        Self { hops: 0, state: State::Name { held: Vec::new(), leaves_out: false } }
    }

    /// The next piece of the message, as it is passed on.
    pub(crate) fn pass(&mut self, piece: Bytes) -> Result<Bytes, TooManyHops> {
        if let State::Body = self.state {
            return Ok(piece);
        }
        let (mut rest, mut out) = (&piece[..], BytesMut::with_capacity(piece.len()));
        while let Some(&first) = rest.first() {
            let taken = match &mut self.state {
                State::Body => {
                    out.extend_from_slice(rest);
                    break;
                }
                State::Name { held, .. } if held.is_empty() && matches!(first, b'\r' | b'\n') => {
                    self.state = State::Body;
                    0
                }
                State::Name { held, leaves_out } if held.is_empty() && matches!(first, b' ' | b'\t') => {
                    self.state = State::Rest { leaves_out: *leaves_out };
                    0
                }
                State::Name { held, .. } => {
                    held.push(first);
                    let line = line(held);
                    match line {
                        Line::Open => {}
                        Line::Received | Line::Other => out.extend_from_slice(held),
                        Line::ReturnPath => {}
                    }
                    self.hops += usize::from(matches!(line, Line::Received));
                    if !matches!(line, Line::Open) {
                        self.state = State::Rest { leaves_out: matches!(line, Line::ReturnPath) };
                    }
                    1
                }
                State::Rest { leaves_out } => {
                    let leaves_out = *leaves_out;
                    let end = memchr(b'\n', rest).map(|at| at + 1);
                    let taken = end.unwrap_or(rest.len());
                    if !leaves_out {
                        out.extend_from_slice(rest.get(..taken).unwrap_or_default());
                    }
                    if end.is_some() {
                        self.state = State::Name { held: Vec::new(), leaves_out };
                    }
                    taken
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        if self.hops > Self::HOPS_MAX { Err(TooManyHops) } else { Ok(out.freeze()) }
    }

    /// What is left at the end of the message.
    pub(crate) fn finish(self) -> Bytes {
        match self.state {
            State::Name { held, .. } => held.into(),
            State::Rest { .. } | State::Body => Bytes::new(),
        }
    }
}

fn line(begin: &[u8]) -> Line {
    let begins = |name: &[u8]| name.get(..begin.len()).is_some_and(|name| name.eq_ignore_ascii_case(begin));
    for (name, line) in [(&b"received:"[..], Line::Received), (b"return-path:", Line::ReturnPath)] {
        if begins(name) {
            return if begin.len() == name.len() { line } else { Line::Open };
        }
    }
    Line::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed on of a message in pieces of this size, and its hops.
    fn pass(message: &str, piece: usize) -> (String, usize) {
        let (mut incoming, mut passed) = (Incoming::new(), Vec::new());
        for piece in message.as_bytes().chunks(piece) {
            passed.extend_from_slice(&incoming.pass(Bytes::copy_from_slice(piece)).unwrap());
        }
        let hops = incoming.hops;
        passed.extend_from_slice(&incoming.finish());
        (String::from_utf8(passed).unwrap(), hops)
    }

    #[test]
    fn received_fields_are_counted_and_return_paths_left_out_however_they_arrive() {
        for (message, passed, hops) in [
            (
                "Received: a\r\n\tfolded\r\nRECEIVED: b\r\nX-Received: c\r\nReceive: d\r\nreceived:\r\n\r\nReceived: body\r\n",
                None,
                3,
            ),
            ("Return-Path: <a@b>\r\nSubject: x\r\n\r\n", Some("Subject: x\r\n\r\n"), 0),
            (
                "Subject: x\r\nRETURN-PATH:\r\n <a@b>\r\n\tx\r\nReceived: y\r\n z\r\nreturn-path: <>\r\n\r\nReturn-Path: body\r\n",
                Some("Subject: x\r\nReceived: y\r\n z\r\n\r\nReturn-Path: body\r\n"),
                1,
            ),
            ("Return-Paths: a\r\nReturn-Path\r\nReturn: b\r\nRe", None, 0),
            (" Return-Path: folded\r\n\r\n", None, 0),
            ("\r\nReturn-Path: body\r\n", None, 0),
            ("Return-Path: <a@b>\r\n", Some(""), 0),
            ("", None, 0),
        ] {
            for piece in 1..=message.len().max(1) {
                let wanted = (passed.unwrap_or(message).to_owned(), hops);
                assert_eq!(pass(message, piece), wanted, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_hundred_hops_are_no_loop_yet() {
        let mut incoming = Incoming::new();
        assert!(incoming.pass("Received: x\r\n".repeat(100).into()).is_ok());
        assert_eq!(incoming.pass("Received: x\r\n".into()), Err(TooManyHops));
    }
}
