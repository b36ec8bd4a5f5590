//! Groups whose content is known from their number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mailwright_core::BlobId;
use mailwright_store::Checksum;
use mailwright_store::disk::Disk;
use mailwright_store_sqlite::log::{
    Body, Damage, Group, Log, LogConfig, LogError, Logged, LoggedBody, Position, StoreId,
};

pub(crate) const STORE: StoreId = StoreId([0xA7; 16]);

/// Small segments, so that there are many.
pub(crate) fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 24 << 10,
        short_segment_bytes: 8 << 10,
        open_segments: 3,
        ..LogConfig::default()
    }
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }

    pub(crate) fn bytes(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// What a caller appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) meta: Vec<u8>,
    pub(crate) bodies: Vec<Body>,
}

/// The content with that number: always the same, and never that of another number.
pub(crate) fn entry(id: u64) -> Arc<Entry> {
    static MADE: Mutex<BTreeMap<u64, Arc<Entry>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(made.entry(id).or_insert_with(|| Arc::new(make(id))))
}

fn make(id: u64) -> Entry {
    let mut random = Random(id);
    let len = random.below(300);
    let mut meta = id.to_le_bytes().to_vec();
    meta.extend(random.bytes(len));
    let bodies = (0..random.below(3)).map(|at| {
        let len = if random.one_in(40) { 70_000 } else { random.below(900) };
        let bytes = Bytes::from(random.bytes(len));
        let cut = random.below(len + 1) as usize;
        body(id, at as u8, vec![bytes.slice(..cut), bytes.slice(cut..)])
    });
    let bodies = bodies.collect();
    Entry { meta, bodies }
}

pub(crate) fn body(id: u64, at: u8, chunks: Vec<Bytes>) -> Body {
    let mut checksum = Checksum::default();
    chunks.iter().for_each(|chunk| checksum.update(chunk));
    let mut blob = [at; 16];
    blob[..8].copy_from_slice(&id.to_le_bytes());
    Body {
        blob: BlobId(blob),
        len: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
        crc: checksum.value(),
        label: format!("entry {id}, body {at}").into_bytes(),
        chunks,
    }
}

/// Appends without a sync.
pub(crate) fn append<D: Disk>(log: &mut Log<D>, entry: &Entry) -> Result<Position, LogError> {
    let plan = log.plan(&entry.meta, &entry.bodies)?;
    let (planned, places) = (plan.position(), plan.places().to_vec());
    let position = log.append(plan, &entry.meta, &entry.bodies)?;
    assert_eq!(position, planned);
    assert_eq!(places.len(), entry.bodies.len());
    Ok(position)
}

pub(crate) fn append_synced<D: Disk>(log: &mut Log<D>, entry: &Entry) -> Result<Position, LogError> {
    let position = append(log, entry)?;
    log.sync()?;
    Ok(position)
}

/// The id of a group, if it is an entry to the last byte, bodies included.
pub(crate) fn id_of<D: Disk>(log: &Log<D>, group: &Group) -> Result<u64, String> {
    let id = group.meta.first_chunk().ok_or("the rows are too short")?;
    let id = u64::from_le_bytes(*id);
    let entry = entry(id);
    if group.meta != entry.meta {
        return Err(format!("the rows of entry {id} are not what was appended"));
    }
    if group.bodies.len() != entry.bodies.len() {
        return Err(format!("entry {id} has {} bodies", group.bodies.len()));
    }
    for (logged, body) in group.bodies.iter().zip(&entry.bodies) {
        check_body(log, logged, body).map_err(|what| format!("entry {id}: {what}"))?;
    }
    Ok(id)
}

pub(crate) fn check_body<D: Disk>(log: &Log<D>, logged: &LoggedBody, body: &Body) -> Result<(), String> {
    let LoggedBody { blob, place, label } = logged;
    if (*blob, place.len, place.crc, label) != (body.blob, body.len, body.crc, &body.label) {
        return Err(format!("the index says {logged:?}"));
    }
    let mut read = vec![0; place.len as usize];
    log.reader().read_at(place, 0, &mut read).map_err(|error| format!("{error:?}"))?;
    if read == body.chunks.concat() { Ok(()) } else { Err("a body is not what was appended".into()) }
}

/// The ids of the groups after a position, each with where it stands.
pub(crate) fn ids<D: Disk>(log: &Log<D>, after: Option<Position>) -> Result<Vec<(u64, Position)>, String> {
    let logged =
        log.groups_after(after).map(|logged| match logged.map_err(|error| format!("{error:?}"))? {
            Logged::Group(group) => Ok((id_of(log, &group)?, group.position)),
            Logged::Damage(damage) => Err(format!("{damage:?}")),
        });
    logged.collect()
}

/// The same for a log that may be damaged.
pub(crate) fn ids_and_damage<D: Disk>(log: &Log<D>, after: Option<Position>) -> (Vec<u64>, Vec<Damage>) {
    let (mut ids, mut damage) = (Vec::new(), Vec::new());
    for logged in log.groups_after(after) {
        match logged.unwrap() {
            Logged::Group(group) => ids.push(u64::from_le_bytes(*group.meta.first_chunk().unwrap())),
            Logged::Damage(found) => damage.push(found),
        }
    }
    (ids, damage)
}
