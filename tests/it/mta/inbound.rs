//! Their mail, as we have it.

use super::mail::{Mail, message};
use super::{Pair, send};
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

/// `chunks` is how often they use CHUNKING without TLS.
fn they_bring_us_mail(peer: &'static Peer, chunks: usize) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let mut wire = Wire::smtp(theirs.smtp());
    for (what, way, protocol, octets) in CASES {
        println!("{what}");
        let (sent, to) = (message(what, octets), format!("bob@{}", way.domain("a.example")));
        send(&mut wire, "ann@a.example", std::slice::from_ref(&to), &sent);
        let mail = pair.bobs(what);
        let mail = Mail::new(&mail);
        mail.assert_hop(2, &format!("mx.{}", peer.domain), protocol);
        mail.assert_envelope("ann@a.example", &to);
        mail.assert_content(&sent);
    }
    assert_eq!(pair.ours.inbox("bob").len(), CASES.len());
    assert_eq!(pair.to_us.pipelined(), usize::from(peer.offers("PIPELINING")));
    assert_eq!(pair.to_us.commands("BDAT ").len(), chunks);
    assert_eq!(pair.to_us.commands("DATA").len(), 1 - chunks);
}

#[test]
fn postfix() {
    they_bring_us_mail(&POSTFIX, 0);
}

#[test]
fn exim() {
    they_bring_us_mail(&EXIM, 1);
}

#[test]
fn opensmtpd() {
    they_bring_us_mail(&OPENSMTPD, 0);
}
