//! What is known of a message, and its octets.

use std::ops::Range;

use bytes::Bytes;
use mailwright_core::{BlobId, Uid};
use mailwright_imap::types::Partial;
use mailwright_message::{Scan, ScanError, ScanLimits, Scanner, TransferDecoder, TransferEncoding};
use mailwright_store::{BlobReader, Opaque, RowPage, Store};
use tokio::task::yield_now;

use super::session::Session;
use super::stop::Stop;

/// A message that is fetched or searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content {
    pub(super) uid: Uid,
    pub(super) blob: BlobId,
    pub(super) size: u64,
}

impl Content {
    /// A message of a page, which must have these columns.
    pub(super) fn of(page: &RowPage, at: usize) -> Option<Self> {
        Some(Self { uid: *page.uids.get(at)?, blob: *page.blobs.get(at)?, size: *page.sizes.get(at)? })
    }
}

impl<S: Store, A> Session<'_, S, A> {
    /// What was found when the message arrived; or what is found now, if that was not kept or is of another release.
    pub(super) async fn scan(&mut self, message: Content, kept: Option<&Opaque>) -> Result<Scan, Stop> {
        let decoded = kept.map(|kept| Scan::decode(kept.version, kept.bytes.clone()));
        match decoded {
            Some(Ok(scan)) if scan.size() == message.size => Ok(scan),
            _ => self.scan_again(message).await,
        }
    }

    /// Reads the whole message.
    pub(super) async fn scan_again(&mut self, message: Content) -> Result<Scan, Stop> {
        let mut scanner = Scanner::new(ScanLimits::default());
        self.read(message.blob, 0..message.size, |piece| {
            scanner.feed(piece);
            true
        })
        .await?;
        Ok(scanner.finish())
    }

    /// Asks a scan, and if that does not know, the message itself.
    pub(super) async fn ask<T>(
        &mut self,
        message: Content,
        scan: &mut Scan,
        question: impl Fn(&Scan) -> Result<T, ScanError>,
    ) -> Result<T, Stop> {
        if let Ok(answer) = question(scan) {
            return Ok(answer);
        }
        *scan = self.scan_again(message).await?;
        question(scan).map_err(|error| Stop::Refused(error.into()))
    }

    /// Reads a message piece by piece, until `wants_more` says no, and lets others have their turn meanwhile.
    pub(super) async fn read(
        &mut self,
        blob: BlobId,
        range: Range<u64>,
        mut wants_more: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Stop> {
        if range.is_empty() {
            return Ok(());
        }
        let mut reader = self.driver.attend(self.shared.store.read_blob(blob, range)).await?;
        let mut turn = 0;
        while let Some(piece) = self.driver.attend(reader.next()).await? {
            if !wants_more(&piece) {
                break;
            }
            turn += piece.len() as u64;
            if turn >= self.shared.limits.turn {
                turn = 0;
                self.driver.attend(yield_now()).await;
            }
        }
        Ok(())
    }

    /// Decodes a part, and gives what `partial` asks for of it.
    pub(super) async fn decode(
        &mut self,
        message: Content,
        body: Range<u64>,
        encoding: TransferEncoding,
        partial: Option<Partial>,
    ) -> Result<Bytes, Stop> {
        let (from, most) = partial.map_or((0, u64::MAX), |partial| (partial.offset, partial.length));
        let mut kept = Vec::new();
        let mut decoder = Decoder::new(encoding);
        self.read(message.blob, body, |piece| {
            decoder.feed(piece);
            decoder.take(from, most, &mut kept);
            (kept.len() as u64) < most
        })
        .await?;
        decoder.finish();
        decoder.take(from, most, &mut kept);
        Ok(Bytes::from(kept))
    }

    /// How many octets a part has, decoded.
    pub(super) async fn decoded_size(
        &mut self,
        message: Content,
        body: Range<u64>,
        encoding: TransferEncoding,
    ) -> Result<u64, Stop> {
        if encoding == TransferEncoding::Identity {
            return Ok(body.end.saturating_sub(body.start));
        }
        let mut decoder = Decoder::new(encoding);
        self.read(message.blob, body, |piece| {
            decoder.feed(piece);
            decoder.take(u64::MAX, 0, &mut Vec::new());
            true
        })
        .await?;
        decoder.finish();
        decoder.take(u64::MAX, 0, &mut Vec::new());
        Ok(decoder.at)
    }
}

/// A decoder, and where in the decoded part it is.
struct Decoder {
    decoder: Option<TransferDecoder>,
    decoded: Vec<u8>,
    /// Octets before `decoded`.
    at: u64,
}

impl Decoder {
    fn new(encoding: TransferEncoding) -> Self {
        Self { decoder: Some(TransferDecoder::new(encoding)), decoded: Vec::new(), at: 0 }
    }

    fn feed(&mut self, octets: &[u8]) {
        if let Some(decoder) = &mut self.decoder {
            decoder.feed(octets, &mut self.decoded);
        }
    }

    fn finish(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            decoder.finish(&mut self.decoded);
        }
    }

    /// Moves what is wanted of what was decoded to `kept`.
    fn take(&mut self, from: u64, most: u64, kept: &mut Vec<u8>) {
        let skip = usize::try_from(from.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = usize::try_from(most.saturating_sub(kept.len() as u64)).unwrap_or(usize::MAX);
        if let Some(wanted) = self.decoded.get(skip..) {
            kept.extend_from_slice(wanted.get(..room).unwrap_or(wanted));
        }
        self.at += self.decoded.len() as u64;
        self.decoded.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_what_was_decoded() {
        for (from, most, expected) in
            [(0, u64::MAX, "abcdef"), (2, 3, "cde"), (3, 1, "d"), (5, 9, "f"), (6, 1, ""), (60, 1, "")]
        {
            let mut decoder = Decoder::new(TransferEncoding::Identity);
            let mut kept = Vec::new();
            for piece in [&b"ab"[..], b"cd", b"", b"ef"] {
                decoder.feed(piece);
                decoder.take(from, most, &mut kept);
            }
            decoder.finish();
            decoder.take(from, most, &mut kept);
            assert_eq!((kept, decoder.at), (expected.as_bytes().to_vec(), 6), "{from} {most}");
        }
    }
}
