//! The groups of a log, one after the other, and what is missing in between.

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;

use mailwright_store::disk::{Disk, DiskFile};

use super::damage::{Damage, DamageKind};
use super::format::GroupHead;
use super::place::{BLOCK, Position, StoreId};
use super::segment::{self, Groups};
use super::survey::Segment;

/// The next thing on the way.
pub(super) enum Step {
    /// A group whose header is good.
    Group(GroupHead),
    Damage(Damage),
}

/// What a group follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) group: u64,
    pub(super) crc: u32,
}

impl Link {
    /// What the first group of all follows.
    pub(super) const NONE: Self = Self { group: 0, crc: 0 };
}

/// On the way through the groups of a log.
pub(super) struct Walk<'a, D: Disk> {
    disk: &'a D,
    store: StoreId,
    chain: Vec<Segment>,
    /// The next segment of the chain.
    next: usize,
    /// The one that is walked through.
    now: Option<Now<D::File>>,
    /// The last group that was passed, or was told to be missing; or the one to begin behind.
    last: Link,
    /// The group to begin behind, if that is a copy of the one that was asked for.
    copy: Option<GroupHead>,
    /// Damage was told since: the next group need not follow the last one by its checksum.
    torn: bool,
    ready: VecDeque<Step>,
}

struct Now<F> {
    segment: Segment,
    file: F,
    /// Where the next group is.
    offset: u64,
}

impl<'a, D: Disk> Walk<'a, D> {
    /// From the beginning.
    pub(super) fn new(disk: &'a D, store: StoreId, chain: Vec<Segment>) -> Self {
        let ready = VecDeque::new();
        Self { disk, store, chain, next: 0, now: None, last: Link::NONE, copy: None, torn: false, ready }
    }

    /// From behind a group that is known to be synced.
    pub(super) fn after(
        disk: &'a D,
        store: StoreId,
        chain: Vec<Segment>,
        proven: &Position,
    ) -> io::Result<Self> {
        let proven = &proven.bounded();
        let mut walk = Self::new(disk, store, chain);
        walk.last = Link { group: proven.group, crc: proven.crc };
        if walk.begin_at(proven)? || walk.begin_at_copy(proven)? {
            return Ok(walk);
        }
        let last = walk.last;
        walk.tell(Damage {
            kind: DamageKind::Proven,
            segment: proven.segment,
            offset: proven.offset,
            len: 0,
            groups: Some(proven.group..=proven.group),
            bodies: Vec::new(),
        });
        walk.last = last;
        Ok(walk)
    }

    /// Begins behind the group at this position, if it is there; else near it.
    fn begin_at(&mut self, proven: &Position) -> io::Result<bool> {
        self.next = self.chain.partition_point(|segment| segment.number < proven.segment);
        let here = self.chain.get(self.next).filter(|segment| segment.number == proven.segment).copied();
        let Some(segment) = here else { return Ok(false) };
        self.next += 1;
        let now = self.now.insert(Now::open(self.disk, segment)?);
        now.offset = proven.offset.min(segment.end);
        let Some(head) = now.groups(self.store).at(now.offset)?.filter(|_| proven.offset < segment.end)
        else {
            return Ok(false);
        };
        let is_proven = (head.number, head.crc()) == (proven.group, proven.crc);
        if is_proven {
            now.offset = head.next();
        } else {
            // It is given: nobody has seen it.
            self.last = Link { group: head.number - 1, crc: head.crc_before };
        }
        Ok(is_proven)
    }

    /// Begins behind the copy of the group that was at this position, if it was copied when the log was opened.
    fn begin_at_copy(&mut self, proven: &Position) -> io::Result<bool> {
        let is_copy = |segment: &Segment| {
            segment.head.is_some_and(|head| head.carried && head.first_group == proven.group)
        };
        let Some(at) = self.chain.iter().rposition(is_copy) else { return Ok(false) };
        let Some(segment) = self.chain.get(at).copied() else { return Ok(false) };
        let now = Now::open(self.disk, segment)?;
        let Some(copy) = now.groups(self.store).at(BLOCK)? else { return Ok(false) };
        let original = GroupHead { segment: proven.segment, offset: proven.offset, ..copy };
        if original.crc() != proven.crc {
            return Ok(false);
        }
        self.now = Some(Now { offset: copy.next(), ..now });
        self.next = at + 1;
        self.last = Link { group: copy.number, crc: copy.crc() };
        self.copy = Some(copy);
        Ok(true)
    }

