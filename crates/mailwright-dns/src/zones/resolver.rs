//! The resolver over records in memory.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::data::{Data, Found};
use super::parse::{InvalidZone, parse};
use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::Question;
use crate::resolver::Resolver;

/// Questions that are counted apart; later ones only in all.
const COUNTED_MAX: usize = 100_000;

/// A part of the DNS in memory, for tests and simulations: it answers at once, always alike, and counts.
///
/// The text is like a master file's (RFC 1035 §5), a record a line: owner, seconds (300 if it does not say), `IN` if
/// you like, type, data. Names without a final dot are below `$ORIGIN`, which is the root at first; `@` is the origin
/// itself; `$TTL` is for records without a time; `;` begins a comment. Beyond that:
///
/// - `broken.example. SERVFAIL` makes all questions for a name fail, `broken.example. A TIMEOUT` those for a type;
///   `REFUSED` likewise.
/// - `example. SECURE` makes answers from there and below authentic.
/// - `example. 3600 SOA ns host 1 2 3 4 60` gives what does *not* exist below `example.` a time; without one, no
///   cache keeps it.
///
/// Clones are the same zones: they can be changed while a server runs on them.
///
/// ```
/// use mailwright_dns::{LookupError, Resolver, Zones};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let zones: Zones = "$ORIGIN example.org.\n\
///                     @    MX 10 mx\n\
///                     mx   A 192.0.2.25\n\
///                     bad  SERVFAIL".parse()?;
/// assert_eq!(zones.mx(&"example.org".parse()?).await?.records[0].exchange.as_str(), "mx.example.org");
/// let failed = zones.txt(&"bad.example.org".parse()?).await;
/// assert_eq!(failed, Err(LookupError::ServerFailure { info: None }));
/// assert_eq!(zones.asked(), 2);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Zones(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    data: Data,
    asked: u64,
    by_question: BTreeMap<Question, u64>,
}

impl Zones {
    /// Replaces everything but the counts.
    ///
    /// # Errors
    /// If a line is not understood; then nothing has changed.
    pub fn load(&self, text: &str) -> Result<(), InvalidZone> {
        let mut data = Data::default();
        parse(text, &mut data)?;
        self.inside().data = data;
        Ok(())
    }

    /// Adds to what is there.
    ///
    /// # Errors
    /// If a line is not understood; then nothing has changed.
    pub fn add(&self, text: &str) -> Result<(), InvalidZone> {
        let mut inside = self.inside();
        let mut data = inside.data.clone();
        parse(text, &mut data)?;
        inside.data = data;
        Ok(())
    }

    /// How many questions were asked in all.
    pub fn asked(&self) -> u64 {
        self.inside().asked
    }

    /// How often this one was asked.
    pub fn asked_for(&self, question: &Question) -> u64 {
        self.inside().by_question.get(question).copied().unwrap_or_default()
    }

    pub(crate) fn find(&self, question: &Question) -> Found {
        let mut inside = self.inside();
        inside.asked += 1;
        let room = inside.by_question.len() < COUNTED_MAX;
        match inside.by_question.get_mut(question) {
            Some(count) => *count += 1,
            None if room => {
                inside.by_question.insert(question.clone(), 1);
            }
            None => {}
        }
        inside.data.find(question)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromStr for Zones {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        let zones = Self::default();
        zones.load(text)?;
        Ok(zones)
    }
}

impl Resolver for Zones {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let Found { aliases, outcome } = self.find(question);
        let on_the_way = aliases.iter().map(|alias| alias.ttl).min();
        match (outcome, on_the_way) {
            (Ok(answer), Some(ttl)) => Ok(Answer { ttl: ttl.min(answer.ttl), ..answer }),
            (Err(error), Some(on_the_way)) => Err(match error.ttl() {
                Some(ttl) => error.with_ttl(ttl.min(on_the_way)),
                None => error,
            }),
            (outcome, None) => outcome,
        }
    }
}
