//! What stands in the envelope alone, DSN and SMTPUTF8, on its way from our queue to them.

use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{Address, Clock as _, ReversePath, TraceId};
use mailwright_delivery::outbound::Route;
use mailwright_delivery::{Queue, QueueEvent};
use mailwright_queue::{
    AcceptConfig, Body, Envelope, EnvelopeId, Notify, OriginalAddress, Outgoing, OutgoingRecipient,
    RecipientState, Ret, RetryConfig,
};
use mailwright_store::{Batch, BatchId, BlobHint, BlobWriter as _, MemoryStore, Op, Store as _};
use mailwright_tokio::SystemClock;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::Pair;
use super::mail::{Mail, message};
use crate::outbound::eventually;
use crate::support::{EXIM, Mta, OPENSMTPD, PATIENCE, POSTFIX, Peer};

/// Puts a message from ann into a queue of its own, which sends all to this server. Gives what becomes of it.
fn deliver(theirs: &Mta, envelope: Envelope, to: &str, state: RecipientState, content: &str) -> QueueEvent {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(MemoryStore::default());
        let route = Route::smarthost(&format!("smtp://{}?tls=never", theirs.smtp())).unwrap();
        let queue = Queue::on(Arc::clone(&store)).route(route).hostname("mx.a.example".parse().unwrap());
        let queue = queue.without_tls().start().unwrap();
        let mut events = queue.events();

        let now = SystemClock.wall();
        let mut blob = store.blob_writer(BlobHint { now, size: None }).await.unwrap();
        blob.write(Bytes::from(content.to_owned())).await.unwrap();
        let blob = blob.finish(now).await.unwrap();
        let sender = ReversePath::Address("ann@a.example".parse().unwrap());
        let recipients = vec![OutgoingRecipient::new(to.parse().unwrap(), state).unwrap()];
        let trace = TraceId::new(now, [1; 4]);
        let envelope = Envelope { arrived: now, body: Body::EightBitMime, ..envelope };
        let message = Outgoing { trace, sender, envelope, blob: blob.id(), recipients };
        let mut batch = Batch::new(BatchId([1; 16]), now);
        let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
        batch.ops.extend(entries.into_iter().map(Op::from));
        store.commit(batch).await.unwrap();

        let settled = async {
            loop {
                let event = events.recv().await.unwrap();
                if !matches!(event, QueueEvent::Started { .. }) {
                    return event;
                }
            }
        };
        let settled = timeout(PATIENCE, settled).await.unwrap();
        queue.shutdown().await;
        settled
    })
}

/// RFC 3461: they report that it has arrived, in words of the envelope.
fn success_is_reported(peer: &'static Peer) {
    let Some(pair) = Pair::new(peer, "") else { return };
    let Some(theirs) = pair.start() else { return };
    let _ours = pair.ours.serve();
    let original: Address = "ann+old@before.example".parse().unwrap();
    let to = format!("ann@{}", peer.domain);
    let envelope = Envelope {
        ret: Some(Ret::Headers),
        envid: EnvelopeId::from_xtext("QQ+2B314159"),
        ..Envelope::default()
    };
    let state = RecipientState {
        notify: Some(Notify::On { success: true, failure: true, delay: false }),
        orcpt: OriginalAddress::rfc822(&original),
        ..RecipientState::default()
    };
    let sent = message("dsn", 0);
    let event = deliver(&theirs, envelope, &to, state, &sent);
    assert!(matches!(event, QueueEvent::Delivered { .. }), "{event:?}");
    let mail = eventually("it arrives", || theirs.mail("ann").pop());
    Mail::new(&mail).assert_content(&sent);

    let report = eventually("it is reported", || pair.ours.inbox("ann").pop());
    println!("{report}");
}

#[test]
fn postfix_reports_success() {
    success_is_reported(&POSTFIX);
}

#[test]
fn exim_reports_success() {
    success_is_reported(&EXIM);
}

#[test]
fn opensmtpd_reports_success() {
    success_is_reported(&OPENSMTPD);
}

/// RFC 6531: an address and a header beyond ASCII.
fn beyond_ascii(peer: &'static Peer) -> Option<(Mta, String, QueueEvent)> {
    let pair = Pair::new(peer, "")?;
    let theirs = pair.start()?;
    let envelope = Envelope { smtputf8: true, ..Envelope::default() };
    let sent = message("grå", 0);
    let to = format!("grå@{}", peer.domain);
    let event = deliver(&theirs, envelope, &to, RecipientState::default(), &sent);
    Some((theirs, sent, event))
}

fn beyond_ascii_arrives(peer: &'static Peer) {
    let Some((theirs, sent, event)) = beyond_ascii(peer) else { return };
    assert!(matches!(event, QueueEvent::Delivered { .. }), "{event:?}");
    let mail = eventually("it arrives", || theirs.mail("grå").pop());
    let mail = Mail::new(&mail);
    println!("{mail:#?}");
    mail.assert_envelope("ann@a.example", &format!("grå@{}", peer.domain));
    mail.assert_content(&sent);
}

#[test]
fn postfix_beyond_ascii() {
    beyond_ascii_arrives(&POSTFIX);
}

#[test]
fn exim_beyond_ascii() {
    beyond_ascii_arrives(&EXIM);
}

/// OpenSMTPD has no SMTPUTF8: RFC 6531 §3.5, the message comes back.
#[test]
fn opensmtpd_beyond_ascii() {
    let Some((theirs, _, event)) = beyond_ascii(&OPENSMTPD) else { return };
    println!("{event:#?}");
    let QueueEvent::Bounced { reply, .. } = event else { panic!("{event:?}") };
    assert!(reply.text.contains("SMTPUTF8"), "{reply:?}");
    assert!(!theirs.log().contains("MAIL FROM"), "{}", theirs.log());
}
