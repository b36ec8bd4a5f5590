//! A connection that breaks off after any octet: a message was delivered once, or surely not, or it is in doubt.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use mailwright_core::Address;
use mailwright_delivery::outbound::{Dial, Dialed, Environment, Outbound};
use mailwright_queue::{Attempt, RecipientOutcome};
use mailwright_smtp::{Config, Rejection};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{Io, Peer as Ends, SmtpServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};

use crate::world::{Mail, World};

/// Octets that are more than any conversation here has.
const WHOLE: usize = 1 << 20;

/// The octets that a wire still carries, in both directions together.
type Budget = Arc<AtomicUsize>;

/// One end of a wire that is cut when its budget is spent: what has not been carried never is.
struct Wire {
    inner: tokio::io::DuplexStream,
    left: Budget,
    /// Whether one who writes is told, or only sees the end when he reads.
    tells: bool,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left.load(Ordering::SeqCst) == 0 {
            return Poll::Ready(Ok(()));
        }
        // An octet at a time, so that any of them may be the last.
        let mut octet = [0];
        let mut one = ReadBuf::new(&mut octet);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut one))?;
        if !one.filled().is_empty() {
            self.left.fetch_sub(1, Ordering::SeqCst);
            buf.put_slice(one.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.left.load(Ordering::SeqCst) == 0 {
            let broken = Err(io::ErrorKind::BrokenPipe.into());
            return Poll::Ready(if self.tells { broken } else { Ok(buf.len()) });
        }
        let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, &buf[..1]))?;
        self.left.fetch_sub(written, Ordering::SeqCst);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Keeps what it gets; it does not know `nobody`.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Kept>>>);

struct Kept {
    to: Vec<String>,
    content: Vec<u8>,
}

impl SmtpHandler for Inbox {
    async fn rcpt(&self, _: &Ctx, to: &Address) -> Verdict {
        if to.local() == "nobody" { Err(Rejection::no_such_user()) } else { Ok(()) }
    }

    async fn message(&self, _: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let content = body.bytes().await?;
        let to = envelope.to.iter().map(ToString::to_string).collect();
        self.0.lock().unwrap().push(Kept { to, content: content.to_vec() });
        Ok("kept".to_owned())
    }
}

/// Our own server, at the other end of a wire. The next wires are whole, if there are any.
struct Network {
    has_more: bool,
    inbox: Inbox,
    left: Budget,
    tells: bool,
    made: AtomicUsize,
}

