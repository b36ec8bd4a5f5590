//! One machine on one connection.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mailwright_core::{Clock, Machine, Progress, Upgrade, Upgraded};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::shutdown::Shutdown;
use crate::transport::{Io, Prefixed, Tls};

/// Octets that are read by way of the stack.
const FIRST_READ: usize = 1024;

/// How a driver reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverConfig {
    /// Octets that are read ahead of what the machine takes. Default 64 KiB. Cost: that much memory for a
    /// client that sends and does not read.
    pub input_limit: usize,
    /// Octets that are read at once, and so the most that a piece of a body has. Default 16 KiB. Cost: that
    /// much memory while something is coming; an idle connection keeps none.
    pub read_size: usize,
    /// How long the peer may take to read a reply, and besides as long as its octets take at
    /// `write_min_rate`. Default 1 min. Beyond that it is cut off.
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
    eof: bool,
    /// The connection is broken; told when the application next asks.
    broken: Option<Broken>,
    /// Since when there is something to write, and how much has been written since.
    writing: Option<(Instant, usize)>,
    /// Something was written and may lie in a buffer of a layer.
    unflushed: bool,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    tls: Option<Arc<dyn Tls>>,
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
            eof: false,
            broken: None,
            writing: None,
            unflushed: false,
            sleep: None,
            shutdown: None,
            tls: None,
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
            self.check()?;
            match self.machine.poll_event(&mut self.input, self.clock.mono()) {
                Ok(Progress::Event(event)) => return Ok(Some(event)),
                Ok(Progress::Upgrade(upgrade)) => self.upgrade(upgrade).await?,
                Ok(Progress::Closed) => {
                    self.close().await;
                    return Ok(None);
                }
                Err(error) => {
                    self.close().await;
                    return Err(DriverError::Protocol(error));
                }
                // NeedInput, NeedDrain; or NeedReply, whose ticket was lost: the machine's deadline ends that.
                Ok(_) => poll_fn(|cx| self.poll_io(cx)).await,
            }
        }
    }

    /// Waits for `work` of the application, and meanwhile reads, writes and keeps deadlines, so that a peer
    /// that leaves is noticed and one that writes ahead is not stopped. A broken connection does not stop the
    /// work: it is told by the next [`next`](Self::next).
    pub async fn attend<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            while self.broken.is_none() && self.poll_io(cx).is_ready() {}
            Poll::Pending
        })
        .await
    }

    /// Waits until the output has room for more of a body.
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

    /// Ready when something has moved: bytes, a deadline, the shutdown, or the connection is broken.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let moved = self.poll_write(cx).is_ready() | self.poll_read(cx).is_ready();
        let moved = moved | self.poll_time(cx).is_ready() | self.poll_shutdown(cx).is_ready();
        if moved { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut moved = Poll::Pending;
        while self.machine.output().has_remaining() {
            let now = self.clock.mono();
            let (_, written) = self.writing.get_or_insert((now, 0));
            match poll_write_buf(Pin::new(&mut self.io), cx, self.machine.output()) {
                Poll::Ready(Ok(count)) if count > 0 => *written += count,
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
        self.writing = None;
        moved
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let room = self.config.input_limit.saturating_sub(self.input.len());
        if self.eof || room == 0 {
            return Poll::Pending;
        }
        let read = if self.input.is_empty() {
            self.poll_read_first(cx)
        } else {
            self.input.reserve(self.config.read_size.min(room));
            poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input)
        };
        match ready!(read) {
            Ok(0) => {
                self.eof = true;
                self.machine.handle_eof();
            }
            Ok(_) => {}
            Err(error) => {
                self.eof = true;
                self.machine.handle_eof();
                self.broken = Some(Broken::Io(error));
            }
        }
        Poll::Ready(())
    }

    /// Reads by way of the stack, so that waiting for a peer that says nothing needs no buffer. What a
    /// command needs fits; a body's first octets are copied, the rest is not.
    fn poll_read_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut first = [0; FIRST_READ];
        let mut buffer = ReadBuf::new(&mut first);
        match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                self.input.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.input = BytesMut::new();
                Poll::Pending
            }
        }
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let write_deadline = self.writing.map(|(since, written)| {
            let earned = written as u64 / u64::from(self.config.write_min_rate.max(1));
            since + self.config.write_grace + Duration::from_secs(earned)
        });
        let deadlines = [self.machine.poll_timeout(), write_deadline];
        let Some(due) = deadlines.into_iter().flatten().min() else {
            self.sleep = None;
            return Poll::Pending;
        };
        let now = self.clock.mono();
        if due > now {
            let until = |due: Instant| Box::pin(sleep(due.saturating_duration_since(now)));
            let (_, sleep) = match self.sleep.take() {
                Some((set, sleep)) if set == due => self.sleep.insert((set, sleep)),
                _ => self.sleep.insert((due, until(due))),
            };
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        let now = self.clock.mono();
        self.machine.handle_timeout(now);
        if write_deadline.is_some_and(|due| due <= now) {
            self.broken = Some(Broken::NotReading);
        }
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

    async fn upgrade(&mut self, upgrade: Upgrade) -> Result<(), DriverError<M::Error>> {
        self.flush().await?;
        let tls = match (upgrade, &self.tls) {
            (Upgrade::Tls, Some(tls)) => Arc::clone(tls),
            _ => return Err(DriverError::NoLayer(upgrade)),
        };
        let plain = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        let below = Prefixed::wrap(self.input.split().freeze(), plain);
        let (io, info) =
            handshake(tls.as_ref(), below, &self.config).await.map_err(DriverError::Handshake)?;
        self.io = io;
        self.machine.handle_upgrade(Upgraded::Tls(info), self.clock.mono());
        Ok(())
    }

    /// Sends the last words, says that there are no more, and lets the peer close: closing while it still
    /// sends would take the last words from it (RFC 9293 §3.6.1).
    async fn close(&mut self) {
        const LINGER: Duration = Duration::from_secs(2);
        const LINGER_MAX: usize = 256 << 10;
        self.machine.output().release();
        if self.flush().await.is_err() {
            return;
        }
        let shut = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx));
        if !matches!(timeout(LINGER, shut).await, Ok(Ok(()))) || self.eof {
            return;
        }
        self.input.clear();
        let mut drained = 0;
        let drain = poll_fn(|cx| {
            loop {
                self.input.clear();
                self.input.reserve(self.config.read_size);
                match ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input)) {
                    Ok(count) if count > 0 && drained < LINGER_MAX => drained += count,
                    _ => return Poll::Ready(()),
                }
            }
        });
        let _ = timeout(LINGER, drain).await;
    }
}

/// Shakes hands in time.
pub(crate) async fn handshake(
    tls: &dyn Tls,
    io: Box<dyn Io>,
    config: &DriverConfig,
) -> io::Result<(Box<dyn Io>, mailwright_core::TlsInfo)> {
    timeout(config.handshake, tls.accept(io)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
