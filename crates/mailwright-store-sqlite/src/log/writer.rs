//! The log as it is written: groups are planned, appended and synced, one after the other.

use std::fmt;
use std::io;
use std::sync::Arc;

use mailwright_store::disk::{Disk, DiskFile};

use super::config::LogConfig;
use super::content;
use super::error::LogError;
use super::format::{Before, ENTRY, GroupHead, HEAD, SegmentHead, crc_of, encode_index, round_up};
use super::gather::Gather;
use super::place::{BLOCK, Body, Place, Position, StoreId};
use super::reader::LogReader;
use super::segment;
use super::survey::Segment;
use super::walk::Link;

/// An append-only log of groups.
///
/// One group at a time: [`plan`](Self::plan) it, [`append`](Self::append) it, [`sync`](Self::sync) it. When the
/// sync has returned it is durable, and the next one may follow. If an append or a sync fails the log is poisoned:
/// it does nothing more until it is opened anew.
///
/// Who opens a log must be the only one: see [`DirLock`](crate::DirLock).
pub struct Log<D: Disk> {
    pub(super) disk: Arc<D>,
    pub(super) config: LogConfig,
    pub(super) store: StoreId,
    pub(super) epoch: u64,
    /// The segments before the current one; each has groups.
    pub(super) filled: Vec<Segment>,
    pub(super) current: Current<D::File>,
    /// The highest number that a segment has, or was to have.
    pub(super) highest: u64,
    pub(super) last: Link,
    pub(super) next_group: u64,
    pub(super) state: State,
    pub(super) reader: LogReader<D>,
}

/// The segment that is written.
pub(super) struct Current<F> {
    /// Its valid part ends where the next group begins.
    pub(super) segment: Segment,
    pub(super) file: F,
    pub(super) len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Everything is synced.
    Synced,
    /// The last group, which begins there, is not.
    Appended { offset: u64 },
    /// Nobody knows.
    Poisoned,
}

/// A group that is about to be appended: which it is, and where everything in it will stand.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    head: GroupHead,
    index: Vec<u8>,
    places: Vec<Place>,
}

impl Plan {
    /// The position that the group will have.
    pub fn position(&self) -> Position {
        content::position(&self.head)
    }

    /// Where the octets of the bodies will stand, in their order.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

impl<D: Disk> Log<D> {
    /// Whose it is.
    pub fn store(&self) -> StoreId {
        self.store
    }

    /// The epoch of this opening: higher than that of any before.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether an append or a sync has failed.
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// Reads bodies while the log is written.
    pub fn reader(&self) -> LogReader<D> {
        self.reader.clone()
    }

    /// The numbers of all segments, in order; the current one is the last.
    pub fn segments(&self) -> impl Iterator<Item = u64> + '_ {
        self.filled.iter().chain([&self.current.segment]).map(|segment| segment.number)
    }

    /// Determines where a group of these rows and bodies will stand. If it does not fit into the current segment a
    /// new one is begun, and synced, now.
    ///
    /// # Errors
    /// If the group is too large or the last one is not synced. If there is no room for a new segment
    /// ([`is_full`](LogError::is_full)) nothing has changed; if it cannot be begun otherwise the log is poisoned.
    pub fn plan(&mut self, meta: &[u8], bodies: &[Body]) -> Result<Plan, LogError> {
        self.must_be_synced()?;
        let size = self.size(meta, bodies).filter(|size| *size <= self.config.group_bytes);
        let total = size.ok_or(LogError::TooLarge)?;
        if self.current.segment.end + round_up(total) > self.current.len {
            self.roll_over(total)?;
        }
        let index = encode_index(bodies);
        let head = GroupHead {
            store: self.store,
            epoch: self.epoch,
            number: self.next_group,
            segment: self.current.segment.number,
            offset: self.current.segment.end,
            synced: self.last.group,
            total,
            meta: meta.len() as u64,
            bodies: bodies.len() as u32,
            crc_before: self.last.crc,
            crc_index: crc_of(&index),
            crc_meta: crc_of(meta),
        };
        let mut at = head.bodies_at();
        let place = |body: &Body| {
            let offset = at;
            at += body.len;
            Place { segment: head.segment, offset, len: body.len, crc: body.crc }
        };
        let places = bodies.iter().map(place).collect();
        Ok(Plan { head, index, places })
    }

    /// Writes the group that was planned, and does not sync it.
    ///
    /// # Errors
    /// If it is not the one that was planned nothing was done; if it cannot be written the log is poisoned.
    pub fn append(&mut self, plan: Plan, meta: &[u8], bodies: &[Body]) -> Result<Position, LogError> {
        self.must_be_synced()?;
        if !self.is_planned(&plan, meta, bodies) {
            return Err(LogError::NotPlanned);
        }
        let head = plan.head;
        if let Err(error) = write(&self.current.file, &plan, meta, bodies) {
            self.poison(head.offset);
            return Err(error.into());
        }
        self.state = State::Appended { offset: head.offset };
        self.last = Link { group: head.number, crc: head.crc() };
        self.next_group = head.number + 1;
        self.current.segment.end = head.next();
        Ok(plan.position())
    }

