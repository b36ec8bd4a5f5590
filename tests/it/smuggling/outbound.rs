//! What goes out: to a server that takes content behind DATA, and to one that takes it in chunks.

use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{Clock as _, ReversePath, TraceId};
use mailwright_delivery::outbound::Route;
use mailwright_delivery::{Envelope, Queue, QueueEvent, RunningQueue};
use mailwright_queue::{
    AcceptConfig, Body, Envelope as Parameters, Outgoing, OutgoingRecipient, RecipientState, RetryConfig,
};
use mailwright_store::{Batch, BatchId, BlobHint, BlobWriter as _, MemoryStore, Op, Store as _};
use mailwright_tokio::SystemClock;
use tokio::runtime::Builder;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::recorder::Recorder;
use super::{END, FAULTY, SEQUENCES, SMUGGLED, content, is_faulty};
use crate::outbound::eventually;
use crate::support::{Installation, PATIENCE, Wire, contains, route};

/// A server without CHUNKING, and one with it.
fn recorders() -> [(Recorder, Written); 2] {
    [(Recorder::offering("HELP"), dotted), (Recorder::offering("CHUNKING"), <[u8]>::to_vec)]
}

/// How a content is written for such a server.
type Written = fn(&[u8]) -> Vec<u8>;

/// RFC 5321 §4.5.2
fn dotted(content: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    for (at, &octet) in content.iter().enumerate() {
        if octet == b'.' && content[..at].ends_with(b"\r\n") {
            result.push(b'.');
        }
        result.push(octet);
    }
    result
}

/// These contents have been taken, each of them once and in no other form, and nothing has been said that any server
/// could take for the end of one.
#[track_caller]
fn assert_taken(recorder: &Recorder, written: Written, contents: &[Vec<u8>]) {
    let heard = recorder.heard();
    assert!(!is_faulty(&heard.all), "{}", heard.all.escape_ascii());
    for content in contents {
        let content = written(content);
        let found = heard.taken.iter().filter(|taken| taken.content.ends_with(&content)).count();
        assert_eq!(found, 1, "{}", content.escape_ascii());
    }
    assert_eq!(heard.taken.len(), contents.len());
    for taken in &heard.taken {
        let [from, to] = &taken.envelope[..] else { panic!("{:?}", taken.envelope) };
        let is_ours = ["MAIL FROM:<ann@a.example>", "MAIL FROM:<>"].iter().any(|ours| from.starts_with(ours));
        assert!(is_ours, "{from}");
        assert!(to.starts_with("RCPT TO:<bob@"), "{to}");
    }
}

/// How a user gives a content to our server.
type Gives = fn(&mut Wire, &[u8]);

fn behind_data(wire: &mut Wire, content: &[u8]) {
    wire.expect("DATA", "354");
    wire.send([&dotted(content), &b".\r\n"[..]].concat());
}

fn in_a_chunk(wire: &mut Wire, content: &[u8]) {
    wire.send([format!("BDAT {} LAST\r\n", content.len()).as_bytes(), content].concat());
}

