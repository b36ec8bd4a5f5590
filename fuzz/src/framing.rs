use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::Output;
use mailwright_core::framing::{
    BodyFault, CommandFrame, CommandFramer, DotReader, DotStep, DotWriter, Line, LineFramer, LineLimits,
    Literal,
};

use crate::pieces::splits;

#[derive(Debug, PartialEq)]
enum Framed {
    Line(Vec<u8>),
    BareLf,
    TooLong,
    Endless,
}

/// Lines, beside the plainest reading of what lines are. Two octets of limits, one of cuts, the text.
pub fn framing_line(data: &[u8]) {
    let Some((&[max, discard, seed], text)) = data.split_first_chunk() else { return };
    let limits = LineLimits { max: usize::from(max), discard: usize::from(discard) * 2 };
    let expected = plain_lines(text, limits);
    for pieces in splits(text, seed) {
        assert_eq!(framed_lines(&pieces, limits), expected, "{limits:?}");
    }
}

fn plain_lines(text: &[u8], limits: LineLimits) -> Vec<Framed> {
    let mut seen = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        if line.len() > limits.discard.max(limits.max) {
            seen.push(Framed::Endless);
            break;
        } else if !line.ends_with(b"\n") {
        } else if line.len() > limits.max {
            seen.push(Framed::TooLong);
        } else {
            seen.push(line.strip_suffix(b"\r\n").map_or(Framed::BareLf, |line| Framed::Line(line.to_vec())));
        }
    }
    seen
}

fn framed_lines(pieces: &[&[u8]], limits: LineLimits) -> Vec<Framed> {
    let (mut framer, mut input, mut seen) = (LineFramer::new(), BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            seen.push(match framer.frame(&mut input, limits) {
                Line::NeedMore => break,
                Line::Complete { len } => {
                    let line = input.split_to(len);
                    Framed::Line(line.strip_suffix(b"\r\n").expect("CRLF").to_vec())
                }
                Line::BareLf => Framed::BareLf,
                Line::TooLong => Framed::TooLong,
                Line::Endless => {
                    assert_eq!(framer.frame(&mut input, limits), Line::Endless, "final");
                    seen.push(Framed::Endless);
                    return seen;
                }
            });
        }
        assert!(input.len() <= limits.max, "{} octets are kept", input.len());
    }
    seen
}

#[derive(Debug, Default, PartialEq)]
struct Read {
    body: Vec<u8>,
    faults: Vec<BodyFault>,
    /// What is left behind the end, if it has come.
    rest: Option<Vec<u8>>,
}

/// Dot-ended bodies: reading beside the plainest reading of what they are; and what is written, of anything,
/// is sound and reads back. One octet of cuts, the text.
pub fn framing_dot(data: &[u8]) {
    let Some((&seed, text)) = data.split_first() else { return };
    let expected = plain_body(text);
    for pieces in splits(text, seed) {
        let read = read_body(&pieces);
        assert_eq!((read.rest.is_some(), &read.faults), (expected.rest.is_some(), &expected.faults));
        // Of a body without an end, as much is given out as is sure.
        if read.rest.is_some() {
            assert_eq!(read, expected);
        } else {
            assert!(expected.body.starts_with(&read.body) && expected.body.len() - read.body.len() <= 2);
        }
    }
    let wire = write_body(&[text]);
    for pieces in splits(text, seed) {
        assert_eq!(write_body(&pieces), wire);
    }
    check_wire(&wire);
    let read = read_body(&[&wire]);
    assert_eq!((&read.faults[..], read.rest.as_deref()), (&[][..], Some(&[][..])));
    assert_eq!(write_body(&[&read.body]), wire);
    if expected.faults.is_empty() && (text.is_empty() || text.ends_with(b"\r\n")) && expected.rest.is_none() {
        assert_eq!(undotted(text), undotted(&wire[..wire.len() - 3]));
    }
}

/// Lines without the dots in front of them.
fn undotted(text: &[u8]) -> Vec<&[u8]> {
    text.split(|&octet| octet == b'\n')
        .map(|line| {
            let dots = line.iter().take_while(|&&octet| octet == b'.').count();
            &line[dots..]
        })
        .collect()
}

fn check_wire(wire: &[u8]) {
    assert!(!wire.contains(&0), "NUL");
    for (at, octet) in wire.iter().enumerate() {
        match octet {
            b'\r' => assert_eq!(wire.get(at + 1), Some(&b'\n'), "bare CR"),
            b'\n' => assert!(at > 0 && wire[at - 1] == b'\r', "bare LF"),
            _ => {}
        }
    }
    let ends =
        wire.windows(5).filter(|five| five == b"\r\n.\r\n").count() + usize::from(wire.starts_with(b".\r\n"));
    assert_eq!(ends, 1, "one end");
    assert!(wire == b".\r\n" || wire.ends_with(b"\r\n.\r\n"));
}

