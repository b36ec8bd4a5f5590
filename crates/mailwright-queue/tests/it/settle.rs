//! What an attempt comes to.

use mailwright_core::{ReversePath, Stage, Timestamp, Verdict};
use mailwright_message::report::{Action, ReportRecipient, ReturnedPart};
use mailwright_queue::{
    Attempt, Body, DeliverBy, Diagnostic, Envelope, EnvelopeId, FutureRelease, Late, Notify, OriginalAddress,
    RecipientOutcome, RecipientState, ReleaseRequest, Ret, SettleConfig, Settled, settle,
};
use mailwright_store::{Claimed, Op, Opaque, Settlement};

use crate::fixture::{
    ARRIVED, DAY, HOUR, MINUTE, address, after, claimed, domain, enhanced, no_answer, said, sender,
};

fn config() -> SettleConfig {
    let mut config = SettleConfig::new(domain("mx.sender.example"), address("postmaster@sender.example"));
    config.retry.jitter = 0;
    config
}

fn notify(value: Option<&str>) -> RecipientState {
    let on = |value: &str| Notify::On {
        success: value.contains("SUCCESS"),
        failure: value.contains("FAILURE"),
        delay: value.contains("DELAY"),
    };
    let notify = value.map(|value| if value == "NEVER" { Notify::Never } else { on(value) });
    RecipientState { notify, ..RecipientState::default() }
}

fn tried(outcomes: Vec<RecipientOutcome>) -> Attempt {
    Attempt::Tried { outcomes, not_before: None }
}

fn settled(claimed: &Claimed, outcomes: Vec<RecipientOutcome>, now: Timestamp) -> Settled {
    settle(claimed, tried(outcomes), now, 0, &config())
}

fn settlement(settled: &Settled) -> &Settlement {
    match &settled.ops[0] {
        Op::Settle { settlement, .. } => settlement,
        other => panic!("not a settlement: {other:?}"),
    }
}

/// `ack`, `return +5m`, `defer +5m bob@dest.example`: times from the arrival.
fn shown(settled: &Settled) -> String {
    let minutes = |due: Timestamp| (due.0 - ARRIVED.0) / MINUTE;
    match settlement(settled) {
        Settlement::Ack => "ack".to_owned(),
        Settlement::Return { due } => format!("return +{}m", minutes(*due)),
        Settlement::Defer { due, recipients, .. } => {
            let left: Vec<String> = recipients.iter().map(|left| left.address.to_string()).collect();
            format!("defer +{}m {}", minutes(*due), left.join(" "))
        }
        other => format!("{other:?}"),
    }
}

/// `to ann@sender.example: failed 5.1.1 bob@dest.example`
fn told(settled: &Settled) -> String {
    let Some(report) = &settled.report else { return "nobody".to_owned() };
    let about = |to: &ReportRecipient| format!("{} {} {}", to.action.as_str(), to.status, to.address);
    let about: Vec<String> = report.message.recipients().map(about).collect();
    format!("to {}: {}", report.to(), about.join(", "))
}

fn one(state: RecipientState) -> Claimed {
    claimed(sender(), &Envelope::new(ARRIVED), vec![("bob@dest.example", state)], 0)
}

