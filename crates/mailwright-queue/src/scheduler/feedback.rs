//! What an attempt tells of its destination.

use crate::diagnostic::Diagnostic;
use crate::greylist::RetryHint;

/// What an attempt tells of its destination, whatever became of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// It talks to us, and takes or refuses what it is asked.
    Served,
    /// We ask too much of it.
    Busy(Diagnostic),
    /// It does not answer.
    Unreachable(Diagnostic),
    /// Nothing: the entry was not tried, or failed before it came so far.
    Neutral,
}

impl Feedback {
    /// What the reply or event tells by which an attempt ended.
    pub fn of(diagnostic: &Diagnostic) -> Self {
        let before_mail = diagnostic.stage.is_before_mail();
        let enhanced = diagnostic.enhanced.map(|code| (code.class(), code.subject(), code.detail()));
        match diagnostic.code {
            // RFC 3463 §2: class 5, as of a domain that does not exist, is not about a server.
            None if matches!(enhanced, Some((5, ..))) => Self::Neutral,
            None if before_mail => Self::Unreachable(diagnostic.clone()),
            None => Self::Busy(diagnostic.clone()),
            // RFC 5321 §3.8: the server closes the connection, most often because there are too many.
            Some(code) if code.get() == 421 => Self::Busy(diagnostic.clone()),
            Some(code) if before_mail && code.is_transient() => Self::Unreachable(diagnostic.clone()),
            Some(code) if before_mail && code.is_permanent() => Self::Neutral,
            // RFC 3463 §3.4, §3.5, §3.8: not accepting mail, congested, or by policy.
            Some(_) if matches!(enhanced, Some((4, 3, 2) | (4, 4, 5) | (4, 7, _))) => {
                match RetryHint::of(diagnostic).greylisted {
                    true => Self::Served,
                    false => Self::Busy(diagnostic.clone()),
                }
            }
            Some(_) => Self::Served,
        }
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::{EnhancedCode, ReplyCode, Timestamp};

    use super::*;
    use crate::diagnostic::AttemptStage::{self, Body, Connect, End, Greeting, Hello, Rcpt, Route};

    #[test]
    fn what_an_attempt_tells_of_its_destination() {
        for (stage, code, enhanced, text, tells) in [
            (Route, None, (4, 4, 3), "SERVFAIL", "unreachable"),
            (Route, None, (5, 1, 2), "no such domain", "neutral"),
            (Connect, None, (4, 4, 1), "timed out", "unreachable"),
            (Greeting, Some(421), (4, 7, 0), "too many connections", "busy"),
            (Greeting, Some(554), (5, 7, 1), "go away", "neutral"),
            (Hello, Some(450), (4, 3, 0), "no", "unreachable"),
            (Rcpt, Some(450), (4, 7, 1), "greylisted", "served"),
            (Rcpt, Some(450), (4, 7, 28), "too many messages from you", "busy"),
            (Rcpt, Some(550), (5, 1, 1), "no such user", "served"),
            (Rcpt, Some(452), (4, 2, 2), "mailbox full", "served"),
            (Body, None, (4, 4, 2), "connection lost", "busy"),
            (End, Some(451), (4, 3, 2), "not now", "busy"),
            (End, Some(250), (2, 0, 0), "ok", "served"),
        ] {
            let (class, subject, detail) = enhanced;
            let enhanced = EnhancedCode::new(class, subject, detail);
            let code = code.and_then(ReplyCode::new);
            let stage: AttemptStage = stage;
            let diagnostic =
                Diagnostic { at: Timestamp(0), stage, code, enhanced, text: text.to_owned(), remote: None };
            let told = match Feedback::of(&diagnostic) {
                Feedback::Served => "served",
                Feedback::Busy(_) => "busy",
                Feedback::Unreachable(_) => "unreachable",
                Feedback::Neutral => "neutral",
            };
            assert_eq!(told, tells, "{} {text}", stage.as_str());
        }
    }
}
