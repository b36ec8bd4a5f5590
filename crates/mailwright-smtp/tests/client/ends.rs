//! A server may close, leave, fall silent or talk nonsense at any point: what that means for a recipient.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::testing::Seen;
use mailwright_core::{Machine as _, Progress, Ticket, TlsInfo};
use mailwright_smtp::client::{
    self, Client, Error, Event, Failure, Limits, Recipient, Stage, Transaction, Work, ask,
};

use crate::app::{config, forward, reverse};
use crate::sender::{Job, Sending, go, sending};

/// All replies of a session with one message for two.
const REPLIES: [&str; 8] = [
    "220 mx\r\n",
    "250 mx\r\n",
    "250 from\r\n",
    "250 first\r\n",
    "250 second\r\n",
    "354 go\r\n",
    "250 taken\r\n",
    "221 bye\r\n",
];

/// What is seen if the server gives `count` right replies and then does `what`.
fn end(count: usize, what: &str) -> String {
    let jobs = [Job::new(&["<c@d>", "<e@f>"], "x\r\n")];
    let mut client = sending(config(), &jobs, 100);
    go(&mut client);
    for reply in &REPLIES[..count] {
        client.input.extend_from_slice(reply.as_bytes());
        go(&mut client);
    }
    let seen = match what {
        "leaves" => {
            client.machine.handle_eof();
            go(&mut client)
        }
        "is silent" => {
            // What was written is seen by the next poll.
            go(&mut client);
            client.advance(Duration::from_secs(600))
        }
        reply => {
            client.input.extend_from_slice(format!("{reply}\r\n").as_bytes());
            go(&mut client)
        }
    };
    let end = seen.into_iter().find_map(|seen| if let Seen::End(how) = seen { Some(how) } else { None });
    let fates = client.app.outcomes.iter().flatten().map(|outcome| match &outcome.result {
        Ok(_) => "taken",
        Err(Failure::NotSent(_)) => "not sent",
        Err(Failure::AnswerLost(_)) => "answer lost",
        Err(other) => panic!("{other:?}"),
    });
    format!("{} | {}", fates.collect::<Vec<_>>().join(", "), end.unwrap())
}

fn ends(what: &str) -> Vec<String> {
    (0..REPLIES.len()).map(|count| end(count, what)).collect()
}

#[test]
fn it_leaves() {
    assert_eq!(
        ends("leaves"),
        [
            " | connection lost: greeting",
            " | connection lost: hello",
            "not sent, not sent | connection lost: mail",
            "not sent, not sent | connection lost: rcpt",
            "not sent, not sent | connection lost: rcpt",
            "not sent, not sent | connection lost: data",
            "answer lost, answer lost | connection lost: body-end",
            "taken, taken | Closed",
        ]
    );
}

#[test]
fn it_is_silent() {
    assert_eq!(
        ends("is silent"),
        [
            " | timed out: greeting",
            " | timed out: hello",
            "not sent, not sent | timed out: mail",
            "not sent, not sent | timed out: rcpt",
            "not sent, not sent | timed out: rcpt",
            "not sent, not sent | timed out: data",
            "answer lost, answer lost | timed out: body-end",
            "taken, taken | Closed",
        ]
    );
}

#[test]
fn it_talks_nonsense() {
    assert_eq!(
        ends("nonsense"),
        [
            " | a line that is no reply, greeting",
            " | a line that is no reply, hello",
            "not sent, not sent | a line that is no reply, mail",
            "not sent, not sent | a line that is no reply, rcpt",
            "not sent, not sent | a line that is no reply, rcpt",
            "not sent, not sent | a line that is no reply, data",
            "answer lost, answer lost | a line that is no reply, body-end",
            "taken, taken | Closed",
        ]
    );
}

#[test]
fn it_gives_the_wrong_kind_of_reply() {
    assert_eq!(
        ends("334 what?"),
        [
            " | unexpected reply, greeting: 334 what?",
            " | unexpected reply, hello: 334 what?",
            "not sent, not sent | unexpected reply, mail: 334 what?",
            "not sent, not sent | unexpected reply, rcpt: 334 what?",
            "not sent, not sent | unexpected reply, rcpt: 334 what?",
            "not sent, not sent | unexpected reply, data: 334 what?",
            "answer lost, answer lost | unexpected reply, body-end: 334 what?",
            "taken, taken | Closed",
        ]
    );
}

#[test]
fn it_speaks_before_a_message_is_begun() {
    let mut client = sending(config(), &[Job::new(&["<c@d>", "<e@f>"], "x")], 100);
    client.input.extend_from_slice(b"220 mx\r\n");
    go(&mut client);
    client.input.extend_from_slice(b"250 mx\r\n250 unasked\r\n");
    go(&mut client);
    let failures: Vec<_> =
        client.app.outcomes.iter().flatten().map(|outcome| outcome.result.clone().unwrap_err()).collect();
    let not_sent = Failure::NotSent(Error::Unasked(Stage::Idle));
    assert_eq!(failures, [not_sent.clone(), not_sent]);
}

