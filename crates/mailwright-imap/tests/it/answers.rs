//! What an application may do wrong, and what it costs the machine: tests that are no conversations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::testing::Bench;
use mailwright_core::{Machine, ModSeq, Progress, Stale, Ticket, TlsInfo, Uid, UidSet, UidValidity};
use mailwright_imap::server::{
    Changed, Error, Found, Incomplete, Limits, Permanent, Stored, Synced, View, ask,
};
use mailwright_imap::types::{Flag, Section, SectionName};
use mailwright_imap::{Config, Event, Rejection, Server};

use crate::app::TestApp;
use crate::mailboxes::{modseq, uid};

const ALL: u32 = 100_000;

fn start() -> Instant {
    Bench::<Server, TestApp>::start()
}

fn poll(server: &mut Server, input: &mut BytesMut) -> Progress<Event> {
    server.poll_event(input, start()).unwrap()
}

fn event(server: &mut Server, line: &str) -> Event {
    let mut input = BytesMut::from(line);
    let progress = poll(server, &mut input);
    let Progress::Event(event) = progress else { panic!("{progress:?}") };
    event
}

/// All is read by the client.
fn settle(server: &mut Server) {
    while !matches!(poll(server, &mut BytesMut::new()), Progress::NeedInput) {
        server.output().advance(usize::MAX);
    }
    server.output().advance(usize::MAX);
}

fn taken(server: &mut Server) -> String {
    let _ = poll(server, &mut BytesMut::new());
    let output = server.output();
    let octets = output.copy_to_bytes(output.remaining());
    String::from_utf8(octets.to_vec()).unwrap()
}

fn view(uids: UidSet) -> View {
    View {
        uid_validity: UidValidity::new(1).unwrap(),
        uid_next: uids.last().and_then(Uid::next).unwrap_or(Uid::FIRST),
        highest_modseq: Some(modseq(100)),
        uids,
        first_unseen: None,
        flags: Flag::SYSTEM.to_vec(),
        permanent: Permanent::All,
        read_only: false,
    }
}

/// A server in whose view these messages are.
fn selected(limits: Limits, uids: UidSet) -> Server {
    let config = Config { limits, ..Config::default() };
    let mut server = Server::new(Arc::new(config), Some(TlsInfo::default()));
    settle(&mut server);
    let Event::Login { ticket, .. } = event(&mut server, "0 LOGIN a b\r\n") else { panic!() };
    server.answer(ticket, Ok(())).unwrap();
    settle(&mut server);
    let Event::Select { ticket, .. } = event(&mut server, "1 SELECT INBOX\r\n") else { panic!() };
    server.answer(ticket, Ok(view(uids))).unwrap();
    settle(&mut server);
    server
}

fn all() -> UidSet {
    UidSet::range(Uid::FIRST, uid(ALL))
}

fn few() -> UidSet {
    UidSet::range(uid(11), uid(15))
}

/// Vector 8: some clients look for IDLE behind the login only; and the long lines of transcripts are cut.
#[test]
fn capabilities() {
    let mut server = Server::new(Arc::new(Config::default()), Some(TlsInfo::default()));
    let before = "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE IDLE LITERAL+";
    assert_eq!(taken(&mut server), format!("* OK [{before}] localhost IMAP4 server ready\r\n"));
    let Event::Login { ticket, .. } = event(&mut server, "a LOGIN a b\r\n") else { panic!() };
    server.answer(ticket, Ok(())).unwrap();
    let behind = "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE IDLE LITERAL+ NAMESPACE CHILDREN UNSELECT \
                  UIDPLUS MOVE SPECIAL-USE LIST-EXTENDED LIST-STATUS ESEARCH SEARCHRES STATUS=SIZE WITHIN \
                  MULTIAPPEND CONDSTORE QRESYNC BINARY CREATE-SPECIAL-USE APPENDLIMIT=52428800";
    assert_eq!(taken(&mut server), format!("a OK [{behind}] logged in\r\n"));
}

#[test]
fn a_ticket_of_another_machine_changes_nothing() {
    let (mut one, mut other) = (selected(Limits::default(), few()), selected(Limits::default(), few()));
    let Event::Fetch { ticket: right, .. } = event(&mut one, "a FETCH 1 FLAGS\r\n") else { panic!() };
    let Event::Fetch { ticket: wrong, .. } = event(&mut other, "a FETCH 1 FLAGS\r\n") else { panic!() };
    assert!(one.fetch(&wrong, uid(11)).is_err());
    assert!(one.row(&wrong).is_err());
    assert_eq!(one.chunk(&wrong, Bytes::new()), Err(Stale));
    assert_eq!(one.fetch_gone(&wrong, uid(11)), Err(Stale));
    assert_eq!(one.fetch_vanished(&wrong, &few()), Err(Stale));
    assert_eq!(one.answer(wrong, Ok(())), Err(Stale));
    let mut row = one.fetch(&right, uid(11)).unwrap().unwrap();
    row.flags(["\\Seen"]);
    row.finish();
    one.answer(right, Ok(())).unwrap();
    assert_eq!(taken(&mut one), "* 1 FETCH (FLAGS (\\Seen))\r\na OK fetched\r\n");
}

