//! The engine: takes groups of jobs, makes them durable by one sync of the log, and answers.
//!
//! It is synchronous and has no clock and no threads. Whoever drives it calls [`Engine::step`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mailwright_core::{BlobId, QueueId, Timestamp, UidValidity};
use mailwright_store::disk::Disk;
use mailwright_store::model::{Applied, Field, State};
use mailwright_store::{
    Batch, Cause, Fence, Lease, LeaseHolder, Limits, Op, Outcome, Reclaimed, Rejected, Topic, Unavailable,
};

use crate::changes::{self, Changes};
use crate::index::{Fault, Index, Location, META, PLACES};
use crate::jobs::{Answer, Job, blobs};
use crate::lag::{Allowed, Lag, Written};
#[cfg(test)]
use crate::log::LogReader;
use crate::log::{Body, Log, LogError, Logged, Position};
use crate::place::BlobPlace;
use crate::shared::Shared;
use crate::staged::{Staged, StagedBody};

/// The row of [`META`] that says up to where of the log the index is.
const POSITION: &[u8] = b"position";
/// The domains of the store, among the tables of the model.
const DOMAINS: u8 = 8;

/// What the engine is made of.
pub(crate) struct Parts<D: Disk> {
    pub(crate) log: Log<D>,
    pub(crate) location: Location,
    /// Where bodies lie that are not in the log.
    pub(crate) bulk: Arc<D>,
    pub(crate) limits: Limits,
    pub(crate) cached_rows: usize,
    pub(crate) lag: Allowed,
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
    /// The fence that was drawn last, of this opening of the store.
    fence: Fence,
    /// Leases that were given since the last group: their rows are in the state, and go with the next one.
    leases: BTreeMap<QueueId, LeaseHolder>,
    allowed: Allowed,
    lag: Lag,
    /// What the index does not show is not in the state any more, only in the log.
    is_behind: bool,
}

/// Why a group was refused as a whole.
enum Refused {
    /// Nothing was written; the next group may fare better.
    Again(Cause),
    /// It is not known what is on the disk.
    Poisoned(Unavailable),
}

impl Refused {
    fn cause(self) -> Cause {
        match self {
            Self::Again(cause) => cause,
            Self::Poisoned(unavailable) => unavailable.into(),
        }
    }
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
        let Parts { log, location, bulk, limits, cached_rows, lag, shared } = parts;
        let mut engine = Self {
            log,
            location,
            state: State::new(index.clone()),
            index,
            bulk,
            limits,
            cached_rows,
            shared,
            fence: Fence { epoch: 0, counter: 0 },
            leases: BTreeMap::new(),
            allowed: lag,
            lag: Lag::default(),
            is_behind: false,
        };
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
        self.fence.epoch = self.state.begin_epoch();
        if self.fence.epoch == 1 {
            self.state.begin(first);
            replayed.created = true;
        }
        self.state.void_leases();
        self.state.fault()?;
        self.shared.set_next_due(self.state.next_due());
        match self.write(&Group { is_to_be_seen: true, ..Group::default() }) {
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
        let groups = self.catch_up()?;
        self.shared.generation.raise();
        self.shared.hot.forget();
        Ok(groups)
    }

    /// Puts into the index what only the log has. Nothing but that and leases is in the state.
    fn catch_up(&mut self) -> Result<u64, Stuck> {
        self.is_behind = true;
        self.state.forget();
        let groups = self.replay().inspect_err(|_| self.index.roll_back())?;
        self.is_behind = false;
        self.lag.end(&self.shared.staging);
        self.state.lease_again(self.leases.clone());
        Ok(groups)
    }

