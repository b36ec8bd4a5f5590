//! For those who want the framing of SMTP and POP3 alone, in a tokio-util `Framed`: no session, no rules.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::Output;
use mailwright_core::framing::{BodyFault, DotReader, DotStep, DotWriter, Line, LineFramer, LineLimits};
use thiserror::Error;
use tokio_util::codec::{Decoder, Encoder};

/// A line, or a piece of a dot-ended body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A line, without its CRLF.
    Line(Bytes),
    /// A piece of a body, without transparency.
    Body(Bytes),
    /// The end of a body.
    BodyEnd,
}

/// Lines and dot-ended bodies. It reads lines until it is told to [`expect_body`](Self::expect_body), and
/// after a body's end lines again; it writes what it is given.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mailwright_tokio::codec::{Frame, LineCodec};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut wire = BytesMut::new();
/// let mut codec = LineCodec::default();
/// codec.encode(Frame::Line(Bytes::from_static(b"DATA")), &mut wire)?;
/// codec.encode(Frame::Body(Bytes::from_static(b".dot\r\n")), &mut wire)?;
/// codec.encode(Frame::BodyEnd, &mut wire)?;
/// assert_eq!(&wire[..], b"DATA\r\n..dot\r\n.\r\n");
///
/// let mut codec = LineCodec::default();
/// assert_eq!(codec.decode(&mut wire)?, Some(Frame::Line(Bytes::from_static(b"DATA"))));
/// codec.expect_body();
/// assert_eq!(codec.decode(&mut wire)?, Some(Frame::Body(Bytes::from_static(b".dot\r\n"))));
/// assert_eq!(codec.decode(&mut wire)?, Some(Frame::BodyEnd));
/// # Ok::<_, mailwright_tokio::codec::CodecError>(())
/// ```
#[derive(Debug, Default)]
pub struct LineCodec {
    limits: LineLimits,
    lines: LineFramer,
    reading: Option<DotReader>,
    writing: DotWriter,
}

/// Why there is no frame.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The transport failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line was over the limit.
    #[error("line too long")]
    LineTooLong,
    /// A line ended in LF without CR.
    #[error("a line that does not end in CRLF")]
    BareLf,
    /// A body had what none may have; its end still comes.
    #[error("a body with {0:?}")]
    Body(BodyFault),
    /// A line to be written has a CR or an LF in it.
    #[error("a line of several lines")]
    Injection,
}

impl LineCodec {
    /// With these limits.
    pub fn new(limits: LineLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What comes next is a body.
    pub fn expect_body(&mut self) {
        self.reading = Some(DotReader::new());
    }
}

impl Decoder for LineCodec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        if let Some(reader) = &mut self.reading {
            return match reader.next(src) {
                DotStep::Chunk(chunk) => Ok(Some(Frame::Body(chunk))),
                DotStep::End => {
                    self.reading = None;
                    Ok(Some(Frame::BodyEnd))
                }
                DotStep::Fault(fault) => Err(CodecError::Body(fault)),
                DotStep::NeedMore => Ok(None),
            };
        }
        match self.lines.frame(src, self.limits) {
            Line::Complete { len } => {
                let mut line = src.split_to(len).freeze();
                line.truncate(len.saturating_sub(2));
                Ok(Some(Frame::Line(line)))
            }
            Line::NeedMore => Ok(None),
            Line::BareLf => Err(CodecError::BareLf),
            Line::TooLong | Line::Endless => Err(CodecError::LineTooLong),
        }
    }
}

impl Encoder<Frame> for LineCodec {
    type Error = CodecError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), CodecError> {
        let mut output = Output::new(usize::MAX);
        match frame {
            Frame::Line(line) if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) => {
                return Err(CodecError::Injection);
            }
            Frame::Line(line) => {
                output.push(line);
                output.put(b"\r\n");
            }
            Frame::Body(chunk) => self.writing.write(&chunk, &mut output),
            Frame::BodyEnd => std::mem::take(&mut self.writing).finish(&mut output),
        }
        output.release();
        while output.has_remaining() {
            let chunk = output.chunk();
            dst.extend_from_slice(chunk);
            let written = chunk.len();
            output.advance(written);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_smuggle_another() {
        let mut wire = BytesMut::new();
        let line = Frame::Line(Bytes::from_static(b"RCPT TO:<a@b>\r\nDATA"));
        assert!(matches!(LineCodec::default().encode(line, &mut wire), Err(CodecError::Injection)));
        assert!(wire.is_empty());
    }
}
