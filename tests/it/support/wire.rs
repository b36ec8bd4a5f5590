//! A client that says anything.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::PATIENCE;

/// The longest line that is waited for.
const LINE_MAX: usize = 64 << 10;

/// A connection, on which octets are sent as they are, and lines are received.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// What has been received and not been asked for.
    ahead: Vec<u8>,
}

impl Wire {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::with(TcpStream::connect_timeout(&addr, PATIENCE).unwrap())
    }

    /// A session that has said EHLO, if somebody is there.
    pub(crate) fn try_smtp(addr: SocketAddr) -> Option<Self> {
        let mut wire = Self::with(TcpStream::connect_timeout(&addr, PATIENCE).ok()?);
        wire.try_reply().filter(|greeting| greeting.starts_with("220 "))?;
        wire.try_ask("EHLO client.example")?;
        Some(wire)
    }

    /// Connects from an address of ours, with a receive buffer of this size if one is given.
    pub(crate) fn connect_from(source: Ipv4Addr, buffer: Option<u32>, addr: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((source, 0).into())?;
            buffer.map_or(Ok(()), |size| socket.set_recv_buffer_size(size))?;
            socket.connect(addr).await?.into_std()
        });
        let stream = stream.unwrap();
        stream.set_nonblocking(false).unwrap();
        Self::with(stream)
    }

    fn with(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    /// A session that has said EHLO.
    pub(crate) fn smtp(addr: SocketAddr) -> Self {
        let mut wire = Self::connect(addr);
        wire.hello();
        wire
    }

    pub(crate) fn hello(&mut self) {
        let greeting = self.reply();
        assert!(greeting.starts_with("220 "), "{greeting}");
        self.expect("EHLO client.example", "250");
    }

    /// A POP3 session that has read the greeting.
    pub(crate) fn pop3(addr: SocketAddr) -> Self {
        let mut wire = Self::connect(addr);
        let greeting = wire.line();
        assert!(greeting.starts_with("+OK"), "{greeting}");
        wire
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).unwrap();
    }

    /// Sends as much as the peer takes: it may have closed in the middle. Says whether it took all.
    pub(crate) fn try_send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(octets.as_ref()).is_ok()
    }

    /// Sends some octets, if there is room within `limit`.
    pub(crate) fn send_some(&mut self, octets: &[u8], limit: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(limit)).unwrap();
        self.stream.write(octets)
    }

    /// A connection to speak to while another thread listens.
    pub(crate) fn second(&self) -> Self {
        Self::with(self.stream.try_clone().unwrap())
    }

    /// Closes it, also for those who speak to it elsewhere.
    pub(crate) fn close(&mut self) {
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// The next line, without its end; `None` when the peer has closed.
    pub(crate) fn try_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                let line = line.strip_suffix(b"\r\n").expect("a reply ends in CRLF");
                return Some(String::from_utf8_lossy(line).into_owned());
            }
            assert!(self.ahead.len() < LINE_MAX, "a line without end");
            if !self.fill() {
                return None;
            }
        }
    }

    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.try_line().expect("the connection is open")
    }

    /// An SMTP reply, its lines joined; `None` when the peer has closed.
    pub(crate) fn try_reply(&mut self) -> Option<String> {
        let mut reply = self.try_line()?;
        let mut last = reply.clone();
        while last.as_bytes().get(3) == Some(&b'-') {
            last = self.try_line()?;
            reply.push('\n');
            reply.push_str(&last);
        }
        Some(reply)
    }

    #[track_caller]
    pub(crate) fn reply(&mut self) -> String {
        self.try_reply().expect("the connection is open")
    }

    /// A command and the reply to it.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: impl AsRef<[u8]>) -> String {
        self.send([command.as_ref(), b"\r\n"].concat());
        self.reply()
    }

    /// A command, and a reply that begins like this.
    #[track_caller]
    pub(crate) fn expect(&mut self, command: impl AsRef<[u8]>, start: &str) -> String {
        let command = command.as_ref();
        let reply = self.ask(command);
        let shown = String::from_utf8_lossy(&command[..command.len().min(200)]);
        assert!(reply.starts_with(start), "{shown:?} is answered {reply:?}, not {start}");
        reply
    }

    /// Begins a message for `to`, up to the reply to DATA.
    #[track_caller]
    pub(crate) fn begin_mail(&mut self, to: &str) {
        self.expect("MAIL FROM:<app@client.example>", "250");
        self.expect(format!("RCPT TO:<{to}>"), "250");
        self.expect("DATA", "354");
    }

    /// Sends a message of a few lines.
    #[track_caller]
    pub(crate) fn mail(&mut self, to: &str, content: &str) -> String {
        self.begin_mail(to);
        self.expect(format!("{content}."), "250")
    }

    /// A command and the reply to it, if the connection lives so long.
    pub(crate) fn try_ask(&mut self, command: impl AsRef<[u8]>) -> Option<String> {
        self.try_send([command.as_ref(), b"\r\n"].concat());
        self.try_reply()
    }

    /// Sends a message, whose lines end in CRLF. Gives the last reply; `None` when the peer has closed.
    pub(crate) fn try_mail(&mut self, to: &str, message: &[u8]) -> Option<String> {
        for command in ["MAIL FROM:<app@client.example>", &format!("RCPT TO:<{to}>"), "DATA"] {
            let reply = self.try_ask(command)?;
            if !reply.starts_with(['2', '3']) {
                self.try_ask("RSET")?;
                return Some(reply);
            }
        }
        let mut content = Vec::with_capacity(message.len());
        for line in message.split_inclusive(|&octet| octet == b'\n') {
            content.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
            content.extend_from_slice(line);
        }
        self.try_send(content);
        self.try_ask(".")
    }

    /// The lines that follow a POP3 reply, dots undone.
    pub(crate) fn lines(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let line = self.raw_line();
            if line == b".\r\n" {
                return all;
            }
            all.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    fn raw_line(&mut self) -> Vec<u8> {
        self.try_raw_line().expect("the connection is open")
    }

    fn try_raw_line(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.ahead[searched..].iter().position(|&octet| octet == b'\n') {
                return Some(self.ahead.drain(..=searched + end).collect());
            }
            searched = self.ahead.len();
            if !self.fill() {
                return None;
            }
        }
    }

    /// An IMAP response with its literals, as it came; `None` when the peer has closed.
    pub(crate) fn try_response(&mut self) -> Option<Vec<u8>> {
        let mut response = self.try_raw_line()?;
        while let Some(size) = announced(&response) {
            while self.ahead.len() < size {
                if !self.fill() {
                    return None;
                }
            }
            response.extend(self.ahead.drain(..size));
            response.append(&mut self.try_raw_line()?);
        }
        Some(response)
    }

    /// All until the peer closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        const REST_MAX: usize = 1 << 20;
        while self.fill() {
            assert!(self.ahead.len() < REST_MAX, "far too much");
        }
        std::mem::take(&mut self.ahead)
    }

    /// What comes within `limit`, if anything does; an empty piece is the end.
    pub(crate) fn within(&mut self, limit: Duration) -> Option<Vec<u8>> {
        if !self.ahead.is_empty() {
            return Some(std::mem::take(&mut self.ahead));
        }
        self.stream.set_read_timeout(Some(limit)).unwrap();
        let mut piece = [0; 4096];
        let read = self.stream.read(&mut piece);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match read {
            Ok(count) => Some(piece[..count].to_vec()),
            Err(error) if is_timeout(&error) => None,
            Err(_) => Some(Vec::new()),
        }
    }

    /// Receives more; no more will come if this is false.
    fn fill(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.ahead.extend_from_slice(&piece[..count]);
                true
            }
            Err(error) if is_timeout(&error) => {
                panic!("nothing for {PATIENCE:?} after {:?}", String::from_utf8_lossy(&self.ahead))
            }
            // The peer has closed while we were still sending.
            Err(_) => false,
        }
    }
}

/// The size of the literal that follows an IMAP line.
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let open = line.iter().rposition(|&octet| octet == b'{')?;
    str::from_utf8(&line[open + 1..]).ok()?.parse().ok()
}

/// Waits until nobody listens there any more.
pub(crate) fn wait_until_closed(addr: SocketAddr, limit: Duration) {
    let until = Instant::now() + limit;
    while TcpStream::connect(addr).is_ok() {
        assert!(Instant::now() < until, "{addr} is open after {limit:?}");
        sleep(Duration::from_millis(10));
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
