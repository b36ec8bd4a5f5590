//! What is asked again and again, kept in memory: how mailboxes are, which ones go by which name, and which domains are
//! here. Otherwise each SELECT, each look for news and each recipient would wait for a thread that reads.
//!
//! The writer says what has changed before it answers anybody, so that what is kept is never older than an answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mailwright_core::{AccountId, Domain, MailboxId};
use mailwright_store::{MailboxInfo, MailboxName, MailboxStatus, Snapshot};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hot(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    mailboxes: Memory<MailboxId, Mailbox>,
    names: Memory<AccountId, HashMap<MailboxName, MailboxInfo>>,
    domains: Memory<Domain, bool>,
}

#[derive(Debug, Default)]
struct Mailbox {
    status: Option<MailboxStatus>,
    snapshot: Option<Snapshot>,
}

/// When somebody began to read: counted in changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(u64);

impl Hot {
    /// Mailboxes, and accounts with names. Some 10 MiB, if all were asked for.
    const MOST: usize = 10_000;
    /// Names of an account.
    const MOST_NAMES: usize = 1_000;

    /// To be asked for before the index is read.
    pub(crate) fn moment(&self) -> Moment {
        self.lock().mailboxes.now
    }

    pub(crate) fn status(&self, id: MailboxId) -> Option<MailboxStatus> {
        self.lock().mailboxes.get(&id)?.status
    }

    pub(crate) fn snapshot(&self, id: MailboxId) -> Option<Snapshot> {
        self.lock().mailboxes.get(&id)?.snapshot.clone()
    }

    pub(crate) fn mailbox(&self, account: AccountId, name: &MailboxName) -> Option<MailboxInfo> {
        self.lock().names.get(&account)?.get(name).cloned()
    }

    /// Whether a domain is of this store, as far as it was asked for.
    pub(crate) fn has_domain(&self, domain: &Domain) -> Option<bool> {
        self.lock().domains.get(domain).copied()
    }

    /// So it is, or was when it was read.
    pub(crate) fn put_domain(&self, read: Moment, domain: &Domain, is_here: bool) {
        self.lock().domains.put(read, domain.clone(), |known| *known = is_here);
    }

    /// A mailbox is so, or was when it was read.
    pub(crate) fn put_status(&self, read: Moment, id: MailboxId, status: MailboxStatus) {
        self.lock().mailboxes.put(read, id, |mailbox| mailbox.status = Some(status));
    }

    /// A mailbox is so, or was when it was read.
    pub(crate) fn put_snapshot(&self, read: Moment, snapshot: &Snapshot) {
        self.lock().mailboxes.put(read, snapshot.mailbox, |mailbox| {
            *mailbox = Mailbox { status: Some(snapshot.status), snapshot: Some(snapshot.clone()) };
        });
    }

    /// A mailbox goes by this name, or did when it was read.
    pub(crate) fn put_mailbox(&self, read: Moment, info: &MailboxInfo) {
        self.lock().names.put(read, info.account, |names| {
            if names.len() >= Self::MOST_NAMES {
                names.clear();
            }
            names.insert(info.name.clone(), info.clone());
        });
    }

    /// All that follows is another moment: what was read before may not be put any more where it has changed.
    pub(crate) fn turn(&self) {
        let mut kept = self.lock();
        kept.mailboxes.turn();
        kept.names.turn();
        kept.domains.turn();
    }

    /// There are other domains than before.
    pub(crate) fn forget_domains(&self) {
        self.lock().domains.forget();
    }

    /// A mailbox has changed, and is so now; nothing if it is gone.
    pub(crate) fn changed(&self, id: MailboxId, status: Option<MailboxStatus>) {
        self.lock().mailboxes.changed(id, Mailbox { status, snapshot: None });
    }

    /// An account's mailboxes, or their names, have changed.
    pub(crate) fn renamed(&self, account: AccountId) {
        self.lock().names.changed(account, HashMap::new());
    }

    /// Whatever is known may be wrong.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.mailboxes.forget();
        kept.names.forget();
        kept.domains.forget();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values, and when they last changed: what was read before is not taken for what is.
#[derive(Debug)]
struct Memory<K, V> {
    now: Moment,
    /// Of what is not in `values`, it is not known when it changed; but not after this.
    forgotten: Moment,
    values: HashMap<K, (Moment, V)>,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self { now: Moment(0), forgotten: Moment(0), values: HashMap::new() }
    }
}

impl<K: Eq + Hash, V: Default> Memory<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn turn(&mut self) {
        self.now.0 += 1;
    }

    fn changed(&mut self, key: K, value: V) {
        self.make_room();
        self.values.insert(key, (self.now, value));
    }

    fn put(&mut self, read: Moment, key: K, set: impl FnOnce(&mut V)) {
        self.make_room();
        let (changed, value) = self.values.entry(key).or_insert_with(|| (self.forgotten, V::default()));
        if *changed <= read {
            set(value);
        }
    }

    fn make_room(&mut self) {
        if self.values.len() >= Hot::MOST {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.turn();
        self.forgotten = self.now;
        self.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(memory: &Memory<u8, Option<&'static str>>, key: u8) -> Option<&'static str> {
        memory.get(&key).copied().flatten()
    }

    #[test]
    fn what_was_read_before_a_change_is_not_put() {
        let mut memory = Memory::<u8, Option<&str>>::default();
        let early = memory.now;
        memory.put(early, 1, |value| *value = Some("old"));
        memory.put(early, 2, |value| *value = Some("other"));
        memory.turn();
        memory.changed(1, None);
        memory.put(early, 1, |value| *value = Some("old"));
        assert_eq!((value(&memory, 1), value(&memory, 2)), (None, Some("other")));
        memory.put(memory.now, 1, |value| *value = Some("new"));
        assert_eq!(value(&memory, 1), Some("new"));
        // Nor is it when it was forgotten that there was a change.
        let late = memory.now;
        memory.forget();
        memory.put(late, 1, |value| *value = Some("new"));
        assert_eq!(value(&memory, 1), None);
        memory.put(memory.now, 1, |value| *value = Some("newest"));
        assert_eq!(value(&memory, 1), Some("newest"));
    }

    #[test]
    fn there_is_no_end_of_changes() {
        let hot = Hot::default();
        for id in 0..3 * Hot::MOST as u64 {
            hot.turn();
            hot.changed(MailboxId(id), None);
        }
        assert!(hot.lock().mailboxes.values.len() <= Hot::MOST);
    }
}