    /// `None` at the end of the log.
    pub(super) fn next(&mut self) -> io::Result<Option<Step>> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            let Some(now) = self.now.take() else {
                let Some(segment) = self.chain.get(self.next).copied() else { return Ok(None) };
                self.cross(&segment);
                self.next += 1;
                self.now = Some(Now::open(self.disk, segment)?);
                continue;
            };
            if now.offset < now.segment.end {
                self.step(now)?;
            }
        }
    }

    /// The file that the last step was in; after a group it is always there.
    pub(super) fn file(&self) -> Option<&D::File> {
        self.now.as_ref().map(|now| &now.file)
    }

    /// The last group that was passed, or the one to begin behind.
    pub(super) fn last(&self) -> Link {
        self.last
    }

    /// The group to begin behind, if it is only a copy of the one that is known to be synced.
    pub(super) fn begun_at_copy(&self) -> Option<GroupHead> {
        self.copy
    }

    /// Over the boundary to a segment.
    fn cross(&mut self, segment: &Segment) {
        let whole =
            |kind, segment, groups| Damage { kind, segment, offset: 0, len: 0, groups, bodies: Vec::new() };
        if segment.unbegun {
            return;
        }
        let Some(head) = segment.head else {
            // No group is lost by this, so it explains nothing.
            let torn = self.torn;
            self.tell(Damage { len: BLOCK, ..whole(DamageKind::SegmentHeader, segment.number, None) });
            self.torn = torn;
            return;
        };
        let before = self.next.checked_sub(1).and_then(|at| self.chain.get(at));
        let (here, named) = (before.map_or(0, |before| before.number), head.before.segment);
        if named != here && self.last.group < head.before.group {
            let groups = self.missing(head.before.group + 1);
            self.tell(whole(DamageKind::SegmentMissing, named, groups));
        }
    }

    /// One group further, or over what is damaged.
    fn step(&mut self, mut now: Now<D::File>) -> io::Result<()> {
        let groups = now.groups(self.store);
        let mut found = groups.at(now.offset)?.filter(|head| self.is_new(head));
        if found.is_none() {
            let mut offset = now.offset + BLOCK;
            while let Some(head) = groups.from(offset)? {
                if self.is_new(&head) {
                    found = Some(head);
                    break;
                }
                offset = head.next();
            }
            let end = found.map_or(now.segment.end, |head| head.offset);
            let next_group = match found {
                Some(head) => Some(head.number),
                None => self.named_next(),
            };
            self.tell(Damage {
                kind: DamageKind::Group,
                segment: now.segment.number,
                offset: now.offset,
                len: end - now.offset,
                groups: next_group.and_then(|next| self.missing(next)),
                bodies: Vec::new(),
            });
            now.offset = end;
        }
        if let Some(head) = found {
            self.pass(&head);
            now.offset = head.next();
        }
        self.now = Some(now);
        Ok(())
    }

    /// A group behind the last one. Others are none of the log's: it never goes back.
    fn is_new(&self, head: &GroupHead) -> bool {
        head.number > self.last.group
    }

    fn pass(&mut self, head: &GroupHead) {
        let follows = head.number == self.last.group + 1 && (self.torn || head.crc_before == self.last.crc);
        if !follows {
            self.tell(Damage {
                kind: DamageKind::Chain,
                segment: head.segment,
                offset: head.offset,
                len: 0,
                groups: self.missing(head.number),
                bodies: Vec::new(),
            });
        }
        self.torn = false;
        self.last = Link { group: head.number, crc: head.crc() };
        self.ready.push_back(Step::Group(*head));
    }

    fn tell(&mut self, damage: Damage) {
        self.torn = true;
        if let Some(groups) = &damage.groups {
            self.last.group = *groups.end();
        }
        self.ready.push_back(Step::Damage(damage));
    }

    /// The numbers between the last group and `next`.
    fn missing(&self, next: u64) -> Option<RangeInclusive<u64>> {
        let first = self.last.group + 1;
        (first < next).then(|| first..=next - 1)
    }

    /// The number of the first group of the next segment.
    fn named_next(&self) -> Option<u64> {
        self.chain.get(self.next)?.head.map(|head| head.before.group + 1)
    }
}

impl<F: DiskFile> Now<F> {
    /// At the beginning of a segment.
    fn open<D: Disk<File = F>>(disk: &D, segment: Segment) -> io::Result<Self> {
        let file = disk.open(&segment::name(segment.number))?;
        Ok(Self { segment, file, offset: BLOCK })
    }

    fn groups(&self, store: StoreId) -> Groups<'_, F> {
        Groups { file: &self.file, segment: self.segment.number, store: Some(store), limit: self.segment.end }
    }
}
