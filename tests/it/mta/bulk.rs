//! Much at once, there and back: from a client to the other server, from there to ours, whose aliases lead back.

use std::collections::BTreeSet;
use std::slice;
use std::thread::scope;

use serde_json::Value;

use super::mail::{Mail, message};
use super::{Pair, alias, send};
use crate::outbound::eventually;
use crate::support::{EXIM, Installation, MANY, Mta, OPENSMTPD, POSTFIX, Peer, Way, Wire};

/// Messages of a burst.
const BURST: usize = 1000;
/// Clients that send them.
const CLIENTS: usize = 4;
/// Connections that we open for them, at most.
const OURS: usize = 60;

const SENDER: &str = "app@client.example";

/// A message that we have taken.
#[derive(Debug)]
struct Accepted {
    peer: String,
    recipients: u64,
}

fn accepted(ours: &Installation) -> Vec<Accepted> {
    let log = ours.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let accepted = lines.filter(|line| line["message"] == "accepted").map(|line| Accepted {
        peer: line["span"]["peer"].as_str().unwrap().to_owned(),
        recipients: line["recipients"].as_u64().unwrap(),
    });
    accepted.collect()
}

/// `connections` are those that the other one opens for a burst, at most.
fn there_and_back(peer: &'static Peer, connections: usize) {
    let domains = [Way::Plain.domain("a.example"), Way::Plain.domain(peer.domain)];
    let users = (0..MANY).map(|number| format!("u{number}")).chain(["ann".to_owned()]);
    let aliases = users.map(|user| {
        let [here, there] = domains.each_ref().map(|domain| format!("{user}@{domain}"));
        alias(&here, &there)
    });
    let Some(pair) = Pair::new(peer, &aliases.collect::<String>()) else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    recipients(&pair, &theirs, &domains);
    burst(&pair, &theirs, &domains, connections);
}

/// A message for 1,000, which each of them gets once.
fn recipients(pair: &Pair, theirs: &Mta, [here, there]: &[String; 2]) {
    let sent = message("many", 0);
    let to: Vec<String> = (0..MANY).map(|number| format!("u{number}@{here}")).collect();
    send(&mut Wire::smtp(theirs.smtp()), SENDER, &to, &sent);
    eventually("all get it", || (theirs.count("many") >= MANY).then_some(()));
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    let mut missing: BTreeSet<String> = (0..MANY).map(|number| format!("u{number}@{there}")).collect();
    for mail in theirs.mail("many") {
        let mail = Mail::new(&mail);
        mail.assert_hop(3, "mx.a.example", "ESMTP");
        let to = mail.recipient();
        assert!(missing.remove(to), "{to} gets it twice");
        mail.assert_envelope(SENDER, to);
        mail.assert_content(&sent);
    }
    assert!(missing.is_empty(), "{missing:?} have not got it");
    // OpenSMTPD may not have read all of them when it begins.
    let came: Vec<u64> = accepted(&pair.ours).iter().map(|accepted| accepted.recipients).collect();
    assert_eq!(came.iter().sum::<u64>(), MANY as u64, "{came:?}");
    assert!(came.len() < 10, "hardly any have come together: {came:?}");
}

/// 1,000 messages, each of which arrives once.
fn burst(pair: &Pair, theirs: &Mta, [here, there]: &[String; 2], connections: usize) {
    let before = (accepted(&pair.ours).len(), theirs.connections());
    let to = format!("ann@{here}");
    scope(|scope| {
        for client in 0..CLIENTS {
            let to = &to;
            scope.spawn(move || {
                let mut wire = Wire::smtp(theirs.smtp());
                for number in (client..BURST).step_by(CLIENTS) {
                    send(&mut wire, SENDER, slice::from_ref(to), &message(&number.to_string(), 0));
                }
            });
        }
    });
    eventually("all arrive", || (theirs.count("ann") >= BURST).then_some(()));
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    let mut missing: BTreeSet<String> = (0..BURST).map(|number| number.to_string()).collect();
    for mail in theirs.mail("ann") {
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        assert!(missing.remove(subject), "{subject} comes twice");
        let mail = Mail::new(&mail);
        mail.assert_envelope(SENDER, &format!("ann@{there}"));
        mail.assert_content(&message(subject, 0));
    }
    assert!(missing.is_empty(), "{missing:?} are missing");
    let came: BTreeSet<String> = accepted(&pair.ours).drain(before.0..).map(|one| one.peer).collect();
    let went = theirs.connections() - before.1 - CLIENTS;
    println!("{BURST} messages came over {} connections, and went back over {went}", came.len());
    assert!(came.len() <= connections && went <= OURS);
}

#[test]
fn postfix() {
    there_and_back(&POSTFIX, 50);
}

#[test]
fn exim() {
    // Some of its processes find one more message that waits for us, and some do not.
    there_and_back(&EXIM, BURST - 1);
}

#[test]
fn opensmtpd() {
    there_and_back(&OPENSMTPD, 50);
}