/// Of each kind of question: past its deadline no part of an answer is taken.
#[test]
fn a_ticket_past_its_deadline_changes_nothing() {
    type Parts = fn(&mut Server, Event);
    let cases: &[(&str, Parts)] = &[
        ("a STORE 1 FLAGS ()\r\n", |server, event| {
            let Event::Store { ticket, .. } = event else { panic!() };
            let changed = Changed { uid: uid(11), modseq: modseq(101), previous: modseq(1) };
            assert_eq!(server.stored(&ticket, changed, [""; 0]), Err(Stale));
            assert_eq!(server.answer(ticket, Ok(Stored::default())), Err(Stale));
        }),
        ("a LIST \"\" *\r\n", |server, event| {
            let Event::List { ticket, .. } = event else { panic!() };
            assert_eq!(server.list(&ticket, &Default::default()), Err(Stale));
            assert_eq!(server.answer(ticket, Ok(())), Err(Stale));
        }),
        ("a MOVE 1 x\r\n", |server, event| {
            let Event::Move { ticket, .. } = event else { panic!() };
            let copied = mailwright_imap::server::Copied {
                uid_validity: UidValidity::new(1).unwrap(),
                from: few(),
                to: few(),
            };
            assert_eq!(server.moved(&ticket, &copied), Err(Stale));
            assert_eq!(server.answer(ticket, Ok(())), Err(Stale));
        }),
        ("a SEARCH ALL\r\n", |server, event| {
            let Event::Search { ticket, .. } = event else { panic!() };
            assert_eq!(server.answer(ticket, Ok(Found::default())), Err(Stale));
        }),
    ];
    for (line, parts) in cases {
        let mut server = selected(Limits::default(), few());
        let asked = event(&mut server, line);
        assert!(matches!(poll(&mut server, &mut BytesMut::new()), Progress::NeedReply));
        let due = server.poll_timeout().unwrap();
        server.handle_timeout(due);
        while let Progress::Event(event) = poll(&mut server, &mut BytesMut::new()) {
            // MOVE may have done something all the same.
            let Event::Sync { ticket, .. } = event else { panic!("{event:?}") };
            server.answer(ticket, Synced::Later).unwrap();
        }
        let said = taken(&mut server);
        assert_eq!(said, "a NO [UNAVAILABLE] no answer in time, try again later\r\n", "{line}");
        parts(&mut server, asked);
        assert_eq!(taken(&mut server), "", "{line}");
    }
}

#[test]
fn a_row_that_is_not_finished_ends_the_session() {
    let mut server = selected(Limits::default(), few());
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1:2 FLAGS\r\n") else { panic!() };
    let mut row = server.fetch(&ticket, uid(11)).unwrap().unwrap();
    row.flags([""; 0]);
    // It cannot be begun anew, nor another one.
    assert!(server.fetch(&ticket, uid(12)).is_err());
    server.answer(ticket, Ok(())).unwrap();
    let end = server.poll_event(&mut BytesMut::new(), start()).map(|_| ());
    assert_eq!(end, Err(Error::Incomplete(Incomplete::Short)));
}

#[test]
fn a_section_that_is_not_given_whole_ends_the_session() {
    let mut server = selected(Limits::default(), few());
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1 BODY[]\r\n") else { panic!() };
    let row = server.fetch(&ticket, uid(11)).unwrap().unwrap();
    row.begin_section(&Section::default(), SectionName::Body, None, 10);
    server.chunk(&ticket, Bytes::from_static(b"0123")).unwrap();
    // The row does not go on before the section is whole.
    assert!(server.row(&ticket).is_err());
    assert_eq!(server.chunk(&ticket, Bytes::from_static(b"456789")), Err(Stale));
    server.answer(ticket, Err(Rejection::local_error())).unwrap();
    let end = server.poll_event(&mut BytesMut::new(), start()).map(|_| ());
    assert_eq!(end, Err(Error::Incomplete(Incomplete::Short)));
    assert!(!String::from_utf8_lossy(server.output().chunk()).contains("a NO"), "it would be read as a part");
}

