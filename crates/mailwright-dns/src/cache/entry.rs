//! What is remembered about one question.

use std::time::{Duration, Instant};

use super::config::CacheConfig;
use crate::answer::Answer;
use crate::error::LookupError;

/// What is remembered about one question.
#[derive(Debug)]
pub(super) enum Entry {
    /// There are records.
    Answered {
        answer: Answer,
        expires: Instant,
        /// Asking again has failed since.
        failure: Option<Failure>,
    },
    /// There are none, for now.
    Denied { error: LookupError, expires: Instant },
    /// Nobody knows.
    Failing(Failure),
}

/// Asking failed, and is not tried again for a while.
#[derive(Debug)]
pub(super) struct Failure {
    error: LookupError,
    until: Instant,
    times: u32,
}

impl Entry {
    /// What is to be remembered of an outcome, if anything, after what was known before.
    pub(super) fn learn(
        before: Option<Self>,
        outcome: &Result<Answer, LookupError>,
        now: Instant,
        config: &CacheConfig,
    ) -> Option<Self> {
        match outcome {
            Ok(answer) => {
                let expires = after(now, config.positive(answer.ttl))?;
                Some(Self::Answered { answer: answer.clone(), expires, failure: None })
            }
            Err(error) if error.is_temporary() => {
                let (known, times) = match before {
                    Some(Self::Answered { answer, expires, failure }) => {
                        (Some((answer, expires)), failure.map_or(0, |failure| failure.times))
                    }
                    Some(Self::Failing(failure)) => (None, failure.times),
                    Some(Self::Denied { .. }) | None => (None, 0),
                };
                let until = after(now, config.failure(times))?;
                let failure = Failure { error: error.clone(), until, times: times.saturating_add(1) };
                Some(match known {
                    Some((answer, expires)) => Self::Answered { answer, expires, failure: Some(failure) },
                    None => Self::Failing(failure),
                })
            }
            Err(error) => {
                let expires = after(now, config.negative(error.ttl()?))?;
                Some(Self::Denied { error: error.clone(), expires })
            }
        }
    }

    /// What is answered without asking; `None` if it must be asked.
    pub(super) fn recall(&self, now: Instant, config: &CacheConfig) -> Option<Result<Answer, LookupError>> {
        match self {
            Self::Answered { answer, expires, .. } if now < *expires => {
                Some(Ok(Answer { ttl: *expires - now, ..answer.clone() }))
            }
            Self::Denied { error, expires } if now < *expires => {
                Some(Err(error.clone().with_ttl(*expires - now)))
            }
            Self::Answered { failure: Some(failure), .. } | Self::Failing(failure) if now < failure.until => {
                Some(self.stale(now, config).ok_or_else(|| failure.error.clone()))
            }
            _ => None,
        }
    }

    /// The old answer, if it may still be given (RFC 8767 §4).
    pub(super) fn stale(&self, now: Instant, config: &CacheConfig) -> Option<Answer> {
        match self {
            Self::Answered { answer, expires, .. } if now.duration_since(*expires) < config.stale => {
                Some(Answer { ttl: config.stale_ttl, stale: true, ..answer.clone() })
            }
            _ => None,
        }
    }

    /// About how many bytes it takes in memory.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Answered { answer, .. } => size_of::<Self>() + answer.cost(),
            Self::Denied { .. } | Self::Failing(_) => size_of::<Self>(),
        }
    }
}

/// Nothing is remembered beyond the end of time.
fn after(now: Instant, duration: Duration) -> Option<Instant> {
    now.checked_add(duration)
}
