//! Looks at everything that is stored.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::path::Path;

use mailwright_core::BlobId;
use mailwright_store::Checksum;
use mailwright_store::disk::{Disk, DiskFile};
use mailwright_store::model::{Field, Nothing, State};

use crate::changes;
use crate::engine::position;
use crate::index::{Index, Location, META, PLACES};
use crate::lock::DirLock;
use crate::log::{self, Damage, DamageKind, Logged, Position};
use crate::open::{Layout, OpenError, open_disk};
use crate::place::BlobPlace;

/// What [`verify`] found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Groups of batches in the log.
    pub groups: u64,
    /// Bodies in the log.
    pub bodies: u64,
    /// Octets of the log that were read and compared with their checksums.
    pub octets: u64,
    /// Rows of the index.
    pub rows: u64,
    /// Files of bodies.
    pub files: u64,
    /// What is damaged in the log. Rows of it that the index has are not lost.
    pub damage: Vec<Damage>,
    /// How the index differs from what the log says, or contradicts itself, a line each, at most
    /// [`VerifyReport::DIFFERENCES`]. If it is thrown away the next opening builds it anew from the log.
    pub index: Vec<String>,
    /// The files of bodies that are missing or not as they were written.
    pub damaged_files: Vec<String>,
    /// Whether the index could be compared with the log: not if rows of the log are damaged.
    pub compared: bool,
}

impl VerifyReport {
    /// How many differences of the index are told.
    pub const DIFFERENCES: usize = 100;

    /// Whether all is as it was written.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.index.is_empty() && self.damaged_files.is_empty()
    }

    fn differs(&mut self, how: impl Into<String>) {
        if self.index.len() < Self::DIFFERENCES {
            self.index.push(how.into());
        }
    }
}

/// Checks every checksum in a data directory, and the index against the log. Changes nothing that anybody could miss:
/// SQLite may finish what it had begun.
///
/// # Errors
/// If a server is at work in the directory, or it cannot be read.
pub fn verify(dir: &Path) -> Result<VerifyReport, OpenError> {
    let layout = Layout::of(dir);
    let _lock = DirLock::acquire(&layout.dir)?;
    let (log, bulk) = (open_disk(&layout.log)?, open_disk(&layout.bulk)?);
    let without_index = |why: String| {
        let mut report = VerifyReport::default();
        verify_log(&log, None, &mut report)?;
        report.differs(why);
        Ok(report)
    };
    if !layout.index.exists() {
        return without_index("it is not there".to_owned());
    }
    match Index::open(&Location::File(layout.index)) {
        Ok(index) => verify_parts(&log, &bulk, &index),
        Err(fault) => without_index(fault.to_string()),
    }
}

/// The same of a log, the files of bodies and an index, wherever they are.
pub(crate) fn verify_parts<D: Disk>(log: &D, bulk: &D, index: &Index) -> Result<VerifyReport, OpenError> {
    let mut report = VerifyReport::default();
    let proven = position(index).unwrap_or_default();
    verify_log(log, proven, &mut report)?;
    if let Err(fault) = index.check() {
        report.differs(fault.to_string());
    }
    let lost_rows =
        |damage: &Damage| damage.kind != DamageKind::Body && damage.kind != DamageKind::SegmentHeader;
    report.compared = !report.damage.iter().any(lost_rows);
    let expected = if report.compared { Some(Expected::of(log, proven)?) } else { None };
    verify_index(index, expected.as_ref(), &mut report);
    verify_meaning(index, &mut report);
    verify_files(bulk, index, &mut report)?;
    Ok(report)
}

fn verify_log<D: Disk>(
    disk: &D,
    proven: Option<Position>,
    report: &mut VerifyReport,
) -> Result<(), OpenError> {
    let verified = log::verify(disk, None, proven, |damage| report.damage.push(damage))?;
    (report.groups, report.bodies, report.octets) = (verified.groups, verified.bodies, verified.bytes);
    Ok(())
}

/// What the index must have, as hashes of keys and values: the log's rows are more than what fits into memory.
struct Expected(HashMap<u64, u64>);

