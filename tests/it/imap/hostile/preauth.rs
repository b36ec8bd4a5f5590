//! Nobody has logged in yet.

use std::net::SocketAddr;
use std::thread;

use super::{Server, others_are_served};
use crate::support::{Imap, Wire};

/// More than one connection may have; for all of a test, as one follows the other.
const GROWTH_MAX: u64 = 4 << 20;

/// What comes first after these octets have been sent, or as many of them as are taken; nothing if it just closes.
fn answer(addr: SocketAddr, pieces: &[&[u8]], count: usize) -> String {
    let mut wire = Imap::connect(addr).wire;
    let mut listener = wire.second();
    thread::scope(|scope| {
        scope.spawn(move || (0..count).all(|_| pieces.iter().all(|piece| wire.try_send(piece))));
        let first = listener.try_response().unwrap_or_default();
        // It is done with us, or throws away the rest; then we are done.
        listener.close();
        String::from_utf8_lossy(&first).into_owned()
    })
}

#[track_caller]
fn assert_refused(server: &Server, command: &[u8]) {
    let taken = taken(server, command);
    assert_eq!(taken, None);
}

/// What the answer is, if this is not refused.
fn taken(server: &Server, command: &[u8]) -> Option<String> {
    let answer = answer(server.imap(), &[command], 1);
    let shown = String::from_utf8_lossy(&command[..command.len().min(100)]);
    let refused = ["* BYE", "* BAD", "A1 BAD", "A1 NO"].iter().any(|start| answer.starts_with(start));
    (!refused && !answer.is_empty()).then(|| format!("{shown:?} is answered {answer:?}"))
}

/// None is asked for: no `+`.
#[test]
fn literals_that_are_too_large() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    let watch = server.watch();
    let nines = "9".repeat(400);
    let mut all = Vec::new();
    for size in ["4294967295", "18446744073709551616", &nines, "-1", "100000000", "", "1a", "0x10", "+"] {
        all.extend(taken(&server, format!("A1 LOGIN {{{size}}}\r\n").as_bytes()));
        all.extend(taken(&server, format!("A1 LOGIN ann@localhost {{{size}}}\r\n").as_bytes()));
    }
    assert_eq!(all, [""; 0]);
    assert_refused(&server, b"A1 LOGIN ~{100000000}\r\n");
    assert_refused(&server, b"A1 APPEND INBOX {100000000}\r\n");
    assert_refused(&server, b"A1 APPEND INBOX ~{100000000}\r\n");
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

/// These are not waited for, but sent.
#[test]
fn literals_that_come_unasked() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    let mebibyte = vec![b'x'; 1 << 20];
    let first: [&[u8]; 2] = [b"A1 LOGIN {1000000000+}\r\n", &mebibyte.repeat(32)];
    let refused = answer(server.imap(), &first, 1);
    assert!(!refused.starts_with('+'), "{refused}");
    let mut many = b"A1 LOGIN".to_vec();
    for _ in 0..4000 {
        many.extend(b" {4096+}\r\n");
        many.extend(&mebibyte[..4096]);
    }
    many.extend(b"\r\n");
    assert_refused(&server, &many);
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

#[test]
fn a_line_without_end() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    let mebibyte = vec![b'x'; 1 << 20];
    let refused = answer(server.imap(), &[&mebibyte], 16);
    assert!(!refused.starts_with('+'), "{refused}");
    let refused = answer(server.imap(), &[b"A1 LOGIN \"", &mebibyte.repeat(16)], 1);
    assert!(!refused.starts_with('+'), "{refused}");
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

#[test]
fn parentheses() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    assert_refused(&server, &[b"A1 SEARCH ", &b"(".repeat(1_000_000)[..], b"\r\n"].concat());
    assert_refused(&server, &[b"A1 ID ", &b"(".repeat(1_000_000)[..], b"\r\n"].concat());
    assert_refused(&server, &[b"A1 ID ", &b"(".repeat(4_000)[..], b"\r\n"].concat());
    // Many at once, none of which ends its line.
    let wires: Vec<Wire> = (0..20)
        .map(|_| {
            let mut wire = Imap::connect(server.imap()).wire;
            wire.try_send([b"A1 ID ", &b"(".repeat(60_000)[..]].concat());
            wire
        })
        .collect();
    others_are_served(&server);
    drop(wires);
    watch.grown_at_most(2 * GROWTH_MAX);
}

/// A challenge is answered with more than any mechanism has.
#[test]
fn responses_to_challenges() {
    let Some(server) = Server::start() else { return };
    let watch = server.watch();
    for response in [vec![b'A'; 16 << 20], b"====".repeat(1000), b"\0".repeat(1000)] {
        let mut wire = Imap::connect(server.imap()).wire;
        wire.expect("A1 AUTHENTICATE PLAIN", "+ ");
        let mut listener = wire.second();
        thread::scope(|scope| {
            scope.spawn(move || wire.try_send([&response[..], b"\r\n"].concat()));
            let first = listener.try_response().unwrap_or_default();
            listener.close();
            assert!(!first.starts_with(b"A1 OK") && !first.starts_with(b"+"), "{first:?}");
        });
    }
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

/// Passwords are guessed on one connection for a while, and not for ever.
#[test]
fn guesses_come_to_an_end() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    let mut imap = Imap::connect(server.imap());
    let mut guesses = 0;
    loop {
        let tag = imap.send(format!("LOGIN ann@localhost guess{guesses}"));
        let Some(answer) = imap.try_answer(&tag) else { break };
        assert!(answer.status.starts_with("NO [AUTHENTICATIONFAILED]"), "{answer}");
        guesses += 1;
        assert!(guesses < 20, "it goes on");
    }
    others_are_served(&server);
}