fn plain_body(text: &[u8]) -> Read {
    let mut read = Read::default();
    let (mut at, mut line_start) = (0, true);
    while let Some(&octet) = text.get(at) {
        let ahead = &text[at..];
        if line_start && ahead.starts_with(b".\r\n") {
            read.rest = Some(ahead[3..].to_vec());
            break;
        }
        let fault = match octet {
            b'.' if line_start => {
                at += 1;
                // `..` keeps one; a lone dot in front of other text is dropped.
                line_start = false;
                continue;
            }
            b'\r' if ahead.get(1) == Some(&b'\n') => {
                read.body.extend(b"\r\n");
                (at, line_start) = (at + 2, true);
                continue;
            }
            b'\r' if ahead.len() == 1 => break,
            b'\r' => Some(BodyFault::BareCr),
            b'\n' => Some(BodyFault::BareLf),
            0 => Some(BodyFault::Nul),
            _ => None,
        };
        match fault {
            Some(fault) => read.faults.push(fault),
            None => read.body.push(octet),
        }
        (at, line_start) = (at + 1, false);
    }
    read
}

fn read_body(pieces: &[&[u8]]) -> Read {
    let (mut reader, mut input, mut read) = (DotReader::new(), BytesMut::new(), Read::default());
    let mut pieces = pieces.iter();
    loop {
        match reader.next(&mut input) {
            DotStep::Chunk(chunk) => {
                assert!(!chunk.is_empty());
                read.body.extend_from_slice(&chunk);
            }
            DotStep::Fault(fault) => read.faults.push(fault),
            DotStep::End => {
                let mut rest = input.to_vec();
                rest.extend(pieces.flat_map(|piece| piece.iter()));
                read.rest = Some(rest);
                return read;
            }
            DotStep::NeedMore => {
                assert!(input.len() <= 2, "{} octets are kept", input.len());
                let Some(piece) = pieces.next() else { return read };
                input.extend_from_slice(piece);
            }
        }
    }
}

fn write_body(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut writer, mut output) = (DotWriter::new(), Output::new(0));
    for piece in pieces {
        writer.write(&Bytes::copy_from_slice(piece), &mut output);
    }
    writer.finish(&mut output);
    output.release();
    output.copy_to_bytes(output.remaining()).to_vec()
}

#[derive(Debug, PartialEq)]
enum Command {
    Complete(Vec<u8>),
    /// Up to a literal that is streamed, and as much of that as came.
    Prefix(Vec<u8>, Vec<u8>),
    Malformed(Vec<u8>),
    TooLong,
}

/// IMAP commands, literals taken in or streamed by their size. Two octets of limits, one of cuts, the text.
pub fn framing_literal(data: &[u8]) {
    let Some((&[max, inline, seed], text)) = data.split_first_chunk() else { return };
    let (max, inline) = (usize::from(max) * 4, u64::from(inline));
    let [whole, cut, octets] = splits(text, seed);
    let expected = framed_commands(&whole, max, inline);
    for pieces in [cut, octets] {
        assert_eq!(framed_commands(&pieces, max, inline), expected);
    }
    if let Ok(Some(literal)) = Literal::at_end(text) {
        assert!(literal.size <= i64::MAX as u64 && text.ends_with(b"}"));
    }
}

fn framed_commands(pieces: &[&[u8]], max: usize, inline: u64) -> Vec<Command> {
    let (mut framer, mut input, mut seen) = (CommandFramer::new(), BytesMut::new(), Vec::new());
    let mut streaming = 0u64;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            if streaming > 0 {
                let count = input.len().min(usize::try_from(streaming).unwrap_or(usize::MAX));
                streaming -= count as u64;
                let taken = input.split_to(count);
                if let Some(Command::Prefix(_, literal)) = seen.last_mut() {
                    literal.extend_from_slice(&taken);
                }
                if streaming > 0 {
                    break;
                }
            }
            match framer.frame(&input, max) {
                CommandFrame::NeedMore => {
                    assert!(input.len() <= max, "{} octets are kept", input.len());
                    break;
                }
                CommandFrame::Complete { len } => {
                    let command = input.split_to(len);
                    assert!(command.ends_with(b"\r\n") && len <= max);
                    seen.push(Command::Complete(command.to_vec()));
                }
                CommandFrame::Prefix { len, literal } => {
                    assert!(input[..len].ends_with(b"}\r\n") && len <= max);
                    if literal.size <= inline {
                        framer.inline(literal);
                    } else {
                        framer.reset();
                        seen.push(Command::Prefix(input.split_to(len).to_vec(), Vec::new()));
                        streaming = literal.size;
                    }
                }
                CommandFrame::Malformed { len } => {
                    assert!(input[..len].ends_with(b"\n"));
                    seen.push(Command::Malformed(input.split_to(len).to_vec()));
                }
                CommandFrame::TooLong => {
                    assert_eq!(framer.frame(&input, max), CommandFrame::TooLong, "final");
                    seen.push(Command::TooLong);
                    return seen;
                }
            }
        }
    }
    seen
}
