//! The log, byte by byte. `docs/storage-format.md` says the same in tables; all numbers are little-endian.

use mailwright_core::BlobId;
use mailwright_store::Checksum;

use super::place::{BLOCK, Body, LoggedBody, Place, StoreId};

/// The length of both kinds of header: within one sector, so never torn.
pub(super) const HEAD: usize = 128;
/// The length of what the index says of a body.
pub(super) const ENTRY: u64 = 96;
/// The format version that is written.
const VERSION: u32 = 2;

const SEGMENT_MAGIC: [u8; 8] = *b"MWLOGSEG";
const GROUP_MAGIC: [u8; 8] = *b"MWLOGGRP";
/// Where the checksum of a header stands, in every version.
const CRC_AT: usize = HEAD - 4;

/// The next multiple of a block.
pub(super) fn round_up(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX - (BLOCK - 1))
}

pub(super) fn crc_of(bytes: &[u8]) -> u32 {
    let mut checksum = Checksum::default();
    checksum.update(bytes);
    checksum.value()
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) store: StoreId,
    pub(super) number: u64,
    /// Of the opening that began it.
    pub(super) epoch: u64,
    /// The number that its first group has, or will have.
    pub(super) first_group: u64,
    /// Whether the first group was copied here, and synced, before this header was written.
    pub(super) carried: bool,
    pub(super) before: Before,
}

/// What stands before a segment. All zero if nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Before {
    /// The last segment that has groups.
    pub(super) segment: u64,
    /// Where its valid part ends: what stands behind is not part of the log.
    pub(super) end: u64,
    /// The last group, wherever it stands.
    pub(super) group: u64,
    /// Its checksum.
    pub(super) crc: u32,
}

/// What stands where the header of a segment should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentStart {
    Head(SegmentHead),
    /// Of a format version that is not known.
    Newer(u32),
    /// Nothing: all zeros.
    Blank,
    /// A damaged one.
    Damaged,
}

impl SegmentHead {
    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = Vec::with_capacity(HEAD);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&u32::from(self.carried).to_le_bytes());
        bytes.extend_from_slice(&self.store.0);
        let Before { segment, end, group, crc } = self.before;
        for number in [self.number, self.epoch, self.first_group, segment, end, group] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&crc.to_le_bytes());
        seal(&bytes)
    }

    pub(super) fn decode(bytes: &[u8; HEAD]) -> SegmentStart {
        let other = if bytes == &[0; HEAD] { SegmentStart::Blank } else { SegmentStart::Damaged };
        Self::parse(bytes).unwrap_or(other)
    }

    fn parse(bytes: &[u8; HEAD]) -> Option<SegmentStart> {
        let mut fields = Fields(unseal(bytes)?);
        (fields.take()? == SEGMENT_MAGIC).then_some(())?;
        let version = fields.u32()?;
        if version != VERSION {
            return Some(SegmentStart::Newer(version));
        }
        let carried = fields.u32()? & 1 == 1;
        let store = StoreId(fields.take()?);
        let [number, epoch, first_group] = fields.numbers()?;
        let [segment, end, group] = fields.numbers()?;
        let before = Before { segment, end, group, crc: fields.u32()? };
        let plausible = segment < number && group < first_group && end.is_multiple_of(BLOCK);
        plausible.then_some(SegmentStart::Head(Self { store, number, epoch, first_group, carried, before }))
    }
}

/// The header of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupHead {
    pub(super) store: StoreId,
    /// Of the opening that has written it first. A copy keeps it, so that epoch and number are one content.
    pub(super) epoch: u64,
    pub(super) number: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// The last group that was known to be synced when this one was written.
    pub(super) synced: u64,
    /// Bytes from here to the end of the last body.
    pub(super) total: u64,
    pub(super) meta: u64,
    pub(super) bodies: u32,
    /// Of the header of the group before.
    pub(super) crc_before: u32,
    pub(super) crc_index: u32,
    pub(super) crc_meta: u32,
}

impl GroupHead {
    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = Vec::with_capacity(HEAD);
        bytes.extend_from_slice(&GROUP_MAGIC);
        bytes.extend_from_slice(&self.store.0);
        let Self { epoch, number, segment, offset, synced, total, meta, .. } = *self;
        for number in [epoch, number, segment, offset, synced, total, meta] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.bodies, self.crc_before, self.crc_index, self.crc_meta] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        seal(&bytes)
    }

    /// `None` if it is not a header, or damaged.
    pub(super) fn decode(bytes: &[u8; HEAD]) -> Option<Self> {
        // By far the most common answer when the log is searched.
        bytes.starts_with(&GROUP_MAGIC).then_some(())?;
        let mut fields = Fields(unseal(bytes)?);
        let _magic: [u8; 8] = fields.take()?;
        let store = StoreId(fields.take()?);
        let [epoch, number, segment, offset, synced, total, meta] = fields.numbers()?;
        let [bodies, crc_before, crc_index, crc_meta] =
            [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        let least = (HEAD as u64 + u64::from(bodies) * ENTRY).checked_add(meta)?;
        (number > 0 && least <= total).then_some(())?;
        Some(Self {
            store,
            epoch,
            number,
            segment,
            offset,
            synced,
            total,
            meta,
            bodies,
            crc_before,
            crc_index,
            crc_meta,
        })
    }

    /// The checksum of the header, which stands for the whole group.
    pub(super) fn crc(&self) -> u32 {
        self.encode().last_chunk().map_or(0, |crc| u32::from_le_bytes(*crc))
    }

    pub(super) fn index_at(&self) -> u64 {
        self.offset + HEAD as u64
    }

    pub(super) fn index_len(&self) -> u64 {
        u64::from(self.bodies) * ENTRY
    }

    pub(super) fn meta_at(&self) -> u64 {
        self.index_at() + self.index_len()
    }

    pub(super) fn bodies_at(&self) -> u64 {
        self.meta_at() + self.meta
    }

    /// Behind the last body.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.total
    }

    /// Where the next group begins.
    pub(super) fn next(&self) -> u64 {
        round_up(self.end())
    }
}

