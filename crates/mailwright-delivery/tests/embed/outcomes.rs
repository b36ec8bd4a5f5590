//! What becomes of mail, and who is told.

use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Clock as _;
use mailwright_delivery::{Envelope, QueueEvent, Reports};
use mailwright_tokio::SystemClock;

use crate::world::{Events, MAIL, Nobody, entries, open, world};

const APP: &str = "app@app.example";

#[tokio::test(start_paused = true)]
async fn what_is_submitted_arrives() {
    let (store, queue, mut mail) = world();
    let queue = queue.start().unwrap();
    let mut events = Events::of(&queue);
    let envelope = Envelope::new(APP, ["ann@example.net", "bob@example.net"]).unwrap();
    let id = queue.submit(envelope, MAIL).await.unwrap();

    let kept = mail.next().await;
    assert_eq!((kept.name.as_str(), kept.from.as_str()), ("us.example", "<app@app.example>"));
    assert_eq!((kept.to, kept.eight_bit), (vec!["ann@example.net".into(), "bob@example.net".into()], false));
    assert_eq!(
        kept.content, "Subject: tea?\r\n\r\n.At four.\r\n",
        "lines end in CRLF, and no field is added"
    );
    for name in ["ann@example.net", "bob@example.net"] {
        let QueueEvent::Delivered { entry, to, reply } = events.next().await else { panic!("it arrived") };
        assert_eq!((entry.trace, to.to_string()), (id, name.to_owned()));
        assert_eq!(reply.remote.unwrap(), "example.net [192.0.2.1]");
    }
    assert_eq!(entries(&*store).await, 0);
    let trace = mailwright_store::Store::trace(&*store, id).await.unwrap();
    let told: Vec<&str> = trace.events.iter().map(|event| event.text.as_ref()).collect();
    assert_eq!(told[..4], ["<app@app.example>", "ann@example.net", "bob@example.net", "submitted"]);
    assert!(queue.shutdown().await, "nothing is under way");
}

#[tokio::test(start_paused = true)]
async fn what_is_put_off_is_tried_again_until_it_is_given_up() {
    let (_, queue, mut mail) = world();
    let queue = queue.start().unwrap();
    let (mut events, begun) = (Events::of(&queue), SystemClock.mono());
    queue.submit(Envelope::new(APP, ["later@example.net"]).unwrap(), MAIL).await.unwrap();

    let QueueEvent::Deferred { to, reply, next, entry } = events.next().await else { panic!("not today") };
    assert_eq!(to.to_string(), "later@example.net");
    assert!(reply.unwrap().text.starts_with("not today"));
    assert!(next.unwrap() > entry.trace.time());

    let mut attempts = 1;
    let reply = loop {
        match events.next().await {
            QueueEvent::Deferred { .. } => attempts += 1,
            QueueEvent::Bounced { reply, .. } => break reply,
            // The report of the delay.
            QueueEvent::Delivered { to, .. } => assert_eq!(to.to_string(), APP),
            other => panic!("{other:?}"),
        }
    };
    assert!(reply.text.starts_with("not today"), "{}", reply.text);
    assert!((25..=40).contains(&attempts), "{attempts} attempts");
    assert_eq!((SystemClock.mono() - begun).as_secs() / 3600, 5 * 24);
    for action in ["delayed", "failed"] {
        let report = mail.next().await;
        assert_eq!((report.from.as_str(), &report.to[..]), ("<>", &[APP.to_owned()][..]));
        assert!(report.content.contains(&format!("\r\nAction: {action}\r\n")), "{}", report.content);
        assert!(report.content.contains("<postmaster@us.example>"), "From is our postmaster");
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_reached_is_asked_again_in_a_minute() {
    let store = Arc::default();
    let queue = open(&store, Nobody).start().unwrap();
    let mut events = Events::of(&queue);
    queue.submit(Envelope::new(APP, ["ann@example.net"]).unwrap(), MAIL).await.unwrap();
    let QueueEvent::Deferred { reply, next, entry, .. } = events.next().await else {
        panic!("nobody is there")
    };
    assert_eq!(reply.unwrap().stage.as_str(), "connect");
    let wait = next.unwrap().since(entry.trace.time()).as_secs();
    assert!((54..=66).contains(&wait), "a minute, more or less: {wait} s");
    assert_eq!(entries(&*store).await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_told_of() {
    let (store, queue, mut mail) = world();
    let queue = queue.postmaster("ops@us.example".parse().unwrap()).start().unwrap();
    let mut events = Events::of(&queue);
    let to = ["ann@example.net", "never@example.net"];
    queue.submit(Envelope::new(APP, to).unwrap(), MAIL).await.unwrap();
    assert_eq!(mail.next().await.to, ["ann@example.net"]);
    assert!(matches!(events.next().await, QueueEvent::Delivered { to, .. } if to.local() == "ann"));
    let QueueEvent::Bounced { to, reply, .. } = events.next().await else { panic!("it was refused") };
    assert_eq!((to.local(), reply.code.unwrap().get()), ("never", 550));

    let report = mail.next().await;
    assert_eq!((report.from.as_str(), &report.to[..]), ("<>", &[APP.to_owned()][..]));
    assert!(report.content.contains("From: Mail Delivery Subsystem <ops@us.example>\r\n"));
    assert!(report.content.contains("Final-Recipient: rfc822; never@example.net\r\n"));
    assert!(!report.content.contains("Final-Recipient: rfc822; ann@example.net\r\n"));
    assert!(report.content.contains("\r\n.At four.\r\n"), "it has the message");
    assert!(matches!(events.next().await, QueueEvent::Delivered { .. }));
    assert_eq!(entries(&*store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn no_report_where_none_is_wanted() {
    let from_app = Envelope::new(APP, ["never@example.net"]).unwrap();
    let from_nobody = Envelope::without_sender(["never@example.net"]).unwrap();
    for (reports, envelope, is_reported) in [
        (Reports::Mail, &from_app, true),
        (Reports::EventsOnly, &from_app, false),
        (Reports::Mail, &from_nobody, false),
    ] {
        let (store, queue, mail) = world();
        let queue = queue.reports(reports).start().unwrap();
        let mut events = Events::of(&queue);
        queue.submit(envelope.clone(), MAIL).await.unwrap();
        assert!(matches!(events.next().await, QueueEvent::Bounced { .. }));
        // What is told has been committed, with the report: that waits, or is there.
        let report = entries(&*store).await > 0 || !mail.is_empty();
        assert_eq!(report, is_reported, "{reports:?} {envelope:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nothing_refers_to_is_dropped() {
    use mailwright_store::{BlobHint, BlobWriter as _, Store as _};
    let (store, queue, mut mail) = world();
    let queue = queue.start().unwrap();
    let mut events = Events::of(&queue);
    let now = queue.submit(Envelope::new(APP, ["a@example.net"]).unwrap(), MAIL).await.unwrap().time();
    let blob = store.blob_writer(BlobHint { now, size: None }).await.unwrap().finish(now).await.unwrap().id();
    mail.next().await;
    assert!(matches!(events.next().await, QueueEvent::Delivered { .. }));
    assert!(store.blob(blob).await.is_ok());
    tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    // Time goes on when everybody waits, as here for a message that is tried once more.
    queue.submit(Envelope::new(APP, ["later@example.net"]).unwrap(), MAIL).await.unwrap();
    while !matches!(events.next().await, QueueEvent::Delivered { .. }) {}
    assert!(store.blob(blob).await.is_err());
    assert!(queue.shutdown().await);
}
