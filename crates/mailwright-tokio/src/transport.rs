//! What a driver reads from and writes to, and the layers upon it.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use mailwright_core::TlsInfo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection, with as many layers as it has.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A TLS handshake on its way.
pub type TlsAccepted = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Io>, TlsInfo)>> + Send>>;

/// Puts TLS upon a connection, on the side of it that is ours.
pub trait Tls: Send + Sync {
    /// Shakes hands.
    fn accept(&self, io: Box<dyn Io>) -> TlsAccepted;
}

/// A connection of which some bytes have been read already.
pub(crate) struct Prefixed {
    prefix: Bytes,
    inner: Box<dyn Io>,
}

impl Prefixed {
    /// `inner` itself if nothing was read.
    pub(crate) fn wrap(prefix: Bytes, inner: Box<dyn Io>) -> Box<dyn Io> {
        if prefix.is_empty() { inner } else { Box::new(Self { prefix, inner }) }
    }
}

impl fmt::Debug for Prefixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefixed({} bytes)", self.prefix.len())
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let count = self.prefix.len().min(buf.remaining());
        buf.put_slice(self.prefix.get(..count).unwrap_or_default());
        self.prefix.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