impl Expected {
    fn of<D: Disk>(disk: &D, proven: Option<Position>) -> Result<Self, OpenError> {
        let mut rows = HashMap::new();
        let last = proven.map_or(0, |position| position.group);
        log::each_group(disk, None, |logged| {
            let Logged::Group(group) = logged else { return };
            if group.position.group > last {
                return;
            }
            for (table, key, value) in changes::read(&group.meta).flatten() {
                match value {
                    Some(value) => rows.insert(key_hash(table, key), hash(value)),
                    None => rows.remove(&key_hash(table, key)),
                };
            }
            for body in group.bodies {
                let place = BlobPlace::Log(body.place).to_octets();
                rows.insert(key_hash(PLACES, &body.blob.to_octets()), hash(&place));
            }
        })?;
        Ok(Self(rows))
    }

    fn has(&self, table: u8, key: &[u8], value: &[u8]) -> bool {
        self.0.get(&key_hash(table, key)) == Some(&hash(value))
    }
}

fn key_hash(table: u8, key: &[u8]) -> u64 {
    hash((table, key))
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn verify_index(index: &Index, expected: Option<&Expected>, report: &mut VerifyReport) {
    const PAGE: usize = 1000;
    for table in Index::tables().filter(|table| *table != META) {
        let name = State::<Nothing>::TABLES.iter().find(|(number, _)| *number == table);
        let name = name.map_or("places", |(_, name)| name);
        let mut from = Bound::Unbounded;
        loop {
            let page = index.page(table, from.as_ref().map(Vec::as_slice), Bound::Unbounded, PAGE);
            if let Err(fault) = index.take_fault() {
                report.differs(format!("{name}: {fault}"));
                break;
            }
            for (key, value) in &page {
                report.rows += 1;
                let is_sound = match table {
                    PLACES => BlobPlace::from_octets(value).is_some(),
                    _ => State::<Nothing>::is_sound(table, key, value),
                };
                if !is_sound {
                    report.differs(format!("{name}: a row is not what such a row can be"));
                } else if expected.is_some_and(|expected| !expected.has(table, key, value)) {
                    report.differs(format!("{name}: a row is not what the log says"));
                }
            }
            let Some((last, _)) = page.into_iter().next_back() else { break };
            from = Bound::Excluded(last);
        }
    }
    // Each of these is what it must be: so if there are as many, none is missing.
    if let Some(Expected(rows)) = expected
        && u64::try_from(rows.len()).is_ok_and(|count| count > report.rows)
    {
        report.differs("rows that the log has are missing");
    }
}

/// Whether the rows make sense together. If they are not what was written they need not.
fn verify_meaning(index: &Index, report: &mut VerifyReport) {
    if !report.index.is_empty() {
        return;
    }
    State::new(index.clone())
        .contradictions(|mailbox, what| report.differs(format!("mailbox {mailbox}: {what}")));
    if let Err(fault) = index.take_fault() {
        report.differs(fault.to_string());
    }
}

fn verify_files<D: Disk>(bulk: &D, index: &Index, report: &mut VerifyReport) -> Result<(), OpenError> {
    let state = State::new(index.clone());
    let mut places: Vec<BlobId> = Vec::new();
    let mut from = Bound::Unbounded;
    loop {
        let page = index.page(PLACES, from.as_ref().map(Vec::as_slice), Bound::Unbounded, 1000);
        let Some((last, _)) = page.last() else { break };
        from = Bound::Excluded(last.clone());
        let bulk = page.iter().filter(|(_, place)| BlobPlace::from_octets(place) == Some(BlobPlace::Bulk));
        places.extend(bulk.filter_map(|(key, _)| BlobId::from_octets(key)));
    }
    // Told already.
    let _ = index.take_fault();
    for id in places {
        let name = BlobPlace::file_name(id);
        report.files += 1;
        let expected = state.blob(id).map(|blob| (blob.size, blob.checksum));
        if expected.is_none() || sum(bulk, &name) != expected {
            report.damaged_files.push(name);
        }
    }
    let _ = index.take_fault();
    Ok(())
}

/// The length of a file and the checksum of all its octets; `None` if it cannot be read.
fn sum<D: Disk>(disk: &D, name: &str) -> Option<(u64, u32)> {
    let file = disk.open(name).ok()?;
    let mut checksum = Checksum::default();
    let mut piece = vec![0; 256 << 10];
    let mut at = 0;
    loop {
        match file.read_at(&mut piece, at).ok()? {
            0 => return Some((at, checksum.value())),
            read => {
                checksum.update(piece.get(..read)?);
                at += u64::try_from(read).ok()?;
            }
        }
    }
}
