//! Replies that say when to come back.

use std::time::Duration;

use crate::diagnostic::Diagnostic;

/// What a temporary refusal tells about the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryHint {
    /// Whether it looks like greylisting: normal for a first contact, and no sign of trouble (RFC 6647 §2.1).
    pub greylisted: bool,
    /// How long to wait, if the server says so in words.
    pub wait: Option<Duration>,
}

/// Octets of a reply that are looked at.
const LOOKED_AT: usize = 1_000;

impl RetryHint {
    /// What `diagnostic` tells. Nothing unless it is a temporary refusal by a server that was asked about a message.
    pub fn of(diagnostic: &Diagnostic) -> Self {
        let transient = diagnostic.code.is_some_and(|code| code.is_transient());
        if !transient || diagnostic.stage.is_before_mail() {
            return Self::default();
        }
        let text = crate::diagnostic::cut(&diagnostic.text, LOOKED_AT).to_ascii_lowercase();
        let wait = announced(&text);
        Self { greylisted: is_greylisting(diagnostic, &text, wait.is_some()), wait }
    }
}

/// RFC 6647 §2.1: 421, 450 or 451, and 4.7.1 if there is an enhanced code; few servers say no more than that.
fn is_greylisting(diagnostic: &Diagnostic, text: &str, has_wait: bool) -> bool {
    const NAMES: [&str; 6] = ["greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list"];
    if NAMES.iter().any(|name| text.contains(name)) {
        return true;
    }
    let is_code = diagnostic.code.is_some_and(|code| matches!(code.get(), 450 | 451));
    let enhanced = diagnostic.enhanced.map(|code| (code.class(), code.subject(), code.detail()));
    let is_refusal = matches!(enhanced, Some((4, 7, 1) | (4, 2, 0)));
    let comes_again = has_wait || ["try again", "try later", "retry"].iter().any(|word| text.contains(word));
    // Who counts messages means something else.
    let is_rate = ["rate", "too many", "too much", "limit", "quota"].iter().any(|word| text.contains(word));
    is_code && is_refusal && comes_again && !is_rate
}

/// The first length of time in a text of lower case: `300 seconds`, `5 min`, `4m30s`.
fn announced(text: &str) -> Option<Duration> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        // A number within a word, an address or a code is none.
        let before = rest.get(..at).and_then(|before| before.chars().next_back());
        let (found, after) = length(rest.get(at..)?);
        if !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'))
            && let Some(found) = found
        {
            return Some(found);
        }
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    None
}

/// The length of time that `text` begins with; and what follows its first number.
fn length(text: &str) -> (Option<Duration>, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let behind = text.get(digits..).unwrap_or_default();
    let Some((mut total, mut rest)) = part(text) else { return (None, behind) };
    loop {
        let next = rest.trim_start_matches(' ');
        if !next.starts_with(|c: char| c.is_ascii_digit()) {
            return (Some(total), behind);
        }
        let Some((more, after)) = part(next) else {
            // What goes on in the same word is no time but a name: `06H0DX`.
            return ((rest.len() != next.len()).then_some(total), behind);
        };
        total = total.saturating_add(more);
        rest = after;
    }
}

/// A number and its unit, and what follows.
fn part(text: &str) -> Option<(Duration, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, after) = text.split_at_checked(digits)?;
    // Six digits are eleven days of seconds.
    let number = number.parse::<u32>().ok().filter(|_| number.len() <= 6)?;
    let after = after.trim_start_matches(' ');
    let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
    let (unit, after) = after.split_at_checked(letters)?;
    Some((Duration::from_secs(u64::from(number) * seconds_of(unit)?), after))
}

fn seconds_of(unit: &str) -> Option<u64> {
    match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::{EnhancedCode, ReplyCode, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::AttemptStage;

    fn said(stage: AttemptStage, code: u16, enhanced: Option<(u8, u16, u16)>, text: &str) -> Diagnostic {
        let enhanced =
            enhanced.map(|(class, subject, detail)| EnhancedCode::new(class, subject, detail).unwrap());
        Diagnostic::reply(Timestamp(0), stage, "mx.example", (ReplyCode::new(code).unwrap(), enhanced), text)
    }

    #[test]
    /// RFC 6647 §2.1
    fn replies_of_servers() {
        use AttemptStage::{Connect, Data, Rcpt};
        for (stage, code, enhanced, text, greylisted, wait) in [
            (
                Rcpt,
                450,
                Some((4, 2, 0)),
                "<a@b>: Recipient address rejected: Greylisted, see http://x/h.html",
                true,
                None,
            ),
            (Rcpt, 451, Some((4, 7, 1)), "Greylisting in action, please come back in 00:05:00", true, None),
            (Rcpt, 451, Some((4, 7, 1)), "Please try again in 300 seconds", true, Some(300)),
            (Rcpt, 450, Some((4, 7, 1)), "try again later", true, None),
            (Data, 451, None, "graylisted for 5 minutes", true, Some(300)),
            (Rcpt, 450, None, "you are greylisted, retry in 4m30s", true, Some(270)),
            (Rcpt, 451, Some((4, 7, 1)), "rate limit: 10 messages, try again in 1 hour", false, Some(3600)),
            (Rcpt, 450, Some((4, 7, 1)), "no", false, None),
            (Rcpt, 452, Some((4, 2, 2)), "mailbox full, 100 MB of 100 MB used", false, None),
            (Rcpt, 450, Some((4, 1, 1)), "host 192.0.2.10 said 4.2.0 for 5min", false, Some(300)),
            (Rcpt, 451, Some((4, 3, 0)), "not today (06H0DX4M2S9J)", false, None),
            (Rcpt, 451, Some((4, 3, 0)), "not today, in 6 h 0dx", false, Some(21_600)),
            (Rcpt, 550, Some((5, 7, 1)), "greylisted for 300 seconds", false, None),
            (Connect, 421, None, "greylisted for 300 seconds", false, None),
        ] {
            let hint = RetryHint::of(&said(stage, code, enhanced, text));
            let wait = wait.map(Duration::from_secs);
            assert_eq!(hint, RetryHint { greylisted, wait }, "{text}");
        }
    }

    mailwright_core::properties! {
        #[test]
        fn any_text_is_read(text in "(\\PC|[0-9 smh.:-]){0,40}") {
            let hint = RetryHint::of(&said(AttemptStage::Rcpt, 451, None, &text));
            prop_assert!(hint.wait.is_none_or(|wait| wait.as_secs() < 1 << 40));
        }

        #[test]
        fn announced_times_are_found(number in 0..999_999u32, unit in prop::sample::select(vec![("seconds", 1), ("s", 1), (" min", 60), (" hours", 3600)])) {
            let text = format!("4.7.1 host 10.0.0.{number} wait {number}{}, then again", unit.0);
            let hint = RetryHint::of(&said(AttemptStage::Rcpt, 451, None, &text));
            prop_assert_eq!(hint.wait, Some(Duration::from_secs(u64::from(number) * unit.1)));
        }
    }
}
