//! Failures on demand.

#![expect(clippy::panic, reason = "a wrong word in a test is that test's failure")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailwright_smtp::Rejection;

/// Where in an SMTP session something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// In the place of the greeting.
    Connect,
    /// At EHLO or HELO.
    Hello,
    /// At AUTH, in the place of a look at the password.
    Auth,
    /// At MAIL.
    Mail,
    /// At RCPT.
    Rcpt,
    /// At DATA, before the content.
    Data,
    /// After the content: in the place of the reply that takes the message. A message that is refused is not kept, and
    /// no test sees it.
    Message,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The client is told no.
    Refuse(Rejection),
    /// All goes on, but later.
    Delay(Duration),
    /// The connection breaks before anything is done.
    Disconnect,
    /// What was asked for is done, and the connection breaks before the client is told (RFC 1047).
    LoseReply,
}

/// What is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<BTreeMap<Stage, Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// In this order, once each.
    next: VecDeque<Fault>,
    /// After these.
    always: Option<Fault>,
}

impl Faults {
    pub(crate) fn add(&self, stage: Stage, fault: Fault) {
        self.lock().entry(stage).or_default().next.push_back(fault);
    }

    pub(crate) fn always(&self, stage: Stage, fault: Fault) {
        self.lock().entry(stage).or_default().always = Some(fault);
    }

    /// What goes wrong now.
    pub(crate) fn take(&self, stage: Stage) -> Option<Fault> {
        let mut plans = self.lock();
        let plan = plans.get_mut(&stage)?;
        plan.next.pop_front().or_else(|| plan.always.clone())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Stage, Plan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal that a test has written: `451 4.7.1 greylisted`, or without an enhanced code (RFC 3463) `451
/// greylisted`.
#[track_caller]
pub(crate) fn refusal(reply: &str) -> Rejection {
    parse(reply).unwrap_or_else(|| {
        panic!("{reply:?} is no refusal: write it like `451 4.7.1 greylisted`, with a code of 4yz or 5yz")
    })
}

fn parse(reply: &str) -> Option<Rejection> {
    let (code, text) = reply.split_once(' ').unwrap_or((reply, ""));
    let code: u16 = code.parse().ok()?;
    let general = (u8::try_from(code / 100).ok()?, 0, 0);
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (enhanced, text) = enhanced(first).map_or((general, text), |enhanced| (enhanced, rest));
    Rejection::new(code, enhanced, text.to_owned()).ok()
}

fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut numbers = text.split('.');
    let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let code = (class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?);
    numbers.next().is_none().then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_written_as_they_are_sent() {
        for (written, sent) in [
            ("451 4.7.1 greylisted, try later", Some("451 4.7.1 greylisted, try later")),
            ("550 no such user", Some("550 5.0.0 no such user")),
            ("421", Some("421 4.0.0 ")),
            ("451 4.7 half a code", Some("451 4.0.0 4.7 half a code")),
            ("451 5.7.1 another class", None),
            ("250 2.0.0 fine", None),
            ("greylisted", None),
            ("", None),
        ] {
            assert_eq!(parse(written).map(|it| it.to_string()).as_deref(), sent, "{written:?}");
        }
    }

    #[test]
    fn what_goes_wrong_once_comes_before_what_always_does() {
        let faults = Faults::default();
        faults.always(Stage::Rcpt, Fault::Refuse(refusal("550 always")));
        faults.add(Stage::Rcpt, Fault::Disconnect);
        faults.add(Stage::Rcpt, Fault::LoseReply);
        assert!(faults.take(Stage::Mail).is_none());
        assert!(matches!(faults.take(Stage::Rcpt), Some(Fault::Disconnect)));
        assert!(matches!(faults.take(Stage::Rcpt), Some(Fault::LoseReply)));
        assert!(matches!(faults.take(Stage::Rcpt), Some(Fault::Refuse(_))));
        assert!(matches!(faults.take(Stage::Rcpt), Some(Fault::Refuse(_))));
        faults.clear();
        assert!(faults.take(Stage::Rcpt).is_none());
    }
}
