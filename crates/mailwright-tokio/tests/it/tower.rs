//! tower's layers, around connections and around messages.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mailwright_tokio::smtp::{Rejection, SmtpHandler};
use mailwright_tokio::tower::{BoxError, Connection, Layered, Rejected, Transaction, on_transaction, serve};
use mailwright_tokio::{Gate, GateLimits, Shutdown, SmtpServer};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceBuilder, service_fn};

use crate::client::{Client, connect, seconds};
use crate::inbox::{Handler, Inbox, Log};
use crate::listener::{Dial, net};

const TURNED: &str = "421 4.7.0 too many connections\r\n";

/// Serves a network of pipes with these layers.
fn served<L>(inbox: &Arc<Inbox>, layer: L, limits: GateLimits) -> (Dial, Shutdown, JoinHandle<()>)
where
    L: Layer<Arc<SmtpServer<Handler>>>,
    L::Service: Service<Connection, Future: Send, Error: fmt::Display + Send> + Clone + Send + 'static,
{
    let (net, dial) = net();
    let shutdown = Shutdown::new();
    let server = Arc::new(inbox.server().shutdown(shutdown.clone()));
    let serving = serve(net, Gate::new(limits), shutdown.clone(), TURNED.into(), layer.layer(server));
    (dial, shutdown, tokio::spawn(serving))
}

async fn is_greeted(client: &mut Client<DuplexStream>) {
    assert_eq!(client.line().await, "220 mx.example.org ESMTP mailwright");
}

#[tokio::test(start_paused = true)]
async fn a_connection_waits_for_the_service_and_no_other_for_it() {
    let (inbox, layer) = (Inbox::new(), ServiceBuilder::new().concurrency_limit(1));
    let (dial, shutdown, serving) = served(&inbox, layer, GateLimits { total: 2, per_address: 2 });
    let mut first = dial.from("192.0.2.1").await;
    is_greeted(&mut first).await;
    let mut second = dial.from("192.0.2.2").await;
    tokio::select! {
        line = second.line() => panic!("{line:?} before there was room"),
        () = sleep(Duration::from_secs(60)) => {}
    }
    // It has a place of the gate, so nobody has to wait to be told.
    assert_eq!(dial.from("192.0.2.3").await.rest().await, TURNED);
    first.expect("QUIT", "221").await;
    drop(first);
    is_greeted(&mut second).await;
    second.expect("QUIT", "221").await;
    drop(second);
    assert!(shutdown.drain(Duration::from_secs(60)).await);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_is_shed_is_let_go_at_once() {
    let (log, _guard) = Log::keep();
    let (inbox, layer) = (Inbox::new(), ServiceBuilder::new().load_shed().concurrency_limit(1));
    let (dial, ..) = served(&inbox, layer, GateLimits::default());
    let mut first = dial.from("192.0.2.1").await;
    is_greeted(&mut first).await;
    let (time, ()) = seconds(dial.from("192.0.2.2").await.ended()).await;
    assert_eq!(time, 0);
    assert!(log.has(&["INFO", "192.0.2.2", "overloaded"]), "{:?}", log.lines());
    first.expect("NOOP", "250").await;
}

#[tokio::test(start_paused = true)]
async fn filters_and_time_outs_close_connections() {
    let inbox = Inbox::new();
    let layer =
        ServiceBuilder::new()
            .filter(|connection: Connection| {
                if connection.peer.remote.ip().is_ipv6() { Err("not from there") } else { Ok(connection) }
            })
            .timeout(Duration::from_secs(60));
    let (dial, shutdown, _serving) = served(&inbox, layer, GateLimits::default());
    dial.from("2001:db8::1").await.ended().await;
    let mut client = dial.from("192.0.2.1").await;
    is_greeted(&mut client).await;
    let (time, ()) = seconds(client.ended()).await;
    assert_eq!((time, shutdown.running()), (60, 0));
}

#[tokio::test(start_paused = true)]
async fn anything_that_takes_connections() {
    let (net, dial) = net();
    let service = service_fn(|connection: Connection| async move {
        let mut client = Client::new(connection.io);
        client.send(format!("you are {}\r\n", connection.peer.remote)).await;
        Ok::<_, Infallible>(())
    });
    let gate = Gate::new(GateLimits::default());
    tokio::spawn(serve(net, gate, Shutdown::new(), "".into(), service));
    assert_eq!(dial.from("192.0.2.1").await.rest().await, "you are 192.0.2.1:40000\r\n");
}

/// An inbox with layers around its deliveries; all sessions share them.
struct Site<H>(Arc<SmtpServer<H>>);

impl<H: SmtpHandler> Site<H> {
    fn new(handler: H) -> Self {
        Self(Arc::new(SmtpServer::new("mx.example.org", handler)))
    }

    fn connect(&self) -> Client<DuplexStream> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let server = Arc::clone(&self.0);
        tokio::spawn(async move { server.session(Box::new(far), crate::client::peer()).await });
        Client::new(near)
    }
}

