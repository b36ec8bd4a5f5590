//! Large maildrops and large messages do not lie in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::testing::Bench;
use mailwright_core::{Machine, Progress, Uid};
use mailwright_pop3::server::{Error, Incomplete};
use mailwright_pop3::{Config, Event, Maildrop, Server};

use crate::app::TestApp;

const MESSAGES: u32 = 100_000;

fn logged_in(maildrop: Maildrop) -> Server {
    let config = Config { login_without_tls: true, ..Config::default() };
    let mut server = Server::new(Arc::new(config), None);
    let mut input = BytesMut::from("USER ann\r\nPASS right\r\n");
    let mut maildrop = Some(maildrop);
    while let Progress::Event(event) = poll(&mut server, &mut input) {
        let Event::Login { ticket, .. } = event else { panic!("{event:?}") };
        server.answer(ticket, Ok(maildrop.take().unwrap())).unwrap();
    }
    server.output().advance(usize::MAX);
    server
}

fn poll(server: &mut Server, input: &mut BytesMut) -> Progress<Event> {
    server.poll_event(input, Bench::<Server, TestApp>::start()).unwrap()
}

#[test]
fn listings_of_100_000_messages_are_written_as_they_are_read() {
    let mut maildrop = Maildrop::default();
    for uid in 1..=MESSAGES {
        maildrop.push(u64::from(uid) * 1000, Uid::new(uid).unwrap());
    }
    let mut server = logged_in(maildrop);
    let high_water = Config::default().limits.output;
    for (command, last) in [("LIST\r\n", "100000 100000000"), ("UIDL\r\n", "100000 1.100000")] {
        for step in [1000, high_water, usize::MAX] {
            // Behind it another command, which is not taken before its time.
            let mut input = BytesMut::from([command, "NOOP\r\n"].concat().as_bytes());
            let (mut lines, mut tail) = (0, Vec::new());
            loop {
                let progress = poll(&mut server, &mut input);
                let output = server.output();
                assert!(output.len() < high_water + 100, "{} octets wait", output.len());
                let count = output.remaining().min(step);
                let text = output.copy_to_bytes(count);
                lines += text.iter().filter(|&&octet| octet == b'\n').count();
                tail = [&tail[tail.len().saturating_sub(100)..], &text].concat();
                match progress {
                    Progress::NeedDrain => assert!(count > 0),
                    Progress::NeedInput if server.output().is_empty() => break,
                    Progress::NeedInput => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(lines, MESSAGES as usize + 3, "{command}");
            let tail = String::from_utf8(tail).unwrap();
            assert!(tail.ends_with(&format!("\r\n{last}\r\n.\r\n+OK nothing done\r\n")), "{tail}");
        }
    }
}

#[test]
fn a_piece_of_a_message_goes_out_without_a_copy() {
    let piece = Bytes::from(vec![b'x'; 10_000]);
    for command in ["RETR 1\r\n", "TOP 1 7\r\n"] {
        let mut maildrop = Maildrop::default();
        maildrop.push(10_000, Uid::FIRST);
        let mut server = logged_in(maildrop);
        let mut input = BytesMut::from(command);
        let Progress::Event(Event::Retrieve { ticket, .. }) = poll(&mut server, &mut input) else { panic!() };
        let _ = server.retrieve(&ticket, piece.clone()).unwrap();
        let status = server.output().chunk().len();
        server.output().advance(status);
        assert_eq!(server.output().chunk().as_ptr(), piece.as_ptr());
        server.answer(ticket, Ok(())).unwrap();
    }
}

#[test]
fn replies_that_nobody_reads_hold_up_commands() {
    let mut maildrop = Maildrop::default();
    maildrop.push(10, Uid::FIRST);
    let mut server = logged_in(maildrop);
    let mut input = BytesMut::from("LIST 1\r\n".repeat(20_000).as_bytes());
    assert_eq!(waits(poll(&mut server, &mut input)), Progress::NeedDrain);
    assert!(server.output().len() < Config::default().limits.output + 512);
    assert!(input.len() > 20_000);
}

/// Who waits for room is not late; who has room, and nothing to give, is.
#[test]
fn a_client_that_does_not_read_does_not_make_the_application_late() {
    let mut maildrop = Maildrop::default();
    maildrop.push(1000, Uid::FIRST);
    let mut server = logged_in(maildrop);
    let (mut input, mut now) = (BytesMut::from("RETR 1\r\n"), Bench::<Server, TestApp>::start());
    let Ok(Progress::Event(Event::Retrieve { ticket, .. })) = server.poll_event(&mut input, now) else {
        panic!()
    };
    let _ = server.retrieve(&ticket, Bytes::from_static(b"Subject: x\r\n")).unwrap();
    for _ in 0..10 {
        assert_eq!(server.poll_event(&mut input, now).map(waits), Ok(Progress::NeedReply));
        let due = server.poll_timeout().unwrap();
        assert_eq!(due, now + Duration::from_secs(120));
        now = due;
        server.handle_timeout(now);
    }
    server.output().advance(usize::MAX);
    now += Duration::from_secs(120);
    server.handle_timeout(now);
    assert_eq!(server.poll_event(&mut input, now).map(waits), Ok(Progress::Event("abandoned")));
    let error = server.poll_event(&mut input, now).map(waits);
    assert_eq!(error, Err(Error::Incomplete(Incomplete::Late)));
    assert!(server.answer(ticket, Ok(())).is_err());
}

fn waits(progress: Progress<Event>) -> Progress<&'static str> {
    match progress {
        Progress::Event(Event::Abandoned) => Progress::Event("abandoned"),
        Progress::NeedInput => Progress::NeedInput,
        Progress::NeedReply => Progress::NeedReply,
        Progress::NeedDrain => Progress::NeedDrain,
        other => panic!("{other:?}"),
    }
}