/// The index of a group: blob id, length, checksum, length of the label, label.
pub(super) fn encode_index(bodies: &[Body]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(bodies.len() * ENTRY as usize);
    for body in bodies {
        bytes.extend_from_slice(&body.blob.0);
        bytes.extend_from_slice(&body.len.to_le_bytes());
        bytes.extend_from_slice(&body.crc.to_le_bytes());
        bytes.extend_from_slice(&(body.label.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&body.label);
        bytes.resize(bytes.len().next_multiple_of(ENTRY as usize), 0);
    }
    bytes
}

/// `None` if the lengths do not add up to those of the header.
pub(super) fn decode_index(bytes: &[u8], head: &GroupHead) -> Option<Vec<LoggedBody>> {
    let mut at = head.bodies_at();
    let mut bodies = Vec::with_capacity(bytes.len() / ENTRY as usize);
    for entry in bytes.chunks_exact(ENTRY as usize) {
        let mut fields = Fields(entry);
        let blob = BlobId(fields.take()?);
        let [len] = fields.numbers()?;
        let place = Place { segment: head.segment, offset: at, len, crc: fields.u32()? };
        let label = fields.u32()? as usize;
        let label = fields.0.get(..label)?.to_vec();
        at = at.checked_add(len)?;
        bodies.push(LoggedBody { blob, place, label });
    }
    (at == head.end()).then_some(bodies)
}

/// Fills up to the checksum, and adds it.
fn seal(fields: &[u8]) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    let (body, crc) = bytes.split_at_mut(CRC_AT);
    for (to, from) in body.iter_mut().zip(fields) {
        *to = *from;
    }
    crc.copy_from_slice(&crc_of(body).to_le_bytes());
    bytes
}

/// What stands before the checksum, if that is right.
fn unseal(bytes: &[u8; HEAD]) -> Option<&[u8]> {
    let (body, crc) = bytes.split_at(CRC_AT);
    (crc_of(body).to_le_bytes() == crc).then_some(body)
}

/// Fields that follow one another.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// Numbers, offsets and lengths, which are all below 2^62: so any two can be added.
    fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.take().map(u64::from_le_bytes).filter(|number| *number < 1 << 62)?;
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: StoreId = StoreId([7; 16]);

    fn segment() -> SegmentHead {
        let before = Before { segment: 2, end: 8192, group: 10, crc: 5 };
        SegmentHead { store: STORE, number: 3, epoch: 4, first_group: 11, carried: true, before }
    }

    fn group() -> GroupHead {
        GroupHead {
            store: STORE,
            epoch: 4,
            number: 11,
            segment: 3,
            offset: 4096,
            synced: 10,
            total: 128 + 96 + 20 + 9,
            meta: 20,
            bodies: 1,
            crc_before: 5,
            crc_index: 6,
            crc_meta: 7,
        }
    }

    #[test]
    fn headers_come_back() {
        assert_eq!(SegmentHead::decode(&segment().encode()), SegmentStart::Head(segment()));
        assert_eq!(GroupHead::decode(&group().encode()), Some(group()));
        assert_eq!(group().crc(), crc_of(&group().encode()[..124]));
        assert_eq!(SegmentHead::decode(&[0; HEAD]), SegmentStart::Blank);
        assert_eq!(GroupHead::decode(&[0; HEAD]), None);
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        for bit in 0..HEAD * 8 {
            let (mut head, mut other) = (segment().encode(), group().encode());
            head[bit / 8] ^= 1 << (bit % 8);
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHead::decode(&head), SegmentStart::Damaged, "bit {bit}");
            assert_eq!(GroupHead::decode(&other), None, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_known_as_such() {
        let mut bytes = segment().encode();
        bytes[8] = 3;
        assert_eq!(SegmentHead::decode(&seal(&bytes[..CRC_AT])), SegmentStart::Newer(3));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for wrong in [
            GroupHead { total: 128 + 96 + 19, ..group() },
            GroupHead { bodies: u32::MAX, ..group() },
            GroupHead { meta: (1 << 62) - 1, ..group() },
            GroupHead { total: u64::MAX, ..group() },
            GroupHead { number: 0, ..group() },
        ] {
            assert_eq!(GroupHead::decode(&wrong.encode()), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_index_comes_back() {
        let body =
            Body { blob: BlobId([1; 16]), chunks: Vec::new(), len: 9, crc: 3, label: b"ann/INBOX".to_vec() };
        let bytes = encode_index(std::slice::from_ref(&body));
        assert_eq!(bytes.len() as u64, ENTRY);
        let place = Place { segment: 3, offset: 4096 + 128 + 96 + 20, len: 9, crc: 3 };
        let logged = LoggedBody { blob: body.blob, place, label: body.label };
        assert_eq!(decode_index(&bytes, &group()), Some(vec![logged]));
        assert_eq!(decode_index(&bytes, &GroupHead { total: 300, ..group() }), None);
        let mut long = bytes;
        long[28] = 65;
        assert_eq!(decode_index(&long, &group()), None);
    }
}
