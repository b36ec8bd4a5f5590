//! Which segments there are, in which order, and where the valid part of each ends.

use std::io;

use mailwright_store::disk::{Disk, DiskFile};

use super::error::LogError;
use super::format::{GroupHead, SegmentHead, SegmentStart};
use super::place::{BLOCK, StoreId};
use super::segment::{self, Groups};

/// What there is.
pub(super) struct Survey {
    /// Whose it is. `None`: there is no log.
    pub(super) store: Option<StoreId>,
    /// The segments of the log, in order. Of the last one the valid part ends with the last group whose header is
    /// good.
    pub(super) chain: Vec<Segment>,
    /// Segments that are certainly not part of it: never begun, or left out by a later one.
    pub(super) spare: Vec<u64>,
    /// The highest number that any file has.
    pub(super) highest: u64,
    /// The highest epoch.
    pub(super) epoch: u64,
}

/// A segment of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// `None` if it is damaged, or was never written.
    pub(super) head: Option<SegmentHead>,
    /// Whether it was never written: all there is is the copy of a group, made by an opening that came no further.
    pub(super) unbegun: bool,
    /// Where the valid part ends.
    pub(super) end: u64,
}

impl Segment {
    /// Whether anything is, or was, in its valid part.
    pub(super) fn is_used(&self) -> bool {
        self.end > BLOCK
    }
}

/// The groups of a segment whose end nobody names.
#[derive(Debug, Clone, Copy)]
struct Reach {
    first: GroupHead,
    last: GroupHead,
    /// Whether there is only one.
    single: bool,
}

/// Looks at all segments.
pub(super) fn survey<D: Disk>(disk: &D, store: Option<StoreId>) -> Result<Survey, LogError> {
    let mut found = Vec::new();
    for number in segment::list(disk)? {
        let start = segment::start(&disk.open(&segment::name(number))?)?;
        if let SegmentStart::Newer(version) = start {
            return Err(LogError::Newer { segment: number, version });
        }
        found.push(Found { number, start });
    }
    let heads = || found.iter().filter_map(Found::head);
    let store = match store.or_else(|| heads().next().map(|head| head.store)) {
        Some(store) => Some(store),
        None => store_of_groups(disk, &found)?,
    };
    if let Some(head) = heads().find(|head| Some(head.store) != store) {
        return Err(LogError::Foreign { segment: head.number });
    }
    let highest = found.last().map_or(0, |found| found.number);
    let epoch = heads().map(|head| head.epoch).max().unwrap_or(0);
    let mut survey = Survey { store, chain: Vec::new(), spare: Vec::new(), highest, epoch };
    Surveyor { disk, found: &found, survey: &mut survey }.order()?;
    Ok(survey)
}

/// If all headers are damaged, a group tells.
fn store_of_groups<D: Disk>(disk: &D, found: &[Found]) -> io::Result<Option<StoreId>> {
    for Found { number, .. } in found {
        let file = disk.open(&segment::name(*number))?;
        let groups = Groups { file: &file, segment: *number, store: None, limit: file.len()? };
        if let Some(head) = groups.from(BLOCK)? {
            return Ok(Some(head.store));
        }
    }
    Ok(None)
}

/// A file of a segment.
#[derive(Debug, Clone, Copy)]
struct Found {
    number: u64,
    start: SegmentStart,
}

impl Found {
    /// Its header, if that is good. One of another file is as bad as a damaged one.
    fn head(&self) -> Option<SegmentHead> {
        match self.start {
            SegmentStart::Head(head) if head.number == self.number => Some(head),
            _ => None,
        }
    }
}

struct Surveyor<'a, D> {
    disk: &'a D,
    found: &'a [Found],
    survey: &'a mut Survey,
}

