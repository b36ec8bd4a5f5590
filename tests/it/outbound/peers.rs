//! Postfix and Exim: they take our mail, and we theirs.

use std::net::SocketAddr;

use super::eventually;
use crate::support::{Installation, Mta, Wire, exim, free_addrs, postfix, route};

/// Starts a server that listens there, and passes on mail for `a.example` there.
type Start = fn(SocketAddr, SocketAddr) -> Option<Mta>;

const POSTFIX: (Start, &str) = (postfix, "postfix.example");
const EXIM: (Start, &str) = (exim, "exim.example");

/// Our server, and where the other one will be.
fn ours() -> Option<(Installation, SocketAddr)> {
    let [theirs] = free_addrs();
    Some((Installation::new("a.example", &route("*", theirs, "opportunistic"))?, theirs))
}

/// Our mail in their mailbox, whose name is in a reply of theirs; by TLS, with dots and long lines as they were.
fn takes_our_mail((start, domain): (Start, &str)) {
    let Some((a, theirs)) = ours() else { return };
    let Some(mta) = start(theirs, a.smtp) else { return };
    let serving = a.serve();
    let long = "x".repeat(990);
    // What is missing in a header Postfix adds.
    let header = "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\nFrom: ann@a.example\r\nMessage-ID: <1@a.example>";
    let message = format!("{header}\r\nSubject: to them\r\n\r\n..a dot\r\n{long}\r\nFrom here\r\n");
    a.send("ann", &[&format!("ann@{domain}")], &message);
    let mail = eventually("it arrives", || mta.mail().pop());
    let lower = mail.to_ascii_lowercase();
    assert!(lower.starts_with("return-path: <ann@a.example>\n"), "{mail}");
    assert_eq!(lower.matches("return-path:").count(), 1, "{mail}");
    assert!(mail.contains(&format!("Subject: to them\n\n.a dot\n{long}\nFrom here\n")), "{mail}");
    let hop = mail.split("Received: ").nth(1).unwrap_or_else(|| panic!("{mail}")).to_ascii_lowercase();
    assert!(hop.contains("mx.a.example") && hop.contains("with esmtps") && hop.contains("tls"), "{mail}");
    eventually("the queue is empty", || a.queued().is_empty().then_some(()));
    assert_eq!(mta.mail().len(), 1);
    serving.stop();
}

/// Their mail in our mailbox, by TLS; and what we refuse comes back by way of them.
fn brings_us_mail((start, domain): (Start, &str)) {
    let Some((a, theirs)) = ours() else { return };
    let Some(mta) = start(theirs, a.smtp) else { return };
    let _a = a.serve();
    let mut wire = Wire::smtp(mta.smtp);
    wire.mail("bob@a.example", "Subject: from outside\r\n\r\n..a dot\r\n");
    let mail = eventually("it arrives", || a.inbox("bob").pop());
    assert!(mail.contains("Subject: from outside\r\n") && mail.contains("\r\n\r\n.a dot\r\n"), "{mail}");
    assert!(mail.contains("Return-Path: <app@client.example>\r\n"), "{mail}");
    let hop = format!("Received: from mx.{domain} ");
    let hop = mail.split(&hop).nth(1).unwrap_or_else(|| panic!("{mail}"));
    assert!(hop.split("Received: ").next().unwrap().contains("with ESMTPS"), "{mail}");

    wire.expect("MAIL FROM:<ann@a.example>", "250");
    wire.expect("RCPT TO:<nobody@a.example>", "250");
    wire.expect("DATA", "354");
    wire.expect("Subject: for nobody\r\n\r\n.", "250");
    let report = eventually("their report arrives", || a.inbox("ann").pop());
    assert!(report.contains("Return-Path: <>\r\n") && report.contains("550"), "{report}");
    assert!(report.contains("nobody@a.example"), "{report}");
}

/// What waits for them arrives once when they are there; what they refuse comes back.
fn is_waited_for((start, domain): (Start, &str)) {
    let Some((a, theirs)) = ours() else { return };
    let serving = a.serve();
    a.send("ann", &[&format!("ann@{domain}")], "Subject: patient\r\n\r\n");
    let why = eventually("it is deferred", || {
        let entry = a.queued().into_iter().find(|entry| entry["queue_name"] == "deferred")?;
        entry["recipients"][0]["delay_reason"].as_str().map(ToOwned::to_owned)
    });
    assert!(why.contains("4.4.1"), "{why}");
    let Some(mta) = start(theirs, a.smtp) else { return };
    a.queue(&["retry", "--domain", domain]).ok();
    eventually("it goes", || a.queued().is_empty().then_some(()));
    eventually("it arrives", || (!mta.mail().is_empty()).then_some(()));
    a.queue(&["retry", "--all"]).ok();

    a.send("ann", &[&format!("nobody@{domain}")], "Subject: for nobody\r\n\r\n");
    let report = eventually("our report is there", || a.inbox("ann").pop());
    assert!(report.contains(&format!("Final-Recipient: rfc822; nobody@{domain}\r\n")), "{report}");
    assert!(
        report.contains("Action: failed\r\n") && report.contains("Diagnostic-Code: smtp; 550"),
        "{report}"
    );
    assert_eq!(mta.mail().len(), 1, "{:#?}", mta.mail());
    serving.stop();
}

#[test]
fn postfix_takes_our_mail() {
    takes_our_mail(POSTFIX);
}

#[test]
fn postfix_brings_us_mail() {
    brings_us_mail(POSTFIX);
}

#[test]
fn postfix_is_waited_for() {
    is_waited_for(POSTFIX);
}

#[test]
fn exim_takes_our_mail() {
    takes_our_mail(EXIM);
}

#[test]
fn exim_brings_us_mail() {
    brings_us_mail(EXIM);
}

#[test]
fn exim_is_waited_for() {
    is_waited_for(EXIM);
}
