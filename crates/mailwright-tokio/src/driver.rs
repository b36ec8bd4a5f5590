//! One machine on one connection.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, BytesMut};
use mailwright_core::{Clock, Machine, Progress, Upgrade, Upgraded};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until, timeout, timeout_at};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::shutdown::Shutdown;
use crate::transport::{Io, Prefixed, Tls, TlsAccepted};

/// Octets that are read by way of the stack.
const SIP: usize = 1024;

/// For how long what the peer has read already makes up for what it does not read now. Much of what counts as
/// read lies in a socket's buffer yet, so it is of the order of such a buffer at a low rate.
const WRITE_CREDIT: Duration = Duration::from_secs(5 * 60);

/// How long a peer may take to see that we close.
const LINGER: Duration = Duration::from_secs(2);

/// Octets that are thrown away meanwhile.
const LINGER_OCTETS: usize = 256 << 10;

/// How a driver reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverConfig {
    /// Octets that are read ahead of what the machine takes, and so the most that a piece of a body has; at
    /// least the longest line that the machine takes. Default 64 KiB. Cost: that much memory for a client
    /// that sends and does not read.
    pub input_limit: usize,
    /// Octets that are read at once. Default 16 KiB. Cost: that much memory while much is coming; an idle
    /// connection keeps none.
    pub read_size: usize,
    /// How long the peer may take to read a reply, and besides as long as its octets take at
    /// `write_min_rate`, of which at most 5 min are kept in hand. Default 1 min. Beyond that it is cut off.
    pub write_grace: Duration,
    /// Octets per second that the peer must read at on average. Default 500.
    pub write_min_rate: u32,
    /// How long a TLS handshake may take. Default 30 s.
    pub handshake: Duration,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            input_limit: 64 << 10,
            read_size: 16 << 10,
            write_grace: Duration::from_secs(60),
            write_min_rate: 500,
            handshake: Duration::from_secs(30),
        }
    }
}

/// Why a connection ended otherwise than as its protocol has it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError<E: std::error::Error> {
    /// The machine gave up; its last reply was sent.
    #[error(transparent)]
    Protocol(E),
    /// The transport failed: reset by the peer, as a rule.
    #[error("connection lost: {0}")]
    Io(#[from] io::Error),
    /// The peer did not read what it was sent.
    #[error("the peer does not read")]
    NotReading,
    /// The TLS handshake failed.
    #[error("TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// The machine asks for a layer that this driver has not.
    #[error("no such layer: {0:?}")]
    NoLayer(Upgrade),
}

/// What [`Driver::turn`] comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Turn<E> {
    /// The next event.
    Event(E),
    /// The machine waits for an answer, or for more of one.
    Reply,
    /// The conversation has ended as it should.
    Closed,
}

/// Drives a [`Machine`] over a connection: reads and writes at the same time, keeps its deadlines, and puts
/// layers in place.
///
/// All state is in the driver, so [`next`](Self::next) and [`attend`](Self::attend) may be dropped at any
/// time, in a `select!` say, and called again.
pub struct Driver<M: Machine> {
    /// The machine, to answer its tickets.
    pub machine: M,
    io: Box<dyn Io>,
    input: BytesMut,
    /// The last read was full: more than a command is coming.
    flowing: bool,
    eof: bool,
    /// The connection is broken; told when the application next asks.
    broken: Option<Broken>,
    /// What the machine had to say while the application was at work.
    ahead: Option<M::Event>,
    /// By when the peer must have read more, if it has not read all.
    write_due: Option<Instant>,
    /// Something was written and may lie in a buffer of a layer.
    unflushed: bool,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    tls: Option<Arc<dyn Tls>>,
    /// Has the connection until it is done.
    handshake: Option<TlsAccepted>,
    /// All is said; until then the peer may close.
    lingering: Option<tokio::time::Instant>,
    clock: Arc<dyn Clock>,
    config: Arc<DriverConfig>,
}

#[derive(Debug)]
enum Broken {
    Io(io::Error),
    NotReading,
}