impl<D: Disk> Surveyor<'_, D> {
    fn order(&mut self) -> io::Result<()> {
        let begun = self.found.iter().rposition(|found| found.head().is_some());
        // From the last one down, because each header names the one before.
        let mut chain = self.headless_tail(begun)?;
        let mut at = begun;
        while let Some(found) = at.and_then(|at| self.found.get(at)) {
            chain.push(Segment { number: found.number, head: found.head(), unbegun: false, end: BLOCK });
            at = self.before(found)?;
        }
        chain.reverse();
        self.find_ends(&mut chain)?;
        self.survey.chain = chain;
        Ok(())
    }

    /// The segments behind the last one that has a good header, last one first. Either the header is damaged, or
    /// it was never written: then there is nothing in the segment but perhaps the copy of the last group, made
    /// when the log was opened.
    fn headless_tail(&mut self, begun: Option<usize>) -> io::Result<Vec<Segment>> {
        let (mut tail, mut before, mut epoch) = (Vec::new(), None, 0);
        if let Some(found) = begun.and_then(|at| self.found.get(at)) {
            before = self.reach(found.number, None)?.map(|reach| reach.last);
            epoch = found.head().map_or(0, |head| head.epoch);
        }
        for found in self.found.iter().skip(begun.map_or(0, |at| at + 1)) {
            let reach = self.reach(found.number, None)?;
            let Some(reach) = reach.filter(|reach| !is_repeated(reach, before.as_ref())) else {
                self.survey.spare.push(found.number);
                continue;
            };
            // What is appended to a segment is of the epoch that began it: this is older, so a copy. Of its
            // original, which was never synced, nothing is left.
            let unbegun = found.start == SegmentStart::Blank && reach.single && reach.first.epoch <= epoch;
            before = Some(reach.last);
            self.survey.epoch = self.survey.epoch.max(reach.last.epoch);
            tail.push(Segment { number: found.number, head: None, unbegun, end: BLOCK });
        }
        tail.reverse();
        Ok(tail)
    }

    /// The place in `found` of the segment before this one: the one that the header names, else the next lower one
    /// that holds anything.
    fn before(&mut self, this: &Found) -> io::Result<Option<usize>> {
        let head = this.head();
        let named = head.map_or(this.number - 1, |head| head.before.segment);
        let lower = self.found.iter().enumerate().rev().filter(|(_, other)| other.number < this.number);
        for (at, other) in lower {
            match head {
                Some(head) if other.number > named => self.leave_out(other.number, head.first_group)?,
                Some(_) if other.number == named => return Ok(Some(at)),
                _ if named > 0 && (other.head().is_some() || self.reach(other.number, None)?.is_some()) => {
                    return Ok(Some(at));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// A header says that the log goes past this segment: what stands there, if anything, was cut, or stands behind
    /// that header again.
    fn leave_out(&mut self, number: u64, first_group: u64) -> io::Result<()> {
        if self.reach(number, Some(first_group))?.is_none() {
            self.survey.spare.push(number);
        }
        Ok(())
    }

    /// The valid part of a segment ends where the next one says. If that does not tell, it ends with the last
    /// group that does not appear again in the next one.
    fn find_ends(&mut self, chain: &mut [Segment]) -> io::Result<()> {
        let mut next: Option<(Option<SegmentHead>, Option<u64>)> = None;
        for segment in chain.iter_mut().rev() {
            let named = next.and_then(|(head, _)| head).filter(|head| head.before.segment == segment.number);
            let upto = next.and_then(|(_, first)| first);
            segment.end = match named {
                Some(head) => head.before.end,
                None => self.reach(segment.number, upto)?.map_or(BLOCK, |reach| reach.last.next()),
            };
            if segment.head.is_some_and(|head| head.carried) {
                // Its first group was there when the header was written: if it is not found now, that is damage.
                segment.end = segment.end.max(2 * BLOCK);
            }
            let first = match segment.head {
                Some(head) => Some(head.first_group),
                None => self.reach(segment.number, None)?.map(|reach| reach.first.number),
            };
            next = Some((segment.head, first));
        }
        Ok(())
    }

    /// The groups in a segment, those from number `below` on left out.
    fn reach(&self, number: u64, below: Option<u64>) -> io::Result<Option<Reach>> {
        let file = self.disk.open(&segment::name(number))?;
        let groups = Groups { file: &file, segment: number, store: self.survey.store, limit: file.len()? };
        let mut reach: Option<Reach> = None;
        let mut offset = BLOCK;
        loop {
            let mut head = groups.at(offset)?;
            if head.is_none() {
                head = groups.from(offset + BLOCK)?;
            }
            let Some(head) = head.filter(|head| below.is_none_or(|below| head.number < below)) else {
                return Ok(reach);
            };
            reach = Some(match reach {
                Some(reach) => Reach { last: head, single: false, ..reach },
                None => Reach { first: head, last: head, single: true },
            });
            offset = head.next();
        }
    }
}

/// Whether a segment without header holds nothing but the copy of the group before it, or what is older than that.
fn is_repeated(reach: &Reach, before: Option<&GroupHead>) -> bool {
    let id = |head: &GroupHead| (head.number, head.epoch);
    before.is_some_and(|before| reach.single && id(&reach.first) <= id(before))
}
