//! Where all mail ends: a server that takes everything and notes when.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for mail that does not come.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a message is known by.
pub(crate) const TOKEN: &str = "X-Token: ";

/// A server that takes all mail.
pub(crate) struct Sink {
    pub(crate) addr: SocketAddr,
    arrived: Arc<Arrived>,
}

#[derive(Default)]
struct Arrived {
    tokens: Mutex<HashMap<u64, Instant>>,
    more: Condvar,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let arrived = Arc::new(Arrived::default());
        let taking = Arc::clone(&arrived);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let arrived = Arc::clone(&taking);
                // A connection that breaks is its client's affair.
                thread::spawn(move || drop(session(stream, &arrived)));
            }
        });
        Self { addr, arrived }
    }

    /// Waits until `count` messages have come, and gives when each did.
    pub(crate) fn wait(&self, count: usize) -> HashMap<u64, Instant> {
        let tokens = self.arrived.tokens.lock().expect("no panic");
        let waited = self.arrived.more.wait_timeout_while(tokens, PATIENCE, |tokens| tokens.len() < count);
        let (mut tokens, late) = waited.expect("no panic");
        assert!(!late.timed_out(), "{} of {count} messages have arrived", tokens.len());
        std::mem::take(&mut tokens)
    }
}

fn session(stream: TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 << 10, stream.try_clone()?);
    let mut writer = stream;
    writer.write_all(b"220 sink\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_slice() {
            b"EHLO" => writer.write_all(b"250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250 8BITMIME\r\n")?,
            b"DATA" => {
                writer.write_all(b"354 go\r\n")?;
                let token = content(&mut reader)?;
                writer.write_all(b"250 ok\r\n")?;
                arrived.tokens.lock().expect("no panic").insert(token, Instant::now());
                arrived.more.notify_all();
            }
            b"QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => writer.write_all(b"250 ok\r\n")?,
        }
    }
}

/// Reads a message, and gives its token.
fn content(reader: &mut BufReader<TcpStream>) -> std::io::Result<u64> {
    let (mut line, mut token) = (Vec::new(), 0);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line == b".\r\n" || line.is_empty() {
            return Ok(token);
        }
        if let Some(number) = line.strip_prefix(TOKEN.as_bytes()) {
            token = String::from_utf8_lossy(number).trim().parse().unwrap_or(0);
        }
    }
}
