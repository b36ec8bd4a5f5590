//! Bodies whose length was announced: literals and BDAT chunks.

use bytes::{Bytes, BytesMut};

/// Takes exactly the announced octets off the input, as they come, without a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OctetReader {
    left: u64,
}

impl OctetReader {
    /// Expects `size` octets.
    pub fn new(size: u64) -> Self {
        Self { left: size }
    }

    /// How many octets are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What has come of them; `None` if nothing has, or all have been taken.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Bytes> {
        let count = input.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if count == 0 {
            return None;
        }
        self.left -= count as u64;
        Some(input.split_to(count).freeze())
    }
}