/// RFC 3461 §5.2.2, §5.2.3, §5.2.5, §5.2.6: each NOTIFY with each outcome, of a message that is five hours old.
#[test]
fn who_is_told_what() {
    let outcomes = [
        ("delivered", RecipientOutcome::Delivered(said("250 2.0.0 ok"))),
        ("expanded", RecipientOutcome::Expanded(said("250 2.0.0 ok"))),
        (
            "relayed",
            RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: false, deliver_by: true },
        ),
        (
            "relayed with DSN",
            RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: true, deliver_by: true },
        ),
        ("requeued", RecipientOutcome::Requeued(said("250 2.0.0 ok"))),
        ("deferred", RecipientOutcome::Deferred(said("450 4.2.1 not now"))),
        ("failed", RecipientOutcome::Failed(said("550 5.1.1 no such user"))),
        ("not tried", RecipientOutcome::NotTried),
    ];
    let success = ["delivered 2.0.0", "expanded 2.0.0", "relayed 2.0.0", "", "", "", "", ""];
    let failure = ["", "", "", "", "", "", "failed 5.1.1", ""];
    let delay = ["", "", "", "", "", "delayed 4.2.1", "", "delayed 4.0.0"];
    let both = |one: [&'static str; 8], other: [&'static str; 8]| {
        std::array::from_fn(|at| if one[at].is_empty() { other[at] } else { one[at] })
    };
    let none = [""; 8];
    let table: [(Option<&str>, [&str; 8]); 9] = [
        (None, both(failure, delay)),
        (Some("NEVER"), none),
        (Some("SUCCESS"), success),
        (Some("FAILURE"), failure),
        (Some("DELAY"), delay),
        (Some("SUCCESS,FAILURE"), both(success, failure)),
        (Some("SUCCESS,DELAY"), both(success, delay)),
        (Some("FAILURE,DELAY"), both(failure, delay)),
        (Some("SUCCESS,FAILURE,DELAY"), both(success, both(failure, delay))),
    ];
    for (value, expected) in table {
        for ((name, outcome), expected) in outcomes.iter().zip(expected) {
            let what = format!("{value:?}, {name}");
            let told_sender = match expected {
                "" => "nobody".to_owned(),
                expected => format!("to ann@sender.example: {expected} bob@dest.example"),
            };
            let settled_one = settled(&one(notify(value)), vec![outcome.clone()], after(5 * HOUR));
            assert_eq!(told(&settled_one), told_sender, "{what}");
            // Never to nobody.
            let mut bounce = one(notify(value));
            bounce.entry.sender = ReversePath::Null;
            let settled_bounce = settled(&bounce, vec![outcome.clone()], after(5 * HOUR));
            assert_eq!(told(&settled_bounce), "nobody", "{what}");
            assert_eq!(settled_bounce.double_bounces, usize::from(*name == "failed"), "{what}");
        }
    }
}

/// RFC 2852 §4.1.3: who has set a time is told when it is over, unless of delays nothing is to be told.
#[test]
fn who_has_set_a_time_is_told() {
    let deferred = || vec![RecipientOutcome::Deferred(said("450 4.2.1 not now"))];
    let told_at = |late, notified, now| {
        let by = Some(DeliverBy { at: after(HOUR), late, trace: false });
        let envelope = Envelope { by, ..Envelope::new(ARRIVED) };
        let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", notify(notified))], 0);
        let settled = settled(&claimed, deferred(), now);
        (told(&settled) != "nobody", shown(&settled))
    };
    for (late, notified, now, is_told) in [
        (Late::Notify, None, after(HOUR - 1), false),
        (Late::Notify, None, after(HOUR), true),
        (Late::Notify, Some("DELAY"), after(HOUR), true),
        (Late::Notify, Some("FAILURE"), after(HOUR), false),
        (Late::Notify, Some("FAILURE,DELAY"), after(HOUR - 1), false),
        (Late::Notify, Some("NEVER"), after(5 * HOUR), false),
        (Late::Return, None, after(2 * HOUR), false),
        (Late::Return, None, after(5 * HOUR), true),
    ] {
        assert_eq!(told_at(late, notified, now).0, is_told, "{late:?} {notified:?}");
    }
}

/// RFC 2852 §4.1.4: who has set a time is told where it is no longer kept; with `T`, of each server on the way.
#[test]
fn who_has_set_a_time_is_told_of_servers() {
    let (kept, unknown) = (true, false);
    for (late, trace, notified, deliver_by, now, is_told) in [
        (Late::Notify, false, None, kept, MINUTE, false),
        (Late::Notify, false, None, unknown, MINUTE, true),
        (Late::Notify, false, Some("FAILURE"), unknown, MINUTE, true),
        (Late::Notify, false, Some("NEVER"), unknown, MINUTE, false),
        // There is no time left to keep.
        (Late::Notify, false, None, unknown, HOUR, false),
        // Mail of this kind does not go there.
        (Late::Return, false, None, unknown, MINUTE, false),
        (Late::Return, true, None, kept, MINUTE, true),
        (Late::Notify, true, Some("FAILURE"), kept, 2 * HOUR, true),
        (Late::Notify, true, Some("NEVER"), unknown, MINUTE, false),
    ] {
        let by = Some(DeliverBy { at: after(HOUR), late, trace });
        let envelope = Envelope { by, ..Envelope::new(ARRIVED) };
        let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", notify(notified))], 0);
        let relayed = RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: true, deliver_by };
        let told = told(&settled(&claimed, vec![relayed], after(now)));
        let expected =
            if is_told { "to ann@sender.example: relayed 2.0.0 bob@dest.example" } else { "nobody" };
        assert_eq!(told, expected, "{late:?} {trace} {notified:?} {deliver_by}");
    }
}

