//! How much has happened.

use crate::check::fates_of;
use crate::ledger::Answer;
use crate::world::Outcome;

/// How often things came to happen: a simulation in which nothing goes wrong shows nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) taken: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) here: u64,
    pub(crate) elsewhere: u64,
    pub(crate) doubles: u64,
    pub(crate) bounces: u64,
    pub(crate) delays: u64,
    pub(crate) crashes: u64,
    pub(crate) poisoned: u64,
    pub(crate) restarts: u64,
    /// Messages that somebody has read meanwhile.
    pub(crate) read: u64,
    pub(crate) relays_refused: u64,
    pub(crate) passwords_refused: u64,
    pub(crate) senders_refused: u64,
    /// Messages that were sent to nodes in more than one chunk, and those that nodes have sent so.
    pub(crate) chunks_in: u64,
    pub(crate) chunks_out: u64,
}

impl Tally {
    pub(crate) fn has_everything(&self) -> bool {
        let Self { taken, refused, unanswered, here, elsewhere, doubles, bounces, delays, .. } = *self;
        let Self { crashes, poisoned, restarts, read, .. } = *self;
        let Self { relays_refused, passwords_refused, senders_refused, chunks_in, chunks_out, .. } = *self;
        let mail = [taken, refused, unanswered, here, elsewhere, doubles, bounces, delays];
        let rest = [crashes, poisoned, restarts, read, relays_refused, passwords_refused, senders_refused];
        let chunks = [chunks_in, chunks_out];
        mail.iter().chain(&rest).chain(&chunks).all(|&count| count > 0)
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let pages = outcome.ledger.pages();
        let fates = fates_of(&pages, &outcome.rest, &mut Vec::new());
        let answers = |answer| pages.sent.iter().filter(|sent| sent.answer == answer).count() as u64;
        let lines = |what: &str| outcome.trace.lines().filter(|line| line.contains(what)).count() as u64;
        self.runs += 1;
        self.taken += answers(Answer::Taken);
        self.refused += answers(Answer::Refused);
        self.unanswered += answers(Answer::None);
        for fate in fates.values() {
            let here = fate.copies.iter().filter(|copy| outcome.hosts.contains(&copy.host)).count() as u64;
            self.here += here;
            self.elsewhere += fate.copies.len() as u64 - here;
            self.doubles += (fate.copies.len() as u64 + fate.bounces as u64).saturating_sub(1);
            self.bounces += fate.bounces as u64;
            self.delays += fate.delays as u64;
        }
        self.crashes += lines(" crashes after ");
        self.poisoned += lines(" is poisoned");
        self.restarts += lines(" has stopped, all finished: true");
        self.read += pages.seen.iter().map(|seen| seen.mail.len() as u64).sum::<u64>();
        self.relays_refused += lines(" client has mail relayed without a login: 5");
        self.passwords_refused += lines(" client logs in with a wrong password: 5");
        self.senders_refused += lines(" client sends as somebody else: 5");
        let chunked = |who: &str| {
            let is_it = |line: &&str| {
                line.contains(who) && line.contains(" chunks") && !line.contains(" in 1 chunks")
            };
            outcome.trace.lines().filter(is_it).count() as u64
        };
        self.chunks_in += chunked(" client ");
        self.chunks_out += chunked(" peer ");
    }
}
