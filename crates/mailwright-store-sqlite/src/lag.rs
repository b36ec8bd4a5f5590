//! How far the index may be behind the log.
//!
//! The log decides what is durable; the index is there to be read. What nobody reads but the writer, and now and then
//! an administrator, need not be shown by it after every group: the queue, bodies and traces. Their rows stay in the
//! writer's memory for a while, and those of a message that is delivered meanwhile never reach SQLite.

use std::ops::RangeInclusive;

use mailwright_core::BlobId;

use crate::index::{META, PLACES};
use crate::log::Position;
use crate::place::BlobPlace;
use crate::staged::Staging;

/// At which size of what the index does not show it is to show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) rows: usize,
    /// Of bodies, which stay in memory meanwhile.
    pub(crate) octets: u64,
}

/// What is durable and what the index does not show. The rows themselves are with the state.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    rows: usize,
    octets: u64,
    /// Up to where the log is to be shown.
    pub(crate) position: Option<Position>,
    /// Where bodies are now that were in memory when their groups were written.
    pub(crate) places: Vec<(BlobId, BlobPlace)>,
}

/// A group, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) position: Position,
    pub(crate) rows: usize,
    pub(crate) octets: u64,
    pub(crate) places: Vec<(BlobId, BlobPlace)>,
}

impl Lag {
    /// Whether clients never read that table while they wait for an answer.
    pub(crate) fn is_possible_for(table: u8) -> bool {
        const COUNTERS: u8 = 0;
        const FROM_BLOBS_TO_TRACES: RangeInclusive<u8> = 30..=59;
        matches!(table, COUNTERS | PLACES | META) || FROM_BLOBS_TO_TRACES.contains(&table)
    }

    /// With a group that is durable.
    pub(crate) fn grow(&mut self, written: Written) {
        self.rows += written.rows;
        self.octets += written.octets;
        self.position = Some(written.position);
        self.places.extend(written.places);
    }

    pub(crate) fn is_none(&self) -> bool {
        self.position.is_none()
    }

    /// Whether it would be too much with that group.
    pub(crate) fn is_over(&self, allowed: Allowed, written: &Written) -> bool {
        self.rows + written.rows > allowed.rows || self.octets + written.octets > allowed.octets
    }

    /// The index shows it all: bodies are found there.
    pub(crate) fn end(&mut self, staging: &Staging) {
        self.places.drain(..).for_each(|(id, _)| staging.remove(id));
        *self = Self { places: std::mem::take(&mut self.places), ..Self::default() };
    }
}