    /// Does all jobs of a group, as far as each can be done, makes them durable, and answers.
    pub(crate) fn step(&mut self, jobs: Vec<Job>) {
        self.mend();
        // Bodies are durable and still among those that wait for their batch, until the index shows them: whoever tidies
        // up would take them for overdue.
        let ready = if jobs.iter().any(Job::is_to_be_seen) { self.show() } else { self.ready() };
        if let Err(cause) = ready {
            return jobs.into_iter().for_each(|job| refuse(job, &cause));
        }
        // Once for all that is read: each time it takes locks. If it cannot be done, so it is done each time.
        let _ = self.index.begin_reading();
        let (leases, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(Job::is_about_leases);
        leases.into_iter().for_each(|job| self.lease(job));
        if !jobs.is_empty() {
            self.group(jobs);
        }
        let _ = self.index.end_reading();
        // What nobody else has, stays.
        if !self.lags() && self.state.held() > self.cached_rows {
            self.state.forget();
        }
    }

    /// Whether there is something to write to, and all that is durable can be read.
    fn ready(&mut self) -> Result<(), Cause> {
        if self.shared.poisoned.load(Ordering::Acquire) {
            return Err(Unavailable::default().into());
        }
        if self.is_behind {
            self.catch_up().map_err(|stuck| match stuck {
                Stuck::Index(fault) if fault.is_full() => Cause::NoSpace,
                stuck => Unavailable::new(stuck).into(),
            })?;
        }
        Ok(())
    }

    /// Leases end with the process, so that nobody has to wait until they are durable. Their rows go with the next
    /// group.
    fn lease(&mut self, job: Job) {
        match job {
            Job::Claim(claim, to) => {
                let claimed = self.state.claim(&claim, &self.limits, &mut self.fence);
                let leases =
                    claimed.iter().filter_map(|claimed| Some((claimed.entry.id, claimed.entry.lease?)));
                let done = self.leased(leases.collect());
                let _ = to.send(done.map(|()| claimed));
            }
            Job::Renew(leases, now, duration, to) => {
                let renewed = self.state.renew(&leases, now, duration);
                let holder = |lease: &Lease| Some((lease.entry, self.state.queue_entry(lease.entry)?.lease?));
                let leases = renewed.iter().flatten().filter_map(holder).collect();
                let done = self.leased(leases);
                let _ = to.send(done.map(|()| renewed));
            }
            Job::Commit(..) | Job::Reclaim(..) | Job::Show(..) => {}
        }
    }

    fn leased(&mut self, leases: Vec<(QueueId, LeaseHolder)>) -> Result<(), Unavailable> {
        if let Err(unavailable) = self.state.fault() {
            self.take_back();
            return Err(unavailable);
        }
        self.leases.extend(leases);
        self.shared.lags.store(self.lags(), Ordering::Release);
        self.shared.set_next_due(self.state.next_due());
        Ok(())
    }

    fn group(&mut self, jobs: Vec<Job>) {
        let is_to_be_seen = jobs.iter().any(Job::is_to_be_seen);
        let mut group = Group { is_to_be_seen, ..Group::default() };
        for job in jobs {
            self.apply(job, &mut group);
        }
        let durable = match self.write(&group) {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.undo(refused)),
        };
        if durable.is_ok() {
            // Nobody can refer to it any more, now that this is durable. What stays is found at the next opening.
            group.dropped.iter().for_each(|(id, place)| self.drop_body(*id, place.as_ref()));
            self.remember(&group.hints);
            self.shared.hub.tell(&group.hints);
        }
        self.shared.lags.store(self.lags(), Ordering::Release);
        for answer in group.answers {
            answer.give(durable.clone());
        }
    }

