//! Taking connections.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::gate::{Gate, Pass, Refused};
use crate::shutdown::Shutdown;
use crate::transport::Io;

/// How long to wait when no connection can be taken, and how long one that is turned away may take.
const PAUSE: Duration = Duration::from_millis(100);

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Theirs.
    pub remote: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

/// Where connections come from: a TCP listener, or a simulated network.
pub trait Listen: Send + 'static {
    /// The next connection. Cancel-safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Box<dyn Io>, Peer)>> + Send;
}

impl Listen for TcpListener {
    async fn accept(&mut self) -> io::Result<(Box<dyn Io>, Peer)> {
        let (stream, remote) = Self::accept(self).await?;
        // Replies are small and waited for; if it cannot be had, they are only slower.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr()?;
        Ok((Box::new(stream), Peer { remote, local }))
    }
}

/// What a client that cannot be let in is told before it is let go; nothing if it expects TLS.
pub type Turned = Bytes;

/// Takes connections until the shutdown begins, and runs `session` for each that `gate` lets in.
///
/// When the process runs out of file descriptors, one that was kept in reserve lets the client be told so;
/// those who are connected are not disturbed.
pub async fn accept_all<L, F>(
    mut listener: L,
    gate: Gate,
    shutdown: Shutdown,
    turned: Turned,
    session: impl Fn(Box<dyn Io>, Peer) -> F + Send,
) where
    L: Listen,
    F: Future<Output = ()> + Send + 'static,
{
    let mut reserve = Reserve::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.token().cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((io, peer)) => match gate.enter(peer.remote.ip()) {
                // Boxed, since each future around another one keeps room for it twice.
                Ok(pass) => shutdown.spawn(hold(pass, Box::pin(session(io, peer)))),
                Err(refused) => turn_away(io, peer, refused, &turned).await,
            },
            Err(error) if is_of_one_client(&error) => debug!(%error, "a connection was lost before it began"),
            Err(error) if is_exhausted(&error) => {
                warn!(%error, "a connection waits: out of file descriptors; raise the limit (ulimit -n)");
                reserve.free();
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    Ok((io, peer)) = listener.accept() => {
                        turn_away(io, peer, Refused::Descriptors, &turned).await;
                    }
                }
                reserve = Reserve::new();
            }
            Err(error) => {
                warn!(%error, "no connection can be taken");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn hold(pass: Pass, session: impl Future<Output = ()>) {
    session.await;
    drop(pass);
}

/// Says the words, if they can be said at once.
async fn turn_away(mut io: Box<dyn Io>, peer: Peer, refused: Refused, words: &[u8]) {
    warn!(peer = %peer.remote, reason = %refused, "connection refused");
    // A new socket takes them at once; whatever else this may be is not waited for.
    let _ = timeout(PAUSE, io.write(words)).await;
}

/// The client left before it was let in: the next one may do better.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

fn is_exhausted(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) || error.kind() == io::ErrorKind::OutOfMemory
}

/// A file descriptor that is there to be given up.
struct Reserve(Option<std::fs::File>);

impl Reserve {
    fn new() -> Self {
        Self(std::fs::File::open("/dev/null").ok())
    }

    fn free(&mut self) {
        self.0 = None;
    }
}
