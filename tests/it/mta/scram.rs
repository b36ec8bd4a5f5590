//! Postfix with Cyrus SASL, both ways by SCRAM-SHA-256 alone.

use std::fs;

use mailwright_auth::{Cost, ScramHash, ScramKeys, Verifier};

use super::mail::{Mail, message};
use super::{Pair, send};
use crate::outbound::eventually;
use crate::support::{POSTFIX_SCRAM, Way, Wire};

#[test]
fn postfix() {
    let Some(pair) = Pair::new(&POSTFIX_SCRAM, "[login]\nscram = [\"sha-256\"]\n") else { return };
    let keys = ScramKeys::derive(ScramHash::Sha256, b"secret", [8; 16], ScramKeys::ITERATIONS).unwrap();
    let verifier = Verifier::hash(b"secret", [7; 16], Cost::new(8, 1, 1).unwrap()).unwrap();
    fs::write(pair.ours.path("hash"), verifier.with_scram(keys).as_text()).unwrap();
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();

    let (sent, to) = (message("login", 0), format!("ann@{}", Way::Login.domain(POSTFIX_SCRAM.domain)));
    send(&mut pair.ours.login("ann"), "ann@a.example", std::slice::from_ref(&to), &sent);
    let mail = eventually("it arrives", || theirs.mail("ann").pop());
    Mail::new(&mail).assert_hop(2, "mx.a.example", "ESMTPSA");
    let log = theirs.log();
    assert!(log.contains("sasl_method=SCRAM-SHA-256, sasl_username=relay"), "{log}");

    let to = format!("bob@{}", Way::Login.domain("a.example"));
    send(&mut Wire::smtp(theirs.smtp()), "ann@a.example", std::slice::from_ref(&to), &sent);
    let mail = pair.bobs("login");
    Mail::new(&mail).assert_hop(2, "mx.postfix.example", "ESMTPSA");
}