/// RFC 2852 §4.1.3: the status of what is late.
#[test]
fn what_is_late_has_a_status_of_its_own() {
    for (late, now, expected) in [
        (Late::Return, HOUR, "to ann@sender.example: failed 5.4.7 bob@dest.example"),
        (Late::Notify, HOUR, "to ann@sender.example: delayed 4.4.7 bob@dest.example"),
    ] {
        let by = Some(DeliverBy { at: after(HOUR), late, trace: false });
        let envelope = Envelope { by, ..Envelope::new(ARRIVED) };
        let mut claimed = claimed(sender(), &envelope, vec![("bob@dest.example", notify(None))], 0);
        if late == Late::Return {
            claimed.entry.expires = after(HOUR);
        }
        let deferred = vec![RecipientOutcome::Deferred(said("450 4.2.1 not now"))];
        assert_eq!(told(&settled(&claimed, deferred, after(now))), expected);
    }
}

/// RFC 3461 §4.3, §6.2; RFC 8689 §5: what of a message of 10,000 octets, 300 of them header, comes back.
#[test]
fn what_is_returned() {
    let full = Some((ReturnedPart::Full, 10_000));
    let header = Some((ReturnedPart::Header, 300));
    let base = Envelope { header: 300, ..Envelope::new(ARRIVED) };
    let with = |ret| Envelope { ret, ..base.clone() };
    let failed = || RecipientOutcome::Failed(said("550 5.1.1 no such user"));
    let relayed =
        || RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: false, deliver_by: true };
    let (as_is, small) = (10_000, 9_999);
    let table = [
        ("RET=FULL", with(Some(Ret::Full)), failed(), as_is, full),
        ("RET=FULL, too large", with(Some(Ret::Full)), failed(), small, header),
        ("RET=HDRS", with(Some(Ret::Headers)), failed(), as_is, header),
        ("no RET, small", with(None), failed(), as_is, full),
        ("no RET, large", with(None), failed(), small, header),
        ("no failure", with(Some(Ret::Full)), relayed(), as_is, header),
        ("REQUIRETLS", Envelope { require_tls: true, ..with(Some(Ret::Full)) }, failed(), as_is, header),
        ("binary", Envelope { body: Body::BinaryMime, ..with(Some(Ret::Full)) }, failed(), as_is, header),
        ("header not counted", Envelope { header: 0, ..with(Some(Ret::Headers)) }, failed(), as_is, None),
    ];
    for (what, envelope, outcome, bound, expected) in table {
        let state = notify(Some("SUCCESS,FAILURE"));
        let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", state)], 0);
        let mut config = config();
        (config.return_asked, config.return_unasked) = (bound, bound);
        let report = settle(&claimed, tried(vec![outcome]), after(MINUTE), 0, &config).report.unwrap();
        assert_eq!(report.require_tls, envelope.require_tls);
        let returned = report.message.returned.as_ref().map(|returned| (returned.part, returned.range.end));
        assert_eq!(returned, expected, "{what}");
    }
}

