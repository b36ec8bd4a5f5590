//! Memory stays bounded, however much is sent and however little is read.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Wire, resident};

/// The program `mailwright-sink`, until this goes out of scope.
struct Sink {
    child: Child,
    addr: SocketAddr,
}

impl Sink {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailwright-sink"));
        let mut child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim_end().parse().unwrap();
        Self { child, addr }
    }

    /// Octets by which its memory has grown since it had `before`, at the most in between.
    fn growth(&self, before: u64) -> u64 {
        resident(self.child.id()).1.saturating_sub(before)
    }

    /// A small message, so that what is needed once is there, and the memory then.
    fn warm_up(&self) -> u64 {
        Wire::smtp(self.addr).mail("ann@localhost", "Subject: small\r\n\r\n");
        resident(self.child.id()).0
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Ends this child and no other.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const GROWTH_MAX: u64 = 8 << 20;

#[test]
fn a_message_of_100_mb_needs_no_more_than_8_mib() {
    const LINES: usize = 100_000_000 / LINE.len() / REPEAT;
    const LINE: &[u8] =
        b"..a line of eighty octets, with a dot at its start, as it would have it in transit\r\n";
    const REPEAT: usize = 1000;
    let sink = Sink::start(&["--message-size", "200000000"]);
    let before = sink.warm_up();
    let mut wire = Wire::smtp(sink.addr);
    wire.begin_mail("ann@localhost");
    let piece = LINE.repeat(REPEAT);
    for _ in 0..LINES {
        wire.send(&piece);
    }
    let size = LINES * REPEAT * (LINE.len() - 1);
    let reply = wire.ask(".");
    assert!(reply.contains(&format!("sank {size} octets")), "{reply}");
    let growth = sink.growth(before);
    println!("{size} octets, {} KiB more", growth >> 10);
    assert!(growth <= GROWTH_MAX, "{growth} octets more");
}

/// One line of 100 MB is no different.
#[test]
fn a_line_of_100_mb_needs_no_more_than_8_mib() {
    const PIECES: usize = 100;
    let sink = Sink::start(&["--message-size", "200000000"]);
    let before = sink.warm_up();
    let mut wire = Wire::smtp(sink.addr);
    wire.begin_mail("ann@localhost");
    let piece = [b'a'; 1_000_000];
    for _ in 0..PIECES {
        wire.send(piece);
    }
    let size = PIECES * piece.len() + 2;
    let reply = wire.ask("\r\n.");
    assert!(reply.contains(&format!("sank {size} octets")), "{reply}");
    let growth = sink.growth(before);
    assert!(growth <= GROWTH_MAX, "{growth} octets more");
}

/// A message over the limit is read to its end, to say so, and not kept.
#[test]
fn what_is_too_large_is_not_kept() {
    const PIECES: usize = 30;
    let sink = Sink::start(&["--message-size", "1000000"]);
    let before = sink.warm_up();
    let mut wire = Wire::smtp(sink.addr);
    wire.begin_mail("ann@localhost");
    let piece = b"a line\r\n".repeat(125_000);
    for _ in 0..PIECES {
        wire.send(&piece);
    }
    wire.expect(".", "552 5.3.4");
    wire.mail("ann@localhost", "Subject: smaller\r\n\r\n");
    let growth = sink.growth(before);
    assert!(growth <= GROWTH_MAX, "{growth} octets more");
}

/// Who asks and asks, and does not read the answers, is cut off.
#[test]
fn who_does_not_read_is_cut_off() {
    // What is read earns no time, so that what the sockets' buffers take does not count.
    let args = ["--idle-commands", "4000000000", "--write-grace", "2", "--write-min-rate", "4000000000"];
    let sink = Sink::start(&args);
    let before = sink.warm_up();
    let mut wire = Wire::connect_from(Ipv4Addr::LOCALHOST, Some(4096), sink.addr);
    let piece = b"NOOP\r\n".repeat(10_000);
    let until = Instant::now() + PATIENCE;
    let ended = loop {
        assert!(Instant::now() < until, "not cut off within {PATIENCE:?}");
        match wire.send_some(&piece, Duration::from_millis(500)) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => break error,
        }
    };
    println!("cut off: {ended}");
    assert!(matches!(ended.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended}");
    let growth = sink.growth(before);
    println!("{} KiB more", growth >> 10);
    assert!(growth <= GROWTH_MAX, "{growth} octets more");
    Wire::smtp(sink.addr).mail("ann@localhost", "Subject: others are served\r\n\r\n");
}

/// Many at once need little each.
#[test]
fn forty_messages_at_once() {
    const CLIENTS: usize = 40;
    let sink = Sink::start(&[]);
    let before = sink.warm_up();
    let send = || {
        let mut wire = Wire::smtp(sink.addr);
        wire.begin_mail("ann@localhost");
        let piece = b"a line\r\n".repeat(10_000);
        for _ in 0..10 {
            wire.send(&piece);
        }
        wire.expect(".", "250");
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(send);
        }
    });
    let growth = sink.growth(before);
    println!("{} KiB more", growth >> 10);
    assert!(growth <= 2 * GROWTH_MAX, "{growth} octets more");
}
