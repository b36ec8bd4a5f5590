//! Contents in memory: the chunks that came in, never copied.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// Chunks, each with where it ends. Cloning it shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct Rope(Arc<[(u64, Bytes)]>);

impl Rope {
    /// The parts of `range`, as slices.
    pub(super) fn slices(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> + use<> {
        let chunks = Arc::clone(&self.0);
        let first = chunks.partition_point(|(end, _)| *end <= range.start);
        (first..chunks.len()).map_while(move |at| {
            let (end, chunk) = chunks.get(at)?;
            let start = end - chunk.len() as u64;
            let (from, to) = (range.start.max(start), range.end.min(*end));
            // Within the chunk, whose length is a `usize`.
            (from < to).then(|| chunk.slice((from - start) as usize..(to - start) as usize))
        })
    }
}

impl From<Vec<(u64, Bytes)>> for Rope {
    fn from(chunks: Vec<(u64, Bytes)>) -> Self {
        Self(chunks.into())
    }
}
