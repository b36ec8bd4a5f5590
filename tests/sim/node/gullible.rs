//! A listener whose server is told, of a connection that breaks, that all has come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mailwright_tokio::{Io, Listen, Peer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Listener;

/// See the module.
pub(super) struct Gullible {
    pub(super) listener: Listener,
    pub(super) is_gullible: bool,
}

impl Listen for Gullible {
    async fn accept(&mut self) -> io::Result<(Box<dyn Io>, Peer)> {
        let (io, peer) = self.listener.accept().await?;
        if !self.is_gullible {
            return Ok((io, peer));
        }
        Ok((Box::new(Believed { io, end: b"\r\n.\r\n" }), peer))
    }
}

struct Believed {
    io: Box<dyn Io>,
    /// What is read when it breaks; nothing, if it has been.
    end: &'static [u8],
}

impl AsyncRead for Believed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.io).poll_read(cx, buf)) {
            Err(_) if !self.end.is_empty() => {
                buf.put_slice(std::mem::take(&mut self.end));
                Poll::Ready(Ok(()))
            }
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Believed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
