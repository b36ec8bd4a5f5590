//! Recording what somebody says to a server elsewhere.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mailwright_tokio::{Gate, GateLimits, Io, Peer, accept_all};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use crate::builder::listen;
use crate::engine::Engine;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::tape::{Recording, Tap, Wire};

/// Stands between a client and any server, and writes down what they say, on a free port of 127.0.0.1; gone when
/// dropped. When they begin TLS it hears no more.
///
/// ```
/// use mailwright_testkit::{MailServer, Protocol, Recorder};
///
/// let mail = MailServer::start_blocking(); // or a server of another make: "mx.example.org:25"
/// let recorder = Recorder::start(Protocol::Smtp, mail.addr(Protocol::Smtp));
/// // ... now a client talks to recorder.addr() ...
/// # drop(std::net::TcpStream::connect(recorder.addr()));
/// for recording in recorder.recordings() {
///     println!("{}", recording.with_wildcards());
/// }
/// ```
pub struct Recorder {
    addr: SocketAddr,
    wires: Arc<Mutex<Vec<Arc<Wire>>>>,
    _engine: Engine,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Stands before `server`, with the default [`Limits`]: when there are as many sessions as it keeps, it takes no more.
    ///
    /// # Panics
    /// If `server` is no address, or no port can be had.
    #[track_caller]
    pub fn start(protocol: Protocol, server: impl ToSocketAddrs) -> Self {
        Self::try_start(protocol, server)
            .unwrap_or_else(|error| panic!("the recorder does not start: {error}"))
    }

    fn try_start(protocol: Protocol, server: impl ToSocketAddrs) -> io::Result<Self> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the server has no address");
        let server = server.to_socket_addrs()?.next().ok_or_else(unknown)?;
        let wires = Arc::new(Mutex::new(Vec::new()));
        let (mut addr, heard, limits) = (server, Arc::clone(&wires), Limits::default());
        let engine = Engine::start(|shutdown| {
            let (bound, listener) = listen()?;
            addr = bound;
            let gate = Gate::new(GateLimits { total: limits.connections, per_address: limits.connections });
            let session = move |io: Box<dyn Io>, peer: Peer| {
                let wire = Wire::new(protocol, peer.remote, None, limits.transcript);
                let is_kept = keep(&heard, &wire, limits.sessions);
                async move {
                    if is_kept {
                        pass_on(io, wire, server).await;
                    }
                }
            };
            shutdown.spawn(accept_all(listener, gate, shutdown.clone(), Bytes::new(), session));
            Ok(())
        })?;
        Ok(Self { addr, wires, _engine: engine })
    }

    /// Where a client is to connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What was said in each session, in the order of connections.
    pub fn recordings(&self) -> Vec<Recording> {
        let wires = self.wires.lock().unwrap_or_else(PoisonError::into_inner);
        wires.iter().map(|wire| wire.recording()).collect()
    }
}

/// Whether there is room for a session more.
fn keep(wires: &Mutex<Vec<Arc<Wire>>>, wire: &Arc<Wire>, limit: usize) -> bool {
    let mut wires = wires.lock().unwrap_or_else(PoisonError::into_inner);
    let room = wires.len() < limit;
    if room {
        wires.push(Arc::clone(wire));
    }
    room
}

async fn pass_on(io: Box<dyn Io>, wire: Arc<Wire>, server: SocketAddr) {
    match TcpStream::connect(server).await {
        Ok(mut server) => {
            // Replies are small and waited for; if it cannot be had, they are only slower.
            let _ = server.set_nodelay(true);
            let mut client = Tap::new(io, wire);
            // Whoever closes first, the other one is told.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Err(error) => wire.disconnect(&format!("{server} cannot be reached: {error}")),
    }
}
