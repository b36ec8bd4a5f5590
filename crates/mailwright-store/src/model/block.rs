//! Marks of neighbouring messages together: so that changing many costs little more than changing one.

use std::fmt;

use bytes::Bytes;
use mailwright_core::{ModSeq, Uid};

use super::field::Field;
use super::mark::{Mark, MarkReader, MarkWriter};
use crate::flags::SystemFlag;

/// Which block of a mailbox: the UIDs that are the same but for their last seven bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block(pub(super) u32);

impl Block {
    /// How many UIDs a block has. A full one takes some 260 octets if its messages came one by one, 140 if they all
    /// changed at once, and 700 if each has other keywords than the one before. With more UIDs an arriving message
    /// would write more, with fewer a change of all messages would.
    const UIDS: u32 = 128;

    pub(super) const FIRST: Self = Self(0);
    pub(super) const LAST: Self = Self(u32::MAX / Self::UIDS);

    pub(super) fn of(uid: Uid) -> Self {
        Self(uid.get() / Self::UIDS)
    }

    /// The lowest UID that may be in it.
    pub(super) fn first_uid(self) -> Uid {
        Uid::new(self.0.saturating_mul(Self::UIDS)).unwrap_or(Uid::FIRST)
    }

    /// How many blocks so many messages fill, if none is missing.
    pub(super) fn filled_by(messages: usize) -> usize {
        messages / Self::UIDS as usize + 1
    }
}

/// The marks of a block: at least one, in the order of their UIDs. Kept as the octets that stand in a row.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Marks(Bytes);

