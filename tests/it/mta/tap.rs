//! What goes over a line without TLS, overheard.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::panicking;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::TcpStream;

use crate::support::Background;

/// Takes connections and passes them on, until this goes out of scope; and keeps what the clients say.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) addr: SocketAddr,
    heard: Heard,
    _background: Background,
}

/// In pieces: what a client says at once comes in one of them, or in several if there is much of it.
type Heard = Arc<Mutex<Vec<String>>>;

impl Tap {
    pub(super) fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let heard = Heard::default();
        let keep = Arc::clone(&heard);
        let background = Background::start(move || async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                // Who connects to a server that is not there sees the end of the connection.
                tokio::spawn(pass_on(client, to, Arc::clone(&keep)));
            }
        });
        Self { addr, heard, _background: background }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The commands of this name, in the order in which they came.
    pub(super) fn commands(&self, name: &str) -> Vec<String> {
        let heard = self.heard();
        let lines = heard.iter().flat_map(|piece| piece.split("\r\n"));
        lines.filter(|line| line.starts_with(name)).map(ToOwned::to_owned).collect()
    }

    /// How often somebody has named a recipient before he was told that the sender is taken (RFC 2920).
    pub(super) fn pipelined(&self) -> usize {
        let at_once = |piece: &&String| piece.contains("MAIL FROM:") && piece.contains("\r\nRCPT TO:");
        self.heard().iter().filter(at_once).count()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if panicking() {
            println!(
                "clients of {} have said {:#?}",
                self.addr,
                [self.commands("MAIL"), self.commands("RCPT")]
            );
        }
    }
}

async fn pass_on(client: TcpStream, to: SocketAddr, heard: Heard) -> io::Result<()> {
    let server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let replies = tokio::spawn(async move {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    });
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = from_client.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&piece[..count]).into_owned();
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        to_server.write_all(&piece[..count]).await?;
    }
    to_server.shutdown().await?;
    replies.await?
}
