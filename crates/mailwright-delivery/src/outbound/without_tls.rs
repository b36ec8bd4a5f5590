//! Connections that are without TLS only since it failed there: what is told of them, and what is remembered.

use mailwright_core::{Stage, TraceEvent, Verdict};
use mailwright_smtp::client::{Failure, Outcome, Reply};
use tracing::info;

use super::attempt::Attempt;
use super::connection::Connection;
use super::memory::Fault;
use super::outcome::{Outcomes, is_taken};
use super::plan::Target;
use super::send::Sent;

impl Connection {
    /// The refusal of a server that wants TLS, which only failed: for good it refuses nobody with that.
    pub(super) fn wants_tls<'a>(&self, outcome: &'a Outcome) -> Option<&'a Reply> {
        match &outcome.result {
            Err(Failure::Refused(reply)) if self.without_tls.is_some() && asks_for_tls(reply) => Some(reply),
            _ => None,
        }
    }
}

impl Attempt<'_> {
    /// A message has gone by this connection, or not: tells so if it is without TLS since that failed, and has that
    /// remembered only if it was a way. Says whether the next message may go by it.
    pub(super) fn may_go_on(&mut self, connection: &Connection, sent: &Sent, outcomes: &Outcomes) -> bool {
        let Some(why) = &connection.without_tls else { return true };
        self.tell_without_tls(&connection.target, why);
        let is_way = outcomes.outcomes.iter().any(is_taken)
            && !sent.outcomes.iter().any(|outcome| connection.wants_tls(outcome).is_some());
        let (memory, now) = (&self.shared.memory, self.shared.environment.clock.mono());
        let fault = Fault::Tls(connection.target.end());
        if !is_way {
            memory.forget(fault);
        } else if !memory.has(fault, now) {
            memory.remember(fault, now, now + self.config().remember_broken_tls);
        }
        is_way
    }

    /// Who looks at the message later is to know, and why.
    fn tell_without_tls(&mut self, target: &Target, why: &str) {
        info!(remote = target.remote(), why, "asked without TLS");
        let at = self.shared.environment.clock.wall();
        let event = TraceEvent::new(at, Stage::Attempt, Verdict::Pass, format!("asked without TLS: {why}"));
        self.events.push(event.with_evidence("remote", target.remote()).with_evidence("tls", "none"));
    }
}

/// Whether a refusal for good is for want of TLS: 530 (RFC 3207 §4), 523 or X.7.10 (RFC 5248 §2.4), or it says so in
/// words, as most do who demand it of some only. A wrong guess costs the sender time, and no message.
fn asks_for_tls(reply: &Reply) -> bool {
    let says = || {
        let text = reply.text.to_ascii_lowercase();
        text.contains("tls") || text.contains("encrypt")
    };
    let enhanced = reply.enhanced.map(|code| (code.subject(), code.detail()));
    reply.code.is_permanent()
        && (matches!(reply.code.get(), 523 | 530) || enhanced == Some((7, 10)) || says())
}