impl Marks {
    /// `None` without marks: such a block has no row.
    pub(super) fn new(marks: &[Mark]) -> Option<Self> {
        let count = u8::try_from(marks.len()).ok().filter(|count| *count > 0)?;
        let (mut writer, mut octets) = (MarkWriter::new(), Vec::with_capacity(4 * marks.len()));
        octets.push(count);
        marks.iter().for_each(|mark| writer.put(mark.uid, &mark.flags, mark.modseq, &mut octets));
        Some(Self(octets.into()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Mark> + '_ {
        let (mut octets, mut reader) = (self.0.get(1..).unwrap_or_default(), MarkReader::new());
        std::iter::from_fn(move || reader.take(&mut octets))
    }

    pub(super) fn to_vec(&self) -> Vec<Mark> {
        self.iter().collect()
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Field for Marks {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let octets = *input;
        let (count, mut reader) = (u8::take(input)?, MarkReader::new());
        let first = reader.take(input)?.uid;
        let mut last = first;
        for _ in 1..count {
            let uid = reader.take(input)?.uid;
            if uid <= last {
                return None;
            }
            last = uid;
        }
        let is_one_block = count > 0 && Block::of(first) == Block::of(last);
        let length = octets.len() - input.len();
        octets.get(..length).filter(|_| is_one_block).map(|octets| Self(Bytes::copy_from_slice(octets)))
    }
}

/// What is looked up about a block without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// The lowest MODSEQ of its messages.
    pub(super) earliest: ModSeq,
    /// The highest MODSEQ of its messages.
    pub(super) latest: ModSeq,
    /// Whether one of them is without `\Seen`.
    pub(super) unseen: bool,
    /// Whether one of them has `\Deleted`.
    pub(super) deleted: bool,
}

impl Summary {
    /// `None` without marks.
    pub(super) fn of(marks: &[Mark]) -> Option<Self> {
        let modseqs = || marks.iter().map(|mark| mark.modseq);
        Some(Self {
            earliest: modseqs().min()?,
            latest: modseqs().max()?,
            unseen: marks.iter().any(|mark| !mark.flags.has(SystemFlag::Seen)),
            deleted: marks.iter().any(|mark| mark.flags.has(SystemFlag::Deleted)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mark::tests::flags;
    use super::*;
    use crate::flags::Flags;

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    /// A full block whose messages arrived one by one.
    fn arrived(flags: impl Fn(u32) -> Flags) -> Vec<Mark> {
        let mark = |n: u32| Mark {
            uid: uid(n),
            flags: flags(n),
            modseq: ModSeq::new(1_000_000 + u64::from(n)).unwrap(),
        };
        (1280..1408).map(mark).collect()
    }

    fn size(marks: &[Mark]) -> usize {
        Marks::new(marks).unwrap().to_octets().len()
    }

    #[test]
    fn a_block_takes_few_octets() {
        let seen = arrived(|_| SystemFlag::Seen.into());
        assert_eq!(size(&seen), 263);
        let at_once: Vec<Mark> =
            seen.iter().map(|mark| Mark { modseq: ModSeq::MAX, ..mark.clone() }).collect();
        assert_eq!(size(&at_once), 143);
        let mixed = |n| Flags::from(SystemFlag::ALL[n as usize % 3]);
        assert_eq!(size(&arrived(mixed)), 517);
        let words = |n: u32| Flags::new().with_keyword(format!("$word{}", n % 7).parse().unwrap());
        assert_eq!(size(&arrived(words)), 694);
        let many = |n: u32| {
            let keyword = |k: u32| format!("{:0>128}", (n + k * 8) % 512).parse().unwrap();
            (0..64).map(keyword).fold(Flags::new(), Flags::with_keyword)
        };
        assert!(size(&arrived(many)) < 84 << 10, "whatever its owner does");
    }

    #[test]
    fn uids_have_blocks() {
        assert_eq!(
            (Block::of(Uid::FIRST), Block::of(uid(127)), Block::of(uid(128))),
            (Block(0), Block(0), Block(1))
        );
        assert_eq!((Block(0).first_uid(), Block(1).first_uid()), (Uid::FIRST, uid(128)));
        assert_eq!(Block::of(uid(u32::MAX)), Block::LAST);
        assert!(Block::LAST.first_uid() > uid(u32::MAX - 128));
        assert_eq!((Block::filled_by(0), Block::filled_by(5000)), (1, 40));
    }

    #[test]
    fn other_rows_are_refused() {
        let mark = |n| Mark { uid: uid(n), flags: Flags::new(), modseq: ModSeq::ZERO };
        let octets = |uids: &[u32]| {
            Marks::new(&uids.iter().map(|n| mark(*n)).collect::<Vec<_>>()).unwrap().to_octets()
        };
        assert!(Marks::from_octets(&octets(&[1, 2, 127])).is_some());
        assert_eq!(Marks::from_octets(&octets(&[2, 2])), None, "twice");
        assert_eq!(Marks::from_octets(&octets(&[2, 1])), None, "in no order");
        assert_eq!(Marks::from_octets(&octets(&[127, 128])), None, "of two blocks");
        assert_eq!(Marks::from_octets(&[0, 0]), None, "none");
        assert_eq!(Marks::from_octets(&[1]), None, "cut");
        assert_eq!(Marks::from_octets(&[2, 0]), None, "cut");
        assert_eq!(Marks::from_octets(&[1, 0, 0]), None, "with something behind");
        assert!(Marks::new(&[]).is_none());
    }

    mailwright_core::properties! {
        #[test]
        fn what_is_written_is_read(
            block in prop_oneof![0u32..3, Just(Block::LAST.0)],
            marks in prop::collection::btree_map(1u32..128, (flags(), 0u64..300), 1..60),
        ) {
            let mark = |(n, (flags, modseq)): (u32, (Flags, u64))| Mark {
                uid: uid(block * Block::UIDS + n),
                flags,
                modseq: ModSeq::new(modseq).unwrap(),
            };
            let all: Vec<Mark> = marks.into_iter().map(mark).collect();
            let marks = Marks::new(&all).unwrap();
            prop_assert_eq!(&marks.to_vec(), &all);
            prop_assert_eq!(Marks::from_octets(&marks.to_octets()), Some(marks));
            prop_assert!(all.iter().all(|mark| Block::of(mark.uid) == Block(block)));
            let summary = Summary::of(&all).unwrap();
            prop_assert!(all.iter().all(|mark| (summary.earliest..=summary.latest).contains(&mark.modseq)));
        }
    }
}
