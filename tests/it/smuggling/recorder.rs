//! A server that takes everything.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{self, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::support::Background;

/// Takes everything, and keeps it octet for octet, until this goes out of scope. It is no server of ours: what ours
/// sends is not read by the code that wrote it.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) smtp: SocketAddr,
    heard: Arc<Mutex<Heard>>,
    _background: Background,
}

/// What has been heard, on all connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// Octets, of contents that have no end, too.
    pub(super) all: Vec<u8>,
    /// Transactions that were taken.
    pub(super) taken: Vec<Taken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// With the names of the commands.
    pub(super) envelope: Vec<String>,
    /// As it was sent behind DATA, without its last line; or in chunks.
    pub(super) content: Vec<u8>,
}

impl Recorder {
    /// One that offers this extension besides 8BITMIME and PIPELINING.
    pub(super) fn offering(extension: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let smtp = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let keep = Arc::clone(&heard);
        let background = Background::start(move || async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let heard = Arc::clone(&keep);
                tokio::spawn(Session { line: BufReader::new(client), heard, extension }.run());
            }
        });
        Self { smtp, heard, _background: background }
    }

    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Session {
    line: BufReader<TcpStream>,
    heard: Arc<Mutex<Heard>>,
    extension: &'static str,
}

impl Session {
    async fn run(mut self) -> io::Result<()> {
        self.say("220 mx.x.example").await?;
        let (mut envelope, mut content) = (Vec::new(), Vec::new());
        loop {
            let line = self.hear_line().await?;
            let command = String::from_utf8_lossy(&line).trim_end().to_owned();
            let words: Vec<&str> = command.split(' ').collect();
            match words[..] {
                ["EHLO", _] => {
                    let offer = format!("250-mx\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 {}", self.extension);
                    self.say(&offer).await?;
                }
                ["DATA"] => {
                    self.say("354 go").await?;
                    // The end of the reply to DATA counts as that of a line (RFC 5321 §4.1.1.4).
                    while content != b".\r\n" && !content.ends_with(b"\r\n.\r\n") {
                        content.append(&mut self.hear_line().await?);
                    }
                    content.truncate(content.len() - 3);
                    self.take(&mut envelope, &mut content).await?;
                }
                ["BDAT", size, ref last @ ..] => {
                    let mut chunk = vec![0; size.parse().unwrap()];
                    self.line.read_exact(&mut chunk).await?;
                    self.keep(|heard| heard.all.extend_from_slice(&chunk));
                    content.append(&mut chunk);
                    match last {
                        ["LAST"] => self.take(&mut envelope, &mut content).await?,
                        _ => self.say("250 go on").await?,
                    }
                }
                ["QUIT"] => return self.say("221 bye").await,
                _ => {
                    envelope.push(command);
                    self.say("250 ok").await?;
                }
            }
        }
    }

    async fn take(&mut self, envelope: &mut Vec<String>, content: &mut Vec<u8>) -> io::Result<()> {
        let taken = Taken { envelope: std::mem::take(envelope), content: std::mem::take(content) };
        self.keep(|heard| heard.taken.push(taken));
        self.say("250 taken").await
    }

    /// All up to an LF; what comes before the end of the connection is kept, and is no line.
    async fn hear_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.line.read_until(b'\n', &mut line).await?;
        self.keep(|heard| heard.all.extend_from_slice(&line));
        if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.line.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
    }

    fn keep(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
