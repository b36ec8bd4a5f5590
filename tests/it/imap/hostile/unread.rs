//! Who asks and does not read the answers has them wait, and not all of them.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{Server, others_are_served};
use crate::support::{Imap, PATIENCE, Wire};

const GROWTH_MAX: u64 = 8 << 20;

/// Sends this again and again, until the server takes no more for a while, or closes.
fn flood(wire: &mut Wire, piece: &[u8]) {
    // It is to stop reading long before.
    const SENT_MAX: usize = 64 << 20;
    let (mut sent, until) = (0, Instant::now() + PATIENCE);
    while sent < SENT_MAX && Instant::now() < until {
        match wire.send_some(piece, Duration::from_secs(1)) {
            Ok(count) => sent += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
            Err(_) => return,
        }
    }
    panic!("it has read {sent} octets of commands whose answers nobody reads");
}

/// A connection that receives little, with a mailbox selected.
fn slow(server: &Server) -> Wire {
    let mut wire = Wire::connect_from(Ipv4Addr::LOCALHOST, Some(4096), server.imap());
    wire.send("A1 LOGIN ann@localhost ann\r\nA2 SELECT INBOX\r\n");
    loop {
        let line = wire.line();
        assert!(!line.starts_with("A2 NO") && !line.starts_with("A2 BAD"), "{line}");
        if line.starts_with("A2 OK") {
            return wire;
        }
    }
}

#[test]
fn messages() {
    let Some(server) = Server::start_on_disk() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    let message = format!("Subject: large\r\n\r\n{}", "a line of a message\r\n".repeat(50_000));
    for _ in 0..20 {
        imap.append("INBOX", "()", &message);
    }
    let watch = server.watch();
    let mut wires: Vec<Wire> = (0..4).map(|_| slow(&server)).collect();
    for wire in &mut wires {
        wire.try_send("A3 FETCH 1:* BODY.PEEK[]\r\n".repeat(100));
    }
    flood(&mut wires[0], &b"A3 FETCH 1:* BODY.PEEK[]\r\n".repeat(100));
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

#[test]
fn little_replies() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    flood(&mut slow(&server), &b"A3 NOOP\r\n".repeat(10_000));
    flood(&mut slow(&server), &b"A3 LIST \"\" *\r\n".repeat(10_000));
    flood(&mut slow(&server), &b"\r\n".repeat(10_000));
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

/// Before the login, too.
#[test]
fn replies_to_nobody() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    for piece in [&b"A1 CAPABILITY\r\n"[..], b"A1 NOOP\r\n", b"A1 NONSENSE\r\n"] {
        let mut wire = Wire::connect_from(Ipv4Addr::LOCALHOST, Some(4096), server.imap());
        flood(&mut wire, &piece.repeat(10_000));
    }
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}
