//! A queue that works.

use std::fmt;
use std::sync::Arc;

use mailwright_core::{Clock, Domain, Entropy};
use mailwright_store::{Directory, Store};
use mailwright_tokio::Shutdown;
use tokio::sync::{broadcast, mpsc};

use super::command::Command;
use super::config::QueueConfig;
use super::event::QueueEvent;
use super::run::run;
use super::worker::Worker;
use crate::deliver::Deliver;

/// Commands that wait for the loop.
const COMMANDS: usize = 64;

/// What a queue is made of.
pub struct QueueParts<S, X, D> {
    /// Where the entries are.
    pub store: Arc<S>,
    /// Who delivers.
    pub deliver: X,
    /// Who is here: reports for them go into their mailboxes.
    pub directory: D,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random octets.
    pub entropy: Arc<dyn Entropy>,
}

impl<S, X, D> fmt::Debug for QueueParts<S, X, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueParts").finish_non_exhaustive()
    }
}

/// A queue that works, until its shutdown begins. Clones are the same one.
///
/// Several may work on one store, in one process or in several: each entry is claimed by one of them, and if that one
/// dies, by another when the lease has run out.
pub struct Queue<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) config: Arc<QueueConfig>,
    events: broadcast::Sender<QueueEvent>,
    pub(super) commands: mpsc::Sender<Command>,
}

impl<S> Clone for Queue<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            config: Arc::clone(&self.config),
            events: self.events.clone(),
            commands: self.commands.clone(),
        }
    }
}

impl<S> fmt::Debug for Queue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S: Store> Queue<S> {
    /// Begins to work, as a task of `shutdown`: when that begins, what is under way is finished.
    pub fn start<X: Deliver<S>, D: Directory>(
        parts: QueueParts<S, X, D>,
        config: QueueConfig,
        shutdown: &Shutdown,
    ) -> Self {
        let (events, _) = broadcast::channel(config.events.max(1));
        let (commands, told) = mpsc::channel(COMMANDS);
        let QueueParts { store, deliver, directory, clock, entropy } = parts;
        let queue = Self {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            config: Arc::new(config.clone()),
            events: events.clone(),
            commands,
        };
        let worker = Arc::new(Worker { store, deliver, directory, clock, entropy, config, events });
        shutdown.spawn(run(worker, told, shutdown.clone()));
        queue
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<QueueEvent> {
        self.events.subscribe()
    }

    /// A destination that was left alone is tried again at once: it has just sent mail itself (RFC 5321 §4.5.4.1), or
    /// an administrator says so.
    pub fn resume(&self, route: Domain) {
        // One that is so busy looks at it soon.
        let _ = self.commands.try_send(Command::Resume(route));
    }
}
