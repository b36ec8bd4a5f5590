//! Connecting: one address after the other, and the next one too if the one before is slow to answer (RFC 8305 §5).

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use mailwright_queue::AttemptStage;
use mailwright_tokio::Io;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::attempt::Attempt;
use super::dial::DialError;
use super::environment::OutOfTime;
use super::memory::Fault;
use super::plan::{Plan, Target};
use super::words::{Words, code};

/// How long an address has to be silent, before another one answers, for that to be remembered: one that is only farther
/// away is no worse.
const SILENT: Duration = Duration::from_secs(2);

/// What has come of it.
type Connected = Result<Result<Box<dyn Io>, DialError>, OutOfTime>;

/// A target that is connected to.
struct Dialing<'a> {
    target: Target,
    since: Instant,
    connected: Pin<Box<dyn Future<Output = Connected> + Send + 'a>>,
}

impl<'a> Attempt<'a> {
    /// A connection to one of the targets that wait, preferably to the first. What was begun besides is given up, and
    /// waits again; `None` if none can be had.
    pub(super) async fn connect(
        &mut self,
        plan: &Plan,
        waiting: &mut VecDeque<Target>,
    ) -> Option<(Target, Box<dyn Io>)> {
        let mut dialing: Vec<Dialing<'a>> = Vec::new();
        loop {
            match self.next_target(waiting) {
                Some(target) => dialing.push(self.dialing(target)),
                None if dialing.is_empty() => return None,
                None => {}
            }
            let may_follow = !waiting.is_empty() && self.left > 0;
            let patience = if may_follow { self.config().next_address_after } else { Duration::MAX };
            let Ok((at, connected)) = timeout(patience, first(&mut dialing)).await else { continue };
            let Dialing { target, .. } = dialing.remove(at);
            match connected {
                Ok(Ok(io)) => {
                    self.answered(&target);
                    let now = self.shared.environment.clock.mono();
                    for Dialing { target, since, .. } in dialing.into_iter().rev() {
                        if now.saturating_duration_since(since) >= SILENT {
                            self.silent(&target);
                        }
                        waiting.push_front(target);
                    }
                    return Some((target, io));
                }
                Ok(Err(error)) => self.not_dialed(&target, &error, plan, waiting),
                Err(why) => {
                    if why == OutOfTime::Stage {
                        self.silent(&target);
                    }
                    self.fail(no_answer(&target, why), Some(&target));
                }
            }
        }
    }

    /// Connects to this target and to nothing else.
    pub(super) async fn dial(&mut self, target: &Target) -> Result<Box<dyn Io>, Words> {
        match self.dialing(target.clone()).connected.await {
            Ok(Ok(io)) => Ok(io),
            Ok(Err(error)) => Err(words(target, &error)),
            Err(why) => Err(no_answer(target, why)),
        }
    }

    /// The target whose turn it is, if one may still be connected to.
    fn next_target(&mut self, waiting: &mut VecDeque<Target>) -> Option<Target> {
        while self.left > 0 && !self.is_over() {
            let target = waiting.pop_front()?;
            // What could not be said there needs no connection.
            if let Err(words) = self.tls(&target, target.manner.tls) {
                self.fail(words, Some(&target));
                continue;
            }
            self.left -= 1;
            return Some(target);
        }
        None
    }

    fn dialing(&mut self, target: Target) -> Dialing<'a> {
        self.at(AttemptStage::Connect);
        let (shared, deadline) = (self.shared, self.deadline);
        let dialed = shared.environment.dial.dial(target.end(), target.our_address());
        let limit = shared.config.client.timeouts.connect;
        let connected = async move { shared.environment.within(limit, deadline, dialed).await };
        Dialing { target, since: shared.environment.clock.mono(), connected: Box::pin(connected) }
    }

    fn not_dialed(
        &mut self,
        target: &Target,
        error: &DialError,
        plan: &Plan,
        waiting: &mut VecDeque<Target>,
    ) {
        match error {
            DialError::NoWay(_) => self.remember(no_way(target)),
            DialError::Source { address, .. } => {
                warn!(%error, "a source of ours is passed over");
                self.remember(Fault::Source(*address));
                if let Some(next) = plan.by_next_source(target) {
                    // The host was not asked anything.
                    self.left += 1;
                    waiting.push_front(next);
                }
            }
            error if error.is_ours() => warn!(%error, "no connection to anybody"),
            _ => {}
        }
        self.fail(words(target, error), Some(target));
    }

    /// Whether it did not answer not long ago.
    pub(super) fn is_silent(&self, target: &Target) -> bool {
        self.shared.memory.has(Fault::Silent(target.end()), self.shared.environment.clock.mono())
    }

    /// Whether there was no way to its family not long ago.
    pub(super) fn has_no_way(&self, target: &Target) -> bool {
        self.shared.memory.has(no_way(target), self.shared.environment.clock.mono())
    }

    fn silent(&self, target: &Target) {
        debug!(remote = target.remote(), "no answer: others are tried before it for a while");
        self.remember(Fault::Silent(target.end()));
    }

    fn answered(&self, target: &Target) {
        self.shared.memory.forget(Fault::Silent(target.end()));
        self.shared.memory.forget(no_way(target));
    }

    fn remember(&self, fault: Fault) {
        let now = self.shared.environment.clock.mono();
        self.shared.memory.remember(fault, now, now + self.config().remember_unreachable);
    }
}

/// The first of them that has come to an end.
async fn first(dialing: &mut [Dialing<'_>]) -> (usize, Connected) {
    poll_fn(|cx| {
        for (at, one) in dialing.iter_mut().enumerate() {
            if let Poll::Ready(connected) = one.connected.as_mut().poll(cx) {
                return Poll::Ready((at, connected));
            }
        }
        Poll::Pending
    })
    .await
}

fn no_way(target: &Target) -> Fault {
    Fault::NoWay { from: target.our_address(), v6: target.address.is_ipv6() }
}

fn no_answer(target: &Target, why: OutOfTime) -> Words {
    let mut words = Words::out_of_time(why, AttemptStage::Connect);
    words.text = format!("{}: {}", target.remote(), words.text);
    words
}

fn words(target: &Target, error: &DialError) -> Words {
    let code = match error {
        DialError::Source { .. } | DialError::Socks { .. } => code::MISCONFIGURED,
        error if error.is_ours() => code::LOCAL,
        _ => code::NO_ANSWER,
    };
    Words::seen(AttemptStage::Connect, code, format!("{}: {error}", target.remote()))
}
