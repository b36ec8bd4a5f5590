//! Asking one server after the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;

use super::config::HickoryConfig;
use super::exchange::exchange;
use super::reply::{Reply, read};
use crate::answer::Answer;
use crate::error::{LookupError, Malformed};
use crate::record::Question;
use crate::resolver::Resolver;

/// Asks recursive name servers over UDP and TCP; hickory knows their language.
///
/// It remembers nothing: that is what a [`Cache`](crate::Cache) around it is for. Which server is asked when is
/// decided here, with one exchange of hickory's at a time: hickory's own pool of servers takes the first failure of
/// any of them for the answer. Called within a tokio runtime.
///
/// ```no_run
/// use mailwright_dns::{Hickory, HickoryConfig, Resolver};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let resolver = Hickory::new(HickoryConfig::system()?);
/// for mx in resolver.mx(&"example.org".parse()?).await?.records {
///     println!("{} {}", mx.preference, mx.exchange);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hickory {
    config: Arc<HickoryConfig>,
    /// The server that answered last.
    preferred: Arc<AtomicUsize>,
    places: Arc<Semaphore>,
}

impl Hickory {
    /// Asks as it is told.
    pub fn new(config: HickoryConfig) -> Self {
        let places = Arc::new(Semaphore::new(config.queries.clamp(1, Semaphore::MAX_PERMITS)));
        Self { config: Arc::new(config), preferred: Arc::default(), places }
    }

    /// Asks the servers in turn until one knows.
    async fn ask(&self, question: &Question, aliases: usize) -> Result<Reply, LookupError> {
        let servers = &self.config.servers;
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut open: Vec<usize> =
            (0..servers.len()).map(|turn| (preferred + turn) % servers.len()).collect();
        let mut failure = LookupError::NoServers;
        for _ in 0..self.config.attempts.max(1) {
            let mut silent = Vec::new();
            for index in open {
                let Some(&server) = servers.get(index) else { continue };
                let reply = exchange(server, question, &self.config).await;
                match reply.and_then(|message| read(&message, question, aliases, &self.config)) {
                    Err(error) if error.is_temporary() => {
                        debug!(%server, %question, %error, "a name server does not know");
                        if !is_word(&error) {
                            silent.push(index);
                        }
                        failure = more_telling(failure, error);
                    }
                    known => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return known;
                    }
                }
            }
            open = silent;
        }
        Err(failure)
    }
}

impl Resolver for Hickory {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let place = timeout(self.config.timeout, self.places.acquire()).await;
        // The semaphore is never closed.
        let _place = place.map_err(|_| LookupError::Timeout)?;
        let mut aliases = self.config.aliases;
        let mut question = question.clone();
        let mut so_far: Option<Answer> = None;
        loop {
            match self.ask(&question, aliases).await {
                Ok(Reply::Answer(answer)) => return Ok(joined(so_far, answer)),
                Ok(Reply::Alias { way, aliases: left }) => {
                    aliases = left;
                    question.name = way.name.clone();
                    so_far = Some(joined(so_far, way));
                }
                Err(error) => {
                    let ttl = error.ttl().zip(so_far).map(|(ttl, way)| ttl.min(way.ttl));
                    return Err(ttl.map_or(error.clone(), |ttl| error.with_ttl(ttl)));
                }
            }
        }
    }
}

/// An answer that was reached by way of aliases: it lasts as long as they do, and is as authentic.
fn joined(way: Option<Answer>, answer: Answer) -> Answer {
    match way {
        Some(way) => {
            Answer { ttl: way.ttl.min(answer.ttl), authentic: way.authentic && answer.authentic, ..answer }
        }
        None => answer,
    }
}

/// Whether the server has spoken: asking it again at once would change nothing.
fn is_word(error: &LookupError) -> bool {
    use Malformed::{OtherQuestion, Truncated, Undecodable};
    !matches!(
        error,
        LookupError::Timeout
            | LookupError::Unreachable(_)
            | LookupError::Malformed(Undecodable | OtherQuestion | Truncated)
    )
}

/// The one of two failures that says more about the question; the first of equals.
fn more_telling(one: LookupError, other: LookupError) -> LookupError {
    let rank = |error: &LookupError| match error {
        LookupError::NoServers => 0,
        LookupError::Unreachable(_) => 1,
        LookupError::Timeout => 2,
        LookupError::Malformed(_) => 3,
        LookupError::ServerFailure { .. } => 5,
        _ => 4,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

impl fmt::Debug for Hickory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hickory").field("config", &self.config).finish_non_exhaustive()
    }
}
