//! Postfix, Exim and OpenSMTPD when something is refused, or nobody is there.

use super::eventually;
use crate::support::{Authority, EXIM, Installation, Listeners, OPENSMTPD, POSTFIX, Peer, Way, Wire, route};

/// Our server, and where the other one will be.
fn ours() -> Option<(Installation, Listeners)> {
    let theirs = Listeners::free();
    let route = route("*", theirs.at(Way::StartTls), "opportunistic");
    Some((Installation::new("a.example", &route)?, theirs))
}

/// What we refuse comes back by way of them.
fn hears_of_refusal(peer: &'static Peer) {
    let (Some((a, theirs)), Some(authority)) = (ours(), Authority::new()) else { return };
    let Some(mta) = peer.start(theirs, Listeners([a.smtp; 4]), &authority) else { return };
    let _a = a.serve();
    let mut wire = Wire::smtp(mta.smtp());
    wire.expect("MAIL FROM:<ann@a.example>", "250");
    wire.expect("RCPT TO:<nobody@a.example>", "250");
    wire.expect("DATA", "354");
    wire.expect("Subject: for nobody\r\n\r\n.", "250");
    let report = eventually("their report arrives", || a.inbox("ann").pop());
    assert!(report.contains("Return-Path: <>\r\n") && report.contains("550"), "{report}");
    assert!(report.contains("nobody@a.example"), "{report}");
}

/// What waits for them arrives once when they are there; what they refuse comes back.
fn is_waited_for(peer: &'static Peer) {
    let (Some((a, theirs)), Some(authority)) = (ours(), Authority::new()) else { return };
    let serving = a.serve();
    a.send("ann", &[&format!("ann@{}", peer.domain)], "Subject: patient\r\n\r\n");
    let why = eventually("it is deferred", || {
        let entry = a.queued().into_iter().find(|entry| entry["queue_name"] == "deferred")?;
        entry["recipients"][0]["delay_reason"].as_str().map(ToOwned::to_owned)
    });
    assert!(why.contains("4.4.1"), "{why}");
    let Some(mta) = peer.start(theirs, Listeners([a.smtp; 4]), &authority) else { return };
    a.queue(&["retry", "--domain", peer.domain]).ok();
    eventually("it goes", || a.queued().is_empty().then_some(()));
    eventually("it arrives", || (!mta.mail("ann").is_empty()).then_some(()));
    a.queue(&["retry", "--all"]).ok();

    let nobody = format!("nobody@{}", peer.domain);
    a.send("ann", &[&nobody], "Subject: for nobody\r\n\r\n");
    let report = eventually("our report is there", || a.inbox("ann").pop());
    assert!(report.contains(&format!("Final-Recipient: rfc822; {nobody}\r\n")), "{report}");
    assert!(
        report.contains("Action: failed\r\n") && report.contains("Diagnostic-Code: smtp; 550"),
        "{report}"
    );
    assert_eq!(mta.mail("ann").len(), 1, "{:#?}", mta.mail("ann"));
    serving.stop();
}

#[test]
fn postfix_hears_of_refusal() {
    hears_of_refusal(&POSTFIX);
}

#[test]
fn postfix_is_waited_for() {
    is_waited_for(&POSTFIX);
}

#[test]
fn exim_hears_of_refusal() {
    hears_of_refusal(&EXIM);
}

#[test]
fn exim_is_waited_for() {
    is_waited_for(&EXIM);
}

#[test]
fn opensmtpd_hears_of_refusal() {
    hears_of_refusal(&OPENSMTPD);
}

#[test]
fn opensmtpd_is_waited_for() {
    is_waited_for(&OPENSMTPD);
}
