//! Files of segments.

use std::io;

use mailwright_store::disk::{Disk, DiskFile};

use super::config::LogConfig;
use super::error::is_full;
use super::format::{GroupHead, HEAD, SegmentHead, SegmentStart, round_up};
use super::place::{BLOCK, StoreId};

/// How much is read at once. A multiple of a block.
const READ_BYTES: usize = 256 << 10;

/// The name of a segment's file.
pub(super) fn name(number: u64) -> String {
    format!("{number:016x}.seg")
}

/// The number in a name, if it is that of a segment.
fn number(file: &str) -> Option<u64> {
    let number = u64::from_str_radix(file.strip_suffix(".seg")?, 16).ok()?;
    (name(number) == file && number > 0 && number < 1 << 62).then_some(number)
}

/// The numbers of all segments, ascending.
pub(super) fn list<D: Disk>(disk: &D) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|file| number(file)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Begins a file for a segment in which so many bytes find room behind the header, and tells its length. If there
/// is no room for one as long as it should be, a short one must do.
pub(super) fn create<D: Disk>(
    disk: &D,
    number: u64,
    config: &LogConfig,
    needed: u64,
) -> io::Result<(D::File, u64)> {
    let name = name(number);
    let try_len = |bytes: u64| {
        let len = round_up(bytes).max(BLOCK + round_up(needed)).max(2 * BLOCK);
        match disk.create(&name, len) {
            Ok(file) => Ok((file, len)),
            Err(error) => {
                let _ = disk.remove(&name);
                Err(error)
            }
        }
    };
    match try_len(config.segment_bytes) {
        Err(error) if is_full(&error) => try_len(config.short_segment_bytes.min(config.segment_bytes)),
        done => done,
    }
}

/// Fills `buf` as far as the file goes, and says how far.
pub(super) fn read<F: DiskFile>(file: &F, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64)? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

/// Gives all of a range to `each`, in parts; `false` if the file ends before.
pub(super) fn read_range<F: DiskFile>(
    file: &F,
    offset: u64,
    len: u64,
    mut each: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<bool> {
    let mut buf = vec![0; len.min(READ_BYTES as u64) as usize];
    let (mut at, end) = (offset, offset + len);
    while at < end {
        let wanted = (end - at).min(buf.len() as u64) as usize;
        let part = buf.get_mut(..wanted).unwrap_or_default();
        if read(file, part, at)? < wanted {
            return Ok(false);
        }
        each(part, at)?;
        at += wanted as u64;
    }
    Ok(true)
}

/// The header of a segment.
pub(super) fn start<F: DiskFile>(file: &F) -> io::Result<SegmentStart> {
    let mut bytes = [0; HEAD];
    read(file, &mut bytes, 0)?;
    Ok(SegmentHead::decode(&bytes))
}

/// Where groups are looked for: in a segment, up to a limit.
pub(super) struct Groups<'a, F> {
    pub(super) file: &'a F,
    pub(super) segment: u64,
    /// Of any store, if it is not known.
    pub(super) store: Option<StoreId>,
    /// No group begins there or later.
    pub(super) limit: u64,
}

impl<F: DiskFile> Groups<'_, F> {
    /// The group that begins exactly there.
    pub(super) fn at(&self, offset: u64) -> io::Result<Option<GroupHead>> {
        let mut bytes = [0; HEAD];
        read(self.file, &mut bytes, offset)?;
        Ok(self.accept(&bytes, offset))
    }

    /// The first group that begins there or later.
    pub(super) fn from(&self, offset: u64) -> io::Result<Option<GroupHead>> {
        let mut buf = vec![0; READ_BYTES];
        let mut at = offset;
        while at < self.limit {
            let filled = read(self.file, &mut buf, at)?;
            let blocks = buf.get(..filled).unwrap_or_default().chunks(BLOCK as usize);
            for (block, offset) in blocks.zip((at..).step_by(BLOCK as usize)) {
                let head = block.first_chunk().and_then(|bytes| self.accept(bytes, offset));
                if head.is_some() {
                    return Ok(head);
                }
            }
            if filled < buf.len() {
                break;
            }
            at += filled as u64;
        }
        Ok(None)
    }

    /// Whether this is the header of a group that was written here.
    fn accept(&self, bytes: &[u8; HEAD], offset: u64) -> Option<GroupHead> {
        let head = GroupHead::decode(bytes)?;
        let ours = self.store.is_none_or(|store| store == head.store);
        let here = head.segment == self.segment && head.offset == offset && offset < self.limit;
        (ours && here).then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers() {
        assert_eq!(name(0x1A), "000000000000001a.seg");
        assert_eq!(number("000000000000001a.seg"), Some(0x1A));
        for other in
            ["000000000000001A.seg", "1a.seg", "0000000000000000.seg", "+00000000000001a.seg", "lock"]
        {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
