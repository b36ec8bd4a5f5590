//! A queue in a directory, and what is left of it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use mailwright_delivery::outbound::{Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_delivery::{Envelope, OpenQueue, Queue, QueueEvent, SubmitError};
use mailwright_dns::Zones;
use mailwright_store_sqlite::SqliteStore;
use mailwright_tokio::{Shutdown, SmtpServer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::dir::Dir;
use crate::sink::{Inbox, Sink};
use crate::world::{Events, MAIL, Silence, soon};

/// A server at a port of this machine, until the runtime ends.
async fn serve() -> (u16, Inbox) {
    let (sink, mail) = Sink::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(SmtpServer::new("relay.example", sink).shutdown(Shutdown::new()).serve(listener));
    (port, mail)
}

async fn open(dir: &Path, port: u16) -> OpenQueue<SqliteStore> {
    let host = RelayHost::at(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let relay = Relay { tls: TlsPolicy::Never, ..Relay::new(host) };
    let queue = Queue::open(dir).await.unwrap();
    queue.route(Route::new("*".parse().unwrap(), Way::Relay(relay))).dns(Zones::default())
}

fn envelope(to: &str) -> Envelope {
    Envelope::new("app@us.example", [to]).unwrap()
}

#[test]
fn what_was_taken_arrives_although_the_process_is_killed() {
    let dir = Dir::new();
    let killed = Runtime::new().unwrap();
    let id = killed.block_on(async {
        let queue = open(dir.path(), 25).await.dial(Silence).start().unwrap();
        let mut events = queue.events();
        let id = queue.submit(envelope("ann@example.net"), MAIL).await.unwrap();
        // In the middle of an attempt.
        assert!(
            matches!(soon(events.recv()).await.unwrap(), QueueEvent::Started { entry, .. } if entry.trace == id)
        );
        id
    });
    drop(killed);

    Runtime::new().unwrap().block_on(async {
        let (port, mut mail) = serve().await;
        let queue = open(dir.path(), port).await.start().unwrap();
        let mut events = Events::of(&queue);
        let kept = soon(mail.next()).await;
        assert_eq!(
            (kept.name.as_str(), kept.to.as_slice()),
            ("[127.0.0.1]", &["ann@example.net".to_owned()][..])
        );
        assert_eq!(kept.content, MAIL.replace('\n', "\r\n"));
        assert!(
            matches!(soon(events.next()).await, QueueEvent::Delivered { entry, .. } if entry.trace == id)
        );
        assert!(queue.shutdown().await);
    });
}

#[tokio::test]
async fn a_queue_ends_and_is_opened_again() {
    let dir = Dir::new();
    let (port, mut mail) = serve().await;
    for to in ["ann@example.net", "bob@example.net"] {
        let queue = open(dir.path(), port).await.start().unwrap();
        let locked = Queue::open(dir.path()).await.unwrap_err();
        assert!(matches!(locked, mailwright_store_sqlite::OpenError::Lock(_)), "{locked}");
        let (mut events, submitter) = (Events::of(&queue), Queue::clone(&queue));
        submitter.submit(envelope(to), MAIL).await.unwrap();
        assert_eq!(soon(mail.next()).await.to, [to]);
        assert!(matches!(soon(events.next()).await, QueueEvent::Delivered { .. }));
        assert!(queue.shutdown().await);
        let error = submitter.submit(envelope(to), MAIL).await.unwrap_err();
        assert!(matches!(error, SubmitError::Store(_)) && error.is_temporary(), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_told() {
    let dir = Dir::new();
    let file = dir.file("file", b"");
    assert!(Queue::open(file).await.is_err());
}
