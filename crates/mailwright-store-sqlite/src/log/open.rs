//! Opening: what was synced is found, what was not is cut or made safe, and a fresh segment begun.
//!
//! A group is *proven* if its sync is known to have returned: the index has it, another group follows it, or the
//! header of a later segment names it. Whoever appends does so only when the last group is synced, so at most one
//! group, the last, is not proven. If it is not whole it is cut. If it is whole it may still live in the page cache
//! alone, after a kill: so it is copied, and the copy synced, before anybody is told of it.
//!
//! The order of writes is what makes a crash at any moment harmless:
//!
//! 1. The copy is written into a new file, and synced. Until that file has a header nobody takes it for a segment.
//! 2. The header is written, the file synced, then the directory. From now on the last segment ends where the
//!    header says, whatever stands behind.
//! 3. Only then is room given back.

use std::io;
use std::sync::Arc;

use mailwright_store::disk::{Disk, DiskFile};

use super::config::LogConfig;
use super::content;
use super::damage::Damage;
use super::error::LogError;
use super::format::{GroupHead, HEAD, SegmentHead};
use super::place::{BLOCK, Position, StoreId};
use super::reader::LogReader;
use super::segment;
use super::survey::{Segment, survey};
use super::walk::{Link, Step, Walk};
use super::writer::{Current, Log, State, before, begin};

/// What was found when a log was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// What is not as it was written, behind the proven position. Rows and bodies were not looked at.
    /// [`Log::groups_after`] tells it again, each in its place.
    pub damage: Vec<Damage>,
    /// The last group: where it stands now.
    pub last: Option<Position>,
    /// A group that was begun and not ended, and so cut: nobody was told that it is durable. Not all that is cut
    /// has left a header to know it by.
    pub cut: Option<Position>,
    /// Whether the last group was not proven, and was copied.
    pub copied: bool,
}

impl<D: Disk> Log<D> {
    /// A new log of the store with this id, which must be random.
    ///
    /// # Errors
    /// If there is a log already, or none can be written.
    pub fn create(disk: D, config: LogConfig, store: StoreId) -> Result<Self, LogError> {
        let found = survey(&disk, None)?;
        if found.store.is_some() {
            return Err(LogError::Exists);
        }
        let fresh = Fresh {
            store,
            epoch: 1,
            number: found.highest + 1,
            first_group: 1,
            last: Link::NONE,
            filled: Vec::new(),
        };
        fresh.begin(disk, config, None)
    }

    /// Opens the log. `store` is whose it must be, if that is known; `proven` the last group that the index has.
    ///
    /// # Errors
    /// If there is none, it is another store's or of a later version, or the disk fails: nothing is lost then.
    /// Damage is no error.
    pub fn open(
        disk: D,
        config: LogConfig,
        store: Option<StoreId>,
        proven: Option<Position>,
    ) -> Result<(Self, OpenReport), LogError> {
        let proven = proven.map(Position::bounded);
        let survey = survey(&disk, store)?;
        let (Some(store), false) = (survey.store, survey.chain.is_empty()) else {
            return Err(LogError::NoLog);
        };
        let mut found = Found::walk(&disk, store, survey.chain, proven)?;
        let tail = found.judge(&disk)?;
        let proven_group = proven.map_or(0, |proven| proven.group);
        let fresh = Fresh {
            store,
            epoch: survey.epoch + 1,
            number: survey.highest.max(proven.map_or(0, |proven| proven.segment)) + 1,
            first_group: tail.as_ref().map_or(found.end.group.max(proven_group) + 1, |tail| tail.head.number),
            last: found.end,
            filled: found.chain.iter().filter(|segment| segment.is_used()).copied().collect(),
        };
        let mut report = OpenReport { copied: tail.is_some(), ..found.report };
        let mut log = fresh.begin(disk, config, tail)?;
        log.next_group = log.next_group.max(proven_group + 1);
        if report.copied {
            let Segment { number: segment, .. } = log.current.segment;
            report.last = Some(Position { segment, offset: BLOCK, group: log.last.group, crc: log.last.crc });
        }
        if report.damage.is_empty() {
            log.give_back(&found.chain, &survey.spare);
        }
        Ok((log, report))
    }

    /// Room that is not needed. Whatever of it fails, nothing is lost but room.
    fn give_back(&self, chain: &[Segment], spare: &[u64]) {
        let unused = chain.iter().filter(|segment| !segment.is_used()).map(|segment| &segment.number);
        for number in unused.chain(spare) {
            let _ = self.disk.remove(&segment::name(*number));
        }
        if let Some(last) = chain.last().filter(|last| last.is_used()) {
            let cut = |file: D::File| if file.len()? > last.end { file.set_len(last.end) } else { Ok(()) };
            let _ = self.disk.open(&segment::name(last.number)).and_then(cut);
        }
    }
}

