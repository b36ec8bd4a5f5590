use bytes::BytesMut;
use mailwright_core::framing::LineLimits;
use mailwright_tokio::codec::{CodecError, Frame, LineCodec};
use tokio_util::codec::{Decoder, Encoder};

use crate::pieces::splits;

#[derive(Debug, PartialEq)]
enum Decoded {
    Frame(Frame),
    Fault(String),
    TooLong,
}

/// The codec of lines and bodies, a body behind each line DATA. Two octets of limits, one of cuts, the text.
pub fn codec(data: &[u8]) {
    let Some((&[max, discard, seed], text)) = data.split_first_chunk() else { return };
    let limits = LineLimits { max: usize::from(max) + 6, discard: usize::from(discard) * 2 };
    let [whole, cut, octets] = splits(text, seed);
    let decoded = decode(&whole, limits);
    for pieces in [cut, octets] {
        assert_eq!(decode(&pieces, limits), decoded);
    }
    // What was decoded is encoded as something that is decoded as the same.
    let mut wire = BytesMut::new();
    let mut encoder = LineCodec::new(limits);
    let mut frames: Vec<Decoded> =
        decoded.into_iter().filter(|frame| matches!(frame, Decoded::Frame(_))).collect();
    if let Some(Decoded::Frame(Frame::Body(_))) = frames.last() {
        frames.pop();
    }
    for frame in &frames {
        let Decoded::Frame(frame) = frame else { continue };
        match encoder.encode(frame.clone(), &mut wire) {
            Ok(()) => {}
            Err(CodecError::Injection) => {
                assert!(matches!(frame, Frame::Line(line) if line.contains(&b'\r')));
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let again = decode(&[&wire], limits);
    // A fault inside a body is not written, nor is a line end there that was missing.
    if again != frames {
        assert!(again.iter().all(|frame| matches!(frame, Decoded::Frame(_))));
        assert_eq!(lines(&again), lines(&frames));
    }
}

fn lines(frames: &[Decoded]) -> Vec<&Decoded> {
    frames.iter().filter(|frame| matches!(frame, Decoded::Frame(Frame::Line(_) | Frame::BodyEnd))).collect()
}

/// Bodies are joined.
fn decode(pieces: &[&[u8]], limits: LineLimits) -> Vec<Decoded> {
    let (mut codec, mut input, mut seen) = (LineCodec::new(limits), BytesMut::new(), Vec::new());
    let mut pieces = pieces.iter();
    let mut in_body = false;
    loop {
        match codec.decode(&mut input) {
            Ok(Some(Frame::Body(chunk))) => {
                assert!(in_body && !chunk.is_empty());
                if let Some(Decoded::Frame(Frame::Body(last))) = seen.last_mut() {
                    *last = [&last[..], &chunk].concat().into();
                } else {
                    seen.push(Decoded::Frame(Frame::Body(chunk)));
                }
            }
            Ok(Some(frame)) => {
                if let Frame::Line(line) = &frame {
                    assert!(!in_body && line.len() <= limits.max);
                    if line.eq_ignore_ascii_case(b"DATA") {
                        codec.expect_body();
                        in_body = true;
                    }
                } else {
                    in_body = false;
                }
                seen.push(Decoded::Frame(frame));
            }
            Ok(None) => {
                assert!(input.len() <= if in_body { 2 } else { limits.max });
                let Some(piece) = pieces.next() else { return seen };
                input.extend_from_slice(piece);
            }
            // As for all users of a codec, this is the end.
            Err(CodecError::LineTooLong) => {
                seen.push(Decoded::TooLong);
                return seen;
            }
            Err(error) => seen.push(Decoded::Fault(error.to_string())),
        }
    }
}