impl Dial for Network {
    fn dial(&self, _: std::net::SocketAddr, _: Option<std::net::IpAddr>) -> Dialed {
        let is_first = self.made.fetch_add(1, Ordering::SeqCst) == 0;
        if !is_first && !self.has_more {
            return Box::pin(std::future::ready(Err(
                io::Error::from(io::ErrorKind::ConnectionRefused).into()
            )));
        }
        let (near, far) = duplex(1 << 10);
        let config = Config { hostname: "mx".to_owned(), ..Config::default() };
        let server = SmtpServer::with_config(config, self.inbox.clone());
        let ends = Ends { remote: ([192, 0, 2, 99], 40_000).into(), local: ([192, 0, 2, 1], 25).into() };
        tokio::spawn(async move { server.session(Box::new(far), ends).await });
        let left = if is_first { Arc::clone(&self.left) } else { Arc::new(AtomicUsize::new(WHOLE)) };
        let wire = Wire { inner: near, left, tells: self.tells };
        Box::pin(std::future::ready(Ok(Box::new(wire) as Box<dyn Io>)))
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    taken: usize,
    refused: usize,
    not_sent: usize,
    lost_and_taken: usize,
    lost_and_not_taken: usize,
}

/// Sends a message on a wire that carries so many octets. Gives how many it has carried.
async fn cut_after(octets: usize, tells: bool, pipelining: bool, seen: &mut Seen) -> usize {
    let mut world = World::new();
    world.config.client.pipelining = pipelining;
    world.zones.load("example.net. A 192.0.2.1").unwrap();
    let (inbox, left) = (Inbox::default(), Arc::new(AtomicUsize::new(octets)));
    let (left_of_first, made) = (Arc::clone(&left), AtomicUsize::new(0));
    let network = Network { has_more: false, inbox: inbox.clone(), left: left_of_first, tells, made };
    let environment = Environment { dial: Arc::new(network), ..world.environment() };
    let outbound = Outbound::new(world.config.clone(), environment);
    let to = ["bob@example.net", "nobody@example.net", "eve@example.net"];
    let mail = Mail::to(&to);
    let delivery = world.send(&outbound, &mail).await;
    let carried = octets - left.load(Ordering::SeqCst);
    // Cut or not, the server has seen all there was to see.
    drop(outbound);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;

    let Attempt::Tried { outcomes, .. } = delivery.attempt else { panic!("it was tried") };
    assert_eq!(outcomes.len(), to.len());
    let kept = inbox.0.lock().unwrap();
    assert!(kept.len() <= 1);
    for (to, outcome) in to.iter().zip(outcomes) {
        let copies = kept.iter().filter(|kept| kept.to.iter().any(|rcpt| rcpt == to)).count();
        assert!(kept.iter().all(|kept| kept.content == mail.content), "whole, or not at all");
        match outcome {
            RecipientOutcome::Relayed { .. } => {
                assert_eq!(copies, 1, "after {octets}");
                seen.taken += 1;
            }
            RecipientOutcome::Failed(why) => {
                assert_eq!((copies, *to), (0, "nobody@example.net"), "{why:?}");
                seen.refused += 1;
            }
            RecipientOutcome::Deferred(why) if why.text.starts_with("sent, but the answer is lost") => {
                let count = if copies == 1 { &mut seen.lost_and_taken } else { &mut seen.lost_and_not_taken };
                *count += 1;
            }
            RecipientOutcome::Deferred(why) => {
                assert_eq!(copies, 0, "after {octets}: {why:?}");
                seen.not_sent += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    carried
}

#[tokio::test(start_paused = true)]
async fn wherever_it_breaks_off_the_outcome_is_true() {
    for pipelining in [true, false] {
        for tells in [true, false] {
            let whole = cut_after(WHOLE, tells, pipelining, &mut Seen::default()).await;
            assert!(whole > 300, "{whole}");
            let mut seen = Seen::default();
            for octets in 0..whole {
                cut_after(octets, tells, pipelining, &mut seen).await;
            }
            let Seen { taken, refused, not_sent, lost_and_taken, lost_and_not_taken } = seen;
            assert!(taken == 0 && refused > 0 && not_sent > 0 && lost_and_taken > 0, "{pipelining} {tells}");
            // Only one who is not told of the cut takes for sent what never left.
            assert_eq!(lost_and_not_taken > 0, !tells, "{pipelining} {tells}");
        }
    }
}

/// Sends a message on a connection that has seen one already, and carries so many octets more. Gives how many it has
/// carried, and how many connections were made.
async fn cut_later(octets: usize, tells: bool, pipelining: bool) -> (usize, usize) {
    let mut world = World::new();
    world.config.client.pipelining = pipelining;
    world.zones.load("example.net. A 192.0.2.1").unwrap();
    let (inbox, left) = (Inbox::default(), Arc::new(AtomicUsize::new(WHOLE)));
    let (left_of_first, made) = (Arc::clone(&left), AtomicUsize::new(0));
    let network =
        Arc::new(Network { has_more: true, inbox: inbox.clone(), left: left_of_first, tells, made });
    let environment = Environment { dial: Arc::<Network>::clone(&network), ..world.environment() };
    let outbound = Outbound::new(world.config.clone(), environment);
    world.send(&outbound, &Mail::to(&["ann@example.net"])).await;
    left.store(octets, Ordering::SeqCst);
    let delivery = world.send(&outbound, &Mail::to(&["bob@example.net"])).await;
    let carried = octets - left.load(Ordering::SeqCst);
    drop(outbound);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;

    let Attempt::Tried { outcomes, .. } = delivery.attempt else { panic!("it was tried") };
    let kept = inbox.0.lock().unwrap();
    let copies = kept.iter().filter(|kept| kept.to == ["bob@example.net"]).count();
    assert_eq!(kept.len() - copies, 1, "the first message was not sent again");
    match &outcomes[..] {
        [RecipientOutcome::Relayed { .. }] => assert_eq!(copies, 1, "after {octets}"),
        [RecipientOutcome::Deferred(why)] if why.text.starts_with("sent, but the answer is lost") => {
            assert!(copies <= 1, "after {octets}");
        }
        [RecipientOutcome::Deferred(why)] => assert_eq!(copies, 0, "after {octets}: {why:?}"),
        other => panic!("{other:?}"),
    }
    (carried, network.made.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_again_at_once_only_if_nobody_has_heard_of_it() {
    for pipelining in [true, false] {
        for tells in [true, false] {
            let (whole, made) = cut_later(WHOLE, tells, pipelining).await;
            assert!(whole > 100 && made == 1, "{whole}");
            let mut again = 0;
            for octets in 0..whole {
                again += cut_later(octets, tells, pipelining).await.1 - 1;
            }
            assert!((1..whole).contains(&again), "{again} of {whole}");
        }
    }
}
