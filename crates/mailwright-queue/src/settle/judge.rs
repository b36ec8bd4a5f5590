//! What becomes of one recipient.

use mailwright_core::{EnhancedCode, Timestamp};
use mailwright_message::report::{self, Action, ReportRecipient};
use mailwright_store::QueueRecipient;

use super::attempt::RecipientOutcome;
use crate::diagnostic::Diagnostic;
use crate::envelope::{DeliverBy, Late};
use crate::recipient::{Notify, RecipientState};
use crate::wire::DecodeError;

/// A recipient on its way through a settlement.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) recipient: QueueRecipient,
    pub(super) state: RecipientState,
    /// If what was kept could not be read: the default stands in for it.
    pub(super) unreadable: Option<DecodeError>,
    pub(super) fate: Fate,
    /// Whether the sender is told now.
    pub(super) told: Option<Action>,
    /// Whether it is late, as its sender sees it.
    is_late: bool,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done: delivered, or passed on.
    Done,
    /// It waits in another entry.
    Requeued,
    /// It is tried again; it was tried now.
    Deferred,
    /// It is tried again; it was not tried now.
    Waiting,
    /// It was refused.
    Failed,
    /// Its time is over.
    Expired,
}

/// The times that decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) now: Timestamp,
    pub(super) expires: Timestamp,
    /// When the sender is warned; `None` if nobody is.
    pub(super) warn_at: Option<Timestamp>,
    /// By when its sender wants it delivered (RFC 2852).
    pub(super) by: Option<DeliverBy>,
}

impl Times {
    /// Whether it is late, as its sender sees it.
    fn is_late(&self) -> bool {
        self.by.is_some_and(|by| by.at <= self.now)
    }

    /// Whether the sender is told that it is passed on, besides who asks for that by NOTIFY (RFC 2852 §4.1.4).
    fn tells_of_relays(&self, deliver_by: bool) -> bool {
        self.by.is_some_and(|by| by.trace || by.late == Late::Notify && !deliver_by && !self.is_late())
    }
}

impl Judged {
    pub(super) fn new(
        recipient: QueueRecipient,
        outcome: RecipientOutcome,
        text_octets: usize,
        times: &Times,
    ) -> Self {
        let (state, unreadable) = match RecipientState::decode(&recipient.params) {
            Ok(state) => (state, None),
            Err(error) => (RecipientState::default(), Some(error)),
        };
        let is_late = times.is_late();
        let mut judged = Self { recipient, state, unreadable, fate: Fate::Waiting, told: None, is_late };
        let mut tells_of_relays = false;
        let (fate, success, diagnostic) = match outcome {
            RecipientOutcome::Delivered(diagnostic) => {
                (Fate::Done, Some(Action::Delivered), Some(diagnostic))
            }
            RecipientOutcome::Relayed { diagnostic, dsn, deliver_by } => {
                tells_of_relays = times.tells_of_relays(deliver_by);
                (Fate::Done, (!dsn).then_some(Action::Relayed), Some(diagnostic))
            }
            RecipientOutcome::Expanded(diagnostic) => (Fate::Done, Some(Action::Expanded), Some(diagnostic)),
            RecipientOutcome::Requeued(diagnostic) => (Fate::Requeued, None, Some(diagnostic)),
            RecipientOutcome::Deferred(diagnostic) => (Fate::Deferred, None, Some(diagnostic)),
            RecipientOutcome::Failed(diagnostic) => (Fate::Failed, None, Some(diagnostic)),
            RecipientOutcome::NotTried => (Fate::Waiting, None, None),
        };
        if let Some(diagnostic) = diagnostic {
            judged.state.last = Some(diagnostic.bounded(text_octets));
        }
        let is_over = times.expires <= times.now && matches!(fate, Fate::Deferred | Fate::Waiting);
        judged.fate = if is_over { Fate::Expired } else { fate };
        judged.told = match judged.tell(success, times) {
            None if tells_of_relays && judged.state.notify != Some(Notify::Never) => Some(Action::Relayed),
            told => told,
        };
        judged
    }

