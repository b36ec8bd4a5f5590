//! The content of a message: as it arrives, and on its way into the store.

use bytes::Bytes;
use mailwright_core::Timestamp;
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_smtp::Rejection;
use mailwright_store::{BlobError, BlobWriter, StagedBlob};
use mailwright_tokio::smtp::{Body, BodyError, Verdict};

use crate::incoming::{Incoming, TooManyHops};

/// What arrives, without what is not to be kept of it.
pub(crate) struct Arriving {
    body: Body,
    /// `None` behind the end.
    incoming: Option<Incoming>,
}

impl Arriving {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, incoming: Some(Incoming::new()) }
    }

    /// The next piece, which may be empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Verdict<Option<Bytes>> {
        let Some(incoming) = &mut self.incoming else { return Ok(None) };
        match self.body.chunk().await.map_err(|gone: BodyError| Rejection::from(gone))? {
            Some(chunk) => match incoming.pass(chunk) {
                Ok(piece) => Ok(Some(piece)),
                Err(TooManyHops) => Err(Rejection::new(554, (5, 4, 6), TooManyHops.to_string())?),
            },
            None => Ok(self.incoming.take().map(Incoming::finish)),
        }
    }
}

/// What is kept: written as it comes, and looked at in passing.
pub(crate) struct Keeping<W> {
    blob: W,
    scanner: Scanner,
}

impl<W: BlobWriter> Keeping<W> {
    pub(crate) fn new(blob: W) -> Self {
        Self { blob, scanner: Scanner::new(ScanLimits::default()) }
    }

    pub(crate) async fn write(&mut self, piece: Bytes) -> Verdict {
        if piece.is_empty() {
            return Ok(());
        }
        self.scanner.feed(&piece);
        self.blob.write(unshared(piece)).await.map_err(blob_refusal)
    }

    /// The whole.
    pub(crate) async fn finish(self, now: Timestamp) -> Verdict<(StagedBlob, Scan)> {
        let blob = self.blob.finish(now).await.map_err(blob_refusal)?;
        Ok((blob, self.scanner.finish()))
    }
}

/// A piece that is kept: a small one must not keep the whole buffer that it was read into.
fn unshared(chunk: Bytes) -> Bytes {
    const SMALL: usize = 8 << 10;
    if chunk.len() < SMALL { Bytes::copy_from_slice(&chunk) } else { chunk }
}

pub(crate) fn blob_refusal(error: BlobError) -> Rejection {
    match error {
        BlobError::TooLarge => Rejection::too_big(),
        BlobError::NoSpace => Rejection::insufficient_storage(),
        error => Rejection::from(error),
    }
}
