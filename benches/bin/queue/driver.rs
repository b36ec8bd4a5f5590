//! Sends mail, and sees when it arrives.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use crate::sink::{Sink, TOKEN};

/// Octets of a message.
const SIZE: usize = 10 << 10;

/// What is sent.
pub(crate) struct Load {
    pub(crate) addr: SocketAddr,
    /// Whether the server wants to know who sends.
    pub(crate) login: bool,
    pub(crate) connections: usize,
    pub(crate) count: usize,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    /// Messages a second, from the first command to the last arrival.
    pub(crate) rate: f64,
    /// Seconds from MAIL to the arrival, of all but one in a hundred.
    pub(crate) p99: f64,
}

impl Passed {
    /// The one in the middle, by rate.
    pub(crate) fn median(mut all: Vec<Self>) -> Self {
        all.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        all[all.len() / 2]
    }
}

/// Sends all of it, and waits until it has arrived.
pub(crate) fn pass(sink: &Sink, load: &Load) -> Passed {
    let clients: Vec<_> = (0..load.connections).map(|_| Client::connect(load)).collect();
    let each = load.count / load.connections;
    let begun = Instant::now();
    let senders: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, mut client)| {
            thread::spawn(move || {
                let tokens = (number * each + 1..).take(each);
                tokens.map(|token| (token as u64, client.send(token as u64))).collect::<HashMap<_, _>>()
            })
        })
        .collect();
    let sent: HashMap<u64, Instant> =
        senders.into_iter().flat_map(|sender| sender.join().expect("a driver")).collect();
    let arrived = sink.wait(sent.len());
    let last = arrived.values().max().copied().expect("one at least");
    let mut took: Vec<f64> =
        arrived.iter().map(|(token, at)| at.duration_since(sent[token]).as_secs_f64()).collect();
    took.sort_by(f64::total_cmp);
    Passed {
        rate: sent.len() as f64 / last.duration_since(begun).as_secs_f64(),
        p99: took[(took.len() * 99 / 100).min(took.len() - 1)],
    }
}

struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Client {
    fn connect(load: &Load) -> Self {
        let writer = TcpStream::connect(load.addr).expect("the server listens");
        writer.set_nodelay(true).expect("TCP");
        let reader = BufReader::new(writer.try_clone().expect("a socket"));
        let mut client = Self { reader, writer };
        client.reply("220");
        client.ask(b"EHLO driver.example\r\n", "250");
        if load.login {
            client.ask(b"AUTH PLAIN AGFubkBsb2NhbGhvc3QAYW5u\r\n", "235");
        }
        client
    }

    /// Sends a message, and says when it began.
    fn send(&mut self, token: u64) -> Instant {
        let begun = Instant::now();
        self.ask(b"MAIL FROM:<ann@localhost>\r\n", "250");
        self.ask(b"RCPT TO:<bob@far.example>\r\n", "250");
        self.ask(b"DATA\r\n", "354");
        let mut message = format!(
            "From: <ann@localhost>\r\nTo: <bob@far.example>\r\nSubject: message {token}\r\n{TOKEN}{token}\r\n\
             Date: Mon, 23 Nov 2026 00:00:00 +0000\r\nMessage-ID: <{token}@driver.example>\r\n\r\n"
        );
        while message.len() < SIZE {
            message += "The quick brown fox jumps over the lazy dog, and nobody is any the wiser for it.\r\n";
        }
        message += ".\r\n";
        self.ask(message.as_bytes(), "250");
        begun
    }

    fn ask(&mut self, octets: &[u8], expected: &str) {
        self.writer.write_all(octets).expect("written");
        self.reply(expected);
    }

    fn reply(&mut self, expected: &str) {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("a reply");
            assert!(line.starts_with(expected), "{line:?}, and not {expected}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }
}
