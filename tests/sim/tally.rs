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
}

impl Tally {
    pub(crate) fn has_everything(&self) -> bool {
        let Self { taken, refused, unanswered, here, elsewhere, doubles, bounces, delays, .. } = *self;
        let counts = [taken, refused, unanswered, here, elsewhere, doubles, bounces, delays];
        counts.iter().chain(&[self.crashes, self.poisoned]).all(|&count| count > 0)
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let pages = outcome.ledger.pages();
        let fates = fates_of(&pages, &outcome.rest);
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
    }
}
