//! What an attempt comes to, for each recipient and for the destination.

use mailwright_core::Timestamp;
use mailwright_queue::{AttemptStage, Diagnostic, Feedback, RecipientOutcome};
use mailwright_smtp::client::{Error, Failure, Outcome, Protocol, Reply};

use super::connection::{Broken, Connection};
use super::send::Sent;
use super::watch::attempt_stage;
use super::words::{Words, code};

/// For each recipient, and what all of it tells of the destination.
#[derive(Debug)]
pub(super) struct Outcomes {
    pub(super) outcomes: Vec<RecipientOutcome>,
    pub(super) feedback: Feedback,
}

impl Outcomes {
    /// The same for all of them.
    pub(super) fn all(recipients: usize, diagnostic: &Diagnostic) -> Self {
        let feedback = if is_local(diagnostic) { Feedback::Neutral } else { Feedback::of(diagnostic) };
        Self { outcomes: vec![not_taken(diagnostic.clone()); recipients], feedback }
    }

    /// The same for all of them, and the fault is with us or with the message.
    pub(super) fn ours(recipients: usize, diagnostic: &Diagnostic) -> Self {
        Self { feedback: Feedback::Neutral, ..Self::all(recipients, diagnostic) }
    }

    /// What a server has said, or not said, about each.
    pub(super) fn of(sent: &Sent, connection: &Connection, recipients: usize, at: Timestamp) -> Self {
        let remote = connection.target.remote();
        let mut outcomes = vec![None; recipients];
        let mut feedback = Feedback::Neutral;
        for outcome in &sent.outcomes {
            let wants_tls = connection.wants_tls(outcome);
            let words = wants_tls.map_or_else(|| words(outcome, sent), |reply| tls_wanted(outcome, reply));
            let diagnostic = words.diagnostic(at, Some(&remote));
            let tells = match wants_tls {
                Some(_) => Feedback::Served,
                None if is_ours(outcome) => Feedback::Neutral,
                None => Feedback::of(&diagnostic),
            };
            feedback = weightier(feedback, tells);
            let told = match &outcome.result {
                Ok(_) => taken(diagnostic, connection),
                Err(_) => not_taken(diagnostic),
            };
            if let Some(place) = outcomes.get_mut(outcome.recipient) {
                *place = Some(told);
            }
        }
        for place in &sent.later {
            if let Some(place) = outcomes.get_mut(*place) {
                *place = Some(RecipientOutcome::NotTried);
            }
        }
        let unheard = || {
            let text = "the session ended before this recipient's turn";
            let words = Words::seen(connection.stage(), code::BAD_CONNECTION, text);
            not_taken(words.diagnostic(at, Some(&remote)))
        };
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unheard));
        Self { outcomes: outcomes.collect(), feedback }
    }
}

/// A server has taken responsibility. One that speaks LMTP has delivered (RFC 2033 §1).
fn taken(diagnostic: Diagnostic, connection: &Connection) -> RecipientOutcome {
    let offers = connection.offers();
    let (dsn, deliver_by) = (offers.dsn, offers.deliver_by.is_some());
    match connection.target.manner.protocol {
        Protocol::Lmtp if !dsn => RecipientOutcome::Delivered(diagnostic),
        _ => RecipientOutcome::Relayed { diagnostic, dsn, deliver_by },
    }
}

/// Whether somebody has taken responsibility.
pub(super) fn is_taken(outcome: &RecipientOutcome) -> bool {
    matches!(outcome, RecipientOutcome::Delivered(_) | RecipientOutcome::Relayed { .. })
}

/// For good, or for now: as the reply says, or what was seen.
fn not_taken(diagnostic: Diagnostic) -> RecipientOutcome {
    if is_final(&diagnostic) {
        RecipientOutcome::Failed(diagnostic)
    } else {
        RecipientOutcome::Deferred(diagnostic)
    }
}

/// Whether the same again would come to the same.
fn is_final(diagnostic: &Diagnostic) -> bool {
    match diagnostic.code {
        Some(code) => code.is_permanent(),
        None => diagnostic.enhanced.is_some_and(|code| code.class() == 5),
    }
}

/// Whether what was seen is something here (RFC 3463 §3.4): it tells nothing of the destination.
fn is_local(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.is_none() && diagnostic.enhanced.is_some_and(|code| code.subject() == 3)
}

