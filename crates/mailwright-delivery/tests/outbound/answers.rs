//! One outcome a recipient.

use mailwright_delivery::outbound::EightBit;
use mailwright_queue::{Body, EnvelopeId, Feedback, Notify, OriginalAddress, RecipientState, Ret};

use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes};

const REMOTE: &str = "mx1.example.net [192.0.2.1]:";

#[tokio::test(start_paused = true)]
async fn each_recipient_has_its_own() {
    for offers in [&[][..], &["PIPELINING"], &["PIPELINING", "CHUNKING"]] {
        let peer = Peer::offering(offers)
            .says("RCPT TO:<nobody@", "550 5.1.1 no such user")
            .says("RCPT TO:<full@", "452 4.2.2 mailbox full");
        let mut world = World::with(peer.site());
        let to = ["bob@example.net", "nobody@example.net", "full@example.net", "eve@example.net"];
        let delivery = world.deliver(&to).await;
        let told = [
            format!("relayed at end: {REMOTE} 250 2.0.0 taken"),
            format!("failed at rcpt: {REMOTE} 550 5.1.1 no such user"),
            format!("deferred at rcpt: {REMOTE} 452 4.2.2 mailbox full"),
            format!("relayed at end: {REMOTE} 250 2.0.0 taken"),
        ];
        assert_eq!(outcomes(&delivery), told, "{offers:?}");
        assert_eq!(delivery.feedback, Feedback::Served);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_leaves_the_rest_waiting() {
    let peer = Peer::default()
        .says("RCPT TO:<nobody@", "550 5.1.1 no such user")
        .on("RCPT TO:<eve@", Does::Leaves("421 4.7.0 that is enough"));
    let mut world = World::with(peer.site());
    let delivery = world.deliver(&["bob@example.net", "nobody@example.net", "eve@example.net"]).await;
    let told = [
        format!("deferred at rcpt: {REMOTE} 421 4.7.0 that is enough"),
        format!("failed at rcpt: {REMOTE} 550 5.1.1 no such user"),
        format!("deferred at rcpt: {REMOTE} 421 4.7.0 that is enough"),
    ];
    assert_eq!(outcomes(&delivery), told);
    assert!(matches!(delivery.feedback, Feedback::Busy(_)), "{:?}", delivery.feedback);
}

#[tokio::test(start_paused = true)]
async fn greylisting_says_nothing_against_the_server() {
    let mut world = World::with(Peer::default().says("RCPT", "450 4.7.1 greylisted, try later").site());
    let delivery = world.deliver(&["bob@example.net"]).await;
    assert_eq!(outcomes(&delivery), [format!("deferred at rcpt: {REMOTE} 450 4.7.1 greylisted, try later")]);
    assert_eq!(delivery.feedback, Feedback::Served);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_is_not_sent() {
    let mut world = World::with(Peer::offering(&["SIZE 27"]).site());
    let delivery = world.deliver(&["bob@example.net"]).await;
    let told = format!(
        "failed at mail: {REMOTE} 5.3.4 the message is larger than the 27 octets that the server takes"
    );
    assert_eq!(outcomes(&delivery), [told]);
    assert_eq!((world.net.heard("MAIL"), delivery.feedback), (0, Feedback::Neutral));
}

#[tokio::test(start_paused = true)]
async fn what_a_message_needs_must_be_offered() {
    for (mail, offer, told) in [
        (
            |mail: &mut Mail| {
                mail.envelope.body = Body::EightBitMime;
                mail.content = "Subject: x\r\n\r\nthé\r\n".into();
            },
            "8BITMIME",
            "5.6.3 the server does not offer 8BITMIME",
        ),
        (
            |mail: &mut Mail| {
                mail.envelope.smtputf8 = true;
                mail.content = "Subject: thé\r\n\r\nx\r\n".into();
            },
            "SMTPUTF8",
            "5.6.9 the server does not offer SMTPUTF8",
        ),
    ] as [(fn(&mut Mail), &'static str, &str); 2]
    {
        for (offers, told) in [
            (vec!["X"], format!("failed at mail: {REMOTE} {told}")),
            (vec![offer], format!("relayed at end: {REMOTE} 250 2.0.0 taken")),
        ] {
            let mut world = World::with(Peer::offering(&offers).site());
            world.config.eight_bit = EightBit::Return;
            let mut message = Mail::to(&["bob@example.net"]);
            mail(&mut message);
            let outbound = world.outbound();
            assert_eq!(outcomes(&world.send(&outbound, &message).await), [told]);
        }
    }
}

/// RFC 3461 §5.2.1, §5.2.2
#[tokio::test(start_paused = true)]
async fn notifications_are_asked_for_where_they_are_known() {
    let mut mail = Mail::to(&["bob@example.net", "eve@example.net"]);
    mail.envelope.ret = Some(Ret::Headers);
    mail.envelope.envid = EnvelopeId::from_xtext("QQ+2B1");
    mail.to[0].1 = RecipientState {
        notify: Some(Notify::On { success: true, failure: false, delay: true }),
        orcpt: OriginalAddress::from_orcpt("rfc822;Bob+2Bx@example.net"),
        ..RecipientState::default()
    };
    mail.to[1].1 = RecipientState {
        notify: Some(Notify::Never),
        orcpt: OriginalAddress::from_orcpt("utf-8;\u{e9}ve@example.net"),
        ..RecipientState::default()
    };
    let mut world = World::with(Peer::offering(&["DSN"]).site());
    let outbound = world.outbound();
    let delivery = world.send(&outbound, &mail).await;
    let told = format!("relayed with DSN at end: {REMOTE} 250 2.0.0 taken");
    assert_eq!(outcomes(&delivery), [told.clone(), told]);
    assert_eq!(
        world.net.log()[1..4],
        [
            "192.0.2.1 MAIL FROM:<ann@us.example> RET=HDRS ENVID=QQ+2B1",
            "192.0.2.1 RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@example.net",
            "192.0.2.1 RCPT TO:<eve@example.net> NOTIFY=NEVER ORCPT=utf-8;\\x{E9}ve@example.net",
        ]
    );

    let mut world = World::with(Peer::default().site());
    let outbound = world.outbound();
    let delivery = world.send(&outbound, &mail).await;
    let told = format!("relayed at end: {REMOTE} 250 2.0.0 taken");
    assert_eq!(outcomes(&delivery), [told.clone(), told]);
    assert_eq!(world.net.log()[1], "192.0.2.1 MAIL FROM:<ann@us.example>");
}
