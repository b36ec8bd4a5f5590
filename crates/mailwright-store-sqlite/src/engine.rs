//! The engine: takes groups of jobs, makes them durable by one sync of the log, and answers.
//!
//! It is synchronous and has no clock and no threads. Whoever drives it calls [`Engine::step`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mailwright_core::{BlobId, Timestamp, UidValidity};
use mailwright_store::disk::Disk;
use mailwright_store::model::{Applied, Field, State};
use mailwright_store::{Batch, Cause, Limits, Op, Outcome, Reclaimed, Rejected, Topic, Unavailable};

use crate::changes::{self, Changes};
use crate::index::{Fault, Index, Location, META, PLACES};
use crate::jobs::{Answer, Job, blobs};
#[cfg(test)]
use crate::log::LogReader;
use crate::log::{Body, Log, LogError, Logged, Position};
use crate::place::BlobPlace;
use crate::shared::Shared;
use crate::staged::{Staged, StagedBody};

/// The row of [`META`] that says up to where of the log the index is.
const POSITION: &[u8] = b"position";

/// What the engine is made of.
pub(crate) struct Parts<D: Disk> {
    pub(crate) log: Log<D>,
    pub(crate) location: Location,
    /// Where bodies lie that are not in the log.
    pub(crate) bulk: Arc<D>,
    pub(crate) limits: Limits,
    pub(crate) cached_rows: usize,
    pub(crate) shared: Arc<Shared>,
}

/// See the module.
pub(crate) struct Engine<D: Disk> {
    log: Log<D>,
    location: Location,
    index: Index,
    state: State<Index>,
    bulk: Arc<D>,
    limits: Limits,
    cached_rows: usize,
    shared: Arc<Shared>,
    epoch: u64,
}

/// Why a group was refused as a whole.
enum Refused {
    /// Nothing was written; the next group may fare better.
    Again(Cause),
    /// It is not known what is on the disk.
    Poisoned(Unavailable),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        if fault.is_full() {
            Self::Again(Cause::NoSpace)
        } else {
            Self::Again(Unavailable::new(fault).into())
        }
    }
}

/// Of a write or a sync.
impl From<LogError> for Refused {
    fn from(error: LogError) -> Self {
        Self::Poisoned(Unavailable::new(error))
    }
}

/// Why the index cannot be brought to where the log is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stuck {
    #[error(transparent)]
    Index(#[from] Fault),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What the index was before and is now, after the engine was opened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Groups that the index did not have.
    pub(crate) groups: u64,
    /// Whether the index was built anew from the log.
    pub(crate) rebuilt: bool,
    /// Whether the store is new.
    pub(crate) created: bool,
}

/// The position in the log up to which an index is.
pub(crate) fn position(index: &Index) -> Result<Option<Position>, Fault> {
    let octets = mailwright_store::model::Base::get(index, META, POSITION);
    index.take_fault()?;
    Ok(octets.and_then(|octets| Position::decode(&octets)))
}

impl<D: Disk> Engine<D> {
    const REPLAYED_BETWEEN_CHECKPOINTS: u64 = 1000;

    /// Brings the index up to the end of the log, and begins a new epoch.
    pub(crate) fn open(
        parts: Parts<D>,
        index: Index,
        first_uid_validity: UidValidity,
    ) -> Result<(Self, Replayed), Unavailable> {
        let Parts { log, location, bulk, limits, cached_rows, shared } = parts;
        let state = State::new(index.clone());
        let mut engine = Self { log, location, index, state, bulk, limits, cached_rows, shared, epoch: 0 };
        let mut replayed = Replayed::default();
        match engine.replay() {
            Ok(groups) if !engine.index.is_damaged() => replayed.groups = groups,
            // Whatever it is that SQLite cannot read: the log has it all.
            _ => {
                replayed.groups = engine.rebuild().map_err(Unavailable::new)?;
                replayed.rebuilt = true;
            }
        }
        engine.begin(first_uid_validity, &mut replayed)?;
        Ok((engine, replayed))
    }