fn words(outcome: &Outcome, sent: &Sent) -> Words {
    let stage = attempt_stage(outcome.stage).unwrap_or(AttemptStage::Mail);
    match &outcome.result {
        Ok(reply) | Err(Failure::Refused(reply)) => Words::reply(stage, reply),
        Err(Failure::Unsendable(why)) => {
            Words::seen(stage, why.enhanced().unwrap_or(code::CONVERSION_NEEDED), why.to_string())
        }
        Err(Failure::NotSent(error)) => ended(error, stage, sent),
        Err(Failure::AnswerLost(error)) => {
            let mut words = ended(error, stage, sent);
            // RFC 1047
            words.text = format!("sent, but the answer is lost, so it may arrive twice: {}", words.text);
            words
        }
        Err(_) => Words::seen(stage, code::PROTOCOL, "no outcome"),
    }
}

/// With TLS, which is tried again, it may be taken.
fn tls_wanted(outcome: &Outcome, reply: &Reply) -> Words {
    let stage = attempt_stage(outcome.stage).unwrap_or(AttemptStage::Mail);
    let text = format!("asked without TLS, since that failed, the server says: {reply}");
    Words::seen(stage, code::TLS_NEEDED, text)
}

/// Why the session has ended: the machine knows only that it was told so, if it was by us.
fn ended(error: &Error, stage: AttemptStage, sent: &Sent) -> Words {
    match (error, &sent.broken, &sent.unreadable) {
        (Error::Disconnected(_), Some(broken @ (Broken::Network(_) | Broken::Deadline)), _) => {
            broken.words(stage)
        }
        (Error::Abandoned, _, Some(why)) => {
            Words::seen(stage, code::LOCAL, format!("the content cannot be read here: {why}"))
        }
        _ => Words::ended(error, stage),
    }
}

/// Whether it tells nothing of the destination: the fault is with us or with the message.
fn is_ours(outcome: &Outcome) -> bool {
    match &outcome.result {
        Err(Failure::Unsendable(_)) => true,
        Err(Failure::NotSent(error) | Failure::AnswerLost(error)) => {
            matches!(error, Error::Content(_) | Error::Abandoned | Error::Stalled)
        }
        _ => false,
    }
}

/// What one of several recipients tells of the destination counts if it asks for more care.
fn weightier(one: Feedback, other: Feedback) -> Feedback {
    let weight = |feedback: &Feedback| match feedback {
        Feedback::Neutral => 0,
        Feedback::Served => 1,
        Feedback::Unreachable(_) => 2,
        Feedback::Busy(_) => 3,
    };
    if weight(&other) > weight(&one) { other } else { one }
}

/// Of what several hosts have failed with: as long as one may answer later, mail waits; what came farthest says
/// most, a server's own words more than what was seen, and that more than a fault of ours.
pub(super) fn most_telling(failures: Vec<Diagnostic>) -> Option<Diagnostic> {
    let rank = |diagnostic: &Diagnostic| {
        (!is_final(diagnostic), diagnostic.code.is_some(), diagnostic.stage, !is_local(diagnostic))
    };
    // The first of equals: the preferred host.
    failures.into_iter().rev().max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use mailwright_core::{EnhancedCode, ReplyCode};

    use super::*;

    fn failure(stage: AttemptStage, code: Option<u16>, class: u8, text: &str) -> Diagnostic {
        let enhanced = EnhancedCode::new(class, 0, 0).unwrap();
        let diagnostic = Diagnostic::local(Timestamp(0), stage, enhanced, text);
        Diagnostic { code: code.and_then(ReplyCode::new), ..diagnostic }
    }

    #[test]
    fn the_most_telling_failure_is_told() {
        use AttemptStage::{Connect, Greeting, Hello};
        let lost = || failure(Hello, None, 4, "lost");
        let refused = || failure(Connect, None, 4, "refused");
        let busy = || failure(Greeting, Some(421), 4, "busy");
        let never = || failure(Greeting, Some(554), 5, "never");
        for (failures, told) in [
            (vec![], None),
            (vec![never()], Some("never")),
            (vec![never(), refused()], Some("refused")),
            (vec![refused(), lost()], Some("lost")),
            (vec![refused(), busy(), lost()], Some("busy")),
            (vec![refused(), failure(Connect, None, 4, "second")], Some("refused")),
        ] {
            assert_eq!(most_telling(failures).map(|told| told.text).as_deref(), told);
        }
    }
}
