//! Listening to a connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mailwright_tokio::{Io, Tls, TlsAccepted};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::{Layer, Wire};

/// A connection that is listened to, and breaks when it is told to.
pub(crate) struct Tap {
    io: Box<dyn Io>,
    wire: Arc<Wire>,
    layer: Layer,
}

impl Tap {
    pub(crate) fn new(io: Box<dyn Io>, wire: Arc<Wire>) -> Self {
        Self { io, wire, layer: Layer::Transport }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "broken, as the test wants it")
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.wire.is_broken() {
            return Poll::Ready(Err(broken()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        if new.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match self.wire.received(self.layer, new) {
            0 => {
                buf.set_filled(before);
                Poll::Ready(Err(broken()))
            }
            taken => {
                buf.set_filled(before + taken);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if self.wire.is_broken() {
            return Poll::Ready(Err(broken()));
        }
        let Self { io, wire, layer } = &mut *self;
        wire.send(*layer, octets, |octets| Pin::new(io).poll_write(cx, octets))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// TLS, listened to on the inside.
pub(crate) struct TappedTls {
    pub(crate) tls: Arc<dyn Tls>,
    pub(crate) wire: Arc<Wire>,
}

impl Tls for TappedTls {
    fn accept(&self, io: Box<dyn Io>) -> TlsAccepted {
        let wire = Arc::clone(&self.wire);
        wire.listen_inside();
        let accepted = self.tls.accept(io);
        Box::pin(async move {
            let (io, info) = accepted.await?;
            Ok((Box::new(Tap { io, wire, layer: Layer::Tls }) as Box<dyn Io>, info))
        })
    }
}
