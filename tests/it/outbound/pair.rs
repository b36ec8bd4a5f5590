//! From one server of ours to another, and to one that refuses.

use super::eventually;
use super::sink::Sink;
use crate::support::{Installation, route};

/// Two servers, of which the first sends to the second.
fn pair() -> Option<[Installation; 2]> {
    let b = Installation::new("b.example", "")?;
    let a = Installation::new("a.example", &route("b.example", b.smtp, "opportunistic"))?;
    Some([a, b])
}

/// The only message, when it is there.
#[track_caller]
fn only(of: &Installation, user: &str) -> String {
    let mut inbox =
        eventually("the message arrives", || Some(of.inbox(user)).filter(|inbox| !inbox.is_empty()));
    assert_eq!(inbox.len(), 1, "{inbox:#?}");
    inbox.remove(0)
}

#[test]
fn a_message_for_here_and_there() {
    let Some([a, b]) = pair() else { return };
    let (_a, _b) = (a.serve(), b.serve());
    a.send("ann", &["bob@a.example", "ann@b.example", "bob@b.example"], "Subject: both\r\n\r\n..dot\r\n");

    let here = only(&a, "bob");
    assert!(
        here.contains("Return-Path: <ann@a.example>\r\n") && here.contains("Subject: both\r\n"),
        "{here}"
    );
    for user in ["ann", "bob"] {
        let there = only(&b, user);
        assert!(there.contains("Subject: both\r\n\r\n.dot\r\n"), "{there}");
        // RFC 5321 §4.4: the last server puts it there, and no other.
        assert_eq!(there.matches("Return-Path:").count(), 1, "{there}");
        assert!(there.contains("Return-Path: <ann@a.example>\r\n"), "{there}");
        assert_eq!(there.matches("Received: from ").count(), 2, "{there}");
        // Opportunistic: the certificate is nobody's.
        let hop = there.split("Received: from ").nth(1).unwrap();
        assert!(hop.starts_with("mx.a.example ") && hop.contains("with ESMTPS"), "{there}");
    }
    eventually("the queue is empty", || a.queued().is_empty().then_some(()));
}

#[test]
fn what_is_refused_comes_back() {
    let Some([a, b]) = pair() else { return };
    let (_a, _b) = (a.serve(), b.serve());
    a.send("ann", &["nobody@b.example", "ann@b.example"], "Subject: lost\r\nX-Kept: yes\r\n\r\ntext\r\n");
    // Who is known gets it all the same.
    only(&b, "ann");

    let report = only(&a, "ann");
    for part in [
        "Return-Path: <>\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Content-Type: message/delivery-status\r\n",
        "Reporting-MTA: dns; mx.a.example\r\n",
        "Final-Recipient: rfc822; nobody@b.example\r\n",
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 ",
        "Auto-Submitted: auto-replied\r\n",
        "X-Kept: yes\r\n",
    ] {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
    assert!(!report.contains("rfc822; ann@b.example"), "who got it is not reported:\n{report}");
    assert_eq!(a.queued(), [0; 0]);
}

/// RFC 5321 §7.1
#[test]
fn strangers_are_not_relayed() {
    let Some([a, b]) = pair() else { return };
    let (_a, _b) = (a.serve(), b.serve());
    for from in ["ann@a.example", "ann@b.example", "x@elsewhere.example"] {
        let mut stranger = a.stranger();
        stranger.expect(format!("MAIL FROM:<{from}>"), "250");
        let refused = stranger.expect("RCPT TO:<ann@b.example>", "550");
        assert!(refused.contains("relaying denied"), "{refused}");
        stranger.expect("RCPT TO:<ann@a.example>", "250");
        stranger.expect("DATA", "354");
        stranger.expect("Subject: for ann\r\n\r\n.", "250");
    }
    // Nobody sends as somebody else.
    a.login("ann").expect("MAIL FROM:<bob@a.example>", "550");
    assert_eq!(a.inbox("ann").len(), 3);
    assert!(a.queued().is_empty() && b.inbox("ann").is_empty());
}

#[test]
fn what_is_deferred_arrives_once() {
    let sink = Sink::start();
    let Some(a) = Installation::new("a.example", &route("*", sink.smtp, "never")) else { return };
    let _a = a.serve();
    a.send("ann", &["later@x.example", "soon@x.example"], "Subject: later\r\n\r\n");
    // Only who was asked to wait does.
    let entry = eventually("it is deferred", || {
        let queued = a.queued().into_iter().next();
        queued.filter(|entry| entry["queue_name"] == "deferred" && entry["attempts"] == 1)
    });
    let waits = entry["recipients"].as_array().unwrap();
    assert_eq!(waits.len(), 1, "{entry}");
    assert_eq!(waits[0]["address"], "later@x.example");
    let why = waits[0]["delay_reason"].as_str().unwrap();
    assert!(why.contains("451 4.2.0 ") && why.contains("come back"), "{why}");
    a.queue(&["retry", "--all"]).ok();
    eventually("the queue is empty", || a.queued().is_empty().then_some(()));
    let taken: Vec<_> = sink.taken().into_iter().map(|taken| taken.to).collect();
    assert_eq!(taken, [["soon@x.example"], ["later@x.example"]]);
    for taken in sink.taken() {
        assert_eq!(taken.from, "<ann@a.example>");
        assert!(
            taken.message.starts_with("Received: from ") && taken.message.ends_with("Subject: later\r\n\r\n")
        );
    }
    assert_eq!(a.inbox("ann"), [""; 0], "nobody is told of a short delay");
}

/// What was taken before a stop goes out after the start.
#[test]
fn the_queue_outlives_a_restart() {
    let Some([a, b]) = pair() else { return };
    let serving = a.serve();
    a.send("ann", &["ann@b.example"], "Subject: patient\r\n\r\n");
    let why = eventually("nobody answers", || {
        let entry = a.queued().into_iter().next()?;
        entry["recipients"][0]["delay_reason"].as_str().map(ToOwned::to_owned)
    });
    assert!(why.contains("4.4.1"), "{why}");
    serving.stop();
    // Also told, and changed, while no server is at work.
    assert_eq!(a.queued().len(), 1);
    a.queue(&["retry", "--all"]).ok();
    let (_a, _b) = (a.serve(), b.serve());
    a.queue(&["retry", "--all"]).ok();
    assert!(only(&b, "ann").contains("Subject: patient\r\n"));
    eventually("the queue is empty", || a.queued().is_empty().then_some(()));
}