#[test]
fn what_the_client_does_not_see_is_not_told() {
    let mut server = selected(Limits::default(), few());
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1 FLAGS\r\n") else { panic!() };
    assert!(server.fetch(&ticket, uid(99)).unwrap().is_none());
    server.fetch_gone(&ticket, uid(99)).unwrap();
    server.answer(ticket, Ok(())).unwrap();
    assert_eq!(taken(&mut server), "a OK fetched\r\n");

    let Event::Store { ticket, .. } = event(&mut server, "b STORE 1 FLAGS ()\r\n") else { panic!() };
    let changed = Changed { uid: uid(99), modseq: modseq(101), previous: modseq(1) };
    server.stored(&ticket, changed, ["\\Seen"]).unwrap();
    server.answer(ticket, Ok(Stored { gone: UidSet::range(uid(99), uid(99)), ..Stored::default() })).unwrap();
    assert_eq!(taken(&mut server), "b OK stored\r\n");

    let Event::Search { ticket, .. } = event(&mut server, "c SEARCH ALL\r\n") else { panic!() };
    let uids = UidSet::range(uid(1), uid(12));
    server.answer(ticket, Ok(Found { uids, modseq: None })).unwrap();
    assert_eq!(taken(&mut server), "* SEARCH 1 2\r\nc OK searched\r\n");

    server.changed();
    let Event::Sync { ticket, .. } = event(&mut server, "d NOOP\r\n") else { panic!() };
    // Below the last message, and not seen: no number is free there.
    server.sync_row(&ticket, uid(5), modseq(101), [""; 0]).unwrap();
    let vanished = UidSet::range(uid(1), uid(10));
    server.answer(ticket, Synced::Upto { vanished, upto: modseq(101) }).unwrap();
    assert_eq!(taken(&mut server), "d OK nothing done\r\n");
}

/// A row was listed, and the message is gone by the time that what vanished is asked for: it was never there.
#[test]
fn what_arrives_and_vanishes_in_one_answer_is_not_told() {
    let mut server = selected(Limits::default(), few());
    server.changed();
    let Event::Sync { ticket, .. } = event(&mut server, "a NOOP\r\n") else { panic!() };
    for arrived in 16..=18 {
        server.sync_row(&ticket, uid(arrived), modseq(101), [""; 0]).unwrap();
    }
    let vanished = UidSet::range(uid(17), uid(17));
    server.answer(ticket, Synced::Upto { vanished, upto: modseq(102) }).unwrap();
    assert_eq!(taken(&mut server), "* 7 EXISTS\r\na OK nothing done\r\n");
    let Event::Fetch { fetch, ticket } = event(&mut server, "b FETCH 6:7 UID\r\n") else { panic!() };
    assert_eq!(fetch.uids, [16, 18].map(uid).into_iter().collect());
    server.answer(ticket, Ok(())).unwrap();
}

/// Numbers never change but by expunges: below the last message nothing can arrive.
#[test]
fn a_view_given_anew_adds_nothing_in_between() {
    let mut server = selected(Limits::default(), [11, 15].map(uid).into_iter().collect());
    server.changed();
    let Event::Sync { ticket, .. } = event(&mut server, "a NOOP\r\n") else { panic!() };
    let uids = [5, 12, 15, 16].map(uid).into_iter().collect();
    server.answer(ticket, Synced::TooOld { uids, upto: modseq(101) }).unwrap();
    assert_eq!(taken(&mut server), "* 1 EXPUNGE\r\n* 2 EXISTS\r\na OK nothing done\r\n");
    let Event::Fetch { fetch, ticket } = event(&mut server, "b FETCH 1:2 UID\r\n") else { panic!() };
    assert_eq!(fetch.uids, [15, 16].map(uid).into_iter().collect());
    server.answer(ticket, Ok(())).unwrap();
}

/// A STORE that fails midway: the client takes all of it for undone.
#[test]
fn what_a_refused_store_has_done_silently_is_news() {
    let mut server = selected(Limits::default(), few());
    let Event::Store { ticket, .. } = event(&mut server, "a STORE 1:2 +FLAGS.SILENT (x)\r\n") else {
        panic!()
    };
    let changed = Changed { uid: uid(11), modseq: modseq(101), previous: modseq(1) };
    server.stored(&ticket, changed, ["x"]).unwrap();
    server.answer(ticket, Err(Rejection::local_error())).unwrap();
    let Progress::Event(Event::Sync { ticket, expunge_allowed, .. }) =
        poll(&mut server, &mut BytesMut::new())
    else {
        panic!()
    };
    assert!(!expunge_allowed);
    server.sync_row(&ticket, uid(11), modseq(101), ["x"]).unwrap();
    answer_nothing(&mut server, ticket, modseq(101));
    let said = taken(&mut server);
    assert!(said.starts_with("* FLAGS ("), "{said}");
    assert!(said.contains("\r\n* 1 FETCH (FLAGS (x))\r\na NO [UNAVAILABLE] "), "{said}");
}

