//! Who is let in.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mailwright_tokio::{DynListen, Gate, GateLimits, Io, Listen, Peer, Shutdown};
use tokio::io::{DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::{Client, peer_at};
use crate::inbox::{Inbox, Log};

type Arriving = io::Result<(Box<dyn Io>, Peer)>;

/// A network of pipes: what comes through the channel is accepted.
pub(crate) struct Net {
    arriving: mpsc::Receiver<Arriving>,
    accepts: Arc<AtomicUsize>,
}

/// The clients' side of it.
pub(crate) struct Dial {
    pub(crate) arriving: mpsc::Sender<Arriving>,
    pub(crate) accepts: Arc<AtomicUsize>,
}

pub(crate) fn net() -> (Net, Dial) {
    let (sender, receiver) = mpsc::channel(1);
    let accepts = Arc::new(AtomicUsize::new(0));
    (Net { arriving: receiver, accepts: Arc::clone(&accepts) }, Dial { arriving: sender, accepts })
}

impl Listen for Net {
    async fn accept(&mut self) -> Arriving {
        self.accepts.fetch_add(1, Ordering::Relaxed);
        match self.arriving.recv().await {
            Some(arriving) => arriving,
            None => std::future::pending().await,
        }
    }
}

impl Dial {
    pub(crate) async fn from(&self, address: &str) -> Client<DuplexStream> {
        let (near, far) = duplex(1 << 16);
        // Nobody may listen any more.
        let _ = self.arriving.send(Ok((Box::new(far), peer_at(address)))).await;
        Client::new(near)
    }

    pub(crate) async fn fail(&self, error: io::Error) {
        self.arriving.send(Err(error)).await.unwrap();
    }
}

/// A server on a network of pipes.
pub(crate) fn serve(inbox: &Arc<Inbox>, limits: GateLimits) -> (Dial, Shutdown, JoinHandle<()>) {
    let (net, dial) = net();
    let shutdown = Shutdown::new();
    let server = inbox.server().gate(Gate::new(limits)).shutdown(shutdown.clone());
    (dial, shutdown, tokio::spawn(server.serve(net)))
}

/// A connection that must have been let in.
async fn enters(dial: &Dial, address: &str) -> Client<DuplexStream> {
    let mut client = dial.from(address).await;
    assert_eq!(client.line().await, "220 mx.example.org ESMTP mailwright");
    client
}

async fn is_turned_away(dial: &Dial, address: &str) {
    let rest = dial.from(address).await.rest().await;
    assert!(rest.starts_with("421") && rest.ends_with("\r\n"), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn one_address_does_not_shut_the_others_out() {
    let (dial, shutdown, _server) = serve(&Inbox::new(), GateLimits { total: 9, per_address: 2 });
    let first = enters(&dial, "192.0.2.1").await;
    let _second = enters(&dial, "192.0.2.1").await;
    is_turned_away(&dial, "192.0.2.1").await;
    let _other = enters(&dial, "192.0.2.2").await;
    drop(first);
    while shutdown.running() > 2 {
        sleep(Duration::from_millis(1)).await;
    }
    let _third = enters(&dial, "192.0.2.1").await;
    is_turned_away(&dial, "192.0.2.1").await;
}

#[tokio::test(start_paused = true)]
async fn nor_do_all_of_them_more_than_all() {
    let (dial, ..) = serve(&Inbox::new(), GateLimits { total: 2, per_address: 2 });
    let _first = enters(&dial, "192.0.2.1").await;
    let mut second = enters(&dial, "192.0.2.2").await;
    is_turned_away(&dial, "192.0.2.3").await;
    second.expect("NOOP", "250").await;
}

#[tokio::test]
async fn places_on_a_socket() {
    let shutdown = Shutdown::new();
    let gate = Gate::new(GateLimits { total: 2, per_address: 2 });
    let server = Inbox::new().server().gate(gate.clone()).shutdown(shutdown.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let serving = tokio::spawn(server.serve(listener));
    let dial = async || Client::new(TcpStream::connect(to).await.unwrap());
    let (mut first, mut second) = (dial().await, dial().await);
    assert!(first.line().await.starts_with("220") && second.line().await.starts_with("220"));
    for _ in 0..20 {
        let rest = dial().await.rest().await;
        assert!(rest.starts_with("421 too many connections"), "{rest:?}");
    }
    first.expect("QUIT", "221").await;
    drop(first);
    while gate.total() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(dial().await.line().await.starts_with("220"));
    drop(second);
    assert!(shutdown.drain(Duration::from_secs(60)).await);
    serving.await.unwrap();
    assert!(TcpStream::connect(to).await.is_err());
    assert_eq!(gate.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn any_listener_behind_one_type() {
    let (net, dial) = net();
    let listener: Box<dyn DynListen> = Box::new(net);
    tokio::spawn(Inbox::new().server().serve(listener));
    enters(&dial, "192.0.2.1").await;
    dial.fail(io::Error::from(io::ErrorKind::ConnectionAborted)).await;
    enters(&dial, "192.0.2.2").await;
    assert_eq!(dial.accepts.load(Ordering::Relaxed), 4, "one for each connection, and it waits for the next");
}

const EMFILE: i32 = 24;

#[tokio::test(start_paused = true)]
async fn without_descriptors_it_waits_and_goes_on() {
    let (log, _guard) = Log::keep();
    let (dial, ..) = serve(&Inbox::new(), GateLimits::default());
    let mut client = enters(&dial, "192.0.2.1").await;
    let failing = async {
        for _ in 0..100 {
            dial.fail(io::Error::from_raw_os_error(EMFILE)).await;
        }
    };
    let (time, ()) = crate::client::seconds(failing).await;
    assert!((4..=10).contains(&time), "two accepts every 100 ms: {time} s");
    client.expect("NOOP", "250").await;
    assert!(log.has(&["WARN", "out of file descriptors"]));
    let warnings = log.lines().iter().filter(|line| line.contains("out of file descriptors")).count();
    assert!(warnings <= 51, "{warnings} lines");
    // Whether it comes while the reserve is in use or after.
    let mut next = dial.from("192.0.2.2").await;
    let line = next.line().await;
    assert!(line.starts_with("421") || line.starts_with("220"), "{line}");
    sleep(Duration::from_secs(1)).await;
    enters(&dial, "192.0.2.3").await;
}

#[tokio::test(start_paused = true)]
async fn the_reserve_lets_the_client_be_told() {
    let (dial, ..) = serve(&Inbox::new(), GateLimits::default());
    dial.fail(io::Error::from_raw_os_error(EMFILE)).await;
    is_turned_away(&dial, "192.0.2.1").await;
    enters(&dial, "192.0.2.1").await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fails_for_good_does_not_spin() {
    let (dial, ..) = serve(&Inbox::new(), GateLimits::default());
    for _ in 0..50 {
        dial.fail(io::Error::from(io::ErrorKind::InvalidInput)).await;
    }
    let before = dial.accepts.load(Ordering::Relaxed);
    assert!(before <= 51);
    let start = tokio::time::Instant::now();
    dial.fail(io::Error::from(io::ErrorKind::InvalidInput)).await;
    assert!(start.elapsed() > Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_holds_nobody_up() {
    let (dial, ..) = serve(&Inbox::new(), GateLimits::default());
    let start = tokio::time::Instant::now();
    for _ in 0..50 {
        dial.fail(io::Error::from(io::ErrorKind::ConnectionAborted)).await;
    }
    enters(&dial, "192.0.2.1").await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}
