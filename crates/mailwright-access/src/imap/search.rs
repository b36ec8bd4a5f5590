//! SEARCH: the cheap keys first, of all messages; then, of those that are left, what stands in the message.

use std::time::Instant;

use bytes::Bytes;
use mailwright_core::{ModSeq, Uid, UidSet};
use mailwright_imap::Rejection;
use mailwright_imap::server::{Found, Results, Search};
use mailwright_message::Scan;
use mailwright_store::{BlobError, Columns, RowPage, Store};

use super::pages::Pages;
use super::scans::Content;
use super::search_plan::{Answers, Need, Plan};
use super::session::Session;
use super::stop::Stop;

/// A SEARCH under way.
struct Job {
    plan: Plan,
    /// Octets that were looked at since others had their turn.
    spent: u64,
    /// How many there may be.
    turn: u64,
    /// When it has taken too long.
    until: Instant,
}

impl Job {
    /// Counts work of so many octets for each key. Whether others are to have their turn.
    fn spend(&mut self, octets: u64) -> bool {
        self.spend_octets(octets.saturating_mul(self.plan.keys))
    }

    fn spend_octets(&mut self, octets: u64) -> bool {
        self.spent = self.spent.saturating_add(octets);
        self.spent >= self.turn
    }
}

/// What it costs to look at a row, and at what a scan has of a field, in octets that are searched meanwhile.
const NODE: u64 = 16;
const FIELD: u64 = 256;

/// A message of which it cannot be told from its row whether it is found.
struct Candidate {
    at: usize,
    message: Content,
    scan: Scan,
    answers: Answers,
    is_found: Result<bool, Need>,
}

/// The MODSEQs of what is found: the highest, and those of the first and of the last.
#[derive(Default)]
struct Latest {
    highest: Option<ModSeq>,
    first: Option<(Uid, ModSeq)>,
    last: Option<(Uid, ModSeq)>,
}

impl Latest {
    fn add(&mut self, uid: Uid, modseq: Option<ModSeq>) {
        let Some(modseq) = modseq else { return };
        self.highest = self.highest.max(Some(modseq));
        if self.first.is_none_or(|(first, _)| uid < first) {
            self.first = Some((uid, modseq));
        }
        if self.last.is_none_or(|(last, _)| uid > last) {
            self.last = Some((uid, modseq));
        }
    }

    fn of(&self, told: Results) -> Option<ModSeq> {
        let modseq = |end: Option<(Uid, ModSeq)>| end.map(|(_, modseq)| modseq);
        match told {
            Results::All => self.highest,
            Results::First => modseq(self.first),
            Results::Last => modseq(self.last),
            Results::Ends => modseq(self.first).max(modseq(self.last)),
        }
    }
}

