//! A conversation that is recorded.

use std::sync::{Arc, Mutex, PoisonError};

use super::connection::Side;

/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tape(Arc<Mutex<Vec<Said>>>);

/// What one side has said, when it was read or written by the server.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) by: Side,
    pub(crate) octets: Vec<u8>,
}

impl Tape {
    pub(super) fn note(&self, by: Side, octets: &[u8]) {
        let said = Said { by, octets: octets.to_vec() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }

    /// In the order in which the server read and wrote it.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that one side has said.
    pub(crate) fn said_by(&self, side: Side) -> String {
        let octets = self.said().into_iter().filter(|said| said.by == side).flat_map(|said| said.octets);
        String::from_utf8(octets.collect()).unwrap()
    }
}
