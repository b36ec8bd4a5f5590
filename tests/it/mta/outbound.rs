//! Our mail, as they have it.

use super::mail::{Mail, message};
use super::{Pair, send};
use crate::outbound::eventually;
use crate::support::{EXIM, OPENSMTPD, POSTFIX, Peer, Way, Wire};

/// What it is, which way it goes, how they say that it came, and how many octets it has.
const CASES: [(&str, Way, &str, usize); 5] = [
    ("plain", Way::Plain, "ESMTP", 0),
    ("starttls", Way::StartTls, "ESMTPS", 0),
    ("implicit", Way::Implicit, "ESMTPS", 0),
    ("login", Way::Login, "ESMTPSA", 0),
    // As large as ours takes it.
    ("large", Way::StartTls, "ESMTPS", 25 << 20),
];

fn they_take_our_mail(peer: &'static Peer) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    for (what, way, protocol, octets) in CASES {
        println!("{what}");
        let (sent, to) = (message(what, octets), format!("ann@{}", way.domain(peer.domain)));
        let mut wire = pair.ours.login("ann");
        send(&mut wire, "ann@a.example", std::slice::from_ref(&to), &sent);
        let subject = format!("\nSubject: {what}\n");
        let mail =
            eventually("it arrives", || theirs.mail("ann").into_iter().find(|mail| mail.contains(&subject)));
        let mail = Mail::new(&mail);
        mail.assert_hop(2, "mx.a.example", protocol);
        mail.assert_envelope("ann@a.example", &to);
        mail.assert_content(&sent);
    }
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    assert_eq!(theirs.count("ann"), CASES.len());
    let offer = Wire::smtp(theirs.smtp()).ask("EHLO client.example");
    for extension in ["PIPELINING", "CHUNKING", "SMTPUTF8"] {
        assert_eq!(offer.contains(extension), peer.offers(extension), "{offer}");
    }
    assert_eq!(pair.to_them.pipelined(), usize::from(peer.offers("PIPELINING")));
    assert_eq!(pair.to_them.commands("BDAT ").len(), usize::from(peer.offers("CHUNKING")));
    assert_eq!(pair.to_them.commands("DATA").len(), usize::from(!peer.offers("CHUNKING")));
}

#[test]
fn postfix() {
    they_take_our_mail(&POSTFIX);
}

#[test]
fn exim() {
    they_take_our_mail(&EXIM);
}

#[test]
fn opensmtpd() {
    they_take_our_mail(&OPENSMTPD);
}