/// What a user sends to others.
#[test]
fn users_smuggle_nothing() {
    let [(by_data, written), (by_chunks, chunked)] = recorders();
    let routes = [("data.example", &by_data), ("chunks.example", &by_chunks)];
    let routes = routes.map(|(domain, recorder)| route(domain, recorder.smtp, "never"));
    let Some(ours) = Installation::new("a.example", &routes.concat()) else { return };
    let _ours = ours.serve();
    let mut sound = Vec::new();
    for (way, gives) in [behind_data as Gives, in_a_chunk].into_iter().enumerate() {
        for (number, (name, sequence)) in [&SEQUENCES[..], &[END]].concat().into_iter().enumerate() {
            let content = content(100 * way + number, sequence);
            let mut wire = ours.login("ann");
            wire.expect("MAIL FROM:<ann@a.example> BODY=8BITMIME", "250");
            wire.expect("RCPT TO:<bob@data.example>", "250");
            wire.expect("RCPT TO:<bob@chunks.example>", "250");
            gives(&mut wire, &content);
            let reply = wire.reply();
            println!("{name:36} {reply}");
            let faulty = is_faulty(sequence);
            let expected = if faulty { "550 5.5.2 " } else { "250 2.0.0 " };
            assert!(reply.starts_with(expected), "{name}: {reply}");
            wire.expect("QUIT", "221");
            sound.extend((!faulty).then_some(content));
        }
    }
    assert_eq!(sound.len(), 2 * (SEQUENCES.len() + 1 - FAULTY));
    eventually("the queue is empty", || ours.queued().is_empty().then_some(()));
    assert_taken(&by_data, written, &sound);
    assert_taken(&by_chunks, chunked, &sound);
    assert_eq!(ours.inbox("ann"), [""; 0], "nothing comes back");
}

/// RFC 3030 §3: what comes as binary may have any octets, goes to other servers as lines all the same, and to mailboxes.
#[test]
fn binary_content_smuggles_nothing() {
    let recorders = recorders();
    let routes = ["data.example", "chunks.example"].into_iter().zip(&recorders);
    let routes = routes.map(|(domain, (recorder, _))| route(domain, recorder.smtp, "never"));
    let Some(ours) = Installation::new("a.example", &routes.collect::<String>()) else { return };
    let _ours = ours.serve();
    let text = "Content-Transfer-Encoding: binary\r\n\r\ntext";
    let parts = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
    // In a text, in one that says nothing, in a part; and where nothing can be encoded: in a header, and before the parts.
    let places = [
        (text.to_owned(), "250 2.0.0 "),
        ("\r\ntext".to_owned(), "250 2.0.0 "),
        (format!("{parts}{text}"), "250 2.0.0 "),
        ("X-Text: text".to_owned(), "55"),
        (parts.replace("--b", "text"), "55"),
    ];
    let mut taken = 0;
    for (begin, expected) in &places {
        for (name, sequence) in &SEQUENCES[..FAULTY] {
            let header = format!("Subject: {name}\r\nMIME-Version: 1.0\r\n{begin}");
            let content = [header.as_bytes(), sequence, SMUGGLED.as_bytes(), b"\r\n--b--\r\n"].concat();
            let mut wire = ours.login("ann");
            wire.expect("MAIL FROM:<ann@a.example> BODY=BINARYMIME", "250");
            for to in ["bob@a.example", "bob@data.example", "bob@chunks.example"] {
                wire.expect(format!("RCPT TO:<{to}>"), "250");
            }
            in_a_chunk(&mut wire, &content);
            let reply = wire.reply();
            println!("{name:36} {begin:?}: {reply}");
            assert!(reply.starts_with(expected), "{name}: {reply}");
            taken += usize::from(reply.starts_with("250"));
            wire.expect("QUIT", "221");
        }
    }
    assert_eq!(taken, 3 * FAULTY);
    eventually("the queue is empty", || ours.queued().is_empty().then_some(()));
    for (recorder, _) in &recorders {
        let heard = recorder.heard();
        assert!(!is_faulty(&heard.all), "{}", heard.all.escape_ascii());
        assert_eq!(heard.taken.len(), taken);
        assert!(heard.taken.iter().all(|taken| taken.envelope.len() == 2), "{:?}", heard.taken);
    }
    let kept = ours.inbox("bob");
    assert_eq!(kept.len(), taken);
    assert!(kept.iter().all(|kept| !is_faulty(kept.as_bytes())), "{kept:#?}");
}

