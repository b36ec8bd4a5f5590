//! A cache around any resolver.

mod config;
mod entry;
mod flight;
mod lru;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailwright_core::Clock;

pub use self::config::CacheConfig;
use self::flight::Flights;
use self::table::Table;
use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::Question;
use crate::resolver::Resolver;

/// Remembers what a resolver answered, and asks it once only when many want to know the same.
///
/// - **Answers** are kept for their time, which is clamped.
/// - **That something does not exist** is kept for the time that the SOA gives it (RFC 2308 §5), and not at all if
///   there is none.
/// - **Failures** are kept for seconds, and longer each time, so that a broken domain is not asked for each message
///   (RFC 9520 §3.2).
/// - **Stale answers** are given when a newer one cannot be had (RFC 8767 §4): mail does not wait because a name
///   server does. That something did *not* exist is never told from stale knowledge, since it would refuse mail for
///   good.
/// - **Memory** is bounded by entries and by bytes; what was wanted least recently goes first.
///
/// If the one who asks goes away, another one who waits asks in its place.
pub struct Cache<R> {
    resolver: R,
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
    flights: Flights,
}

impl<R: Resolver> Cache<R> {
    /// An empty one.
    pub fn new(resolver: R, config: CacheConfig, clock: Arc<dyn Clock>) -> Self {
        Self { resolver, clock, table: Mutex::new(Table::new(config)), flights: Flights::default() }
    }

    /// What it asks.
    pub fn resolver(&self) -> &R {
        &self.resolver
    }

    /// How many questions it remembers something about.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether it remembers nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes its entries take.
    pub fn bytes(&self) -> usize {
        self.table().bytes()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.table().clear();
    }

    fn recall(&self, question: &Question) -> Option<Result<Answer, LookupError>> {
        self.table().recall(question, self.clock.mono())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, question: &Question) -> Result<Answer, LookupError> {
        // It may have been answered between our look and our turn.
        if let Some(known) = self.recall(question) {
            return known;
        }
        let outcome = self.resolver.lookup(question).await;
        self.table().learn(question, outcome, self.clock.mono())
    }
}

impl<R: Resolver> Resolver for Cache<R> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        if let Some(known) = self.recall(question) {
            return known;
        }
        self.flights.join(question, self.ask(question)).await
    }
}

impl<R> fmt::Debug for Cache<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}