/// What is there, from the proven group to the end.
struct Found {
    chain: Vec<Segment>,
    /// The last group, if its header was found behind the proven one.
    head: Option<GroupHead>,
    /// The last group that counts.
    end: Link,
    /// The last group but one.
    before: Option<Position>,
    report: OpenReport,
}

/// The last group, if it is whole and not proven.
struct Tail<F> {
    head: GroupHead,
    file: F,
}

impl Found {
    fn walk<D: Disk>(
        disk: &D,
        store: StoreId,
        chain: Vec<Segment>,
        proven: Option<Position>,
    ) -> Result<Self, LogError> {
        let mut walk = match proven {
            Some(proven) => Walk::after(disk, store, chain.clone(), &proven)?,
            None => Walk::new(disk, store, chain.clone()),
        };
        let mut report = OpenReport { last: proven, ..OpenReport::default() };
        let (mut head, mut before) = (walk.begun_at_copy(), None);
        while let Some(step) = walk.next()? {
            match step {
                Step::Group(group) => {
                    before = report.last.replace(content::position(&group));
                    head = Some(group);
                }
                Step::Damage(damage) => report.damage.push(damage),
            }
        }
        let end = walk.last();
        Ok(Self { chain, head, end, before, report })
    }

    /// Takes the last group from the end of the log if it is not proven, and gives it if it is whole.
    fn judge<D: Disk>(&mut self, disk: &D) -> Result<Option<Tail<D::File>>, LogError> {
        let (Some(head), Some(segment)) = (self.head, self.chain.last_mut()) else { return Ok(None) };
        if head.segment != segment.number {
            // The header of a later segment names it.
            return Ok(None);
        }
        let file = disk.open(&segment::name(head.segment))?;
        let damage = content::check(&file, &head)?;
        let was_copied = segment.head.is_some_and(|start| start.carried && start.first_group == head.number);
        if was_copied && !damage.is_empty() {
            // It was whole and synced before the segment had a header.
            self.report.damage.extend(damage);
            return Ok(None);
        }
        segment.end = head.offset;
        self.end = Link { group: head.number - 1, crc: head.crc_before };
        let last = std::mem::replace(&mut self.report.last, self.before);
        if damage.is_empty() {
            return Ok(Some(Tail { head, file }));
        }
        self.report.cut = last;
        Ok(None)
    }
}

/// The segment that an opening begins.
struct Fresh {
    store: StoreId,
    epoch: u64,
    number: u64,
    first_group: u64,
    last: Link,
    filled: Vec<Segment>,
}

impl Fresh {
    fn begin<D: Disk>(
        self,
        disk: D,
        config: LogConfig,
        tail: Option<Tail<D::File>>,
    ) -> Result<Log<D>, LogError> {
        let Self { store, epoch, number, first_group, mut last, filled } = self;
        let head = SegmentHead {
            store,
            number,
            epoch,
            first_group,
            carried: tail.is_some(),
            before: before(filled.iter(), last),
        };
        let needed = tail.as_ref().map_or(0, |tail| tail.head.total);
        let (file, len) = segment::create(&disk, number, &config, needed)?;
        let mut segment = Segment { number, head: Some(head), unbegun: false, end: BLOCK };
        let mut next_group = first_group;
        if let Some(tail) = tail {
            let copy = tail.copy(&file, number)?;
            file.sync()?;
            last = Link { group: copy.number, crc: copy.crc() };
            next_group = copy.number + 1;
            segment.end = copy.next();
        }
        begin(&disk, &file, &head)?;
        let disk = Arc::new(disk);
        let reader = LogReader::new(Arc::clone(&disk), config.open_segments);
        let current = Current { segment, file, len };
        let state = State::Synced;
        Ok(Log {
            disk,
            config,
            store,
            epoch,
            filled,
            current,
            highest: number,
            last,
            next_group,
            state,
            reader,
        })
    }
}

impl<F: DiskFile> Tail<F> {
    /// Copies the group to the beginning of a segment. What is checked is the copy: it cannot leave the page cache
    /// before it is synced, but the original can, and may not be what it was.
    fn copy(&self, to: &F, segment: u64) -> io::Result<GroupHead> {
        let copy = GroupHead { segment, offset: BLOCK, ..self.head };
        let whole = segment::read_range(
            &self.file,
            self.head.index_at(),
            self.head.total - HEAD as u64,
            |part, at| to.write_at(part, BLOCK + (at - self.head.offset)),
        )?;
        to.write_at(&copy.encode(), BLOCK)?;
        if !whole || !content::check(to, &copy)?.is_empty() {
            return Err(io::Error::other("what was read from the disk was not the same twice"));
        }
        Ok(copy)
    }
}
