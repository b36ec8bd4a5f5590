//! Blobs.

use bytes::Bytes;
use mailwright_core::Timestamp;

use super::kit::{ALL, Kit, uids};
use crate::*;

async fn read<S: Store>(kit: &Kit<S>, id: mailwright_core::BlobId, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut reader = kit.store.read_blob(id, range).await.expect("the blob is opened");
    let mut content = Vec::new();
    while let Some(part) = reader.next().await.expect("the blob is read") {
        assert!(!part.is_empty(), "no part is empty");
        content.extend_from_slice(&part);
    }
    content
}

/// Any range of a blob can be read, in parts or at once, also across the parts it came in.
pub async fn blobs_are_read_by_range<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let blob = kit.upload_parts(&["abc", "", "defg", "h"]).await.id();
    let whole = b"abcdefgh";
    for start in 0..=8 {
        for end in start..=8 {
            let want = &whole[start as usize..end as usize];
            assert_eq!(read(&kit, blob, start..end).await, want);
            assert_eq!(kit.store.read_blobs(&[(blob, start..end)]).await, [Ok(Bytes::copy_from_slice(want))]);
        }
    }
    let empty = kit.upload("").await;
    assert!(read(&kit, empty, 0..0).await.is_empty());
    let beyond = kit.store.read_blobs(&[(blob, 0..1), (blob, 0..9), (empty, 0..0)]).await;
    let want = [Ok(Bytes::from_static(b"a")), Err(BlobError::OutOfRange(blob)), Ok(Bytes::new())];
    assert_eq!(beyond, want, "one answer each");
    assert!(matches!(kit.store.read_blob(blob, 9..9).await, Err(BlobError::OutOfRange(_))));
    let unknown = mailwright_core::BlobId([0xEE; 16]);
    assert_eq!(kit.store.blob(unknown).await, Err(BlobError::Gone(unknown)));
}

/// A blob knows its size and its CRC-32C, and blobs begun later have higher ids.
pub async fn blobs_are_checksummed_and_ordered_by_time<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let StagedBlob(first) = kit.upload_parts(&["1234", "56789"]).await;
    assert_eq!((first.size, first.checksum), (9, 0xE306_9283));
    assert_eq!(kit.store.blob(first.id).await, Ok(first));
    let mut last = first.id;
    for round in 0..10 {
        kit.later(round % 2);
        let next = kit.upload("x").await;
        assert!(next > last);
        last = next;
    }
}

/// A blob that no batch came for, or that nothing refers to any more, is dropped when its grace is over. Until then
/// it can be read, and used again; after that, a batch that names it is refused.
pub async fn unused_blobs_are_reclaimed<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let grace = kit.store.limits().blob_grace;
    let staged = kit.upload("never used").await;
    let used = kit.upload("used").await;
    kit.appended(Append::new(ann.inbox, used, kit.now)).await;
    let queued = kit.upload("queued").await;
    kit.one(kit.entry(1, "example.net", queued)).await;
    let over = kit.now.saturating_add(grace);
    let reclaim = async |kit: &Kit<S>, now| kit.store.reclaim(now, ALL).await.expect("it is reclaimed").blobs;
    assert_eq!(reclaim(&kit, Timestamp(over.0 - 1)).await, 0, "not before its time");
    let reclaimed = kit.store.reclaim(over, ALL).await.expect("it is reclaimed");
    assert_eq!((reclaimed.blobs, reclaimed.bytes, reclaimed.more), (1, 10, false));
    assert_eq!(kit.store.blob(staged).await, Err(BlobError::Gone(staged)));
    assert_eq!(kit.refused_one(Append::new(ann.inbox, staged, kit.now)).await, Cause::BlobGone(staged));
    assert_eq!(kit.refused_one(kit.entry(2, "example.net", staged)).await, Cause::BlobGone(staged));

    // Expunged, then used again: not reclaimed. Expunged for good: readable for a grace from then on.
    kit.now = over;
    kit.expunge(ann.inbox, uids([1])).await;
    kit.later(1);
    kit.appended(Append::new(ann.inbox, used, kit.now)).await;
    let over = kit.now.saturating_add(grace);
    assert_eq!(reclaim(&kit, over).await, 0);
    kit.now = over;
    kit.expunge(ann.inbox, uids([2])).await;
    let over = kit.now.saturating_add(grace);
    assert_eq!(reclaim(&kit, Timestamp(over.0 - 1)).await, 0);
    assert_eq!(read(&kit, used, 0..4).await, b"used");
    assert_eq!(reclaim(&kit, over).await, 1);
    assert_eq!(read(&kit, queued, 0..6).await, b"queued", "the queue refers to it");
}

/// Who has begun to read can read to the end.
pub async fn a_reader_outlives_its_blob<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let blob = kit.upload_parts(&["one", "two"]).await.id();
    let mut reader = kit.store.read_blob(blob, 0..6).await.expect("the blob is opened");
    let over = kit.now.saturating_add(kit.store.limits().blob_grace);
    kit.store.reclaim(over, ALL).await.expect("it is reclaimed");
    let mut content = Vec::new();
    while let Some(part) = reader.next().await.expect("the blob is read") {
        content.extend_from_slice(&part);
    }
    assert_eq!(content, b"onetwo");
}

/// What is announced as too large is refused before it is sent.
pub async fn too_large_blobs_are_refused<S: Store>(store: S) {
    let kit = Kit::new(store);
    let size = Some(kit.store.limits().blob_bytes + 1);
    let begun = kit.store.blob_writer(BlobHint { now: kit.now, size }).await;
    assert_eq!(begun.err(), Some(BlobError::TooLarge));
}
