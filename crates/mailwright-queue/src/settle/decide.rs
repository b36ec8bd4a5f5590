//! From an attempt to a commit.

use mailwright_core::{Address, ReversePath, Stage, Timestamp, TraceEvent, Verdict};
use mailwright_message::report::{Action, DeliveryReport};
use mailwright_store::{Claimed, Op, QueueEntry, QueueRecipient, Settlement};

use super::attempt::{Attempt, RecipientOutcome};
use super::config::SettleConfig;
use super::judge::{Fate, Judged, Times};
use super::report::{Report, returned};
use crate::diagnostic::{Diagnostic, cut};
use crate::envelope::{Envelope, Late};

/// What is to be done about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Settled {
    /// For one commit, the settlement first: if the lease is lost, nothing of it happens.
    pub ops: Vec<Op>,
    /// To be sent with the same commit.
    pub report: Option<Report>,
    /// Recipients whose failure nobody is told of, because the message has no sender (RFC 5321 §6.1). The trace has
    /// them.
    pub double_bounces: usize,
}

/// Decides what becomes of a claimed entry: which recipients are done, which are tried again and when, and whether
/// the sender is told. `random` is any number, for the jitter of the next attempt.
///
/// The same arguments give the same result. No report is ever for the null reverse-path, none for recipients with
/// NOTIFY=NEVER (RFC 3461 §4.1), and a delay is told once.
pub fn settle(
    claimed: &Claimed,
    attempt: Attempt,
    now: Timestamp,
    random: u64,
    config: &SettleConfig,
) -> Settled {
    let entry = &claimed.entry;
    let (envelope, unreadable) = match Envelope::decode(&entry.envelope) {
        Ok(envelope) => (envelope, None),
        Err(error) => (Envelope::new(entry.queued), Some(error)),
    };
    let warn_at = config.warn_after.map(|after| envelope.begins().saturating_add(after));
    let (by, warn_at) = match entry.sender {
        ReversePath::Null => (None, None),
        ReversePath::Address(_) => {
            let late_at = envelope.by.filter(|by| by.late == Late::Notify).map(|by| by.at);
            (envelope.by, warn_at.into_iter().chain(late_at).min())
        }
    };
    let times = Times { now, expires: entry.expires, warn_at, by };
    let (outcomes, earliest, why) = match attempt {
        Attempt::Tried { outcomes, not_before } => (outcomes, not_before, None),
        Attempt::Untried { until, why } => {
            (Vec::new(), Some(until), why.map(|why| why.bounded(config.text_octets)))
        }
    };
    let outcomes = outcomes.into_iter().chain(std::iter::repeat(RecipientOutcome::NotTried));
    let judged: Vec<Judged> = (entry.recipients.iter().cloned().zip(outcomes))
        .map(|(recipient, outcome)| Judged::new(recipient, outcome, config.text_octets, &times))
        .collect();

    let due = next_due(entry, &judged, earliest, &times, random, config);
    let mut events: Vec<TraceEvent> =
        judged.iter().filter_map(|judged| event(judged, why.as_ref(), due, now)).collect();
    if let Some(event) = events.first_mut()
        && let Some(error) = unreadable
    {
        event.evidence.push(("envelope".into(), error.to_string()));
    }
    let report = report(entry, &envelope, &judged, why.as_ref(), config);
    let failed = judged.iter().filter(|judged| judged.has_failed()).count();
    let double_bounces = if entry.sender == ReversePath::Null && report.is_none() { failed } else { 0 };
    events.extend(dsn_event(report.as_ref(), double_bounces, now));

    let settlement = settlement(judged, why.as_ref(), due, config.text_octets);
    let mut ops = vec![Op::Settle { lease: claimed.lease, settlement }];
    if !events.is_empty() {
        ops.push(Op::Trace { id: entry.id.trace, events });
    }
    Settled { ops, report, double_bounces }
}

/// When the entry is tried again, if it is: as late as the recipient says that needs the longest wait, but not after
/// the time at which it expires, so that this is noticed.
fn next_due(
    entry: &QueueEntry,
    judged: &[Judged],
    earliest: Option<Timestamp>,
    times: &Times,
    random: u64,
    config: &SettleConfig,
) -> Timestamp {
    let attempts = entry.attempts.saturating_add(1);
    let deferred = judged.iter().filter(|judged| judged.fate == Fate::Deferred);
    let waits = deferred
        .filter_map(|judged| judged.state.last.as_ref())
        .map(|last| config.retry.wait(&entry.sender, attempts, last, random));
    let retry = waits.max().map_or(times.now, |wait| times.now.saturating_add(wait));
    let mut due = retry.max(earliest.unwrap_or(retry)).min(times.expires);
    // What waits for its destination is not tried before the warning is due, so that has to wake it.
    if let Some(warn_at) = times.warn_at.filter(|warn_at| *warn_at > times.now) {
        due = due.min(warn_at.max(retry));
    }
    due
}

