//! Connections with habits.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives what it has and takes what it is given, `step` octets at a time; a stutterer says `Pending` every
/// other time, and wakes at once.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) input: VecDeque<u8>,
    pub(crate) step: usize,
    pub(crate) stutters: bool,
    pub(crate) written: Arc<Mutex<Vec<u8>>>,
    pub(crate) reads: Arc<AtomicUsize>,
    stuttered: [bool; 3],
}

impl Script {
    pub(crate) fn new(input: &[u8], step: usize, stutters: bool) -> Self {
        Self { input: input.iter().copied().collect(), step, stutters, ..Self::default() }
    }

    fn stutter(&mut self, what: usize, cx: &Context<'_>) -> bool {
        self.stuttered[what] = self.stutters && !self.stuttered[what];
        if self.stuttered[what] {
            cx.waker().wake_by_ref();
        }
        self.stuttered[what]
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stutter(0, cx) {
            return Poll::Pending;
        }
        self.reads.fetch_add(1, Ordering::Relaxed);
        let count = self.step.min(buf.remaining()).min(self.input.len());
        let piece: Vec<u8> = self.input.drain(..count).collect();
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.stutter(1, cx) {
            return Poll::Pending;
        }
        let count = self.step.min(buf.len());
        self.written.lock().unwrap().extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stutter(2, cx) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Passes everything on, tells when the end was read, and can be made to fail.
pub(crate) struct Watched<S> {
    pub(crate) inner: S,
    pub(crate) eof: Arc<AtomicBool>,
    /// What an end is read as.
    pub(crate) end: Option<io::ErrorKind>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if buf.filled().len() == before && buf.remaining() > 0 {
            self.eof.store(true, Ordering::SeqCst);
            return Poll::Ready(self.end.map_or(Ok(()), |kind| Err(kind.into())));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