#[test]
fn each_stage_has_its_own_time() {
    let config = config();
    for (count, stage) in [
        (0, Stage::Greeting),
        (1, Stage::Hello),
        (2, Stage::Mail),
        (3, Stage::Rcpt),
        (5, Stage::Data),
        (6, Stage::BodyEnd),
    ] {
        let mut client = sending(config.clone(), &[Job::new(&["<c@d>", "<e@f>"], "x\r\n")], 100);
        go(&mut client);
        for reply in &REPLIES[..count] {
            client.input.extend_from_slice(reply.as_bytes());
            go(&mut client);
        }
        let due = client.machine.poll_timeout().unwrap() - client.now;
        assert_eq!((client.machine.stage(), due), (stage, config.timeouts.of(stage)));
    }
}

/// A client in the middle of the content, of which nothing has been written yet.
fn in_content(limits: Limits) -> (Client, BytesMut, Ticket<ask::Body>) {
    let now = Sending::start();
    let mut client = Client::new(Arc::new(client::Config { limits, ..config() }), None);
    let mut input = BytesMut::new();
    for reply in ["", "220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
        input.extend_from_slice(reply.as_bytes());
        loop {
            match client.poll_event(&mut input, now).unwrap() {
                Progress::Event(Event::Ready { ticket }) => {
                    let to = vec![Recipient::new(forward("<c@d>"))];
                    client.answer(ticket, Work::Send(Transaction::new(reverse("<>"), to))).unwrap();
                }
                Progress::Event(Event::Body { ticket }) => return (client, input, ticket),
                Progress::Event(other) => panic!("{other:?}"),
                _ => break,
            }
        }
        let ready = client.output().ready();
        client.output().advance(ready);
    }
    panic!("no content is wanted");
}