    /// The first group of an epoch: the leases of earlier ones are void.
    fn begin(&mut self, first: UidValidity, replayed: &mut Replayed) -> Result<(), Unavailable> {
        self.index.begin().map_err(Unavailable::new)?;
        self.epoch = self.state.begin_epoch();
        if self.epoch == 1 {
            self.state.begin(first);
            replayed.created = true;
        }
        self.state.void_leases();
        self.state.fault()?;
        match self.write(&BTreeSet::new(), &[]) {
            Ok(()) => Ok(()),
            Err(Refused::Again(Cause::Unavailable(cause)) | Refused::Poisoned(cause)) => Err(cause),
            Err(Refused::Again(cause)) => Err(Unavailable::new(cause)),
        }
    }

    /// Puts into the index what the log has and it has not.
    fn replay(&self) -> Result<u64, Stuck> {
        let after = position(&self.index)?;
        let mut groups = 0_u64;
        for group in self.log.groups_after(after) {
            // What is damaged was reported when the log was opened: the rest goes on.
            let Logged::Group(group) = group? else { continue };
            self.index.begin()?;
            for change in changes::read(&group.meta) {
                let Some((table, key, value)) = change else { break };
                self.index.set(table, key, value)?;
            }
            for body in &group.bodies {
                let place = BlobPlace::Log(body.place).to_octets();
                self.index.set(PLACES, &body.blob.to_octets(), Some(&place))?;
            }
            self.index.set(META, POSITION, Some(&group.position.encode()))?;
            self.index.commit()?;
            groups += 1;
            // SQLite's own log must not become as large as the whole index.
            if groups.is_multiple_of(Self::REPLAYED_BETWEEN_CHECKPOINTS) {
                match self.index.checkpoint("PASSIVE") {
                    // For want of room it is only longer.
                    Err(fault) if !fault.is_of_surroundings() => return Err(fault.into()),
                    _ => {}
                }
            }
        }
        Ok(groups)
    }

    /// Throws the index away and builds it anew.
    pub(crate) fn rebuild(&mut self) -> Result<u64, Stuck> {
        self.location.clear();
        self.reopen()
    }

    /// Opens the index again, as it is on the disk, and brings it up to the end of the log.
    fn reopen(&mut self) -> Result<u64, Stuck> {
        self.index = Index::open(&self.location)?;
        self.state = State::new(self.index.clone());
        let groups = self.replay()?;
        self.shared.generation.raise();
        self.shared.hot.forget();
        Ok(groups)
    }