impl<M: Machine> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("input", &self.input.len())
            .field("eof", &self.eof)
            .finish_non_exhaustive()
    }
}

impl<M: Machine> Driver<M> {
    /// Drives `machine` over `io`.
    pub fn new(machine: M, io: Box<dyn Io>, clock: Arc<dyn Clock>, config: Arc<DriverConfig>) -> Self {
        Self {
            machine,
            io,
            input: BytesMut::new(),
            flowing: false,
            eof: false,
            broken: None,
            ahead: None,
            write_due: None,
            unflushed: false,
            sleep: None,
            shutdown: None,
            tls: None,
            handshake: None,
            lingering: None,
            clock,
            config,
        }
    }

    /// With TLS for when the machine asks for it.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Arc<dyn Tls>>) -> Self {
        self.tls = tls;
        self
    }

    /// Tells the machine to finish when `shutdown` begins.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = Some(Box::pin(shutdown.token().clone().cancelled_owned()));
        self
    }

    /// The next event; `None` when the conversation has ended as it should. Cancel-safe.
    ///
    /// # Errors
    /// When it has ended otherwise. What the machine had to say has been sent, if it could be.
    pub async fn next(&mut self) -> Result<Option<M::Event>, DriverError<M::Error>> {
        loop {
            match self.turn().await? {
                Turn::Event(event) => return Ok(Some(event)),
                Turn::Closed => return Ok(None),
                // The ticket was lost: the machine's deadline ends that.
                Turn::Reply => poll_fn(|cx| self.poll_io(cx)).await,
            }
        }
    }

    /// As [`next`](Self::next), but comes back as soon as the machine waits for the application too: for one that
    /// answers in several parts, as a client gives the content of a message. Cancel-safe.
    ///
    /// # Errors
    /// As of [`next`](Self::next).
    pub async fn turn(&mut self) -> Result<Turn<M::Event>, DriverError<M::Error>> {
        loop {
            self.check()?;
            if let Some(event) = self.ahead.take() {
                return Ok(Turn::Event(event));
            }
            match self.machine.poll_event(&mut self.input, self.clock.mono()) {
                Ok(Progress::Event(event)) => return Ok(Turn::Event(event)),
                Ok(Progress::NeedReply) => return Ok(Turn::Reply),
                Ok(Progress::Upgrade(upgrade)) => self.upgrade(upgrade).await?,
                Ok(Progress::Closed) => {
                    self.close().await;
                    return Ok(Turn::Closed);
                }
                Err(error) => {
                    self.close().await;
                    return Err(DriverError::Protocol(error));
                }
                // NeedInput, NeedDrain.
                Ok(_) => poll_fn(|cx| self.poll_io(cx)).await,
            }
        }
    }

    /// Waits for `work` of the application, and meanwhile reads, writes and keeps deadlines, so that a peer
    /// that leaves is noticed and one that writes ahead is not stopped. When the machine's deadline on its
    /// application passes, the peer is answered, and the work's own answer will be
    /// [`Stale`](mailwright_core::Stale). Neither that nor a broken connection, which the next
    /// [`next`](Self::next) tells, stops the work. Cancel-safe if the work is.
    pub async fn attend<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            loop {
                self.look_ahead();
                if self.broken.is_some() || self.poll_io(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Waits until the output has room for more of a body. Cancel-safe.
    ///
    /// # Errors
    /// If the connection broke: there is nobody to produce for.
    pub async fn drained(&mut self) -> Result<(), DriverError<M::Error>> {
        while self.machine.output().room() == 0 {
            self.machine.output().release();
            poll_fn(|cx| self.poll_io(cx)).await;
            self.check()?;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), DriverError<M::Error>> {
        match self.broken.take() {
            Some(Broken::Io(error)) => Err(DriverError::Io(error)),
            Some(Broken::NotReading) => Err(DriverError::NotReading),
            None => Ok(()),
        }
    }

    /// Polls the machine, which sets its deadline on the answer and lets go of what it held, but takes no
    /// more than one event.
    fn look_ahead(&mut self) {
        if self.ahead.is_none()
            && let Ok(Progress::Event(event)) = self.machine.poll_event(&mut self.input, self.clock.mono())
        {
            self.ahead = Some(event);
        }
    }

    /// Ready when something has moved: bytes, a deadline, the shutdown, or the connection is broken.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let moved = self.poll_write(cx).is_ready() | self.poll_read(cx).is_ready();
        let moved = moved | self.poll_time(cx).is_ready() | self.poll_shutdown(cx).is_ready();
        if moved { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready when something was written, or the connection is broken.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut moved = Poll::Pending;
        while self.machine.output().has_remaining() {
            let now = self.clock.mono();
            let grace = self.config.write_grace;
            let due = self.write_due.get_or_insert(now + grace);
            match poll_write_buf(Pin::new(&mut self.io), cx, self.machine.output()) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    let earned = Duration::from_secs(count as u64) / self.config.write_min_rate.max(1);
                    *due = (*due + earned).min(now + grace + WRITE_CREDIT);
                }
                Poll::Ready(result) => {
                    let error = result.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    self.broken = Some(Broken::Io(error));
                    return Poll::Ready(());
                }
                Poll::Pending => return moved,
            }
            self.unflushed = true;
            moved = Poll::Ready(());
        }
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => {
                    self.broken = Some(Broken::Io(error));
                    return Poll::Ready(());
                }
                Poll::Pending => return moved,
            }
        }
        self.write_due = None;
        moved
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.config.input_limit.saturating_sub(self.input.len());
        if self.eof || room == 0 || self.handshake.is_some() {
            return Poll::Pending;
        }
        match ready!(self.poll_fill(cx, room)) {
            Ok(0) => self.end_input(),
            Ok(_) => {}
            // TLS that ended without saying so. The machine knows whether it was in the middle of something.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end_input(),
            Err(error) => {
                self.end_input();
                self.broken = Some(Broken::Io(error));
            }
        }
        Poll::Ready(())
    }

    fn end_input(&mut self) {
        self.eof = true;
        self.machine.handle_eof();
    }

    /// Reads what is probably a command by way of the stack, so that waiting for it needs no buffer, and what
    /// is probably a body without a copy.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        let filled = if self.flowing { self.poll_gulp(cx, room) } else { self.poll_sip(cx, room) };
        if filled.is_pending() {
            self.flowing = false;
            if self.input.is_empty() {
                self.input = BytesMut::new();
            }
        }
        filled
    }

    fn poll_sip(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        let mut sip = [0; SIP];
        let mut buffer = ReadBuf::new(sip.get_mut(..room.min(SIP)).unwrap_or_default());
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        self.input.extend_from_slice(buffer.filled());
        self.flowing = buffer.remaining() == 0;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_gulp(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        let size = self.config.read_size.clamp(1, room);
        self.input.reserve(size);
        poll_read_buf(Pin::new(&mut self.io), cx, &mut (&mut self.input).limit(size))
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadlines = [self.machine.poll_timeout(), self.write_due];
        let Some(due) = deadlines.into_iter().flatten().min() else {
            self.sleep = None;
            return Poll::Pending;
        };
        let now = self.clock.mono();
        if due > now {
            ready!(self.poll_sleep(cx, due, due.saturating_duration_since(now)));
        }
        let now = self.clock.mono();
        self.machine.handle_timeout(now);
        if self.write_due.is_some_and(|due| due <= now) {
            self.broken = Some(Broken::NotReading);
        }
        Poll::Ready(())
    }

    /// Sleeps for `wait`, which is until `due` by the injected clock.
    fn poll_sleep(&mut self, cx: &mut Context<'_>, due: Instant, wait: Duration) -> Poll<()> {
        let wake = tokio::time::Instant::now() + wait;
        let (set, sleep) = self.sleep.get_or_insert_with(|| (due, Box::pin(sleep_until(wake))));
        if *set != due {
            *set = due;
            sleep.as_mut().reset(wake);
        }
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(shutdown) = &mut self.shutdown else { return Poll::Pending };
        ready!(shutdown.as_mut().poll(cx));
        self.shutdown = None;
        self.machine.handle_shutdown();
        Poll::Ready(())
    }

    /// Writes all that may be written, and reads nothing.
    async fn flush(&mut self) -> Result<(), DriverError<M::Error>> {
        poll_fn(|cx| {
            loop {
                let _ = self.poll_write(cx);
                if self.broken.is_some() || (!self.machine.output().has_remaining() && !self.unflushed) {
                    return Poll::Ready(());
                }
                ready!(self.poll_time(cx));
            }
        })
        .await;
        self.check()
    }

    /// Puts a layer in place, unless the shutdown begins: during a handshake nothing can be said.
    async fn upgrade(&mut self, upgrade: Upgrade) -> Result<(), DriverError<M::Error>> {
        if self.handshake.is_none() {
            self.flush().await?;
            self.handshake = Some(self.shake_hands(upgrade)?);
        }
        let shaken = poll_fn(|cx| {
            if self.poll_shutdown(cx).is_ready() {
                return Poll::Ready(None);
            }
            self.handshake.as_mut().map_or(Poll::Ready(None), |shake| shake.as_mut().poll(cx).map(Some))
        })
        .await;
        self.handshake = None;
        if let Some(shaken) = shaken {
            let (io, info) = shaken.map_err(DriverError::Handshake)?;
            self.io = io;
            self.machine.handle_upgrade(Upgraded::Tls(info), self.clock.mono());
        }
        Ok(())
    }

    fn shake_hands(&mut self, upgrade: Upgrade) -> Result<TlsAccepted, DriverError<M::Error>> {
        let (Upgrade::Tls, Some(tls)) = (upgrade, &self.tls) else {
            return Err(DriverError::NoLayer(upgrade));
        };
        let plain = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        let below = Prefixed::wrap(self.input.split().freeze(), plain);
        Ok(handshake(tls.as_ref(), below, &self.config))
    }

    /// Sends the last words, says that there are no more, and lets the peer close: closing while it still
    /// sends would take the last words from it (RFC 9293 §3.6.1).
    async fn close(&mut self) {
        self.machine.output().release();
        if self.flush().await.is_err() {
            return;
        }
        let until = *self.lingering.get_or_insert_with(|| tokio::time::Instant::now() + LINGER);
        let _ = timeout_at(until, self.linger()).await;
    }

    async fn linger(&mut self) {
        let shut = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await;
        if shut.is_err() || self.eof {
            return;
        }
        let mut left = LINGER_OCTETS;
        poll_fn(|cx| {
            loop {
                self.input.clear();
                match ready!(self.poll_gulp(cx, SIP)) {
                    Ok(count) if (1..left).contains(&count) => left -= count,
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

/// Shakes hands, for a protocol that begins with TLS.
///
/// # Errors
/// If it fails, or takes longer than [`DriverConfig::handshake`].
pub fn handshake(tls: &dyn Tls, io: Box<dyn Io>, config: &DriverConfig) -> TlsAccepted {
    let shaken = timeout(config.handshake, tls.accept(io));
    Box::pin(async move { shaken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) })
}

#[cfg(all(test, feature = "smtp"))]
mod tests {
    use mailwright_smtp::Server;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::system::SystemClock;

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_keeps_no_buffer() {
        let (mut peer, io) = tokio::io::duplex(1 << 16);
        let server = Server::new(Arc::default(), None);
        let mut driver = Driver::new(server, Box::new(io), Arc::new(SystemClock), Arc::default());
        let connect = driver.next().await.unwrap().unwrap();
        driver.machine.answer_default(connect).unwrap();
        for _ in 0..3 {
            // More than is read by way of the stack.
            peer.write_all(&[&[b'x'; 2000], &b"\r\n"[..]].concat()).await.unwrap();
            while timeout(Duration::from_secs(1), driver.next()).await.is_ok() {}
            assert_eq!((driver.input.capacity(), driver.write_due), (0, None));
        }
    }
}