/// What comes into the queue in other ways: an application may submit it.
#[test]
fn applications_smuggle_nothing() {
    for (recorder, written) in recorders() {
        let mut sound = Vec::new();
        with_queue(&recorder, async |_, queue| {
            let mut events = queue.events();
            for (number, (name, sequence)) in [&SEQUENCES[..], &[END]].concat().into_iter().enumerate() {
                let content = content(number, sequence);
                let envelope = Envelope::new("ann@a.example", ["bob@x.example"]).unwrap();
                // Each line is made to end in CRLF.
                let lines = content.split(|&octet| octet == b'\n');
                let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect::<Vec<_>>();
                let ended = lines.join(&b"\r\n"[..]);
                match queue.submit(envelope, content).await {
                    Ok(_) => {
                        let event = settled(&mut events).await;
                        assert!(matches!(event, QueueEvent::Delivered { .. }), "{name}: {event:?}");
                        sound.push(ended);
                    }
                    Err(error) => assert!(is_faulty(&ended), "{name}: {error}"),
                }
            }
        });
        // Three had no fault but an LF by itself.
        assert_eq!(sound.len(), SEQUENCES.len() + 1 - FAULTY + 3);
        assert_taken(&recorder, written, &sound);
    }
}

/// What should not be in the queue, and is there all the same: the client does not send it.
#[test]
fn the_client_smuggles_nothing() {
    for (recorder, written) in recorders() {
        let mut sound = Vec::new();
        with_queue(&recorder, async |store, queue| {
            let mut events = queue.events();
            for (number, (name, sequence)) in [&SEQUENCES[..], &[END]].concat().into_iter().enumerate() {
                let content = content(number, sequence);
                put(store, number, &content).await;
                let event = settled(&mut events).await;
                if is_faulty(sequence) {
                    assert!(matches!(event, QueueEvent::Bounced { .. }), "{name}: {event:?}");
                } else {
                    assert!(matches!(event, QueueEvent::Delivered { .. }), "{name}: {event:?}");
                    sound.push(content);
                }
            }
        });
        assert_eq!(sound.len(), SEQUENCES.len() + 1 - FAULTY);
        assert_taken(&recorder, written, &sound);
        assert!(contains(&recorder.heard().all, b"QUIT\r\n"), "the last connection has ended");
    }
}

/// Runs a queue that sends all to this server.
fn with_queue(recorder: &Recorder, work: impl AsyncFnOnce(&MemoryStore, &RunningQueue<MemoryStore>)) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(MemoryStore::default());
        let route = Route::smarthost(&format!("smtp://{}?tls=never", recorder.smtp)).unwrap();
        let queue = Queue::on(Arc::clone(&store)).route(route).hostname("mx.a.example".parse().unwrap());
        let queue = queue.without_tls().start().unwrap();
        work(&store, &queue).await;
        queue.shutdown().await;
    });
}

/// What becomes of the only message.
async fn settled(events: &mut Receiver<QueueEvent>) -> QueueEvent {
    loop {
        let event = timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
        if !matches!(event, QueueEvent::Started { .. }) {
            return event;
        }
    }
}

/// Puts a message for bob into the queue's store, whatever is in it.
async fn put(store: &MemoryStore, number: usize, content: &[u8]) {
    let now = SystemClock.wall();
    let mut blob = store.blob_writer(BlobHint { now, size: None }).await.unwrap();
    blob.write(Bytes::copy_from_slice(content)).await.unwrap();
    let blob = blob.finish(now).await.unwrap();
    let to = "bob@x.example".parse().unwrap();
    let message = Outgoing {
        trace: TraceId::new(now, [u8::try_from(number).unwrap(); 4]),
        // Nobody is told what becomes of it.
        sender: ReversePath::Null,
        envelope: Parameters { arrived: now, body: Body::EightBitMime, ..Parameters::default() },
        blob: blob.id(),
        recipients: vec![OutgoingRecipient::new(to, RecipientState::default()).unwrap()],
    };
    let mut batch = Batch::new(BatchId([u8::try_from(number).unwrap(); 16]), now);
    let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
    batch.ops.extend(entries.into_iter().map(Op::from));
    store.commit(batch).await.unwrap();
}