    /// Does all jobs of a group, as far as each can be done, makes them durable, and answers.
    pub(crate) fn step(&mut self, jobs: Vec<Job>) {
        self.mend();
        if self.shared.poisoned.load(Ordering::Acquire) {
            return jobs.into_iter().for_each(|job| self.refuse(job, &Unavailable::default()));
        }
        if let Err(fault) = self.index.begin() {
            let unavailable = Unavailable::new(fault);
            return jobs.into_iter().for_each(|job| self.refuse(job, &unavailable));
        }
        let mut group = Group::default();
        for job in jobs {
            self.apply(job, &mut group);
        }
        let written = self.write(&group.staged, &group.dropped);
        let durable = match written {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.undo(refused)),
        };
        if durable.is_ok() {
            group.staged.iter().for_each(|id| self.shared.staging.remove(*id));
            // Nobody can refer to it any more, now that this is durable. What stays is found at the next opening.
            group.dropped.iter().for_each(|(id, place)| self.drop_body(*id, place.as_ref()));
            self.remember(&group.hints);
            self.shared.hub.tell(&group.hints);
        }
        for answer in group.answers {
            answer.give(durable.clone());
        }
        if self.state.held() > self.cached_rows {
            self.state.forget();
        }
    }

    /// Says what has changed to who keeps it in memory.
    fn remember(&self, hints: &BTreeSet<Topic>) {
        let hot = &self.shared.hot;
        hot.turn();
        for hint in hints {
            match hint {
                // It has just been changed: its row is in memory.
                Topic::Mailbox(id) => hot.changed(*id, self.state.status(*id)),
                Topic::Account(id) => hot.renamed(*id),
                Topic::Any => hot.forget(),
                _ => {}
            }
        }
    }

    /// Builds the index anew if someone found it damaged.
    pub(crate) fn mend(&mut self) {
        let found = self.shared.damaged.swap(false, Ordering::AcqRel);
        if (found || self.index.is_damaged()) && self.rebuild().is_err() {
            self.poison();
        }
    }

    fn refuse(&self, job: Job, unavailable: &Unavailable) {
        let cause = || unavailable.clone();
        match job {
            Job::Commit(_, to) => drop(to.send(Err(Rejected { op: 0, cause: cause().into() }))),
            Job::Claim(_, to) => drop(to.send(Err(cause()))),
            Job::Renew(.., to) => drop(to.send(Err(cause()))),
            Job::Reclaim(.., to) => drop(to.send(Err(cause()))),
        }
    }

    fn apply(&mut self, job: Job, group: &mut Group) {
        let answer = match job {
            Job::Commit(batch, to) => {
                let done = self.commit(batch, group);
                Answer::outcome(to, done)
            }
            Job::Claim(claim, to) => {
                let done = self.state.claim(&claim, &self.limits, self.epoch);
                Answer::value(to, self.state.fault().map(|()| done))
            }
            Job::Renew(leases, now, duration, to) => {
                let done = self.state.renew(&leases, now, duration);
                Answer::value(to, self.state.fault().map(|()| done))
            }
            Job::Reclaim(now, limit, to) => {
                let done = self.reclaim(now, limit, group);
                Answer::value(to, self.state.fault().map(|()| done))
            }
        };
        group.answers.push(answer);
    }

    fn commit(&mut self, batch: Batch, group: &mut Group) -> Result<Outcome, Rejected> {
        if self.shared.low_space.load(Ordering::Relaxed)
            && let Some(op) = batch.ops.iter().position(needs_space)
        {
            return Err(Rejected { op, cause: Cause::NoSpace });
        }
        let mut staged = Vec::new();
        for id in blobs(&batch) {
            if self.state.blob(id).is_some() {
                continue;
            }
            if let Some(Staged { info, since, .. }) = self.shared.staging.get(id) {
                self.state.stage(info, since);
                staged.push(id);
            }
        }
        let Applied { outcome, hints, is_new } = self.state.apply(batch, &self.limits)?;
        if is_new {
            group.staged.extend(staged);
        }
        group.hints.extend(hints);
        Ok(outcome)
    }

    fn reclaim(&mut self, now: Timestamp, limit: usize, group: &mut Group) -> Reclaimed {
        let (mut reclaimed, dropped) = self.state.reclaim(now, limit, &self.limits);
        group.dropped.extend(dropped.into_iter().map(|id| (id, self.place(id))));
        for overdue in self.shared.staging.overdue(now, self.limits.blob_grace, limit) {
            reclaimed.blobs += 1;
            reclaimed.bytes += overdue.info.size;
            self.shared.staging.remove(overdue.info.id);
            if matches!(overdue.body, StagedBody::Bulk) {
                self.drop_body(overdue.info.id, Some(&BlobPlace::Bulk));
            }
        }
        reclaimed
    }

    fn place(&self, id: BlobId) -> Option<BlobPlace> {
        let octets = mailwright_store::model::Base::get(&self.index, PLACES, &id.to_octets())?;
        BlobPlace::from_octets(&octets)
    }

    fn drop_body(&self, id: BlobId, place: Option<&BlobPlace>) {
        if let Some(BlobPlace::Bulk) = place {
            let _ = self.bulk.remove(&BlobPlace::file_name(id));
        }
    }

    /// Makes what the state has to give durable, and visible.
    fn write(
        &mut self,
        staged: &BTreeSet<BlobId>,
        dropped: &[(BlobId, Option<BlobPlace>)],
    ) -> Result<(), Refused> {
        let mut changes = Changes::default();
        let mut fault = Ok(());
        let index = &self.index;
        let mut set = |table: u8, key: &[u8], value: Option<&[u8]>| {
            changes.push(table, key, value);
            if fault.is_ok() {
                fault = index.set(table, key, value);
            }
        };
        self.state.give(&mut set);
        let mut bodies = Vec::new();
        for staged in staged.iter().filter_map(|id| self.shared.staging.get(*id)) {
            let Staged { info, since, body } = staged;
            match body {
                StagedBody::Inline(chunks) => bodies.push(Body {
                    blob: info.id,
                    chunks,
                    len: info.size,
                    crc: info.checksum,
                    label: since.to_octets(),
                }),
                StagedBody::Bulk => set(PLACES, &info.id.to_octets(), Some(&BlobPlace::Bulk.to_octets())),
            }
        }
        for (id, _) in dropped {
            set(PLACES, &id.to_octets(), None);
        }
        fault?;
        if changes.is_empty() {
            self.index.roll_back();
            return Ok(());
        }
        let plan = self.log.plan(changes.as_octets(), &bodies).map_err(|error| match error {
            // There is no room for the next segment, and the present one is as it was.
            error if error.is_full() => Refused::Again(Cause::NoSpace),
            error if self.log.is_poisoned() => error.into(),
            error => Refused::Again(Unavailable::new(error).into()),
        })?;
        for (body, place) in bodies.iter().zip(plan.places()) {
            self.index.set(PLACES, &body.blob.to_octets(), Some(&BlobPlace::Log(*place).to_octets()))?;
        }
        self.index.set(META, POSITION, Some(&plan.position().encode()))?;
        self.index.flush()?;
        self.log.append(plan, changes.as_octets(), &bodies)?;
        self.log.sync()?;
        // From here on it is durable, whatever SQLite says.
        if self.index.commit().is_err() && self.reopen().is_err() {
            return Err(Refused::Poisoned(Unavailable::default()));
        }
        Ok(())
    }

    /// The group never was.
    fn undo(&mut self, refused: Refused) -> Cause {
        self.index.roll_back();
        self.state.forget();
        match refused {
            Refused::Again(cause) => cause,
            Refused::Poisoned(unavailable) => {
                self.poison();
                unavailable.into()
            }
        }
    }

    fn poison(&self) {
        self.shared.poisoned.store(true, Ordering::Release);
    }

    /// Which opening of the store this is.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    #[cfg(test)]
    pub(crate) fn log_reader(&self) -> LogReader<D> {
        self.log.reader()
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn bulk(&self) -> &D {
        &self.bulk
    }

    /// Copies SQLite's write-ahead log into the index. If that fails nobody knows what is in the index: it is thrown
    /// away, and the log makes another.
    pub(crate) fn checkpoint(&mut self, mode: &str) {
        match self.index.checkpoint(mode) {
            Err(fault) if !fault.is_of_surroundings() && self.rebuild().is_err() => self.poison(),
            _ => {}
        }
    }
}

/// What a group has done so far.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    hints: BTreeSet<Topic>,
    /// Blobs that become durable with it.
    staged: BTreeSet<BlobId>,
    /// Blobs that go away with it.
    dropped: Vec<(BlobId, Option<BlobPlace>)>,
}

/// Whether an operation adds to what is stored.
fn needs_space(op: &Op) -> bool {
    matches!(op, Op::Append(_) | Op::Enqueue(_) | Op::Copy(_))
}
