//! One end of a connection, to read from and to write to.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Net;
use super::connection::{Connection, Read, Side};
use crate::trace::note;

/// See the module.
pub(super) struct End {
    net: Net,
    connection: Arc<Mutex<Connection>>,
    side: Side,
    timer: Pin<Box<Sleep>>,
}

impl End {
    pub(super) fn new(net: &Net, connection: &Arc<Mutex<Connection>>, side: Side) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { net: net.clone(), connection: Arc::clone(connection), side, timer }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let hosts = self.lock().hosts;
        if self.lock().dead[self.side as usize] || self.net.wait_if_apart(hosts, cx.waker()) {
            return Poll::Pending;
        }
        loop {
            let read = self.lock().read(self.side, buf.remaining(), cx.waker());
            match read {
                Read::Piece(piece) => {
                    let connection = self.lock();
                    let (number, from) = (connection.number, self.side.other() as usize);
                    let text = String::from_utf8_lossy(&piece[..piece.len().min(60)]);
                    let (from, to) = (&connection.names[from], &connection.names[self.side as usize]);
                    note!(self.net.0.trace, "c{number} {from}>{to} {}: {text:?}", piece.len());
                    if let (Side::Server, Some(tape)) = (self.side, &connection.tape) {
                        tape.note(Side::Client, &piece);
                    }
                    buf.put_slice(&piece);
                    return Poll::Ready(Ok(()));
                }
                Read::End => return Poll::Ready(Ok(())),
                Read::Broken => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Read::At(at) => {
                    self.timer.as_mut().reset(at);
                    if self.timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                Read::Nothing => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut connection = self.lock();
        if connection.dead[self.side as usize] {
            return Poll::Pending;
        }
        match connection.write(self.side, buf, cx.waker()) {
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(0) if !buf.is_empty() => Poll::Pending,
            Some(taken) => {
                if let (Side::Server, Some(tape)) = (self.side, &connection.tape) {
                    tape.note(Side::Server, &buf[..taken]);
                }
                if connection.was_cut() {
                    note!(self.net.0.trace, "c{} is cut", connection.number);
                    self.net.mishap(&connection.hosts);
                }
                Poll::Ready(Ok(taken))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().finish(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.lock().close(self.side);
    }
}