#[test]
fn what_becomes_of_the_entry() {
    let two = |attempts| {
        let recipients = ["bob@dest.example", "carl@dest.example"].map(|to| (to, RecipientState::default()));
        claimed(sender(), &Envelope::new(ARRIVED), recipients.into(), attempts)
    };
    let relayed =
        || RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: false, deliver_by: true };
    let deferred = |reply| RecipientOutcome::Deferred(said(reply));
    let failed = || RecipientOutcome::Failed(said("550 5.1.1 no such user"));
    let not_tried = || RecipientOutcome::NotTried;
    let late = 5 * DAY / MINUTE - 1;
    for (outcomes, attempts, minutes, entry, report) in [
        (vec![relayed(), relayed()], 0, 0, "ack", "nobody"),
        (vec![relayed(), deferred("450 4.2.1 no")], 0, 0, "defer +1m carl@dest.example", "nobody"),
        (vec![deferred("450 4.2.1 no"), relayed()], 3, 60, "defer +90m bob@dest.example", "nobody"),
        (
            vec![failed(), deferred("450 4.2.1 no")],
            0,
            0,
            "defer +1m carl@dest.example",
            "to ann@sender.example: failed 5.1.1 bob@dest.example",
        ),
        (
            vec![failed(), failed()],
            0,
            0,
            "ack",
            "to ann@sender.example: failed 5.1.1 bob@dest.example, failed 5.1.1 carl@dest.example",
        ),
        // What goes on in another entry is none of this one's.
        (
            vec![RecipientOutcome::Requeued(said("250 2.0.0 ok")), deferred("450 4.2.1 no")],
            0,
            0,
            "defer +1m carl@dest.example",
            "nobody",
        ),
        // Greylisting: as long as the server says, or some minutes.
        (
            vec![deferred("451 4.7.1 greylisted"), not_tried()],
            0,
            0,
            "defer +6m bob@dest.example carl@dest.example",
            "nobody",
        ),
        (
            vec![deferred("450 4.2.1 no"), deferred("451 4.7.1 greylisted for 10 minutes")],
            0,
            0,
            "defer +10m bob@dest.example carl@dest.example",
            "nobody",
        ),
        // One was done and the other not reached: it must not be done again.
        (vec![relayed()], 0, 0, "defer +0m carl@dest.example", "nobody"),
        (vec![], 0, 0, "return +0m", "nobody"),
        // The last attempt comes when the time is over, and not after.
        (
            vec![deferred("450 4.2.1 no"), relayed()],
            9,
            late,
            "defer +7200m bob@dest.example",
            "to ann@sender.example: delayed 4.2.1 bob@dest.example",
        ),
        (
            vec![deferred("450 4.2.1 no"), not_tried()],
            9,
            late + 1,
            "ack",
            "to ann@sender.example: failed 4.2.1 bob@dest.example, failed 4.4.7 carl@dest.example",
        ),
        (
            vec![relayed(), deferred("450 4.2.1 no")],
            9,
            late + 2,
            "ack",
            "to ann@sender.example: failed 4.2.1 carl@dest.example",
        ),
    ] {
        let settled = settled(&two(attempts), outcomes.clone(), after(minutes * MINUTE));
        assert_eq!((shown(&settled).as_str(), told(&settled).as_str()), (entry, report), "{outcomes:?}");
    }
}

/// What belongs to a destination that does not answer is not tried, but warned of and given up all the same.
#[test]
fn what_is_not_tried() {
    let untried = |state: RecipientState, minutes: i64| {
        let attempt = Attempt::Untried { until: after((minutes + 30) * MINUTE), why: Some(no_answer()) };
        settle(&one(state), attempt, after(minutes * MINUTE), 0, &config())
    };
    let warned = RecipientState { warned: true, ..RecipientState::default() };
    for (state, minutes, entry, report) in [
        (RecipientState::default(), 0, "return +30m", "nobody"),
        (RecipientState::default(), 220, "return +240m", "nobody"),
        (
            RecipientState::default(),
            240,
            "defer +270m bob@dest.example",
            "to ann@sender.example: delayed 4.4.1 bob@dest.example",
        ),
        (warned.clone(), 240, "return +270m", "nobody"),
        (warned.clone(), 5 * 24 * 60 - 10, "return +7200m", "nobody"),
        (warned, 5 * 24 * 60, "ack", "to ann@sender.example: failed 4.4.1 bob@dest.example"),
    ] {
        let settled = untried(state, minutes);
        assert_eq!((shown(&settled).as_str(), told(&settled).as_str()), (entry, report), "after {minutes}m");
    }
    let expired = untried(RecipientState::default(), 5 * 24 * 60);
    let report = expired.report.unwrap();
    let recipient = report.message.recipients().next().unwrap();
    assert_eq!((recipient.action, recipient.last_attempt), (Action::Expired, None), "it was never tried");
}

