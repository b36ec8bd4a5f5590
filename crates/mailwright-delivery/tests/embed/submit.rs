//! What is taken from an application, and what is not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use mailwright_delivery::{Envelope, InvalidContent, RunningQueue, SubmitError};
use mailwright_store::{BatchId, MemoryConfig, MemoryStore, Store as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use crate::world::{MAIL, Silence, entries, open, world};

fn envelope() -> Envelope {
    Envelope::new("app@us.example", ["ann@example.net"]).unwrap()
}

/// Whose mail stays in the queue.
fn silent(config: MemoryConfig) -> (Arc<MemoryStore>, RunningQueue<MemoryStore>) {
    let store = Arc::new(MemoryStore::new(config));
    let queue = open(&store, Silence).adjust(|_, queue| {
        queue.submit.octets = 1_000;
        queue.submit.recipients = 3;
    });
    (store, queue.start().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_not_taken() {
    let (store, queue) = silent(MemoryConfig::default());
    for (content, told) in [
        ("A: b\r\n\r\nc\rd\r\n".to_owned(), "line 3 has a CR that no LF follows"),
        ("A: b\n\n\0".to_owned(), "line 3 has a NUL"),
        (
            format!("A: b\n{}\n", "x".repeat(999)),
            "line 2 has more than 998 octets: encode the text as quoted-printable or base64",
        ),
        (format!("{}\n", "x".repeat(98)).repeat(11), "the message has more than 1000 octets"),
        ("\n".repeat(501), "the message has more than 1000 octets"),
    ] {
        let error = queue.submit(envelope(), content).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_temporary()), (told, false));
    }
    let everybody = ["a@x.example", "b@x.example", "c@x.example", "d@x.example"];
    let error = queue.submit(Envelope::new("app@us.example", everybody).unwrap(), MAIL).await.unwrap_err();
    assert_eq!(error.to_string(), "the message has 4 recipients, which is too many at once");
    assert_eq!(entries(&*store).await, 0);

    // As many as may be.
    queue.submit(envelope(), format!("{}\n", "x".repeat(98)).repeat(10)).await.unwrap();
    queue.submit(Envelope::new("app@us.example", &everybody[1..]).unwrap(), MAIL).await.unwrap();
    assert_eq!(entries(&*store).await, 2);
}

#[tokio::test(start_paused = true)]
async fn more_domains_than_a_batch_has_room_for() {
    let mut config = MemoryConfig::default();
    config.limits.ops_per_batch = 3;
    let (store, queue) = silent(config);
    let many = Envelope::new("app@us.example", ["a@x.example", "a@y.example", "a@z.example"]).unwrap();
    let error = queue.submit(many, MAIL).await.unwrap_err();
    assert!(matches!(error, SubmitError::TooManyRecipients { count: 3 }), "{error}");
    assert_eq!(entries(&*store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_takes_nothing() {
    let mut config = MemoryConfig::default();
    config.capacity = 1_500;
    let (store, queue) = silent(config);
    let content = format!("{}\n", "x".repeat(90)).repeat(10);
    queue.submit(envelope(), content.clone()).await.unwrap();
    let error = queue.submit(envelope(), content).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoSpace) && error.is_temporary(), "{error}");
    assert_eq!(entries(&*store).await, 1);
}

/// That breaks off.
struct Torn;

impl AsyncRead for Torn {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_come_in_pieces() {
    let (store, queue, mut mail) = world();
    let queue = queue.start().unwrap();
    let text = "Fünf Uhr? Nein: vier.\n".repeat(100_000);
    let content = format!("Subject: tea?\n\n{text}");
    queue.submit_from(envelope(), content.as_bytes()).await.unwrap();
    let kept = mail.next().await;
    assert!(kept.content == content.replace('\n', "\r\n"));
    assert!(kept.eight_bit, "RFC 6152");

    let torn = content.as_bytes().chain(Torn);
    let error = queue.submit_from(envelope(), torn).await.unwrap_err();
    assert!(matches!(error, SubmitError::Read(_)) && error.is_temporary(), "{error}");
    let wrong = queue.submit_from(envelope(), &b"a\rb"[..]).await.unwrap_err();
    assert!(matches!(wrong, SubmitError::Content(InvalidContent::BareCr { line: 1 })));
    assert!(queue.shutdown().await);
    assert_eq!(entries(&*store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_id_is_the_same_message() {
    let (store, queue) = silent(MemoryConfig::default());
    let id = queue.new_id();
    let first = queue.submit_once(id, envelope(), MAIL).await.unwrap();
    assert_eq!(queue.submit_once(id, envelope(), Bytes::from_static(b"else")).await.unwrap(), first);
    assert_eq!(entries(&*store).await, 1);
    // The first octets of it are its trace's.
    assert_eq!(first.to_bytes(), id.0[..10]);
    let time = i64::try_from(uuid_time(id)).unwrap();
    assert_eq!(first.time().as_millis(), time);
    assert!(!store.trace(first).await.unwrap().events.is_empty());

    let second = queue.submit_once(queue.new_id(), envelope(), MAIL).await.unwrap();
    assert!((second, 2) == (second, entries(&*store).await) && second != first);
    // What was refused is no message yet.
    let id = queue.new_id();
    assert!(queue.submit_once(id, envelope(), "a\rb").await.is_err());
    assert!(queue.submit_once(id, envelope(), MAIL).await.is_ok());
    assert_eq!(entries(&*store).await, 3);
}

/// `unix_ts_ms` (RFC 9562 §5.7)
fn uuid_time(BatchId(id): BatchId) -> u64 {
    id[..6].iter().fold(0, |time, &octet| time << 8 | u64::from(octet))
}
