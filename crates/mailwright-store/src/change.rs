//! Hints that something changed. They may be lost or say too much: who gets one reads again what it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};

use mailwright_core::{AccountId, MailboxId};

/// What a hint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Topic {
    /// The messages of a mailbox, or its name or its end.
    Mailbox(MailboxId),
    /// An account's list of mailboxes, its subscriptions, or itself.
    Account(AccountId),
    /// The queue: something may be due earlier than before.
    Queue,
    /// Anything. Who listens to it hears all others; who hears it has to look at all that it listens to.
    Any,
}

/// A listener's end of the change feed. Hints that were not taken yet are kept once each, and beyond
/// [`Limits::hints`](crate::Limits::hints) they become one [`Topic::Any`]. Dropping it ends the listening.
#[derive(Debug)]
pub struct ChangeHints {
    inbox: Arc<Mutex<Inbox>>,
}

#[derive(Debug, Default)]
struct Inbox {
    pending: BTreeSet<Topic>,
    capacity: usize,
    waker: Option<Waker>,
    closed: bool,
}

impl ChangeHints {
    /// The next hint; waits for it. `None` once the store is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Topic> {
        poll_fn(|context| {
            let mut inbox = lock(&self.inbox);
            if let Some(topic) = inbox.pending.pop_first() {
                return Poll::Ready(Some(topic));
            }
            if inbox.closed {
                return Poll::Ready(None);
            }
            inbox.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// The next hint, if there is one already.
    pub fn try_next(&mut self) -> Option<Topic> {
        lock(&self.inbox).pending.pop_first()
    }
}

/// A backend's end of the change feed: who listens to what.
#[derive(Debug, Default)]
pub struct ChangeHub {
    listeners: Mutex<BTreeMap<Topic, Vec<Weak<Mutex<Inbox>>>>>,
}

impl ChangeHub {
    /// Listens to `topics`, with at most `capacity` hints waiting (see [`Limits::hints`](crate::Limits::hints)).
    pub fn listen(&self, topics: &[Topic], capacity: usize) -> ChangeHints {
        let inbox = Arc::new(Mutex::new(Inbox { capacity, ..Inbox::default() }));
        let mut listeners = lock(&self.listeners);
        for topic in topics {
            let of_topic = listeners.entry(*topic).or_default();
            // Those who left make room for those who come.
            of_topic.retain(|listener| listener.strong_count() > 0);
            of_topic.push(Arc::downgrade(&inbox));
        }
        ChangeHints { inbox }
    }

    /// Tells all who listen to `topics`. Called when the change can be read, never before.
    pub fn tell(&self, topics: &BTreeSet<Topic>) {
        if topics.is_empty() {
            return;
        }
        let mut wakers = Vec::new();
        let mut listeners = lock(&self.listeners);
        for topic in topics {
            for heard in BTreeSet::from([*topic, Topic::Any]) {
                let Some(of_topic) = listeners.get_mut(&heard) else { continue };
                of_topic.retain(|listener| {
                    listener.upgrade().map(|inbox| wakers.extend(put(&inbox, *topic))).is_some()
                });
                if of_topic.is_empty() {
                    listeners.remove(&heard);
                }
            }
        }
        drop(listeners);
        // A waker may run what listens or tells again.
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for ChangeHub {
    fn drop(&mut self) {
        let listeners = std::mem::take(&mut *lock(&self.listeners));
        for inbox in listeners.into_values().flatten().filter_map(|listener| listener.upgrade()) {
            let waker = {
                let mut inbox = lock(&inbox);
                inbox.closed = true;
                inbox.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

fn put(inbox: &Mutex<Inbox>, topic: Topic) -> Option<Waker> {
    let mut inbox = lock(inbox);
    if inbox.pending.contains(&Topic::Any) {
        return None;
    }
    inbox.pending.insert(topic);
    if inbox.pending.len() > inbox.capacity.max(1) {
        inbox.pending = BTreeSet::from([Topic::Any]);
    }
    inbox.waker.take()
}

/// What is under these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn mailbox(id: u64) -> Topic {
        Topic::Mailbox(MailboxId(id))
    }

    #[test]
    fn hints_wait_once_each_and_wake() {
        let hub = ChangeHub::default();
        let mut hints = hub.listen(&[mailbox(1), mailbox(2)], 8);
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        assert!(pin!(hints.next()).poll(&mut context).is_pending());
        hub.tell(&BTreeSet::from([mailbox(1)]));
        hub.tell(&BTreeSet::from([mailbox(1), mailbox(3), Topic::Queue]));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!((hints.try_next(), hints.try_next()), (Some(mailbox(1)), None));
        drop(hub);
        assert_eq!(pin!(hints.next()).poll(&mut context), Poll::Ready(None));
    }

    #[test]
    fn too_many_hints_become_one() {
        let hub = ChangeHub::default();
        let mut hints = hub.listen(&[Topic::Any], 3);
        for id in 0..10 {
            hub.tell(&BTreeSet::from([mailbox(id)]));
        }
        assert_eq!((hints.try_next(), hints.try_next()), (Some(Topic::Any), None));
    }

    #[test]
    fn who_left_is_forgotten() {
        let hub = ChangeHub::default();
        for _ in 0..10 {
            hub.listen(&[mailbox(1)], 1);
        }
        assert_eq!(lock(&hub.listeners).get(&mailbox(1)).map(Vec::len), Some(1));
        hub.tell(&BTreeSet::from([mailbox(1)]));
        assert!(lock(&hub.listeners).is_empty());
    }
}
