//! Which segments there are, in which order, and where the valid part of each ends.

use std::io;

use mailwright_store::disk::{Disk, DiskFile};

use super::error::LogError;
use super::format::{BLOCK, GroupHead, SegmentHead, SegmentStart};
use super::place::StoreId;
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
    /// `None` if it is damaged.
    pub(super) head: Option<SegmentHead>,
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
        match segment::start(&disk.open(&segment::name(number))?)? {
            SegmentStart::Newer(version) => return Err(LogError::Newer { segment: number, version }),
            SegmentStart::Head(head) if store.is_some_and(|store| store != head.store) => {
                return Err(LogError::Foreign { segment: number });
            }
            // A file that was renamed is as good as one with a damaged header.
            SegmentStart::Head(head) if head.number == number => found.push((number, Some(head))),
            SegmentStart::Head(_) | SegmentStart::None => found.push((number, None)),
        }
    }
    let heads = || found.iter().filter_map(|(_, head)| *head);
    let store = match store.or_else(|| heads().next().map(|head| head.store)) {
        Some(store) => Some(store),
        None => store_of_groups(disk, &found)?,
    };
    if let Some(head) = heads().find(|head| Some(head.store) != store) {
        return Err(LogError::Foreign { segment: head.number });
    }
    let highest = found.last().map_or(0, |(number, _)| *number);
    let epoch = heads().map(|head| head.epoch).max().unwrap_or(0);
    let mut survey = Survey { store, chain: Vec::new(), spare: Vec::new(), highest, epoch };
    Surveyor { disk, found: &found, survey: &mut survey }.order()?;
    Ok(survey)
}

/// If all headers are damaged, a group tells.
fn store_of_groups<D: Disk>(disk: &D, found: &[Found]) -> io::Result<Option<StoreId>> {
    for (number, _) in found {
        let file = disk.open(&segment::name(*number))?;
        let groups = Groups { file: &file, segment: *number, store: None, limit: file.len()? };
        if let Some(head) = groups.from(BLOCK)? {
            return Ok(Some(head.store));
        }
    }
    Ok(None)
}

/// A file of a segment: its number, and its header if that is good.
type Found = (u64, Option<SegmentHead>);

struct Surveyor<'a, D> {
    disk: &'a D,
    found: &'a [Found],
    survey: &'a mut Survey,
}

impl<D: Disk> Surveyor<'_, D> {
    fn order(&mut self) -> io::Result<()> {
        let begun = self.found.iter().rposition(|(_, head)| head.is_some());
        // From the last one down, because each header names the one before.
        let mut chain = self.headless_tail(begun)?;
        let mut at = begun;
        while let Some((number, head)) = at.and_then(|at| self.found.get(at)) {
            chain.push(Segment { number: *number, head: *head, end: BLOCK });
            at = self.before(*number, head.as_ref())?;
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
        let mut tail = Vec::new();
        let mut before = None;
        if let Some((number, _)) = begun.and_then(|at| self.found.get(at)) {
            before = self.reach(*number, None)?.map(|reach| reach.last);
        }
        for (number, _) in self.found.iter().skip(begun.map_or(0, |at| at + 1)) {
            let reach = self.reach(*number, None)?;
            let Some(reach) = reach.filter(|reach| !is_copy(reach, before.as_ref())) else {
                self.survey.spare.push(*number);
                continue;
            };
            before = Some(reach.last);
            self.survey.epoch = self.survey.epoch.max(reach.last.epoch);
            tail.push(Segment { number: *number, head: None, end: BLOCK });
        }
        tail.reverse();
        Ok(tail)
    }

    /// The place in `found` of the segment before `number`: the one that the header names, else the next lower one
    /// that holds anything.
    fn before(&mut self, number: u64, head: Option<&SegmentHead>) -> io::Result<Option<usize>> {
        let named = head.map_or(number - 1, |head| head.before.segment);
        for (at, (other, good)) in
            self.found.iter().enumerate().rev().filter(|(_, (other, _))| *other < number)
        {
            if *other > named {
                self.leave_out(*other, head)?;
                continue;
            }
            let is_named = head.is_some() && *other == named;
            if is_named || good.is_some() || self.reach(*other, None)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// A header says that the log goes past this segment: what stands there, if anything, stands behind that
    /// header again.
    fn leave_out(&mut self, number: u64, head: Option<&SegmentHead>) -> io::Result<()> {
        let below = head.map(|head| head.first_group);
        if below.is_some() && self.reach(number, below)?.is_none() {
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
fn is_copy(reach: &Reach, before: Option<&GroupHead>) -> bool {
    let id = |head: &GroupHead| (head.number, head.epoch);
    before.is_some_and(|before| reach.single && id(&reach.first) <= id(before))
}