    /// Makes durable what was appended.
    ///
    /// # Errors
    /// If that is not certain: the log is poisoned, and the group will be given no more, unless it cannot even be
    /// struck out.
    pub fn sync(&mut self) -> Result<(), LogError> {
        let offset = match self.state {
            State::Synced => return Ok(()),
            State::Poisoned => return Err(LogError::Poisoned),
            State::Appended { offset } => offset,
        };
        if let Err(error) = self.current.file.sync() {
            self.poison(offset);
            return Err(error.into());
        }
        self.state = State::Synced;
        Ok(())
    }

    /// Removes a segment, with all groups that are in it. The caller knows that they are needed no more.
    ///
    /// # Errors
    /// If it is the current one, or not there, or cannot be removed.
    pub fn remove_segment(&mut self, number: u64) -> Result<(), LogError> {
        if number == self.current.segment.number {
            return Err(LogError::InUse);
        }
        self.disk.remove(&segment::name(number))?;
        self.filled.retain(|segment| segment.number != number);
        self.reader.forget(number);
        Ok(())
    }

    fn must_be_synced(&self) -> Result<(), LogError> {
        match self.state {
            State::Synced => Ok(()),
            State::Appended { .. } => Err(LogError::NotSynced),
            State::Poisoned => Err(LogError::Poisoned),
        }
    }

    /// The length of a group, if none of its parts is too large.
    fn size(&self, meta: &[u8], bodies: &[Body]) -> Option<u64> {
        let fits = bodies.len() <= self.config.bodies_per_group as usize
            && bodies.iter().all(|body| body.label.len() <= Body::LABEL_BYTES);
        let rest = HEAD as u64 + bodies.len() as u64 * ENTRY + meta.len() as u64;
        let size = bodies.iter().try_fold(rest, |size, body| size.checked_add(body.len))?;
        fits.then_some(size)
    }

    fn is_planned(&self, plan: &Plan, meta: &[u8], bodies: &[Body]) -> bool {
        let Segment { number, end, .. } = self.current.segment;
        let head = &plan.head;
        let len = |body: &Body| body.chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        (head.segment, head.offset, head.number) == (number, end, self.next_group)
            && (head.meta, head.crc_meta) == (meta.len() as u64, crc_of(meta))
            && bodies.iter().all(|body| len(body) == body.len)
            && plan.index == encode_index(bodies)
    }

    /// Goes on in a new segment in which so many bytes find room.
    fn roll_over(&mut self, needed: u64) -> Result<(), LogError> {
        self.highest += 1;
        let (file, len) = segment::create(&*self.disk, self.highest, &self.config, needed)?;
        let head = SegmentHead {
            store: self.store,
            number: self.highest,
            epoch: self.epoch,
            first_group: self.next_group,
            carried: false,
            before: before(self.filled.iter().chain([&self.current.segment]), self.last),
        };
        if let Err(error) = begin(&*self.disk, &file, &head) {
            // The header may be there some day, and names an end: nothing more can be written before it.
            self.state = State::Poisoned;
            return Err(error.into());
        }
        let segment = Segment { number: head.number, head: Some(head), unbegun: false, end: BLOCK };
        let old = std::mem::replace(&mut self.current, Current { segment, file, len });
        // What it no longer needs; if that fails nothing is lost but room.
        if old.segment.is_used() {
            let _ = old.file.set_len(old.segment.end);
            self.filled.push(old.segment);
        } else {
            let _ = self.disk.remove(&segment::name(old.segment.number));
        }
        Ok(())
    }

    /// Nobody knows what of the group at `offset` will be found: at least it is tried that it is not found whole.
    fn poison(&mut self, offset: u64) {
        self.state = State::Poisoned;
        let _ = self.current.file.write_at(&[0; HEAD], offset);
        let _ = self.current.file.sync();
    }
}

/// What stands before a new segment.
pub(super) fn before<'a>(segments: impl DoubleEndedIterator<Item = &'a Segment>, last: Link) -> Before {
    let used = segments.rev().find(|segment| segment.is_used());
    let (segment, end) = used.map_or((0, 0), |segment| (segment.number, segment.end));
    Before { segment, end, group: last.group, crc: last.crc }
}

/// Writes and syncs the header of a new segment.
pub(super) fn begin<D: Disk>(disk: &D, file: &D::File, head: &SegmentHead) -> io::Result<()> {
    file.write_at(&head.encode(), 0)?;
    file.sync()?;
    disk.sync_dir()
}

fn write<F: DiskFile>(file: &F, plan: &Plan, meta: &[u8], bodies: &[Body]) -> io::Result<()> {
    let mut out = Gather::new(file, plan.head.offset);
    out.put(&plan.head.encode())?;
    out.put(&plan.index)?;
    out.put(meta)?;
    for chunk in bodies.iter().flat_map(|body| &body.chunks) {
        out.put(chunk)?;
    }
    out.finish()
}

impl<D: Disk> fmt::Debug for Log<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Segment { number, end, .. } = self.current.segment;
        let mut log = f.debug_struct("Log");
        log.field("epoch", &self.epoch).field("segment", &number).field("end", &end);
        log.field("last", &self.last).field("state", &self.state).finish_non_exhaustive()
    }
}
