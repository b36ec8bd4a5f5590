//! What changes about a message, and how many of these become few octets.

use std::collections::BTreeMap;

use mailwright_core::{ModSeq, Uid};

use super::field::{Field, take_octets};
use super::varint;
use crate::flags::{Flags, Keyword, SystemFlag};

/// What changes about a message while it is in its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) uid: Uid,
    pub(super) flags: Flags,
    /// Of its latest change.
    pub(super) modseq: ModSeq,
}

/// In the octet that a mark begins with: its UID is not the one behind that of the mark before, and the difference
/// follows.
const UID: u8 = 1;
/// Its flags are others than those of the mark before, and follow.
const FLAGS: u8 = 2;
/// Its MODSEQ is another one than that of the mark before, and the difference follows.
const MODSEQ: u8 = 4;

/// Writes marks one behind the other. Each says only what the one before does not, and no keyword is spelled twice.
pub(super) struct MarkWriter<'a> {
    uid: i64,
    flags: Option<&'a Flags>,
    modseq: i64,
    /// Keywords by their spelling: which number they have, the first one 1.
    keywords: BTreeMap<&'a str, u64>,
}

impl<'a> MarkWriter<'a> {
    pub(super) fn new() -> Self {
        Self { uid: 0, flags: None, modseq: 0, keywords: BTreeMap::new() }
    }

    /// Appends a mark.
    pub(super) fn put(&mut self, uid: Uid, flags: &'a Flags, modseq: ModSeq, out: &mut Vec<u8>) {
        let uid = i64::from(uid.get()) - std::mem::replace(&mut self.uid, uid.get().into());
        let is_other = match self.flags.replace(flags) {
            Some(before) => !is_spelled_alike(before, flags),
            None => !flags.is_empty(),
        };
        let modseq = modseq.get().cast_signed();
        let modseq = modseq - std::mem::replace(&mut self.modseq, modseq);
        let has = |what, has: bool| if has { what } else { 0 };
        out.push(has(UID, uid != 1) | has(FLAGS, is_other) | has(MODSEQ, modseq != 0));
        if uid != 1 {
            varint::put_signed(uid, out);
        }
        if is_other {
            self.put_flags(flags, out);
        }
        if modseq != 0 {
            varint::put_signed(modseq, out);
        }
    }

    fn put_flags(&mut self, flags: &'a Flags, out: &mut Vec<u8>) {
        out.push(flags.system().fold(0, |bits, flag| bits | 1 << flag as u8));
        varint::put(flags.keywords().len() as u64, out);
        for keyword in flags.keywords() {
            let spelling = keyword.as_str();
            if let Some(number) = self.keywords.get(spelling) {
                varint::put(*number, out);
                continue;
            }
            self.keywords.insert(spelling, self.keywords.len() as u64 + 1);
            out.push(0);
            varint::put(spelling.len() as u64, out);
            out.extend_from_slice(spelling.as_bytes());
        }
    }
}

/// Whether nobody could tell them apart. Flags that are equal may have keywords in another case.
fn is_spelled_alike(a: &Flags, b: &Flags) -> bool {
    a == b && a.keywords().iter().zip(b.keywords()).all(|(a, b)| a.as_str() == b.as_str())
}

/// Reads what [`MarkWriter`] wrote.
pub(super) struct MarkReader {
    uid: i64,
    flags: Flags,
    modseq: i64,
    keywords: Vec<Keyword>,
}

impl MarkReader {
    pub(super) fn new() -> Self {
        Self { uid: 0, flags: Flags::new(), modseq: 0, keywords: Vec::new() }
    }

