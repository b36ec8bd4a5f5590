//! A store, a DNS and a network in memory, with a server in it, time standing still.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailwright_core::testing::SeededEntropy;
use mailwright_core::{Clock, Timestamp};
use mailwright_delivery::outbound::{Dial, Dialed};
use mailwright_delivery::{OpenQueue, Queue, QueueEvent, RunningQueue};
use mailwright_dns::Zones;
use mailwright_store::{MemoryStore, Store};
use mailwright_tokio::smtp::SmtpHandler;
use mailwright_tokio::{Io, Peer, SmtpServer, SystemClock};
use tokio::io::duplex;
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::sink::{Inbox, Sink};

pub(crate) const MAIL: &str = "Subject: tea?\n\n.At four.\n";

/// Tokio's time, which stands still unless everybody waits.
#[derive(Debug)]
pub(crate) struct Standing(Instant);

impl Standing {
    pub(crate) fn new() -> Self {
        Self(SystemClock.mono())
    }
}

impl Clock for Standing {
    fn mono(&self) -> Instant {
        SystemClock.mono()
    }

    fn wall(&self) -> Timestamp {
        Timestamp(1_767_225_600_000).saturating_add(self.mono() - self.0)
    }
}

/// A network with one server in it, at all addresses.
struct Net<H>(Arc<SmtpServer<H>>);

impl<H: SmtpHandler> Dial for Net<H> {
    fn dial(&self, local: SocketAddr, _: Option<IpAddr>) -> Dialed {
        let server = Arc::clone(&self.0);
        Box::pin(async move {
            let (near, far) = duplex(1 << 16);
            let peer = Peer { remote: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9), local };
            tokio::spawn(async move { server.session(Box::new(far), peer).await });
            Ok(Box::new(near) as Box<dyn Io>)
        })
    }
}

/// In which no connection ever comes about.
pub(crate) struct Silence;

impl Dial for Silence {
    fn dial(&self, _: SocketAddr, _: Option<IpAddr>) -> Dialed {
        Box::pin(std::future::pending())
    }
}

/// In which nobody listens.
pub(crate) struct Nobody;

impl Dial for Nobody {
    fn dial(&self, _: SocketAddr, _: Option<IpAddr>) -> Dialed {
        Box::pin(async { Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()) })
    }
}

/// A queue that goes by MX to `example.net`, and to where the application gets its mail.
pub(crate) fn open(store: &Arc<MemoryStore>, dial: impl Dial + 'static) -> OpenQueue<MemoryStore> {
    let zones: Zones = "example.net. A 192.0.2.1\napp.example. A 192.0.2.2".parse().unwrap();
    Queue::on(Arc::clone(store))
        .hostname("us.example".parse().unwrap())
        .without_tls()
        .dns(zones)
        .dial(dial)
        .environment(Arc::new(Standing::new()), Arc::new(SeededEntropy::new(1)))
}

/// A queue before it starts, and what arrives at the only server there is.
pub(crate) fn world() -> (Arc<MemoryStore>, OpenQueue<MemoryStore>, Inbox) {
    let ((sink, mail), store) = (Sink::new(), Arc::default());
    let net = Net(Arc::new(SmtpServer::new("mx.example.net", sink)));
    (Arc::clone(&store), open(&store, net), mail)
}

/// In a test whose time is the world's: does not wait for ever.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), work).await.unwrap()
}

/// How many entries are in the queue.
pub(crate) async fn entries<S: Store>(store: &S) -> usize {
    store.queue_page(None, None, 100).await.unwrap().items.len()
}

/// What is told to an application, without the starts of attempts.
pub(crate) struct Events(broadcast::Receiver<QueueEvent>);

impl Events {
    pub(crate) fn of<S: Store>(queue: &RunningQueue<S>) -> Self {
        Self(queue.events())
    }

    pub(crate) async fn next(&mut self) -> QueueEvent {
        loop {
            let patience = Duration::from_secs(30 * 24 * 3600);
            let event = timeout(patience, self.0.recv()).await.unwrap().unwrap();
            if !matches!(event, QueueEvent::Started { .. }) {
                return event;
            }
        }
    }
}
