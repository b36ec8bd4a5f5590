//! Much at once, there and back: from a client to the other server, from there to ours, whose aliases lead back; and from
//! a user of ours. Who takes commands in advance gets them so (RFC 2920).

use std::collections::BTreeSet;
use std::ops::Range;
use std::slice;
use std::thread::scope;

use serde_json::Value;

use super::mail::{Mail, message};
use super::tap::Tap;
use super::{Pair, alias, dotted, send};
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
    users_burst(&pair, &theirs, &domains[1]);
    let pipelined = [&pair.to_us, &pair.to_them].map(Tap::pipelined);
    println!("commands in advance: {pipelined:?}");
    let is_offered = peer.offers("PIPELINING");
    // By them the burst, by us that of our users, too.
    let least = if is_offered { [BURST / 2, BURST] } else { [0; 2] };
    let most = if is_offered { usize::MAX } else { 0 };
    assert!(pipelined.iter().zip(least).all(|(&count, least)| (least..=most).contains(&count)));
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
            let (to, is_pipelined) = (&to, pair.peer.offers("PIPELINING"));
            scope.spawn(move || {
                let mut wire = Wire::smtp(theirs.smtp());
                let numbers = (client..BURST).step_by(CLIENTS);
                if is_pipelined {
                    send_in_advance(&mut wire, to, numbers);
                } else {
                    for number in numbers {
                        send(&mut wire, SENDER, slice::from_ref(to), &message(&number.to_string(), 0));
                    }
                }
            });
        }
    });
    arrive(pair, theirs, (SENDER, &format!("ann@{there}")), 0..BURST);
    let came: BTreeSet<String> = accepted(&pair.ours).drain(before.0..).map(|one| one.peer).collect();
    let went = theirs.connections() - before.1 - CLIENTS;
    println!("{BURST} messages came over {} connections, and went back over {went}", came.len());
    assert!(came.len() <= connections && went <= OURS);
}

/// 1,000 more on two connections to ours: on one each message with the commands of the next, on the other all without
/// waiting for any reply.
fn users_burst(pair: &Pair, theirs: &Mta, there: &str) {
    let to = format!("ann@{there}");
    let (half, end) = (BURST + BURST / 2, 2 * BURST);
    scope(|scope| {
        scope.spawn(|| send_in_advance(&mut pair.ours.login("ann"), &to, BURST..half));
        scope.spawn(|| send_without_waiting(&mut pair.ours.login("ann"), &to, half..end));
    });
    arrive(pair, theirs, ("ann@a.example", &to), BURST..end);
}

/// The messages with these numbers are there at the end, each once.
#[track_caller]
fn arrive(pair: &Pair, theirs: &Mta, (from, to): (&str, &str), numbers: Range<usize>) {
    eventually("all arrive", || (theirs.count("ann") >= numbers.end).then_some(()));
    eventually("the queue is empty", || pair.ours.queued().is_empty().then_some(()));
    let mut missing: BTreeSet<String> = (0..numbers.end).map(|number| number.to_string()).collect();
    for mail in theirs.mail("ann") {
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        assert!(missing.remove(subject), "{subject} comes twice");
        if numbers.contains(&subject.parse().unwrap()) {
            let mail = Mail::new(&mail);
            mail.assert_envelope(from, to);
            mail.assert_content(&message(subject, 0));
        }
    }
    assert!(missing.is_empty(), "{missing:?} are missing");
}

/// Sends the messages with these numbers, each content together with the commands of the next message: behind DATA one
/// has to wait (RFC 2920 §3.1).
fn send_in_advance(wire: &mut Wire, to: &str, numbers: impl Iterator<Item = usize>) {
    let mut ends = String::new();
    for number in numbers {
        wire.send(format!("{ends}{}DATA\r\n", envelope(to, number)));
        let codes = if ends.is_empty() { &["250", "250", "354"][..] } else { &["250", "250", "250", "354"] };
        expect_replies(wire, codes);
        ends = format!("{}.\r\n", dotted(&message(&number.to_string(), 0)));
    }
    wire.send(ends);
    expect_replies(wire, &["250"]);
}

/// Sends them in chunks, behind which no reply has to be waited for (RFC 3030 §2).
fn send_without_waiting(wire: &mut Wire, to: &str, numbers: Range<usize>) {
    let mut writer = wire.second();
    scope(|scope| {
        let ahead = numbers.clone();
        scope.spawn(move || {
            for number in ahead {
                let content = message(&number.to_string(), 0);
                writer.send(format!("{}BDAT {} LAST\r\n{content}", envelope(to, number), content.len()));
            }
        });
        for _ in numbers {
            expect_replies(wire, &["250"; 3]);
        }
    });
}

/// MAIL and RCPT. A user may only send as himself, and nobody else sends that much.
fn envelope(to: &str, number: usize) -> String {
    let from = if number < BURST { SENDER } else { "ann@a.example" };
    format!("MAIL FROM:<{from}> BODY=8BITMIME\r\nRCPT TO:<{to}>\r\n")
}

#[track_caller]
fn expect_replies(wire: &mut Wire, codes: &[&str]) {
    for code in codes {
        let reply = wire.reply();
        assert!(reply.starts_with(code), "{reply}, not {code}");
    }
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
