//! Where things stand in a log.

use std::fmt;

use bytes::Bytes;
use mailwright_core::BlobId;

/// Groups begin at multiples of it.
pub(super) const BLOCK: u64 = 4096;

/// Which store a log belongs to: random, and secret, because a message that knew it could contain what looks like
/// a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreId(..)")
    }
}

/// Which group is meant, where it stands, and its checksum, which tells whether what stands there still is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The number of its segment.
    pub segment: u64,
    /// Bytes from the beginning of the segment.
    pub offset: u64,
    /// Its number: ascending by one through all segments, the first is 1.
    pub group: u64,
    /// The checksum of its header, and so of the chain of groups that ends with it.
    pub crc: u32,
}

impl Position {
    /// Its fields in order, little-endian: 28 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [self.segment, self.offset, self.group].map(u64::to_le_bytes).concat();
        bytes.extend_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    /// `None` if it is not 28 bytes, or has numbers that no log has.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (segment, rest) = bytes.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (group, crc) = rest.split_first_chunk()?;
        let [segment, offset, group] = [*segment, *offset, *group].map(u64::from_le_bytes);
        let position = Self { segment, offset, group, crc: u32::from_le_bytes(crc.try_into().ok()?) };
        (position == position.bounded()).then_some(position)
    }

    /// Somewhere where a group could be, so that nothing can go wrong in computing with it.
    pub(super) fn bounded(self) -> Self {
        let bound = |number: u64| number.min(1 << 61);
        let Self { segment, offset, group, crc } = self;
        Self { segment: bound(segment), offset: bound(offset) / BLOCK * BLOCK, group: bound(group), crc }
    }
}

/// Where the octets of a body stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the segment.
    pub segment: u64,
    /// Bytes from the beginning of the segment.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
    /// CRC-32C of them.
    pub crc: u32,
}

/// A body to be appended with a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its id.
    pub blob: BlobId,
    /// Its octets.
    pub chunks: Vec<Bytes>,
    /// The length of all chunks.
    pub len: u64,
    /// CRC-32C of all chunks. It is taken as it is: who streamed them in has computed it.
    pub crc: u32,
    /// At most [`Body::LABEL_BYTES`] that tell a salvage whose it is, should nothing else be left.
    pub label: Vec<u8>,
}

impl Body {
    /// The longest label.
    pub const LABEL_BYTES: usize = 64;
}

/// A body as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedBody {
    /// Its id.
    pub blob: BlobId,
    /// Where it stands.
    pub place: Place,
    /// See [`Body::label`].
    pub label: Vec<u8>,
}
