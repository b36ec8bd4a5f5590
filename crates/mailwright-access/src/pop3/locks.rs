//! The maildrops that are in use.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use mailwright_core::AccountId;

/// The maildrops that are in use: one session each (RFC 1939 §8). Clones are the same, so that servers share them.
#[derive(Debug, Clone, Default)]
pub struct Locks(Arc<Mutex<BTreeSet<AccountId>>>);

/// A maildrop in use, until this is dropped.
#[derive(Debug)]
pub(super) struct Locked {
    locks: Locks,
    account: AccountId,
}

impl Locks {
    pub(super) fn lock(&self, account: AccountId) -> Option<Locked> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(account);
        free.then(|| Locked { locks: self.clone(), account })
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.locks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.account);
    }
}