    /// RFC 3461 §5.2.2, §5.2.3, §5.2.5, §5.2.6: who asked for what.
    fn tell(&mut self, success: Option<Action>, times: &Times) -> Option<Action> {
        match self.fate {
            Fate::Done => success.filter(|_| self.state.wants_success()),
            Fate::Requeued => None,
            Fate::Failed => self.state.wants_failure().then_some(Action::Failed),
            Fate::Expired => self.state.wants_failure().then_some(Action::Expired),
            Fate::Deferred | Fate::Waiting => {
                let is_over = times.warn_at.is_some_and(|at| at <= times.now);
                let is_told = is_over && self.state.wants_delay() && !self.state.warned;
                is_told.then_some(Action::Delayed { until: times.expires })
            }
        }
    }

    /// Whether it stays in the queue.
    pub(super) fn is_left(&self) -> bool {
        matches!(self.fate, Fate::Deferred | Fate::Waiting)
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.fate, Fate::Failed | Fate::Expired)
    }

    /// As it stays in the queue; warned, if the warning is sent with it.
    pub(super) fn into_recipient(mut self) -> QueueRecipient {
        self.state.warned |= self.told.is_some();
        QueueRecipient { address: self.recipient.address, params: self.state.encode() }
    }

    /// As a report tells it; `why` if it was never tried.
    pub(super) fn reported(&self, action: Action, why: Option<&Diagnostic>, utf8: bool) -> ReportRecipient {
        let diagnostic = self.state.last.as_ref().or(why);
        let status = match action {
            // RFC 2852 §4.1.3
            Action::Expired if self.is_late => TOO_LATE,
            Action::Delayed { .. } if self.is_late => EXPIRED,
            _ => diagnostic.and_then(|last| fitting(last, action)).unwrap_or_else(|| fallback(action)),
        };
        let mut reported = ReportRecipient::new(self.recipient.address.clone(), action, status);
        reported.original = self.state.orcpt.as_ref().map(|orcpt| orcpt.reported(utf8));
        let Some(last) = diagnostic else { return reported };
        reported.remote_mta = last.remote.clone();
        reported.last_attempt = self.state.last.as_ref().map(|last| last.at);
        reported.diagnostic = Some(match last.code {
            Some(code) => report::Diagnostic::Smtp { code, enhanced: last.enhanced, text: last.text.clone() },
            None => report::Diagnostic::Local(last.text.clone()),
        });
        reported
    }
}

/// The code of what really happened, also where time was over: 4.4.7 says less (RFC 3463 §3.5). If there is none, or
/// one of another class, that of the reply's first digit (RFC 3461 §6.3 g).
fn fitting(last: &Diagnostic, action: Action) -> Option<EnhancedCode> {
    let is_fitting = |class: u8| match action {
        Action::Failed => class == 5 || class == 4,
        Action::Expired | Action::Delayed { .. } => class == 4,
        Action::Delivered | Action::Relayed | Action::Expanded => class == 2,
    };
    last.enhanced.filter(|enhanced| is_fitting(enhanced.class()))
}

fn fallback(action: Action) -> EnhancedCode {
    match action {
        Action::Failed => UNKNOWN_FAILURE,
        Action::Expired => EXPIRED,
        Action::Delayed { .. } => UNKNOWN_DELAY,
        Action::Delivered | Action::Relayed | Action::Expanded => SUCCESS,
    }
}

/// RFC 3463 §3.1
const SUCCESS: EnhancedCode = code(2, 0, 0);
/// RFC 3461 §6.3 g
const UNKNOWN_FAILURE: EnhancedCode = code(5, 0, 0);
/// RFC 3461 §6.3 g
const UNKNOWN_DELAY: EnhancedCode = code(4, 0, 0);
/// RFC 3463 §3.5
const EXPIRED: EnhancedCode = code(4, 4, 7);

/// RFC 2852 §4.1.3
const TOO_LATE: EnhancedCode = code(5, 4, 7);

/// Fails to compile for a code that is none.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn code(class: u8, subject: u16, detail: u16) -> EnhancedCode {
    match EnhancedCode::new(class, subject, detail) {
        Some(code) => code,
        None => panic!("not an enhanced code"),
    }
}
