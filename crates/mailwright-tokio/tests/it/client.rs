//! The other side of a conversation.

use std::fmt::Debug;
use std::time::Duration;

use mailwright_tokio::smtp::SmtpHandler;
use mailwright_tokio::{Peer, SmtpServer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A client that says lines and reads replies.
pub(crate) struct Client<S> {
    pub(crate) io: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.io.write_all(text.as_ref()).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// A line without its end; empty at the end of all.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=at).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            let mut more = [0; 4096];
            let count = tokio::time::timeout(PATIENCE, self.io.read(&mut more)).await.unwrap().unwrap();
            if count == 0 {
                assert!(self.unread.is_empty(), "half a line: {:?}", String::from_utf8_lossy(&self.unread));
                return String::new();
            }
            self.unread.extend_from_slice(&more[..count]);
        }
    }

    /// The last line of the next reply.
    pub(crate) async fn reply(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// Says a line, gives the last line of the reply.
    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Says a line, and wants the reply to begin like this.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: &str, start: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let reply = self.ask(line).await;
            assert!(reply.starts_with(start), "{line} -> {reply}, not {start} ({at})");
        }
    }

    /// From the greeting to where DATA may come.
    pub(crate) async fn envelope(&mut self, to: &str) {
        assert!(self.reply().await.starts_with("220"));
        self.expect("EHLO client.example", "250").await;
        self.expect("MAIL FROM:<ann@client.example>", "250").await;
        self.expect(&format!("RCPT TO:<{to}@mx.example.org>"), "250").await;
    }

    /// From the greeting to where the content may come.
    pub(crate) async fn data(&mut self, to: &str) {
        self.envelope(to).await;
        self.expect("DATA", "354").await;
    }

    /// All that still comes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.unread);
        tokio::time::timeout(PATIENCE, self.io.read_to_end(&mut rest)).await.unwrap().unwrap();
        String::from_utf8(rest).unwrap()
    }

    /// Nothing more comes.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.rest().await, "");
    }
}

/// A connection between these two.
pub(crate) fn peer() -> Peer {
    peer_at("192.0.2.1")
}

pub(crate) fn peer_at(address: &str) -> Peer {
    Peer {
        remote: (address.parse::<std::net::IpAddr>().unwrap(), 40_000).into(),
        local: ([192, 0, 2, 25], 25).into(),
    }
}

/// One session over a pipe.
pub(crate) fn connect<H: SmtpHandler>(server: SmtpServer<H>) -> (Client<DuplexStream>, JoinHandle<()>) {
    let (near, far) = duplex(1 << 16);
    let session = tokio::spawn(async move { server.session(Box::new(far), peer()).await });
    (Client::new(near), session)
}

/// How much time went by, in seconds.
pub(crate) async fn seconds<T: Debug>(work: impl Future<Output = T>) -> (u64, T) {
    let start = tokio::time::Instant::now();
    let done = tokio::time::timeout(PATIENCE, work).await.expect("it ends");
    (start.elapsed().as_secs(), done)
}