fn settlement(
    judged: Vec<Judged>,
    why: Option<&Diagnostic>,
    due: Timestamp,
    text_octets: usize,
) -> Settlement {
    // As it was, and not counted, if nothing has happened: nobody is done, and nobody was told.
    if judged.iter().all(|judged| judged.fate == Fate::Waiting && judged.told.is_none()) {
        return Settlement::Return { due };
    }
    let deferred = judged.iter().find(|judged| judged.fate == Fate::Deferred);
    let note = deferred.and_then(|judged| judged.state.last.as_ref()).or(why).map(Diagnostic::summary);
    let note = note.map(|note| cut(&note, text_octets).to_owned()).unwrap_or_default();
    let recipients: Vec<QueueRecipient> =
        judged.into_iter().filter(Judged::is_left).map(Judged::into_recipient).collect();
    if recipients.is_empty() { Settlement::Ack } else { Settlement::Defer { due, recipients, note } }
}

/// The report that is due, if one is and there is somebody to send it to.
fn report(
    entry: &QueueEntry,
    envelope: &Envelope,
    judged: &[Judged],
    why: Option<&Diagnostic>,
    config: &SettleConfig,
) -> Option<Report> {
    let utf8 = envelope.smtputf8;
    let (to, told): (&Address, Vec<(&Judged, Action)>) = match &entry.sender {
        ReversePath::Address(sender) => {
            (sender, judged.iter().filter_map(|judged| Some((judged, judged.told?))).collect())
        }
        ReversePath::Null => {
            let postmaster = config.double_bounces_to.as_ref()?;
            // What was for the postmaster is not told to the postmaster again.
            let failed = judged
                .iter()
                .filter(|judged| judged.has_failed() && judged.recipient.address != *postmaster)
                .map(|judged| match judged.fate {
                    Fate::Expired => (judged, Action::Expired),
                    _ => (judged, Action::Failed),
                });
            (postmaster, failed.collect())
        }
    };
    let mut recipients = told.iter().map(|(judged, action)| judged.reported(*action, why, utf8));
    let mut message =
        DeliveryReport::new(config.host.clone(), config.from.clone(), to.clone(), recipients.next()?);
    recipients.for_each(|recipient| message.push(recipient));
    message.envelope_id = envelope.envid.as_ref().map(|id| id.decoded());
    message.arrived = Some(envelope.arrived);
    message.future_release = envelope.future_release.as_ref().map(|release| release.request.to_string());
    message.trace = Some(entry.id.trace);
    message.utf8 = utf8;
    message.returned = returned(entry, envelope, message.has_failure(), config);
    Some(Report { message, require_tls: envelope.require_tls })
}

/// What happened to one recipient, for the trace. Nothing, if nothing did.
fn event(judged: &Judged, why: Option<&Diagnostic>, due: Timestamp, now: Timestamp) -> Option<TraceEvent> {
    let (verdict, what) = match judged.fate {
        Fate::Done => (Verdict::Pass, "delivered"),
        Fate::Requeued => (Verdict::Pass, "goes on"),
        Fate::Deferred => (Verdict::Defer, "deferred"),
        Fate::Failed => (Verdict::Reject, "refused"),
        Fate::Expired => (Verdict::Reject, "expired"),
        Fate::Waiting => return None,
    };
    let last = judged.state.last.as_ref().or(why);
    let summary = last.map_or(what.to_owned(), |last| format!("{what}: {}", last.summary()));
    let mut event = TraceEvent::new(last.map_or(now, |last| last.at), Stage::Attempt, verdict, summary)
        .with_evidence("to", judged.recipient.address.to_string());
    if let Some(last) = last {
        event.reply = last.code.map(|code| (code, last.enhanced));
        event = event.with_evidence("stage", last.stage.as_str());
        if let (None, Some(enhanced)) = (last.code, last.enhanced) {
            event = event.with_evidence("status", enhanced.to_string());
        }
    }
    if judged.fate == Fate::Deferred {
        event = event.with_evidence("next", due.to_string());
    }
    if let Some(error) = judged.unreadable {
        event = event.with_evidence("state", error.to_string());
    }
    Some(event)
}

/// Whether somebody is told, for the trace.
fn dsn_event(report: Option<&Report>, double_bounces: usize, now: Timestamp) -> Option<TraceEvent> {
    match report {
        Some(report) => {
            let actions = report.message.recipients().map(|recipient| recipient.action.as_str());
            let mut actions: Vec<&str> = actions.collect();
            actions.dedup();
            let text = format!("report to <{}>: {}", report.to(), actions.join(", "));
            Some(TraceEvent::new(now, Stage::Dsn, Verdict::Pass, text))
        }
        None if double_bounces > 0 => {
            let text = "no report: the message has no sender (double bounce)";
            Some(TraceEvent::new(now, Stage::Dsn, Verdict::Reject, text))
        }
        None => None,
    }
}
