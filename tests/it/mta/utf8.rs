//! Addresses and headers beyond ASCII (RFC 6531).

use super::mail::{Mail, message};
use super::{Pair, send_with};
use crate::outbound::eventually;
use crate::support::{EXIM, OPENSMTPD, POSTFIX, Peer, Way, Wire};

const OURS: &str = "<ann@a.example> BODY=8BITMIME SMTPUTF8";

/// `protocol` is how they call it.
fn they_take_it(peer: &'static Peer, protocol: &str) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let (sent, to) = (message("grå", 0), format!("grå@{}", Way::StartTls.domain(peer.domain)));
    send_with(&mut pair.ours.login("ann"), OURS, &[format!("<{to}>")], &sent);
    let mail = eventually("it arrives", || theirs.mail("grå").pop());
    let mail = Mail::new(&mail);
    mail.assert_hop(2, "mx.a.example", protocol);
    mail.assert_envelope("ann@a.example", &to);
    mail.assert_content(&sent);
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
}

#[test]
fn postfix_takes_it() {
    they_take_it(&POSTFIX, "UTF8SMTPS");
}

#[test]
fn exim_takes_it() {
    // RFC 6531 §4.3 has no "E" in it.
    they_take_it(&EXIM, "UTF8ESMTPS");
}

/// RFC 6531 §3.5: what cannot go on comes back, and nothing of it was sent.
#[test]
fn opensmtpd_does_not() {
    let Some(pair) = Pair::new(&OPENSMTPD, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let domain = Way::Plain.domain(OPENSMTPD.domain);
    // An address, and a header.
    for (number, (to, subject)) in [("grå", "plain"), ("ann", "grå")].into_iter().enumerate() {
        let to = format!("{to}@{domain}");
        send_with(&mut pair.ours.login("ann"), OURS, &[format!("<{to}>")], &message(subject, 0));
        let report = eventually("it comes back", || pair.ours.inbox("ann").into_iter().nth(number));
        for part in [&to, "Action: failed\r\n", "SMTPUTF8"] {
            assert!(report.contains(part), "no {part:?} in\n{report}");
        }
        assert!(report.contains("Status: 5.6."), "{report}");
    }
    assert_eq!(pair.to_them.commands("MAIL"), [""; 0]);
    // RFC 6531 §3.4: only who needs it asks for it.
    let (sent, to) = (message("plain", 0), format!("ann@{domain}"));
    send_with(&mut pair.ours.login("ann"), OURS, &[format!("<{to}>")], &sent);
    let mail = eventually("it arrives", || theirs.mail("ann").pop());
    let mail = Mail::new(&mail);
    mail.assert_envelope("ann@a.example", &to);
    mail.assert_content(&sent);
    let said = pair.to_them.commands("MAIL");
    assert!(said.len() == 1 && !said[0].contains("SMTPUTF8"), "{said:?}");
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
}

fn we_take_it(peer: &'static Peer) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let from = format!("grå@{}", peer.domain);
    let (sent, to) = (message("grå", 0), format!("grå@{}", Way::Plain.domain("a.example")));
    let with = format!("<{from}> BODY=8BITMIME SMTPUTF8");
    send_with(&mut Wire::smtp(theirs.smtp()), &with, &[format!("<{to}>")], &sent);
    let mail = pair.bobs("grå");
    let mail = Mail::new(&mail);
    mail.assert_hop(2, &format!("mx.{}", peer.domain), "UTF8SMTP");
    mail.assert_envelope(&from, &to);
    mail.assert_content(&sent);
}

#[test]
fn we_take_it_from_postfix() {
    we_take_it(&POSTFIX);
}

#[test]
fn we_take_it_from_exim() {
    we_take_it(&EXIM);
}

/// Whoever asks for it is refused; a header that says nothing of itself goes through both of us as it is.
#[test]
fn opensmtpd_takes_none() {
    let Some(pair) = Pair::new(&OPENSMTPD, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let mut wire = Wire::smtp(theirs.smtp());
    wire.expect("MAIL FROM:<ann@a.example> SMTPUTF8", "5");
    let (sent, to) = (message("grå", 0), format!("ann@{}", Way::StartTls.domain("a.example")));
    send_with(&mut wire, "<ann@a.example> BODY=8BITMIME", &[format!("<{to}>")], &sent);
    let mail = pair.bobs("grå");
    let mail = Mail::new(&mail);
    mail.assert_hop(2, "mx.opensmtpd.example", "ESMTPS");
    mail.assert_content(&sent);
}