#[test]
fn a_delay_is_told_once() {
    let mut entry = one(RecipientState::default());
    let mut warnings = 0;
    for hours in 1..100 {
        let settled =
            settled(&entry, vec![RecipientOutcome::Deferred(said("450 4.2.1 no"))], after(hours * HOUR));
        warnings += usize::from(settled.report.is_some());
        let Settlement::Defer { recipients, .. } = settlement(&settled) else { panic!("it is deferred") };
        assert_eq!(RecipientState::decode(&recipients[0].params).unwrap().warned, hours >= 4);
        entry.entry.recipients = recipients.clone();
    }
    assert_eq!(warnings, 1);
    let mut silent = config();
    silent.warn_after = None;
    let deferred = tried(vec![RecipientOutcome::Deferred(said("450 4.2.1 no"))]);
    assert_eq!(settle(&one(RecipientState::default()), deferred, after(DAY), 0, &silent).report, None);
}

/// RFC 4865 §4.2.5, §5.1.2: what was held is late no sooner, and a report tells that it was.
#[test]
fn what_was_held_is_as_if_it_had_come_then() {
    let held = FutureRelease { at: after(9 * HOUR), request: ReleaseRequest::For(32_400) };
    let envelope = Envelope { future_release: Some(held), ..Envelope::new(ARRIVED) };
    let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", RecipientState::default())], 0);
    let deferred = || vec![RecipientOutcome::Deferred(said("450 4.2.1 no"))];
    assert_eq!(settled(&claimed, deferred(), after(13 * HOUR - 1)).report, None);
    let report = settled(&claimed, deferred(), after(13 * HOUR)).report.unwrap().message;
    assert_eq!((report.arrived, report.future_release.as_deref()), (Some(ARRIVED), Some("for;32400")));
}

/// RFC 3461 §6.3
#[test]
fn parameters_come_back_in_the_report() {
    let envelope =
        Envelope { envid: EnvelopeId::from_xtext("QQ+3D1"), smtputf8: true, ..Envelope::new(ARRIVED) };
    let orcpt = OriginalAddress::from_orcpt("utf-8;j\\x{FC}rgen@x.example");
    let state = RecipientState { orcpt, ..RecipientState::default() };
    let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", state)], 0);
    let failed = RecipientOutcome::Failed(said("550 5.6.7 no SMTPUTF8"));
    let report = settled(&claimed, vec![failed], after(MINUTE)).report.unwrap();
    let message = &report.message;
    assert_eq!(
        (message.envelope_id.as_deref(), message.arrived, message.utf8),
        (Some("QQ=1"), Some(ARRIVED), true)
    );
    let recipient = message.recipients().next().unwrap();
    assert_eq!(recipient.original.as_ref().unwrap().address, "jürgen@x.example");
    assert_eq!(recipient.remote_mta.as_deref(), Some("mx.dest.example"));
}

/// RFC 3461 §6.1: from nobody, never to be reported on.
#[test]
fn a_report_becomes_an_entry() {
    let envelope = Envelope { require_tls: true, ..Envelope::new(ARRIVED) };
    let claimed = claimed(sender(), &envelope, vec![("bob@dest.example", RecipientState::default())], 0);
    let failed = RecipientOutcome::Failed(said("550 5.1.1 no such user"));
    let report = settled(&claimed, vec![failed], after(MINUTE)).report.unwrap();
    let written = report.message.write(after(MINUTE), [3; 16]);
    let (trace, blob) = (claimed.entry.id.trace, claimed.entry.blob);
    let config = config();
    let outgoing = report.outgoing(trace, after(MINUTE), blob, &written, 0);
    let entries = outgoing.entries(&config.accept, &config.retry);
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((&entry.sender, entry.route.as_str()), (&ReversePath::Null, "sender.example"));
    assert_eq!(entry.expires, after(MINUTE + 2 * DAY));
    let envelope = Envelope::decode(&entry.envelope).unwrap();
    assert_eq!((envelope.require_tls, envelope.ret, envelope.envid), (true, None, None));
    let state = RecipientState::decode(&entry.recipients[0].params).unwrap();
    assert_eq!(state.notify, Some(Notify::Never));
}

