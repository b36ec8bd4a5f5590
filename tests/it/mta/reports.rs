//! Reports of delivery (RFC 3461): what is asked for goes with the message, and whoever has it last tells.

use super::mail::{Mail, message};
use super::{Pair, send_with};
use crate::outbound::eventually;
use crate::support::{EXIM, OPENSMTPD, POSTFIX, Peer, Way, Wire};

/// A report, without what its form leaves open: folding, the case of names, and blanks.
#[track_caller]
fn assert_tells(report: &str, fields: &[(&str, &str)]) {
    let unfolded = report.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    for (name, value) in fields {
        let told = unfolded.lines().filter_map(|line| {
            let (named, told) = line.split_once(':')?;
            named.eq_ignore_ascii_case(name).then(|| told.replace(' ', ""))
        });
        let told: Vec<String> = told.collect();
        assert!(told.iter().any(|told| told == value), "{name} is {told:?}, not {value}:\n{report}");
    }
}

/// They tell our users what has become of it, in words of the envelope that we were given. `told` is how far they do.
fn they_report(peer: &'static Peer, told: &[(&str, &str)]) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let domain = Way::Plain.domain(peer.domain);
    let sent = message("asked", 0);
    let from = "<ann@a.example> BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159";
    let send = |to: String| send_with(&mut pair.ours.login("ann"), from, &[to], &sent);
    let asked = "ORCPT=rfc822;ann+2Bold@before.example";
    send(format!("<u1@{domain}> NOTIFY=NEVER"));
    send(format!("<u2@{domain}> NOTIFY=FAILURE"));
    send(format!("<u3@{domain}>"));
    send(format!("<ann@{domain}> NOTIFY=SUCCESS {asked}"));
    let mail = eventually("it arrives", || theirs.mail("ann").pop());
    Mail::new(&mail).assert_content(&sent);
    eventually("it arrives", || (theirs.count("many") == 3).then_some(()));
    let said = pair.to_them.commands("RCPT");
    assert!(said.contains(&format!("RCPT TO:<ann@{domain}> NOTIFY=SUCCESS {asked}")), "{said:?}");
    let said = pair.to_them.commands("MAIL");
    assert!(said.iter().all(|said| said.contains(" RET=HDRS ENVID=QQ+2B314159")), "{said:?}");

    let report = eventually("it is reported", || pair.ours.inbox("ann").pop());
    assert_tells(&report, &[("Return-Path", "<>"), ("Subject", "asked"), ("Action", "delivered")]);
    assert_tells(&report, &[("Reporting-MTA", &format!("dns;mx.{}", peer.domain))]);
    assert_tells(&report, &[("Final-Recipient", &format!("rfc822;ann@{domain}"))]);
    assert_tells(&report, told);
    assert!(!report.contains("..two"), "RET=HDRS, and it has the body: {report}");

    // What they refuse, we report; but for those whom nobody wants to hear of.
    send(format!("<nothing@{domain}> NOTIFY=NEVER"));
    send(format!("<none@{domain}> NOTIFY=SUCCESS"));
    send(format!("<nobody@{domain}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;no+2Bbody@before.example"));
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    let inbox = pair.ours.inbox("ann");
    let [_, report] = &inbox[..] else { panic!("{inbox:#?}") };
    let original = ("Original-Recipient", "rfc822;no+body@before.example");
    assert_tells(report, &[("Reporting-MTA", "dns;mx.a.example"), ("Action", "failed"), original]);
    assert_tells(report, &[("Final-Recipient", &format!("rfc822;nobody@{domain}"))]);
    assert_tells(report, &[("Original-Envelope-Id", "QQ+314159")]);
    assert!(!report.contains("..two"), "RET=HDRS, and it has the body: {report}");
}

#[test]
fn postfix_reports() {
    let original = ("Original-Recipient", "rfc822;ann+old@before.example");
    they_report(&POSTFIX, &[original, ("Original-Envelope-Id", "QQ+314159")]);
}

#[test]
fn exim_reports() {
    // As it stands in the command.
    let original = ("Original-Recipient", "rfc822;ann+2Bold@before.example");
    they_report(&EXIM, &[original, ("Original-Envelope-Id", "QQ+2B314159")]);
}

#[test]
fn opensmtpd_reports() {
    // It tells neither. To it NOTIFY of one recipient counts for those behind it, too: hence a message for each.
    they_report(&OPENSMTPD, &[]);
}

/// We tell their users, of a mailbox here, of an alias that is another name of one, and of one that several are behind,
/// which ends what is known of it (RFC 3461 §5.2.7).
fn we_report(peer: &'static Peer) {
    let all = "[[alias]]\naddress = \"all@a.example\"\nto = [\"ann@a.example\", \"bob@a.example\"]\n";
    let Some(pair) = Pair::new(peer, all) else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let from = format!("ann@{}", Way::Plain.domain(peer.domain));
    let with = format!("<{from}> BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159");
    let mut wire = Wire::smtp(theirs.smtp());
    let sent = message("asked", 0);
    let cases =
        [("bob@a.example", "delivered"), ("eve@plain.a.example", "delivered"), ("all@a.example", "expanded")];
    for (to, action) in cases {
        let asks = format!("<{to}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bold@before.example");
        send_with(&mut wire, &with, &[asks], &sent);
        let last = format!("rfc822; {to}\n");
        let report = eventually("it is reported", || {
            theirs.mail("ann").into_iter().find(|report| report.contains(&last))
        });
        assert_tells(&report, &[("Reporting-MTA", "dns;mx.a.example"), ("Action", action)]);
        let original = ("Original-Recipient", "rfc822;bob+old@before.example");
        assert_tells(&report, &[original, ("Original-Envelope-Id", "QQ+314159")]);
        assert!(!report.contains("..two"), "RET=HDRS, and it has the body: {report}");
    }
    // Nobody hears of these: the one is nobody, the other bob.
    for to in ["nobody@a.example", "eve@plain.a.example"] {
        send_with(&mut wire, &with, &[format!("<{to}> NOTIFY=NEVER")], &sent);
    }
    eventually("all arrive", || (pair.ours.inbox("bob").len() == cases.len() + 1).then_some(()));
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    assert_eq!(theirs.count("ann"), cases.len());
    let said = pair.to_them.commands("MAIL");
    assert!(
        said.len() == cases.len() && said.iter().all(|said| said.starts_with("MAIL FROM:<>")),
        "{said:?}"
    );
}

#[test]
fn we_report_to_postfix() {
    we_report(&POSTFIX);
}

#[test]
fn we_report_to_exim() {
    we_report(&EXIM);
}

#[test]
fn we_report_to_opensmtpd() {
    we_report(&OPENSMTPD);
}
