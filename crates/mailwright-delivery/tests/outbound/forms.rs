//! Content in the form that a server takes.

use mailwright_core::ReversePath;
use mailwright_delivery::outbound::EightBit;
use mailwright_queue::{Body, DeliverBy, Feedback, Late, Notify, ValidSince};
use mailwright_store::Priority;

use crate::peer::Peer;
use crate::world::{Mail, Standing, World, outcomes};

const REMOTE: &str = "mx1.example.net [192.0.2.1]:";

fn mail(body: Body, content: &str) -> Mail {
    let mut mail = Mail::to(&["bob@example.net"]);
    mail.envelope.body = body;
    mail.content = content.to_owned().into();
    mail
}

/// What was said in MAIL, what arrived, and what came of it.
async fn send(
    offers: &[&'static str],
    eight_bit: EightBit,
    mail: &Mail,
) -> (Option<String>, Vec<String>, String) {
    let mut world = World::with(Peer::offering(offers).site());
    world.config.eight_bit = eight_bit;
    let outbound = world.outbound();
    let delivery = world.send(&outbound, mail).await;
    let said = world
        .net
        .log()
        .into_iter()
        .find_map(|line| line.split_once("MAIL FROM:").map(|(_, it)| it.to_owned()));
    let outcome = outcomes(&delivery).remove(0);
    if !outcome.starts_with("relayed") {
        assert_eq!(delivery.feedback, Feedback::Neutral, "{outcome}");
    }
    (said, world.net.contents(), outcome)
}

const TEXT: &str = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n.thé\r\n";
const QUOTED: &str = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n.th=C3=A9\r\n";

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_encoded() {
    for (offers, body, content, said, expected) in [
        (&["8BITMIME"][..], Body::EightBitMime, TEXT, " BODY=8BITMIME", TEXT),
        (&["SIZE 1000"], Body::EightBitMime, TEXT, " SIZE=77", QUOTED),
        (&["CHUNKING"], Body::EightBitMime, TEXT, "", QUOTED),
        (&["SIZE", "CHUNKING", "BINARYMIME"], Body::BinaryMime, "a\n\0", " SIZE=3 BODY=BINARYMIME", "a\n\0"),
        (
            &["8BITMIME", "BINARYMIME"],
            Body::BinaryMime,
            "Content-Type: image/x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n\0",
            " BODY=8BITMIME",
            "Content-Type: image/x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n",
        ),
        // It says more of itself than is true.
        (&["X"], Body::EightBitMime, "Subject: x\r\n\r\nx\r\n", "", "Subject: x\r\n\r\nx\r\n"),
    ] {
        let seen = send(offers, EightBit::Reencode, &mail(body, content)).await;
        let relayed = format!("relayed at end: {REMOTE} 250 2.0.0 taken");
        assert_eq!(QUOTED.len(), 77);
        assert_eq!(
            seen,
            (Some(format!("<ann@us.example>{said}")), vec![expected.to_owned()], relayed),
            "{offers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_is_returned() {
    let signed = format!("DKIM-Signature: v=1\r\n{TEXT}");
    for (offers, policy, body, content, told) in [
        (&["X"][..], EightBit::Return, Body::EightBitMime, TEXT, "5.6.3 the server does not offer 8BITMIME"),
        (
            &["BINARYMIME"],
            EightBit::Return,
            Body::BinaryMime,
            "\r\n\0",
            "5.6.3 the server does not offer BINARYMIME",
        ),
        (
            &["X"],
            EightBit::Reencode,
            Body::EightBitMime,
            &signed,
            "5.6.3 the server does not offer 8BITMIME, and the message cannot be converted: it is signed, and to encode \
             it anew would break the signature",
        ),
        (
            &["X"],
            EightBit::Reencode,
            Body::EightBitMime,
            "Subject: thé\r\n\r\n",
            "5.6.3 the server does not offer 8BITMIME, and the message cannot be converted: a header goes beyond ASCII",
        ),
        (
            // As it would be sent.
            &["SIZE 76"],
            EightBit::Reencode,
            Body::EightBitMime,
            TEXT,
            "5.3.4 the message is larger than the 76 octets that the server takes",
        ),
    ] {
        let seen = send(offers, policy, &mail(body, content)).await;
        assert_eq!(seen, (None, vec![], format!("failed at mail: {REMOTE} {told}")));
    }
}

/// RFC 6531 §3.4, §3.5
#[tokio::test(start_paused = true)]
async fn what_is_beyond_ascii_needs_smtputf8_and_nothing_else_does() {
    let with = |to: &str, from: &str, content: &str| {
        let mut mail = mail(Body::EightBitMime, content);
        mail.envelope.smtputf8 = true;
        mail.to[0].0 = to.to_owned();
        mail.sender = ReversePath::Address(from.parse().unwrap());
        mail
    };
    let plain = with("bob@example.net", "ann@us.example", TEXT);
    let header = with("bob@example.net", "ann@us.example", "Subject: thé\r\n\r\n");
    let sender = with("bob@example.net", "änn@us.example", TEXT);
    for (offers, mail, said, told) in [
        (&["8BITMIME", "SMTPUTF8"][..], &plain, Some("<ann@us.example> BODY=8BITMIME SMTPUTF8"), None),
        (&["8BITMIME"], &plain, Some("<ann@us.example> BODY=8BITMIME"), None),
        (&["X"], &plain, Some("<ann@us.example>"), None),
        (&["8BITMIME"], &header, None, Some("5.6.9 the server does not offer SMTPUTF8")),
        (&["X"], &header, None, Some("5.6.9 the server does not offer SMTPUTF8")),
        (
            &["8BITMIME"],
            &sender,
            None,
            Some("5.6.7 an address goes beyond ASCII, and the message goes without SMTPUTF8"),
        ),
    ] {
        let (seen, _, outcome) = send(offers, EightBit::Reencode, mail).await;
        assert_eq!(seen.as_deref(), said, "{outcome}");
        match told {
            None => assert!(outcome.starts_with("relayed"), "{outcome}"),
            Some(told) => assert_eq!(outcome, format!("failed at mail: {REMOTE} {told}")),
        }
    }
}

/// RFC 2852 §4.1.4, RFC 6710 §4.2, RFC 7293 §5.1.1
#[tokio::test(start_paused = true)]
async fn parameters_are_carried_on() {
    let now = Standing::WALL;
    let by = |seconds: i64, late| {
        let mut mail = Mail::to(&["bob@example.net", "eve@example.net"]);
        let at = mailwright_core::Timestamp(now.0 + seconds * 1000);
        mail.envelope.by = Some(DeliverBy { at, late, trace: false });
        mail.envelope.priority = Priority::new(4);
        mail.to[1].1.notify = Some(Notify::On { success: true, failure: false, delay: false });
        mail.to[1].1.valid_since = ValidSince::from_rrvs("2014-04-03T23:01:00Z;C");
        mail
    };
    for (offers, mail, said) in [
        (
            &["DELIVERBY 60", "MT-PRIORITY", "RRVS", "DSN"][..],
            by(90, Late::Return),
            &[
                "MAIL FROM:<ann@us.example> BY=90;R MT-PRIORITY=4",
                "RCPT TO:<bob@example.net>",
                "RCPT TO:<eve@example.net> NOTIFY=SUCCESS RRVS=2014-04-03T23:01:00Z;C",
            ][..],
        ),
        (&["DELIVERBY 100"], by(90, Late::Return), &[]),
        (&["DELIVERBY"], by(0, Late::Return), &[]),
        (&["X"], by(90, Late::Return), &[]),
        (
            &["DELIVERBY 100"],
            by(-7, Late::Notify),
            &["MAIL FROM:<ann@us.example> BY=-7;N", "RCPT TO:<bob@example.net>", "RCPT TO:<eve@example.net>"],
        ),
        (
            &["DSN"],
            by(90, Late::Notify),
            &[
                "MAIL FROM:<ann@us.example>",
                "RCPT TO:<bob@example.net> NOTIFY=FAILURE,DELAY",
                "RCPT TO:<eve@example.net> NOTIFY=SUCCESS,DELAY",
            ],
        ),
    ] {
        let mut world = World::with(Peer::offering(offers).site());
        let outbound = world.outbound();
        let outcome = outcomes(&world.send(&outbound, &mail).await).remove(0);
        let log = world.net.log();
        let lines: Vec<&str> = log.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        let heard: Vec<&str> =
            lines.into_iter().filter(|line| line.starts_with("MAIL") || line.starts_with("RCPT")).collect();
        assert_eq!(heard, said, "{outcome}");
        assert_eq!(
            outcome.starts_with("failed at mail: mx1.example.net [192.0.2.1]: 5.4.7 "),
            said.is_empty(),
            "{outcome}"
        );
    }
}