    /// The next mark. `None` if there is none.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<Mark> {
        let has = u8::take(input)?;
        if has & !(UID | FLAGS | MODSEQ) != 0 {
            return None;
        }
        let uid = if has & UID == 0 { 1 } else { varint::take_signed(input)? };
        self.uid = self.uid.checked_add(uid)?;
        if has & FLAGS != 0 {
            self.flags = self.take_flags(input)?;
        }
        if has & MODSEQ != 0 {
            self.modseq = self.modseq.checked_add(varint::take_signed(input)?)?;
        }
        Some(Mark {
            uid: Uid::new(u32::try_from(self.uid).ok()?)?,
            flags: self.flags.clone(),
            modseq: ModSeq::new(u64::try_from(self.modseq).ok()?)?,
        })
    }

    fn take_flags(&mut self, input: &mut &[u8]) -> Option<Flags> {
        let bits = u8::take(input)?;
        if bits >> SystemFlag::ALL.len() != 0 {
            return None;
        }
        let system = SystemFlag::ALL.into_iter().filter(|flag| bits >> *flag as u8 & 1 == 1);
        let mut flags: Flags = system.collect();
        // Whatever the count says: what follows is what there is.
        for _ in 0..varint::take(input)? {
            flags = flags.with_keyword(self.take_keyword(input)?);
        }
        Some(flags)
    }

    fn take_keyword(&mut self, input: &mut &[u8]) -> Option<Keyword> {
        let number = usize::try_from(varint::take(input)?).ok()?;
        if let Some(known) = number.checked_sub(1) {
            return self.keywords.get(known).cloned();
        }
        let length = usize::try_from(varint::take(input)?).ok()?;
        let keyword: Keyword = std::str::from_utf8(take_octets(input, length)?).ok()?.parse().ok()?;
        self.keywords.push(keyword.clone());
        Some(keyword)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn flags() -> impl Strategy<Value = Flags> {
        let keyword = prop::sample::select(vec!["work", "Work", "WORK", "$Junk", "later", "done"]);
        let count = prop_oneof![20 => 0usize..2, 5 => Just(2), 1 => Just(3)];
        let keywords = count.prop_flat_map(move |count| prop::collection::vec(keyword.clone(), count));
        (0u8..32, keywords).prop_map(|(bits, keywords)| {
            let system = SystemFlag::ALL.into_iter().filter(|flag| bits >> *flag as u8 & 1 == 1);
            keywords
                .into_iter()
                .fold(system.collect(), |flags: Flags, keyword| flags.with_keyword(keyword.parse().unwrap()))
        })
    }

    /// Any marks at all: in no order, and far from each other.
    fn marks() -> impl Strategy<Value = Vec<Mark>> {
        let uid = prop_oneof![1u32..50, any::<u32>().prop_map(|n| n.max(1))];
        let modseq = prop_oneof![0u64..50, 0u64..1 << 63];
        let mark = (uid, flags(), modseq).prop_map(|(uid, flags, modseq)| Mark {
            uid: Uid::new(uid).unwrap(),
            flags,
            modseq: ModSeq::new(modseq).unwrap(),
        });
        prop::collection::vec(mark, 0..40)
    }

    fn octets(marks: &[Mark]) -> Vec<u8> {
        let (mut writer, mut out) = (MarkWriter::new(), Vec::new());
        marks.iter().for_each(|mark| writer.put(mark.uid, &mark.flags, mark.modseq, &mut out));
        out
    }

    fn read(mut octets: &[u8]) -> Vec<Mark> {
        let mut reader = MarkReader::new();
        std::iter::from_fn(|| reader.take(&mut octets)).collect()
    }

    mailwright_core::properties! {
        /// To the letter: also keywords that differ in case alone.
        #[test]
        fn what_is_written_is_read(marks in marks()) {
            let again = read(&octets(&marks));
            prop_assert_eq!(format!("{again:?}"), format!("{marks:?}"));
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(0u8..140, 0..60)) {
            prop_assert!(read(&octets).len() <= octets.len());
        }
    }

    #[test]
    fn a_mark_says_what_the_one_before_does_not() {
        let mark = |uid, flags: &Flags, modseq| Mark {
            uid: Uid::new(uid).unwrap(),
            flags: flags.clone(),
            modseq: ModSeq::new(modseq).unwrap(),
        };
        let seen = Flags::from(SystemFlag::Seen);
        let work = seen.clone().with_keyword("work".parse().unwrap());
        let marks =
            [mark(1, &seen, 9), mark(2, &seen, 9), mark(3, &work, 10), mark(5, &seen, 10), mark(6, &work, 4)];
        let expected: [&[u8]; 5] = [
            &[6, 1, 0, 18],
            &[0],
            &[6, 1, 1, 0, 4, b'w', b'o', b'r', b'k', 2],
            &[3, 4, 1, 0],
            &[6, 1, 1, 1, 11],
        ];
        assert_eq!(octets(&marks), expected.concat());
        for octets in [&[8][..], &[2, 32, 0], &[1, 0], &[1, 1], &[4, 1], &[2, 0, 1, 1]] {
            assert_eq!(read(octets), [], "{octets:?}");
        }
    }
}
