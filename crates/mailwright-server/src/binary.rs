//! Binary content (RFC 3030 §3), made what mailboxes have: lines.

use mailwright_core::BlobId;
use mailwright_message::conversion::{Carries, Conversion, Converter, Survey};
use mailwright_message::{Scan, ScanLimits};
use mailwright_smtp::Rejection;
use mailwright_store::{BlobHint, BlobReader as _, StagedBlob, Store};
use mailwright_tokio::smtp::Verdict;

use crate::content::{Keeping, blob_refusal};

/// The same message with its binary parts in base64: neither IMAP nor POP3 could show them, and few servers take them.
/// What is signed in binary form cannot be changed, and is refused.
pub(crate) async fn in_lines<S: Store>(
    store: &S,
    binary: (StagedBlob, Scan),
    hint: BlobHint,
) -> Verdict<(StagedBlob, Scan)> {
    let blob = binary.0.id();
    let conversion = survey(store, blob).await?;
    if conversion.is_empty() {
        return Ok(binary);
    }
    let mut keeping =
        Keeping::new(store.blob_writer(BlobHint { size: None, ..hint }).await.map_err(blob_refusal)?);
    let mut converter = Converter::new(&conversion);
    let mut pieces = read(store, blob).await?;
    while let Some(piece) = pieces.next().await.map_err(blob_refusal)? {
        let mut converted = Vec::with_capacity(piece.len());
        converter.feed(&piece, &mut converted);
        keeping.write(converted.into()).await?;
    }
    keeping.finish(hint.now).await
}

async fn survey<S: Store>(store: &S, blob: BlobId) -> Verdict<Conversion> {
    let mut survey = Survey::new(Carries::EightBit, ScanLimits::default());
    let mut pieces = read(store, blob).await?;
    while let Some(piece) = pieces.next().await.map_err(blob_refusal)? {
        survey.feed(&piece);
    }
    match survey.finish().conversion {
        Ok(conversion) => Ok(conversion),
        // RFC 3463 §3.7: conversion required, but not supported.
        Err(why) => {
            Err(Rejection::new(554, (5, 6, 3), format!("binary content cannot be kept as it is: {why}"))?)
        }
    }
}

async fn read<S: Store>(store: &S, blob: BlobId) -> Verdict<S::BlobReader> {
    let size = store.blob(blob).await.map_err(blob_refusal)?.size;
    store.read_blob(blob, 0..size).await.map_err(blob_refusal)
}