impl<S: Store, A> Session<'_, S, A> {
    pub(super) async fn search(&mut self, search: &Search) -> Result<Found, Stop> {
        let mut plan = Plan::new(&search.key, self.shared.setup.now());
        if search.modseq {
            plan.columns = plan.columns.and(Columns::MODSEQ);
        }
        let until = self.shared.setup.clock.mono() + self.shared.limits.search;
        let mut job = Job { plan, spent: 0, turn: self.shared.limits.turn, until };
        let limit = self.shared.limits.rows_per_page;
        let (mut found, mut modseq) = (UidSet::new(), Latest::default());
        let mut pages = Pages::new(search.uids.clone(), job.plan.columns, limit);
        while let Some(page) = pages.next(self).await? {
            let unanswered = Answers::default();
            let (mut hits, mut candidates) = (Vec::new(), UidSet::new());
            for (at, &uid) in page.uids.iter().enumerate() {
                if job.spend(NODE) {
                    self.turn(&mut job).await?;
                }
                match job.plan.decide(&page, at, &unanswered) {
                    Ok(true) => {
                        hits.push(uid);
                        modseq.add(uid, page.modseqs.get(at).copied());
                    }
                    Ok(false) => {}
                    Err(_) => candidates.insert(uid),
                }
            }
            self.look(&mut job, candidates, &mut hits, &mut modseq).await?;
            hits.sort_unstable();
            found.extend(hits);
        }
        Ok(Found { uids: found, modseq: modseq.of(search.told) })
    }

    /// Lets others have their turn.
    async fn turn(&mut self, job: &mut Job) -> Result<(), Stop> {
        job.spent = 0;
        if self.shared.setup.clock.mono() > job.until {
            return Err(Rejection::limit().with_text("the search takes too long: look for less").into());
        }
        Ok(self.pause().await?)
    }

    /// Looks into messages.
    async fn look(
        &mut self,
        job: &mut Job,
        candidates: UidSet,
        hits: &mut Vec<Uid>,
        modseq: &mut Latest,
    ) -> Result<(), Stop> {
        let columns = job.plan.columns.and(Columns::SCAN).and(Columns::BLOB).and(Columns::SIZE);
        let limit = self.shared.limits.scans_per_page;
        let mut pages = Pages::new(candidates, columns, limit);
        while let Some(page) = pages.next(self).await? {
            let looked = self.look_at(job, &page).await?;
            for candidate in looked.iter().filter(|candidate| candidate.is_found == Ok(true)) {
                hits.push(candidate.message.uid);
                modseq.add(candidate.message.uid, page.modseqs.get(candidate.at).copied());
            }
        }
        Ok(())
    }

    async fn look_at(&mut self, job: &mut Job, page: &RowPage) -> Result<Vec<Candidate>, Stop> {
        let mut candidates = Vec::with_capacity(page.uids.len());
        for at in 0..page.uids.len() {
            let Some(message) = Content::of(page, at) else { continue };
            if job.spend(FIELD) {
                self.turn(job).await?;
            }
            let mut answers = Answers::default();
            let plan = &job.plan;
            let Some(mut scan) = there(self.scan(message, page.scans.get(at)).await)? else { continue };
            let asked = self.ask(message, &mut scan, |scan| {
                let mut answers = Answers::default();
                plan.ask_scan(scan, &mut answers).map(|()| answers)
            });
            if let Some(asked) = there(asked.await)? {
                answers = asked;
            }
            let is_found = job.plan.decide(page, at, &answers);
            candidates.push(Candidate { at, message, scan, answers, is_found });
        }
        self.read_headers(job, page, &mut candidates).await?;
        self.read_texts(job, page, &mut candidates).await?;
        Ok(candidates)
    }

    async fn read_headers(
        &mut self,
        job: &mut Job,
        page: &RowPage,
        candidates: &mut [Candidate],
    ) -> Result<(), Stop> {
        let limits = self.shared.limits;
        let most = limits.header.min(self.shared.store.limits().read_blobs_bytes);
        let needs = |candidate: &&mut Candidate| candidate.is_found == Err(Need::Header);
        let mut pending: Vec<&mut Candidate> = candidates.iter_mut().filter(needs).collect();
        while !pending.is_empty() {
            let mut octets = 0;
            let mut wanted = Vec::new();
            for candidate in &pending {
                let header = candidate.scan.header_range();
                let header = header.start..header.end.min(most);
                octets += header.end;
                if !wanted.is_empty() && octets > limits.sections {
                    break;
                }
                wanted.push((candidate.message.blob, header));
            }
            let rest = pending.split_off(wanted.len());
            let read = self.driver.attend(self.shared.store.read_blobs(&wanted)).await;
            for (candidate, header) in pending.into_iter().zip(read) {
                let Some(header) = readable(header)? else { continue };
                if job.spend(header.len() as u64) {
                    self.turn(job).await?;
                }
                job.plan.ask_header(&header, &mut candidate.answers);
                candidate.is_found = job.plan.decide(page, candidate.at, &candidate.answers);
            }
            pending = rest;
            if job.spend(self.shared.limits.turn) {
                self.turn(job).await?;
            }
        }
        Ok(())
    }

    async fn read_texts(
        &mut self,
        job: &mut Job,
        page: &RowPage,
        candidates: &mut [Candidate],
    ) -> Result<(), Stop> {
        let limits = self.shared.limits;
        let needs = |candidate: &&mut Candidate| candidate.is_found == Err(Need::Text);
        let mut pending: Vec<&mut Candidate> = candidates.iter_mut().filter(needs).collect();
        while !pending.is_empty() {
            // Small messages are read together, large ones only where there are texts.
            let mut octets = 0;
            let mut wanted = Vec::new();
            for candidate in &pending {
                let Content { blob, size, .. } = candidate.message;
                octets += size;
                if size > limits.section || !wanted.is_empty() && octets > limits.sections {
                    break;
                }
                wanted.push((blob, 0..size));
            }
            let rest = pending.split_off(wanted.len().max(1));
            let mut read = self.driver.attend(self.shared.store.read_blobs(&wanted)).await.into_iter();
            for candidate in pending {
                let whole = match read.next() {
                    None => None,
                    Some(read) => match readable(read)? {
                        None => continue,
                        whole => whole,
                    },
                };
                there(self.read_text(job, page, candidate, whole).await)?;
            }
            pending = rest;
            if job.spend(self.shared.limits.turn) {
                self.turn(job).await?;
            }
        }
        Ok(())
    }

    /// Searches the texts of a message until it is decided whether it is found.
    async fn read_text(
        &mut self,
        job: &mut Job,
        page: &RowPage,
        candidate: &mut Candidate,
        whole: Option<Bytes>,
    ) -> Result<(), Stop> {
        while candidate.is_found.is_err() {
            let read = whole.as_ref().map_or(self.shared.limits.turn, |whole| whole.len() as u64);
            if job.spend_octets(read) {
                self.turn(job).await?;
            }
            let Some((leaf, search)) = job.plan.text_search(&candidate.answers) else { break };
            if search.begin(&candidate.scan).is_err() {
                candidate.scan = self.scan_again(candidate.message).await?;
                search.begin(&candidate.scan).map_err(|error| Stop::Refused(error.into()))?;
            }
            match &whole {
                Some(octets) => search.feed(0, octets),
                None => {
                    while let Some(wanted) = search.wanted() {
                        let mut at = wanted.start;
                        self.read(candidate.message.blob, wanted, |piece| {
                            search.feed(at, piece);
                            at += piece.len() as u64;
                            !search.found()
                        })
                        .await?;
                    }
                }
            }
            let found = search.found();
            Plan::answer(&mut candidate.answers, leaf, found);
            candidate.is_found = job.plan.decide(page, candidate.at, &candidate.answers);
        }
        Ok(())
    }
}

/// What came of looking into a message; nothing if it is gone.
fn there<T>(looked: Result<T, Stop>) -> Result<Option<T>, Stop> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(Stop::Refused(refused))
            if refused.code() == Some(mailwright_imap::ResponseCode::ExpungeIssued) =>
        {
            Ok(None)
        }
        Err(stop) => Err(stop),
    }
}

fn readable(read: Result<Bytes, BlobError>) -> Result<Option<Bytes>, Stop> {
    there(read.map_err(Stop::from))
}