#[test]
fn a_double_bounce_goes_to_the_postmaster_if_there_is_one() {
    let mut config = config();
    config.double_bounces_to = Some(address("postmaster@sender.example"));
    let failed = || tried(vec![RecipientOutcome::Failed(said("550 5.1.1 no such user"))]);
    let mut bounce = one(notify(Some("NEVER")));
    bounce.entry.sender = ReversePath::Null;
    let settled = settle(&bounce, failed(), after(MINUTE), 0, &config);
    assert_eq!(told(&settled), "to postmaster@sender.example: failed 5.1.1 bob@dest.example");
    assert_eq!(settled.double_bounces, 0);
    // And if that fails too, it ends.
    bounce.entry.recipients[0].address = address("postmaster@sender.example");
    let settled = settle(&bounce, failed(), after(MINUTE), 0, &config);
    assert_eq!((told(&settled).as_str(), settled.double_bounces), ("nobody", 1));
}

#[test]
fn what_happened_is_traced() {
    let recipients = ["bob@dest.example", "carl@dest.example", "dora@dest.example"];
    let recipients = recipients.map(|to| (to, RecipientState::default())).into();
    let claimed = claimed(sender(), &Envelope::new(ARRIVED), recipients, 0);
    let outcomes = vec![
        RecipientOutcome::Relayed { diagnostic: said("250 2.0.0 ok"), dsn: true, deliver_by: true },
        RecipientOutcome::Deferred(no_answer()),
        RecipientOutcome::Failed(said("550 5.1.1 no such user")),
    ];
    let settled = settled(&claimed, outcomes, after(MINUTE));
    let Op::Trace { id, events } = &settled.ops[1] else { panic!("a trace follows") };
    assert_eq!(*id, claimed.entry.id.trace);
    let shown: Vec<_> =
        events.iter().map(|event| (event.stage, event.verdict, event.text.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Stage::Attempt, Verdict::Pass, "delivered: mx.dest.example: 250 2.0.0 ok"),
            (Stage::Attempt, Verdict::Defer, "deferred: 4.4.1 no answer from mx.dest.example"),
            (Stage::Attempt, Verdict::Reject, "refused: mx.dest.example: 550 5.1.1 no such user"),
            (Stage::Dsn, Verdict::Pass, "report to <ann@sender.example>: failed"),
        ]
    );
    assert!(events[1].evidence.contains(&("stage".into(), "connect".to_owned())));
}

/// Nothing that was kept badly stops a message.
#[test]
fn damage_is_told_and_passed_over() {
    let mut claimed = one(RecipientState::default());
    claimed.entry.envelope = Opaque { version: 77, ..Opaque::default() };
    claimed.entry.recipients[0].params = Opaque { version: 1, bytes: bytes::Bytes::from_static(b"\xff") };
    let settled = settled(&claimed, vec![RecipientOutcome::Failed(said("550 5.1.1 no"))], after(MINUTE));
    assert_eq!(told(&settled), "to ann@sender.example: failed 5.1.1 bob@dest.example");
    let Op::Trace { events, .. } = &settled.ops[1] else { panic!("a trace follows") };
    assert!(events[0].evidence.contains(&("envelope".into(), "written in version 77".to_owned())));
    assert!(events[0].evidence.contains(&("state".into(), "damaged".to_owned())));
}

#[test]
fn what_a_peer_says_is_bounded() {
    let endless = Diagnostic { text: "ü".repeat(100_000), ..said("450 4.2.1 x") };
    let settled =
        settled(&one(RecipientState::default()), vec![RecipientOutcome::Deferred(endless)], after(0));
    let Settlement::Defer { recipients, note, .. } = settlement(&settled) else { panic!("it is deferred") };
    assert!(recipients[0].params.bytes.len() < 1_200 && note.len() <= 1_000);
    let status = enhanced(4, 2, 1);
    assert_eq!(RecipientState::decode(&recipients[0].params).unwrap().last.unwrap().enhanced, Some(status));
}