#[test]
fn own_changes_do_not_pile_up() {
    let mut server = selected(Limits::default(), few());
    let mut syncs = Vec::new();
    for change in 1..=600u64 {
        let mut input = BytesMut::from("a STORE 1 +FLAGS.SILENT (x)\r\n");
        while let Progress::Event(event) = poll(&mut server, &mut input) {
            match event {
                Event::Store { ticket, .. } => {
                    let previous = modseq(99 + change);
                    let changed = Changed { uid: uid(11), modseq: modseq(100 + change), previous };
                    server.stored(&ticket, changed, ["x"]).unwrap();
                    server.answer(ticket, Ok(Stored::default())).unwrap();
                }
                Event::Sync { rows_since, ticket, .. } => {
                    syncs.push((change, rows_since));
                    let upto = modseq(100 + change);
                    server.sync_row(&ticket, uid(11), upto, ["x"]).unwrap();
                    server.answer(ticket, Synced::Upto { vanished: UidSet::new(), upto }).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(taken(&mut server), "a OK stored\r\n", "it knows of all of them");
    }
    assert_eq!(syncs, [(257, modseq(100)), (514, modseq(357))]);
}

#[test]
fn a_large_mailbox_is_counted_quickly() {
    // Every other message is gone: as many runs as messages.
    let uids: UidSet = (1..=ALL).map(|number| uid(number * 2)).collect();
    let mut server = selected(Limits { output: 16 << 20, ..Limits::default() }, uids.clone());
    let Event::Fetch { fetch, ticket } = event(&mut server, "a FETCH 1:* UID\r\n") else { panic!() };
    assert_eq!(fetch.uids, uids);
    for uid in uids.iter() {
        server.fetch(&ticket, uid).unwrap().unwrap().finish();
    }
    server.answer(ticket, Ok(())).unwrap();
    let said = taken(&mut server);
    assert!(said.starts_with("* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 4)\r\n"));
    assert!(said.ends_with("* 100000 FETCH (UID 200000)\r\na OK fetched\r\n"));

    server.changed();
    let Event::Sync { ticket, .. } = event(&mut server, "b NOOP\r\n") else { panic!() };
    server.answer(ticket, Synced::Upto { vanished: uids, upto: modseq(101) }).unwrap();
    let said = taken(&mut server);
    assert_eq!(said.matches("* 1 EXPUNGE\r\n").count(), ALL as usize);
    assert!(said.ends_with("* 1 EXPUNGE\r\nb OK nothing done\r\n"));
}

#[test]
fn a_piece_of_a_message_goes_out_without_a_copy() {
    let piece = Bytes::from(vec![b'x'; 10_000]);
    let mut server = selected(Limits::default(), few());
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1 BODY.PEEK[]\r\n") else { panic!() };
    let row = server.fetch(&ticket, uid(11)).unwrap().unwrap();
    row.begin_section(&Section::default(), SectionName::Body, None, 10_000);
    server.chunk(&ticket, piece.clone()).unwrap();
    let announced = server.output().chunk().len();
    server.output().advance(announced);
    assert_eq!(server.output().chunk().as_ptr(), piece.as_ptr());
    server.output().advance(10_000);
    let mut row = server.row(&ticket).unwrap().unwrap();
    row.section(&Section::default(), SectionName::Body, None, Some(piece.clone()));
    row.finish();
    let announced = server.output().chunk().len();
    server.output().advance(announced);
    assert_eq!(server.output().chunk().as_ptr(), piece.as_ptr());
    server.answer(ticket, Ok(())).unwrap();
}

#[test]
fn replies_that_nobody_reads_hold_up_commands() {
    let mut server = selected(Limits::default(), few());
    let mut input = BytesMut::from("a NOOP\r\n".repeat(20_000).as_bytes());
    assert!(matches!(poll(&mut server, &mut input), Progress::NeedDrain));
    assert!(server.output().len() < Limits::default().output + 512);
    assert!(input.len() > 20_000);
    // A little is read, a little is taken.
    let (queued, left) = (server.output().len(), input.len());
    server.output().advance(100);
    assert!(matches!(poll(&mut server, &mut input), Progress::NeedDrain));
    assert!(server.output().len() <= queued + 32 && left - input.len() < 200);
}

#[test]
fn an_application_sees_how_much_room_there_is() {
    let limits = Limits { output: 1000, ..Limits::default() };
    let mut server = selected(limits, all());
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1:* UID\r\n") else { panic!() };
    let mut given = 0;
    while server.output().room() > 0 {
        given += 1;
        server.fetch(&ticket, uid(given)).unwrap().unwrap().finish();
    }
    assert!(given < 60);
    // There is an open ticket and too much output: it is the latter that is told.
    assert!(matches!(poll(&mut server, &mut BytesMut::new()), Progress::NeedDrain));
    server.output().advance(usize::MAX);
    assert!(matches!(poll(&mut server, &mut BytesMut::new()), Progress::NeedReply));
    server.answer(ticket, Ok(())).unwrap();
}

/// Who waits for room is not late; who has room, and nothing to give, is.
#[test]
fn a_client_that_does_not_read_does_not_make_the_application_late() {
    let limits = Limits { output: 20, ..Limits::default() };
    let mut server = selected(limits, few());
    let mut now = start();
    let Event::Fetch { ticket, .. } = event(&mut server, "a FETCH 1 (BODY[])\r\n") else { panic!() };
    assert!(matches!(server.poll_event(&mut BytesMut::new(), now), Ok(Progress::NeedReply)));
    let row = server.fetch(&ticket, uid(11)).unwrap().unwrap();
    row.begin_section(&Section::default(), SectionName::Body, None, 100);
    // The room is used up while the deadline runs.
    let due = now + Duration::from_secs(120);
    for _ in 0..3 {
        now += Duration::from_secs(120);
        server.handle_timeout(now);
        assert!(matches!(server.poll_event(&mut BytesMut::new(), now), Ok(Progress::NeedDrain)));
        server.chunk(&ticket, Bytes::from_static(b"a")).unwrap();
    }
    assert!(now > due);
    server.output().advance(usize::MAX);
    assert!(matches!(server.poll_event(&mut BytesMut::new(), now), Ok(Progress::NeedReply)));
    assert_eq!(server.poll_timeout(), Some(now + Duration::from_secs(120)));
    now += Duration::from_secs(120);
    server.handle_timeout(now);
    let end = server.poll_event(&mut BytesMut::new(), now).map(|_| ());
    assert_eq!(end, Err(Error::Incomplete(Incomplete::Late)));
    assert_eq!(server.answer(ticket, Ok(())), Err(Stale));
}

/// Between OK and the handshake nothing can be said.
#[test]
fn a_shutdown_while_tls_begins_is_silent() {
    let config = Config { start_tls: true, ..Config::default() };
    let mut server = Server::new(Arc::new(config), None);
    let mut input = BytesMut::from("a STARTTLS\r\n");
    assert!(matches!(poll(&mut server, &mut input), Progress::Upgrade(_)));
    server.output().advance(usize::MAX);
    server.handle_shutdown();
    assert!(matches!(poll(&mut server, &mut input), Progress::Closed));
    assert!(server.output().is_empty());
}

#[test]
fn it_knows_whether_the_client_idles() {
    let mut server = selected(Limits::default(), few());
    assert!(!server.is_idling());
    let mut input = BytesMut::from("a IDLE\r\n");
    assert!(matches!(poll(&mut server, &mut input), Progress::NeedInput));
    assert!(server.is_idling());
    input.extend_from_slice(b"DONE\r\n");
    assert!(matches!(poll(&mut server, &mut input), Progress::NeedInput));
    assert!(!server.is_idling());
}

/// A hint that comes again and again costs a bit, and one question when it can be asked.
#[test]
fn hints_do_not_pile_up() {
    let mut server = selected(Limits::default(), few());
    for _ in 0..1000 {
        server.changed();
    }
    let mut input = BytesMut::new();
    let Progress::Event(Event::Sync { ticket, rows_since, vanished_since, expunge_allowed }) =
        poll(&mut server, &mut input)
    else {
        panic!()
    };
    assert_eq!((rows_since, vanished_since, expunge_allowed), (modseq(100), modseq(100), false));
    answer_nothing(&mut server, ticket, modseq(100));
    assert!(matches!(poll(&mut server, &mut input), Progress::NeedInput));
}

fn answer_nothing(server: &mut Server, ticket: Ticket<ask::Sync>, upto: ModSeq) {
    server.answer(ticket, Synced::Upto { vanished: UidSet::new(), upto }).unwrap();
}