fn fates(client: &mut Client, input: &mut BytesMut, now: std::time::Instant) -> (Vec<Failure>, Error) {
    let mut failures = Vec::new();
    loop {
        match client.poll_event(input, now) {
            Ok(Progress::Event(Event::Outcome(outcome))) => failures.push(outcome.result.unwrap_err()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => return (failures, error),
        }
    }
}

#[test]
fn it_does_not_read() {
    let limits = Limits { output: 100, progress: 1, ..Limits::default() };
    let (mut client, mut input, ticket) = in_content(limits);
    let start = Sending::start();
    let mut content = Bytes::from("x".repeat(150));
    client.body(&ticket, &mut content).unwrap();
    assert_eq!(content.len(), 50, "no more than there is room for");
    client.body(&ticket, &mut content).unwrap();
    assert_eq!(content.len(), 50);
    assert!(matches!(client.poll_event(&mut input, start), Ok(Progress::NeedDrain)));
    let limit = Duration::from_secs(180);
    assert_eq!(client.poll_timeout(), Some(start + limit));

    // What is read moves the deadline, whether or not it was polled in between.
    client.output().advance(1);
    client.handle_timeout(start + limit);
    assert_eq!(client.poll_timeout(), Some(start + limit * 2));
    client.output().advance(1);
    client.body(&ticket, &mut content).unwrap();
    assert_eq!(content.len(), 48);
    let later = start + Duration::from_secs(200);
    assert!(matches!(client.poll_event(&mut input, later), Ok(Progress::NeedDrain)));
    assert_eq!(client.poll_timeout(), Some(later + limit));

    client.handle_timeout(later + limit);
    let error = Error::Timeout(Stage::Body);
    assert_eq!(fates(&mut client, &mut input, later + limit), (vec![Failure::NotSent(error.clone())], error));
}

/// An octet a second: what is written, and at last that the time of the stage is over.
#[test]
fn it_reads_slowly() {
    let (mut client, mut input, ticket) = in_content(Limits::default());
    let start = Sending::start();
    let mut now = start;
    let (second, mut content) = (Duration::from_secs(1), Bytes::from("x".repeat(1 << 20)));
    while client.body(&ticket, &mut content).is_ok() && !matches!(client.stage(), Stage::Quit) {
        assert!(matches!(client.poll_event(&mut input, now), Ok(Progress::NeedDrain)));
        now += second;
        client.output().advance(1);
        client.handle_timeout(now);
    }
    assert_eq!(now - start, Duration::from_secs(180));
    let error = Error::Timeout(Stage::Body);
    assert_eq!(fates(&mut client, &mut input, now), (vec![Failure::NotSent(error.clone())], error));

    // One that reads as much as it should goes on.
    let (mut client, mut input, ticket) = in_content(Limits::default());
    for _ in 0..500 {
        client.body(&ticket, &mut content).unwrap();
        assert!(matches!(client.poll_event(&mut input, now), Ok(Progress::NeedDrain)));
        now += second * 100;
        client.output().advance(1024);
        client.handle_timeout(now);
    }
}

#[test]
fn it_answers_slowly() {
    for (count, stage) in [
        (0, Stage::Greeting),
        (1, Stage::Hello),
        (2, Stage::Mail),
        (3, Stage::Rcpt),
        (5, Stage::Data),
        (6, Stage::BodyEnd),
    ] {
        let mut client = sending(config(), &[Job::new(&["<c@d>", "<e@f>"], "x\r\n")], 100);
        go(&mut client);
        for reply in &REPLIES[..count] {
            client.input.extend_from_slice(reply.as_bytes());
            go(&mut client);
        }
        go(&mut client);
        let (limit, mut seen, mut seconds) = (config().timeouts.of(stage), Vec::new(), 0);
        let endless = "250-x\r\n".bytes().cycle();
        for octet in endless.take(2000) {
            client.input.extend_from_slice(&[octet]);
            seen.extend(go(&mut client));
            if client.is_over() {
                break;
            }
            seconds += 1;
            seen.extend(client.advance(Duration::from_secs(1)));
        }
        let end = seen.into_iter().find_map(|seen| if let Seen::End(how) = seen { Some(how) } else { None });
        assert_eq!(end, Some(Error::Timeout(stage).to_string()));
        assert_eq!(Duration::from_secs(seconds), limit);
        let lost = |outcome: &client::Outcome| outcome.result.as_ref().unwrap_err().may_be_taken();
        let outcomes = client.app.outcomes.first();
        assert!(
            outcomes.is_none_or(|outcomes| outcomes.iter().all(|it| lost(it) == (stage == Stage::BodyEnd)))
        );
    }
}

/// 100,000 lines: the memory of the first hundred or so, and an end.
#[test]
fn it_talks_without_end() {
    let mut client = sending(config(), &[], 100);
    client.input.extend_from_slice(b"220 mx\r\n");
    go(&mut client);
    let mut lines = 0;
    while !client.is_over() && lines < 100_000 {
        lines += 1;
        client.input.extend_from_slice(b"250-x\r\n");
        go(&mut client);
        assert!(client.input.is_empty() || client.is_over());
    }
    assert_eq!(lines, Limits::default().reply_lines + 1);
}

#[test]
fn an_end_that_was_not_written_is_not_written_later() {
    let (mut client, mut input, ticket) = in_content(Limits::default());
    let now = Sending::start();
    client.body(&ticket, &mut Bytes::from("x\r\n")).unwrap();
    client.answer(ticket, Ok(())).unwrap();
    assert!(matches!(client.poll_event(&mut input, now), Ok(Progress::NeedInput)));
    assert_eq!(client.stage(), Stage::BodyEnd);
    let ready = client.output().ready();
    client.output().advance(ready - 1);
    client.handle_eof();
    let error = Error::Disconnected(Stage::BodyEnd);
    assert_eq!(fates(&mut client, &mut input, now), (vec![Failure::NotSent(error.clone())], error));
    assert!(client.output().is_empty());
}

#[test]
fn a_ticket_of_another_session_is_stale() {
    let (mut one, _, ticket) = in_content(Limits::default());
    let (mut other, _, _ticket) = in_content(Limits::default());
    let mut content = Bytes::from_static(b"x");
    assert!(other.body(&ticket, &mut content).is_err());
    assert!(other.answer(ticket, Ok(())).is_err());
    assert_eq!(content.len(), 1, "nothing was taken");
    assert!(one.output().is_empty());
}

#[test]
fn secrets_are_not_shown() {
    let mut client = Client::new(Arc::new(config()), Some(TlsInfo::default()));
    let (mut input, now) = (BytesMut::from("220 mx\r\n"), Sending::start());
    let mut poll = |client: &mut Client, more: &[u8]| {
        input.extend_from_slice(more);
        client.poll_event(&mut input, now)
    };
    assert!(matches!(poll(&mut client, b""), Ok(Progress::NeedInput)));
    let ready = poll(&mut client, b"250-mx\r\n250 AUTH PLAIN\r\n");
    let Ok(Progress::Event(Event::Ready { ticket })) = ready else { panic!("{ready:?}") };
    let work = Work::Auth { mechanism: "PLAIN".to_owned(), initial: Some("hunter2".into()) };
    let mut shown = format!("{work:?}");
    client.answer(ticket, work).unwrap();
    shown += &format!("{client:?}");
    assert!(matches!(poll(&mut client, b""), Ok(Progress::NeedInput)));
    shown += &format!("{client:?}");
    let output = client.output();
    assert!(output.copy_to_bytes(output.remaining()).ends_with(b"AUTH PLAIN aHVudGVyMg==\r\n"));
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}