    /// Whether there is something that the index does not show.
    pub(crate) fn lags(&self) -> bool {
        !self.lag.is_none() || !self.leases.is_empty()
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
                Topic::Queue => self.shared.set_next_due(self.state.next_due()),
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

    fn apply(&mut self, job: Job, group: &mut Group) {
        let answer = match job {
            Job::Commit(batch, to) => {
                let done = self.commit(batch, group);
                Answer::outcome(to, done)
            }
            Job::Reclaim(now, limit, to) => {
                let done = self.reclaim(now, limit, group);
                Answer::value(to, self.state.fault().map(|()| done))
            }
            Job::Show(to) => Answer::value(to, Ok(())),
            // Done before.
            Job::Claim(..) | Job::Renew(..) => return,
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

    /// Makes what the state has to give durable, and visible to those who wait for an answer.
    fn write(&mut self, group: &Group) -> Result<(), Refused> {
        let mut changes = Changes::default();
        let (mut rows, mut may_lag, mut of_domains) = (0, !group.is_to_be_seen, false);
        let mut push = |table: u8, key: &[u8], value: Option<&[u8]>| {
            rows += 1;
            may_lag &= Lag::is_possible_for(table);
            of_domains |= table == DOMAINS;
            changes.push(table, key, value);
        };
        self.state.give(&mut push);
        let (mut bodies, mut places) = (Vec::new(), Vec::new());
        for staged in group.staged.iter().filter_map(|id| self.shared.staging.get(*id)) {
            let Staged { info, since, body } = staged;
            match body {
                StagedBody::Inline(chunks) => bodies.push(Body {
                    blob: info.id,
                    chunks,
                    len: info.size,
                    crc: info.checksum,
                    label: since.to_octets(),
                }),
                StagedBody::Bulk => {
                    push(PLACES, &info.id.to_octets(), Some(&BlobPlace::Bulk.to_octets()));
                    places.push((info.id, BlobPlace::Bulk));
                }
            }
        }
        for (id, _) in &group.dropped {
            push(PLACES, &id.to_octets(), None);
        }
        if changes.is_empty() {
            if group.is_to_be_seen && !self.lag.is_none() {
                self.fill(None, &[])?;
                self.index.commit()?;
                self.lag.end(&self.shared.staging);
            }
            return Ok(());
        }
        let plan = self.log.plan(changes.as_octets(), &bodies).map_err(|error| match error {
            // There is no room for the next segment, and the present one is as it was.
            error if error.is_full() => Refused::Again(Cause::NoSpace),
            error if self.log.is_poisoned() => error.into(),
            error => Refused::Again(Unavailable::new(error).into()),
        })?;
        places.extend(
            bodies.iter().zip(plan.places()).map(|(body, place)| (body.blob, BlobPlace::Log(*place))),
        );
        let octets = bodies.iter().map(|body| body.len).sum();
        let written = Written { position: plan.position(), rows, octets, places };
        let is_seen = !may_lag || self.lag.is_over(self.allowed, &written);
        if is_seen {
            self.fill(Some(&written), &group.dropped)?;
        }
        self.log.append(plan, changes.as_octets(), &bodies)?;
        self.log.sync()?;
        // From here on it is durable, whatever SQLite says.
        self.leases.clear();
        self.lag.grow(written);
        if is_seen {
            match self.index.commit() {
                Ok(()) => self.lag.end(&self.shared.staging),
                Err(_) if self.reopen().is_err() => return Err(Refused::Poisoned(Unavailable::default())),
                Err(_) => {}
            }
        }
        if of_domains {
            self.shared.hot.forget_domains();
        }
        Ok(())
    }

    /// Begins a transaction with all that the index does not have, so that its commit needs no more room.
    fn fill(
        &mut self,
        written: Option<&Written>,
        dropped: &[(BlobId, Option<BlobPlace>)],
    ) -> Result<(), Fault> {
        let index = &self.index;
        // Whoever reads cannot begin to write.
        index.end_reading()?;
        index.begin()?;
        let mut fault = Ok(());
        self.state.store(|table, key, value| {
            if fault.is_ok() {
                fault = index.set(table, key, value);
            }
        });
        fault?;
        for (id, place) in self.lag.places.iter().chain(written.iter().flat_map(|written| &written.places)) {
            index.set(PLACES, &id.to_octets(), Some(&place.to_octets()))?;
        }
        for (id, _) in dropped {
            index.set(PLACES, &id.to_octets(), None)?;
        }
        if let Some(position) = written.map(|written| written.position).or(self.lag.position) {
            index.set(META, POSITION, Some(&position.encode()))?;
        }
        index.flush()
    }

    /// Has the index show all that is durable, and the leases.
    pub(crate) fn show(&mut self) -> Result<(), Cause> {
        let group = Group { is_to_be_seen: true, ..Group::default() };
        let shown = self.ready().and_then(|()| self.write(&group).map_err(|refused| self.undo(refused)));
        self.shared.lags.store(self.lags(), Ordering::Release);
        shown
    }

    /// The state is what it was after the last group, and the leases since.
    fn take_back(&mut self) {
        self.index.roll_back();
        self.state.forget();
        self.is_behind = !self.lag.is_none();
        if !self.is_behind {
            self.state.lease_again(self.leases.clone());
        }
    }

    /// The group never was.
    fn undo(&mut self, refused: Refused) -> Cause {
        self.take_back();
        if let Refused::Poisoned(_) = &refused {
            self.poison();
        }
        refused.cause()
    }

    fn poison(&self) {
        self.shared.poisoned.store(true, Ordering::Release);
    }

    /// Which opening of the store this is.
    pub(crate) fn epoch(&self) -> u64 {
        self.fence.epoch
    }

    #[cfg(test)]
    pub(crate) fn state(&self) -> &State<Index> {
        &self.state
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
        if self.show().is_err() {
            return;
        }
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
    /// Whether the index is to show it before anybody is answered.
    is_to_be_seen: bool,
}

fn refuse(job: Job, cause: &Cause) {
    let unavailable = || match cause {
        Cause::Unavailable(unavailable) => unavailable.clone(),
        _ => Unavailable::default(),
    };
    match job {
        Job::Commit(_, to) => drop(to.send(Err(Rejected { op: 0, cause: cause.clone() }))),
        Job::Claim(_, to) => drop(to.send(Err(unavailable()))),
        Job::Renew(.., to) => drop(to.send(Err(unavailable()))),
        Job::Reclaim(.., to) => drop(to.send(Err(unavailable()))),
        Job::Show(to) => drop(to.send(Err(unavailable()))),
    }
}

/// Whether an operation adds to what is stored.
fn needs_space(op: &Op) -> bool {
    matches!(op, Op::Append(_) | Op::Enqueue(_) | Op::Copy(_))
}
