//! Their mail, as we have it.

use super::mail::{Mail, literal, message};
use super::{Pair, send};
use crate::outbound::eventually;
use crate::support::{EXIM, OPENSMTPD, POSTFIX, Peer, Way, Wire};

/// What it is, which way it comes, how we say that it came, and how many octets it has.
const CASES: [(&str, Way, &str, usize); 5] = [
    ("plain", Way::Plain, "ESMTP", 0),
    ("starttls", Way::StartTls, "ESMTPS", 0),
    ("implicit", Way::Implicit, "ESMTPS", 0),
    ("login", Way::Login, "ESMTPSA", 0),
    // Ours takes 25 MiB, and they estimate the size with some to spare.
    ("large", Way::StartTls, "ESMTPS", 25_000_000),
];

fn they_bring_us_mail(peer: &'static Peer) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let mut wire = Wire::smtp(theirs.smtp());
    for (what, way, protocol, octets) in CASES {
        println!("{what}");
        let (sent, to) = (message(what, octets), format!("bob@{}", way.domain("a.example")));
        send(&mut wire, "ann@a.example", std::slice::from_ref(&to), &sent);
        let subject = format!("\r\nSubject: {what}\r\n");
        let response = eventually("it arrives", || {
            pair.ours.inbox("bob").into_iter().find(|mail| mail.contains(&subject))
        });
        let mail = Mail::new(literal(&response));
        mail.assert_hop(2, &format!("mx.{}", peer.domain), protocol);
        mail.assert_envelope("ann@a.example", &to);
        mail.assert_content(&sent);
    }
    assert_eq!(pair.ours.inbox("bob").len(), CASES.len());
}

#[test]
fn postfix() {
    they_bring_us_mail(&POSTFIX);
}

#[test]
fn exim() {
    they_bring_us_mail(&EXIM);
}

#[test]
fn opensmtpd() {
    they_bring_us_mail(&OPENSMTPD);
}
