//! All that is remembered.

use std::time::Instant;

use super::config::CacheConfig;
use super::entry::Entry;
use super::lru::Lru;
use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::Question;

/// All that is remembered.
#[derive(Debug)]
pub(super) struct Table {
    config: CacheConfig,
    entries: Lru<Question, Entry>,
}

impl Table {
    pub(super) fn new(config: CacheConfig) -> Self {
        let entries = Lru::new(config.entries, config.bytes);
        Self { config, entries }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.entries.cost()
    }

    pub(super) fn clear(&mut self) {
        self.entries = Lru::new(self.config.entries, self.config.bytes);
    }

    pub(super) fn recall(
        &mut self,
        question: &Question,
        now: Instant,
    ) -> Option<Result<Answer, LookupError>> {
        self.entries.get(question)?.recall(now, &self.config)
    }

    /// Remembers an outcome; gives what is to be answered, which is the stale answer if the outcome is a failure.
    pub(super) fn learn(
        &mut self,
        question: &Question,
        outcome: Result<Answer, LookupError>,
        now: Instant,
    ) -> Result<Answer, LookupError> {
        let before = self.entries.remove(question);
        let Some(entry) = Entry::learn(before, &outcome, now, &self.config) else { return outcome };
        let answered = match outcome {
            Err(error) if error.is_temporary() => entry.stale(now, &self.config).ok_or(error),
            outcome => outcome,
        };
        let cost = entry.cost();
        if cost <= self.config.answer_bytes {
            let cost = cost + 2 * (size_of::<Question>() + question.name.as_str().len());
            self.entries.insert(question.clone(), entry, cost);
        }
        answered
    }
}
