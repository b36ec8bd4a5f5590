//! Makes the changes.

use std::sync::Arc;

use super::edit::{Conversion, Edit, How};
use super::encoder::Encoder;
use crate::transfer::TransferDecoder;

/// Changes a message as a [`Conversion`] says, in pieces of any size. It keeps some hundred octets.
#[derive(Debug)]
pub struct Converter {
    edits: Arc<[Edit]>,
    /// The edit that is next, or under way.
    next: usize,
    /// Where in the message the next octet is.
    at: u64,
    body: Option<Body>,
}

/// A body that is being encoded.
#[derive(Debug)]
struct Body {
    decoder: TransferDecoder,
    encoder: Encoder,
}

impl Converter {
    /// At the first octet of the message that was surveyed.
    pub fn new(conversion: &Conversion) -> Self {
        Self { edits: Arc::clone(&conversion.edits), next: 0, at: 0, body: None }
    }

    /// The next octets of the message: appends what becomes of them, at most four times as many, and some thousand for
    /// what was held back. There is no more to come when the last is given.
    pub fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while let Some(edit) = self.edits.get(self.next).cloned() {
            let is_inside = self.at >= edit.range.start;
            let until = if is_inside { edit.range.end } else { edit.range.start };
            let wanted = usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let (piece, next) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
            rest = next;
            self.at += u64::try_from(piece.len()).unwrap_or_default();
            if is_inside {
                self.change(edit.how, piece, out);
            } else {
                out.extend_from_slice(piece);
            }
            if self.at < until {
                return;
            }
            if self.at >= edit.range.end {
                self.end(edit.how, out);
                self.next += 1;
            }
        }
        self.at += u64::try_from(rest.len()).unwrap_or_default();
        out.extend_from_slice(rest);
    }

    fn change(&mut self, how: How, octets: &[u8], out: &mut Vec<u8>) {
        if let How::Encode { from, to } = how {
            let new = || Body { decoder: TransferDecoder::new(from), encoder: Encoder::new(to) };
            let body = self.body.get_or_insert_with(new);
            let mut decoded = Vec::with_capacity(octets.len());
            body.decoder.feed(octets, &mut decoded);
            body.encoder.feed(&decoded, out);
        }
    }

    fn end(&mut self, how: How, out: &mut Vec<u8>) {
        if let How::Replace(text) = how {
            out.extend_from_slice(text.as_bytes());
        }
        if let Some(Body { decoder, mut encoder }) = self.body.take() {
            let mut decoded = Vec::new();
            decoder.finish(&mut decoded);
            encoder.feed(&decoded, out);
            encoder.finish(out);
        }
    }
}
