//! From host to host, and from address to address (RFC 5321 §5.1).

use std::time::Duration;

use mailwright_queue::Feedback;

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes, seconds};

const BOB: &str = "bob@example.net";
const FIRST: &str = "relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken";
const SECOND: &str = "relayed at end: mx2.example.net [192.0.2.2]: 250 2.0.0 taken";

#[tokio::test(start_paused = true)]
async fn a_message_is_passed_on() {
    let mut world = World::with(Peer::offering(&["SIZE 1000", "PIPELINING"]).site());
    let delivery = world.deliver(&[BOB]).await;
    assert_eq!(outcomes(&delivery), [FIRST]);
    assert_eq!(delivery.remote.as_deref(), Some("mx1.example.net [192.0.2.1]"));
    assert_eq!((delivery.tls, &delivery.feedback), (None, &Feedback::Served));
    assert_eq!(
        world.net.log(),
        [
            "192.0.2.1 EHLO us.example",
            "192.0.2.1 MAIL FROM:<ann@us.example> SIZE=28",
            "192.0.2.1 RCPT TO:<bob@example.net>",
            "192.0.2.1 DATA",
            "192.0.2.1 content 28",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_mail_is_passed_over() {
    for (first, time) in [
        (Site::Refuses, 0),
        (Site::Silent, 30),
        (Peer::default().on("greeting", Does::Stalls).site(), 300),
        (Peer::default().on("greeting", Does::Closes).site(), 0),
        (Peer::default().on("greeting", Does::Leaves("421 4.7.0 too many connections")).site(), 0),
        (Peer::default().says("greeting", "554 5.7.1 no").site(), 0),
        (Peer::default().says("greeting", "521 never").site(), 0),
        (Peer::default().says("greeting", "SSH-2.0-x").site(), 0),
        (Peer::default().on("EHLO", Does::Stalls).site(), 300),
        (Peer::default().on("EHLO", Does::Closes).site(), 0),
        (Peer::default().says("EHLO", "450 4.7.1 your name is odd").site(), 0),
        (Peer::default().says("EHLO", "550 5.7.1 no").site(), 0),
    ] {
        let mut world = World::with(first);
        world.net.put("192.0.2.2", [Peer::default().site()]);
        let (took, delivery) = seconds(world.deliver(&[BOB])).await;
        assert_eq!((outcomes(&delivery), took / 5 * 5), (vec![SECOND.to_owned()], time));
        assert_eq!((world.net.dialed(), delivery.feedback), (vec![1, 2], Feedback::Served));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_from_mail_on_counts() {
    for (word, does, outcome) in [
        ("MAIL", Does::Says("451 4.3.0 later"), "deferred at mail: # 451 4.3.0 later"),
        ("MAIL", Does::Says("550 5.7.1 not from you"), "failed at mail: # 550 5.7.1 not from you"),
        ("MAIL", Does::Closes, "deferred at mail: # 4.4.2 connection lost: mail"),
        ("MAIL", Does::Leaves("421 bye"), "deferred at mail: # 421 bye"),
        ("RCPT", Does::Says("450 4.2.0 greylisted"), "deferred at rcpt: # 450 4.2.0 greylisted"),
        ("RCPT", Does::Says("550 5.1.1 nobody"), "failed at rcpt: # 550 5.1.1 nobody"),
        ("RCPT", Does::Leaves("421 4.7.0 slow down"), "deferred at rcpt: # 421 4.7.0 slow down"),
        ("DATA", Does::Says("451 4.3.1 full"), "deferred at data: # 451 4.3.1 full"),
        ("DATA", Does::Leaves("421 bye"), "deferred at data: # 421 bye"),
        ("DATA", Does::Says("250 what?"), "deferred at data: # 4.5.0 unexpected reply, data: 250 what?"),
        ("end", Does::Says("554 5.7.1 spam"), "failed at end: # 554 5.7.1 spam"),
        ("end", Does::Says("452 4.3.1 full"), "deferred at end: # 452 4.3.1 full"),
        ("end", Does::Leaves("421 4.3.2 going down"), "deferred at end: # 421 4.3.2 going down"),
        (
            "end",
            Does::Closes,
            "deferred at end: # 4.4.2 sent, but the answer is lost, so it may arrive twice: connection lost: body-end",
        ),
    ] {
        let mut world = World::with(Peer::default().on(word, does).site());
        world.net.put("192.0.2.2", [Peer::default().site()]);
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!(outcomes(&delivery), [outcome.replace('#', "mx1.example.net [192.0.2.1]:")]);
        assert_eq!(world.net.dialed(), [1], "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_failures_the_most_telling_is_told() {
    let refused = || Peer::default().says("greeting", "554 5.7.1 no").site();
    let busy = || Peer::default().on("greeting", Does::Leaves("421 4.7.0 busy")).site();
    for (one, two, outcome, feedback) in [
        (
            Site::Refuses,
            Site::Refuses,
            "deferred at connect: 4.4.1 mx1.example.net [192.0.2.1]: connection refused",
            "unreachable",
        ),
        (refused(), refused(), "failed at greeting: mx1.example.net [192.0.2.1]: 554 5.7.1 no", "neutral"),
        (
            refused(),
            Site::Silent,
            "deferred at connect: 4.4.1 mx2.example.net [192.0.2.2]: timed out: connect",
            "unreachable",
        ),
        (busy(), Site::Refuses, "deferred at greeting: mx1.example.net [192.0.2.1]: 421 4.7.0 busy", "busy"),
    ] {
        let mut world = World::with(one);
        world.net.put("192.0.2.2", [two]);
        let delivery = world.deliver(&[BOB, "eve@example.net"]).await;
        assert_eq!(outcomes(&delivery), [outcome, outcome]);
        let told = match delivery.feedback {
            Feedback::Unreachable(_) => "unreachable",
            Feedback::Busy(_) => "busy",
            Feedback::Neutral => "neutral",
            Feedback::Served => "served",
        };
        assert_eq!(told, feedback);
    }
}

#[tokio::test(start_paused = true)]
async fn all_addresses_of_all_hosts_are_tried_within_limits() {
    let zones = "$ORIGIN example.net.\n\
                 @    MX 10 mx1\n\
                 @    MX 20 mx2\n\
                 mx1  A 192.0.2.1\n\
                 mx1  A 192.0.2.3\n\
                 mx1  AAAA 2001:db8::4\n\
                 mx2  A 192.0.2.2\n";
    for (addresses, dialed, outcome) in [
        (10, vec![4, 1, 3, 2], SECOND),
        (4, vec![4, 1, 3, 2], SECOND),
        (3, vec![4, 1, 3], "deferred at connect: 4.4.1 mx1.example.net [2001:db8::4]: connection refused"),
        (0, vec![4], "deferred at connect: 4.4.1 mx1.example.net [2001:db8::4]: connection refused"),
    ] {
        let mut world = World::new();
        world.zones.load(zones).unwrap();
        world.net.put("192.0.2.2", [Peer::default().site()]);
        world.config.addresses = addresses;
        assert_eq!(outcomes(&world.deliver(&[BOB]).await), [outcome]);
        assert_eq!(world.net.dialed(), dialed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_an_end() {
    let mut world = World::with(Site::Silent);
    world.net.put("192.0.2.2", [Peer::default().on("RCPT", Does::Stalls).site()]);
    world.config.deadline = Duration::from_secs(100);
    let (took, delivery) = seconds(world.deliver(&[BOB, "eve@example.net"])).await;
    let outcome = "deferred at rcpt: mx2.example.net [192.0.2.2]: 4.4.7 the attempt has taken too long as a whole, \
                   and was given up: rcpt";
    assert_eq!((took, outcomes(&delivery)), (100, vec![outcome.to_owned(), outcome.to_owned()]));
    assert!(matches!(delivery.feedback, Feedback::Busy(_)));
}

#[tokio::test(start_paused = true)]
async fn at_the_end_it_is_known_what_is_in_doubt() {
    let mut world = World::with(Peer::default().on("end", Does::Stalls).site());
    world.config.deadline = Duration::from_secs(100);
    let delivery = world.deliver(&[BOB]).await;
    let outcome = &outcomes(&delivery)[0];
    assert!(
        outcome.contains("the answer is lost, so it may arrive twice: the attempt has taken"),
        "{outcome}"
    );
}

/// Dropped, it closes its connection.
#[tokio::test(start_paused = true)]
async fn an_attempt_can_be_given_up() {
    let mut world = World::with(Peer::default().on("RCPT", Does::Stalls).site());
    let outbound = world.outbound();
    let mail = Mail::to(&[BOB]);
    let given_up = tokio::time::timeout(Duration::from_secs(10), world.send(&outbound, &mail)).await;
    assert!(given_up.is_err());
    assert_eq!(world.net.heard("DATA"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_takes_the_same_way() {
    let zones: String =
        ["example.net. MX 10 mx1.example.net.\n".to_owned()]
            .into_iter()
            .chain((1..9).map(|n| {
                format!("example.net. MX 20 mx{n}.example.org.\nmx{n}.example.org. A 192.0.2.{n}\n")
            }))
            .collect();
    let mut ways = Vec::new();
    for seed in [1, 1, 2] {
        let mut world = World::new();
        world.seed = seed;
        world.zones.load(&zones).unwrap();
        world.deliver(&[BOB]).await;
        ways.push(world.net.dialed());
    }
    assert_eq!(ways[0], ways[1]);
    assert_ne!(ways[0], ways[2]);
    ways[2].sort_unstable();
    assert_eq!(ways[2], (1..9).collect::<Vec<u8>>());
}
