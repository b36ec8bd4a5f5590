//! The content goes from the store to the wire in pieces.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mailwright_delivery::Deliver;
use mailwright_queue::Feedback;
use mailwright_smtp::Config;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{Io, Peer as Ends, SmtpServer};

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes};

/// Reads, and forgets.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    octets: usize,
    /// Of memory, at the worst.
    resident: usize,
}

impl SmtpHandler for Sink {
    async fn message(&self, _: &Ctx, _: &Envelope, mut body: Body) -> Verdict<String> {
        while let Some(chunk) = body.chunk().await? {
            let mut seen = self.0.lock().unwrap();
            seen.octets += chunk.len();
            seen.resident = seen.resident.max(resident());
        }
        Ok("forgotten".to_owned())
    }
}

/// Octets of memory that this process has.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Our own server.
fn server(sink: &Sink) -> Site {
    let mut config = Config { hostname: "mx1.example.net".to_owned(), ..Config::default() };
    config.limits.message_size = 50 << 20;
    let server = Arc::new(SmtpServer::with_config(config, sink.clone()));
    Site::Custom(Arc::new(move |io: Box<dyn Io>| {
        let server = Arc::clone(&server);
        let ends = Ends { remote: ([192, 0, 2, 99], 40_000).into(), local: ([192, 0, 2, 1], 25).into() };
        tokio::spawn(async move { server.session(io, ends).await });
    }))
}

#[tokio::test(start_paused = true)]
async fn a_large_message_takes_little_memory() {
    let sink = Sink::default();
    let mut world = World::with(server(&sink));
    let mut mail = Mail::to(&["bob@example.net"]);
    mail.content = Bytes::from(b"0123456789 0123456789 0123456789 0123456789\r\n".repeat(560_000));
    let size = mail.content.len();
    assert!(size > 25_000_000);
    let (claimed, parts) = world.queue(&mail).await;
    drop(mail);
    let (outbound, before) = (world.outbound(), resident());
    let delivery = outbound.deliver(&world.store, &claimed, &parts).await;
    assert!(outcomes(&delivery)[0].starts_with("relayed at end: "), "{:?}", outcomes(&delivery));
    let seen = sink.0.lock().unwrap();
    assert_eq!(seen.octets, size);
    let more = seen.resident.saturating_sub(before);
    assert!(more < 12 << 20, "{more} octets for a message of {size}");
}

/// The peer refuses before it has seen all of it.
#[tokio::test(start_paused = true)]
async fn an_early_refusal_is_heard() {
    let peer = Peer::offering(&["CHUNKING", "PIPELINING"]).says("BDAT", "552 5.3.4 too large");
    let mut world = World::with(peer.site());
    let outbound = world.outbound();
    let mail =
        Mail { content: Bytes::from(b"0123456789\r\n".repeat(100_000)), ..Mail::to(&["bob@example.net"]) };
    let delivery = world.send(&outbound, &mail).await;
    assert_eq!(outcomes(&delivery), ["failed at body: mx1.example.net [192.0.2.1]: 552 5.3.4 too large"]);
    assert!(world.net.heard("BDAT") < 12, "{:?}", world.net.log());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_not_sent() {
    for (content, told) in [
        (&b"a\nb\r\n"[..], "5.6.0 the content has an LF without CR"),
        (b"a\rb\r\n", "5.6.0 the content has a CR without LF"),
        (b"a\0b\r\n", "5.6.0 the content has a NUL"),
    ] {
        let mut world = World::with(Peer::default().site());
        let outbound = world.outbound();
        let mail = Mail { content: Bytes::from_static(content), ..Mail::to(&["bob@example.net"]) };
        let delivery = world.send(&outbound, &mail).await;
        assert_eq!(outcomes(&delivery), [format!("failed at body: mx1.example.net [192.0.2.1]: {told}")]);
        assert_eq!((delivery.feedback, world.net.heard("content")), (Feedback::Neutral, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_is_gone_is_not_the_servers_fault() {
    let mut world = World::with(Peer::default().site());
    let (mut claimed, parts) = world.queue(&Mail::to(&["bob@example.net"])).await;
    claimed.entry.size += 1;
    let outbound = world.outbound();
    let delivery = outbound.deliver(&world.store, &claimed, &parts).await;
    let outcome = &outcomes(&delivery)[0];
    assert!(
        outcome.starts_with(
            "deferred at body: mx1.example.net [192.0.2.1]: 4.3.0 the content cannot be read here"
        ),
        "{outcome}"
    );
    assert_eq!((delivery.feedback, world.net.heard("content")), (Feedback::Neutral, 0));
}

/// Whatever the peer does in the middle of it.
#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_in_the_middle_has_not_taken_it() {
    let mut world = World::with(Peer::default().on("DATA", Does::Leaves("354 go")).site());
    let outbound = world.outbound();
    let mail =
        Mail { content: Bytes::from(b"0123456789\r\n".repeat(100_000)), ..Mail::to(&["bob@example.net"]) };
    let outcome = outcomes(&world.send(&outbound, &mail).await).remove(0);
    assert!(
        outcome.starts_with("deferred at body: mx1.example.net [192.0.2.1]: 4.4.2 connection lost"),
        "{outcome}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_for_mailboxes_stays_here() {
    let sink = Sink::default();
    let mut world = World::with(server(&sink));
    let mut mail = Mail::to(&["bob@example.net"]);
    let (here, message) = ("Return-Path: <ann@example.org>\r\n", "Subject: tea?\r\n\r\nAt four.\r\n");
    mail.content = Bytes::from([here, message].concat());
    mail.envelope.begin = here.len() as u64;
    let (claimed, parts) = world.queue(&mail).await;
    let delivery = world.outbound().deliver(&world.store, &claimed, &parts).await;
    assert!(outcomes(&delivery)[0].starts_with("relayed at end: "), "{:?}", outcomes(&delivery));
    assert_eq!(sink.0.lock().unwrap().octets, message.len());
}