async fn becomes(inbox: &Inbox, note: &str) {
    while !inbox.notes().iter().any(|said| said == note) {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_for_its_turn_with_its_sender() {
    let inbox = Inbox::new();
    let layers = ServiceBuilder::new().concurrency_limit(1);
    let site = Site::new(Layered::new(Handler(Arc::clone(&inbox)), layers));
    let (mut first, mut second) = (site.connect(), site.connect());
    first.data("held").await;
    first.send("one\r\n.\r\n").await;
    sleep(Duration::from_secs(1)).await;
    second.data("bob").await;
    // More than there are buffers for: the client can send no further.
    let content = "x".repeat(998) + "\r\n";
    let sending = async {
        for sent in 0.. {
            second.send(&content).await;
            assert!(sent < 1000, "who waits reads nothing");
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), sending).await.is_err());
    assert_eq!(inbox.contents(), [""; 0]);
    inbox.release.notify_one();
    assert!(first.reply().await.starts_with("250"));
    // What of the last line was sent is not known; so it is another.
    let (reading, writing) = (becomes(&inbox, "whole"), second.send("\r\n.\r\n"));
    tokio::join!(reading, writing);
    assert!(second.reply().await.starts_with("250 2.0.0 stored as"));
    assert_eq!(inbox.contents()[0], "one\r\n");
    assert!(inbox.contents()[1].len() > 64 << 10);
}

#[tokio::test(start_paused = true)]
async fn what_is_shed_stays_with_its_sender() {
    let (log, _guard) = Log::keep();
    let inbox = Inbox::new();
    let layers = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let site = Site::new(Layered::new(Handler(Arc::clone(&inbox)), layers));
    let (mut first, mut second) = (site.connect(), site.connect());
    first.data("held").await;
    first.send("one\r\n.\r\n").await;
    sleep(Duration::from_secs(1)).await;
    second.data("bob").await;
    second.expect("two\r\n.", "451 4.3.0 local error, try again later").await;
    assert!(log.has(&["WARN", "451 4.3.0", "service overloaded"]), "{:?}", log.lines());
    inbox.release.notify_one();
    assert!(first.reply().await.starts_with("250"));
    for line in ["MAIL FROM:<ann@client.example>", "RCPT TO:<bob@mx.example.org>"] {
        second.expect(line, "250").await;
    }
    second.expect("DATA", "354").await;
    second.expect("two\r\n.", "250 2.0.0 stored as").await;
    assert_eq!(inbox.contents(), ["one\r\n", "two\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_place_comes_back_when_a_client_leaves() {
    let inbox = Inbox::new();
    let layers = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let site = Site::new(Layered::new(Handler(Arc::clone(&inbox)), layers));
    let (mut first, mut second) = (site.connect(), site.connect());
    first.data("bob").await;
    first.send("half of it").await;
    sleep(Duration::from_secs(1)).await;
    drop(first);
    becomes(&inbox, "done").await;
    second.data("bob").await;
    second.expect("two\r\n.", "250").await;
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_told() {
    let (log, _guard) = Log::keep();
    let inbox = Inbox::new();
    let layers = ServiceBuilder::new().timeout(Duration::from_secs(60));
    let (mut client, _session) =
        connect(SmtpServer::new("mx.example.org", Layered::new(Handler(Arc::clone(&inbox)), layers)));
    client.data("held").await;
    let (time, ()) = seconds(client.expect("Hi\r\n.", "451 4.3.0")).await;
    assert_eq!(time, 60);
    assert!(log.has(&["WARN", "451 4.3.0", "timed out"]), "{:?}", log.lines());
    assert!(inbox.notes().contains(&"done".to_owned()) && inbox.contents().is_empty());
}

#[tokio::test(start_paused = true)]
async fn all_else_is_the_handlers() {
    let inbox = Inbox::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let layers = ServiceBuilder::new().map_request({
        let asked = Arc::clone(&asked);
        move |transaction: Transaction| {
            asked.fetch_add(1, Ordering::Relaxed);
            transaction
        }
    });
    let (mut client, _session) =
        connect(SmtpServer::new("mx.example.org", Layered::new(Handler(Arc::clone(&inbox)), layers)));
    client.envelope("bob").await;
    client.expect("RCPT TO:<nobody@mx.example.org>", "550 5.1.1").await;
    client.expect("EHLO spam.example", "550 5.7.1").await;
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    client.expect("EHLO c", "250").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<early@mx.example.org>", "250").await;
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "554 5.6.0 the content is not acceptable").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Each method of the trait is passed on: one that is not would answer by its default.
#[test]
fn no_method_of_a_handler_is_left_out() {
    let methods = |text: &'static str, start: &str| {
        let (_, body) = text.split_once(start).unwrap();
        let body = body.split_once("\n}\n").unwrap().0;
        let names = body.lines().filter_map(|line| line.trim().split_once("fn "));
        names.map(|(_, rest)| rest.split('(').next().unwrap()).collect::<Vec<_>>()
    };
    let asked = methods(include_str!("../../src/smtp/handler.rs"), "pub trait SmtpHandler");
    let passed_on = methods(include_str!("../../src/tower/layered.rs"), "SmtpHandler for Layered");
    assert!(asked.len() > 5);
    // Of LMTP by way of `message`, or the layers would not be asked.
    let left_out: Vec<_> = asked.iter().filter(|name| !passed_on.contains(name)).collect();
    assert_eq!(left_out, [&"deliveries"]);
}

/// An error around another.
#[derive(Debug, thiserror::Error)]
#[error("wrapped")]
struct Wrapped(#[source] BoxError);

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_its_words_however_it_is_wrapped() {
    let refuse = service_fn(|transaction: Transaction| async move {
        let rejection = Rejection::new(550, (5, 7, 1), "we had enough of it").unwrap();
        match transaction.envelope.to[0].local() {
            "plain" => Err(Rejected(rejection).into()),
            "wrapped" => Err(Wrapped(Wrapped(Rejected(rejection).into()).into()).into()),
            "failed" => Err(Wrapped("the archive burns".into()).into()),
            "text" => Err(BoxError::from("the archive burns")),
            _ => Ok(format!("{} octets", transaction.body.bytes().await?.len())),
        }
    });
    for (to, reply) in [
        ("plain", "550 5.7.1 we had enough of it ("),
        ("wrapped", "550 5.7.1 we had enough of it ("),
        ("failed", "451 4.3.0 local error, try again later ("),
        ("text", "451 4.3.0 local error, try again later ("),
        ("bob", "250 2.0.0 4 octets"),
    ] {
        let (mut client, _session) = connect(SmtpServer::new("mx.example.org", on_transaction(refuse)));
        client.data(to).await;
        client.expect("Hi\r\n.", reply).await;
    }
}

/// A service is not called before it has said that it is ready, by whoever is to be called.
#[derive(Default)]
struct Touchy {
    is_ready: bool,
    readies: Arc<AtomicUsize>,
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        Self { is_ready: false, readies: Arc::clone(&self.readies) }
    }
}

impl Service<Transaction> for Touchy {
    type Response = String;
    type Error = BoxError;
    type Future = std::future::Ready<Result<String, BoxError>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        // Not the first time, and not for ever.
        let asked = self.readies.fetch_add(1, Ordering::Relaxed);
        match asked {
            0 => {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            }
            4.. => std::task::Poll::Ready(Err("never again".into())),
            _ => {
                self.is_ready = true;
                std::task::Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        assert!(self.is_ready, "called before it was ready");
        self.is_ready = false;
        std::future::ready(Ok(transaction.cx.trace_id().to_string()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_asked_before_it_is_called() {
    let touchy = Touchy::default();
    let readies = Arc::clone(&touchy.readies);
    let (mut client, _session) = connect(SmtpServer::new("mx.example.org", on_transaction(touchy)));
    client.envelope("bob").await;
    for (reply, asked) in [("250", 2), ("250", 3), ("250", 4), ("451 4.3.0", 5)] {
        client.expect("DATA", "354").await;
        client.expect("Hi\r\n.", reply).await;
        assert_eq!(readies.load(Ordering::Relaxed), asked);
        client.expect("MAIL FROM:<a@b>", "250").await;
        client.expect("RCPT TO:<bob@mx.example.org>", "250").await;
    }
}
