//! A session is cut behind each of its octets. A message then was taken once or not at all; and a client that tries
//! again delivers it once, or twice if the answer was lost (RFC 1047).

use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::Machine as _;
use mailwright_core::testing::{App, Bench, Note, Pair, Seen};
use mailwright_core::{ForwardPath, ReversePath};
use mailwright_smtp::client::{self, Client, Failure, Recipient, StartTls, Transaction, Work};
use mailwright_smtp::server::{Extensions, Protocol};
use mailwright_smtp::{Accepted, Config, Event, Rejection, Server};

/// A content that has begun, and what the application was told of its end.
#[derive(Debug, Default, PartialEq)]
struct Told {
    content: Vec<u8>,
    ended: usize,
    aborted: usize,
}

/// Takes all mail, but none for `<nobody@...>`.
#[derive(Default)]
struct Spool {
    begun: Vec<Told>,
    to: Vec<String>,
    /// Each copy of each message.
    delivered: Vec<(String, Vec<u8>)>,
}

impl Spool {
    fn last(&mut self) -> &mut Told {
        self.begun.last_mut().unwrap()
    }

    fn end(&mut self) {
        self.last().ended += 1;
        let content = self.last().content.clone();
        self.delivered.extend(self.to.drain(..).map(|to| (to, content.clone())));
    }
}

impl App<Server> for Spool {
    fn event(&mut self, server: &mut Server, event: Event) -> Note {
        match event {
            Event::Mail { ticket, .. } => {
                self.to.clear();
                server.answer(ticket, Ok(())).unwrap();
            }
            Event::Rcpt { to, ticket, .. } => {
                let is_known = !to.to_string().starts_with("<nobody@");
                if is_known {
                    self.to.push(to.to_string());
                }
                server
                    .answer(ticket, if is_known { Ok(()) } else { Err(Rejection::no_such_user()) })
                    .unwrap();
            }
            Event::Data { ticket } => {
                self.begun.push(Told::default());
                server.answer(ticket, Ok(())).unwrap();
            }
            Event::Body(piece) => self.last().content.extend_from_slice(&piece),
            Event::BodyEnd { size, ticket } => {
                assert_eq!(size, self.last().content.len() as u64);
                self.end();
                server.answer(ticket, Ok(Accepted::new("taken"))).unwrap();
            }
            Event::LmtpBodyEnd { recipients, ticket, .. } => {
                assert_eq!(recipients, self.to.len());
                self.end();
                server.answer(ticket, vec![Ok(Accepted::new("taken")); recipients]).unwrap();
            }
            Event::BodyAborted(_) => self.last().aborted += 1,
            event => server.answer_default(event).unwrap(),
        }
        Note::Line(String::new())
    }
}

fn server(protocol: Protocol) -> Bench<Server, Spool> {
    let extensions = Extensions { binary_mime: true, ..Extensions::default() };
    let config = Config { protocol, extensions, ..Config::default() };
    Bench::new(Server::new(Arc::new(config), None), Spool::default(), Bench::<Server, Spool>::start())
}

/// The octets for the peer in what was seen.
fn output(seen: Vec<Seen>) -> Vec<u8> {
    seen.into_iter()
        .filter_map(|seen| if let Seen::Output(bytes) = seen { Some(bytes) } else { None })
        .flatten()
        .collect()
}

/// A session: what is said at once, and which content ends with it.
struct Session {
    protocol: Protocol,
    turns: &'static [(&'static str, Option<&'static str>)],
    /// Answers to each message.
    answers: usize,
}

/// Says the first `count` octets, in pieces of `step` at most, and leaves. Gives the number of answers to messages.
fn leave_after(session: &Session, count: usize, step: usize) -> (Spool, usize) {
    let mut bench = server(session.protocol);
    let (mut said, mut left) = (output(bench.settle()), count);
    for (turn, _) in session.turns {
        let turn = &turn.as_bytes()[..left.min(turn.len())];
        left -= turn.len();
        turn.chunks(step).for_each(|piece| said.extend(output(bench.feed(piece))));
    }
    bench.machine.handle_eof();
    said.extend(output(bench.settle()));
    assert!(bench.is_over());
    (bench.app, String::from_utf8(said).unwrap().matches("250 2.0.0 taken\r\n").count())
}

fn cut_everywhere(session: &Session) {
    let total = session.turns.iter().map(|(turn, _)| turn.len()).sum();
    for (count, step) in (0..=total).flat_map(|count| [(count, 1), (count, 5), (count, usize::MAX)]) {
        let (spool, answers) = leave_after(session, count, step);
        let mut come = 0;
        let ended = session.turns.iter().filter_map(|(turn, content)| {
            come += turn.len();
            content.filter(|_| come <= count)
        });
        let ended: Vec<&[u8]> = ended.map(str::as_bytes).collect();
        let context = format!("{count} octets by {step}: {:?}", spool.begun);
        let seen: Vec<&[u8]> =
            spool.begun.iter().filter(|told| told.ended == 1).map(|told| &told.content[..]).collect();
        assert_eq!(seen, ended, "{context}");
        assert!(spool.begun.iter().all(|told| told.ended + told.aborted == 1), "{context}");
        assert!(spool.begun.len() <= ended.len() + 1, "{context}");
        // Who is still there to hear it is told.
        assert_eq!(answers, ended.len() * session.answers, "{context}");
    }
}

#[test]
fn behind_data() {
    cut_everywhere(&Session {
        protocol: Protocol::Smtp,
        answers: 1,
        turns: &[
            ("EHLO c\r\n", None),
            ("MAIL FROM:<a@b> SIZE=20\r\nRCPT TO:<ann@c>\r\nRCPT TO:<nobody@c>\r\nDATA\r\n", None),
            ("Subject: 1\r\n\r\n..\r\n.x\r\n\r\n.\r\n", Some("Subject: 1\r\n\r\n.\r\nx\r\n\r\n")),
            ("QUIT\r\n", None),
        ],
    });
}

#[test]
fn in_chunks() {
    cut_everywhere(&Session {
        protocol: Protocol::Smtp,
        answers: 1,
        turns: &[
            ("EHLO c\r\n", None),
            ("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nBDAT 12\r\nSubject: 1\r\n", None),
            ("BDAT 7\r\n\r\n.\r\nx\r", None),
            ("BDAT 1 LAST\r\n\n", Some("Subject: 1\r\n\r\n.\r\nx\r\n")),
            ("QUIT\r\n", None),
        ],
    });
}

#[test]
fn two_messages_in_one_group() {
    cut_everywhere(&Session {
        protocol: Protocol::Smtp,
        answers: 1,
        turns: &[
            ("EHLO c\r\n", None),
            ("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nBDAT 3 LAST\r\n1\r\n", Some("1\r\n")),
            ("MAIL FROM:<a@b>\r\nRCPT TO:<bob@c>\r\nBDAT 0\r\nBDAT 3 LAST\r\n2\r\n", Some("2\r\n")),
            // Refused: nothing begins.
            ("MAIL FROM:<a@b>\r\nRCPT TO:<nobody@c>\r\nBDAT 6 LAST\r\nRSET\r\n", None),
        ],
    });
}

#[test]
fn to_three_recipients_by_lmtp() {
    cut_everywhere(&Session {
        protocol: Protocol::Lmtp,
        answers: 3,
        turns: &[
            ("LHLO c\r\n", None),
            (
                "MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nRCPT TO:<bob@c>\r\nRCPT TO:<nobody@c>\r\nRCPT TO:<cid@c>\r\nDATA\r\n",
                None,
            ),
            ("1\r\n.\r\n", Some("1\r\n")),
            (
                "MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nRCPT TO:<bob@c>\r\nRCPT TO:<cid@c>\r\nBDAT 2 LAST\r\n\r\n",
                Some("\r\n"),
            ),
            ("QUIT\r\n", None),
        ],
    });
}

#[test]
fn of_any_octets() {
    cut_everywhere(&Session {
        protocol: Protocol::Smtp,
        answers: 1,
        turns: &[
            ("EHLO c\r\n", None),
            ("MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<ann@c>\r\nBDAT 4\r\n\0\n\r\r", None),
            ("BDAT 5 LAST\r\n\r\n.\r\n", Some("\0\n\r\r\r\n.\r\n")),
            ("QUIT\r\n", None),
        ],
    });
}

/// Sends messages to those who have not got them, and keeps in mind who may have.
#[derive(Default)]
struct Sender {
    /// For each message, who is to get it.
    open: Vec<Vec<&'static str>>,
    /// The message that is being sent, and to whom.
    sending: Option<(usize, Vec<&'static str>)>,
    done: Vec<(usize, &'static str)>,
    lost: Vec<(usize, &'static str)>,
}

const CONTENTS: [&str; 2] = ["Subject: 1\r\n\r\n.\r\n", "Subject: 2\r\n\r\nx\r\n..\r\n"];

impl App<Client> for Sender {
    fn event(&mut self, client: &mut Client, event: client::Event) -> Note {
        use client::Event;
        match event {
            Event::Ready { ticket } => {
                self.sending = self.next();
                let work = self.sending.as_ref().map_or(Work::Quit, |(_, to)| {
                    let to = to.iter().map(|to| Recipient::new(ForwardPath::Address(to.parse().unwrap())));
                    Work::Send(Transaction::new(ReversePath::Null, to.collect()))
                });
                client.answer(ticket, work).unwrap();
            }
            Event::Body { ticket } => {
                let (message, _) = self.sending.as_ref().unwrap();
                let mut content = Bytes::from(CONTENTS[*message]);
                client.body(&ticket, &mut content).unwrap();
                assert!(content.is_empty());
                client.answer(ticket, Ok(())).unwrap();
            }
            Event::Outcome(outcome) => {
                let (message, to) = self.sending.as_ref().unwrap();
                let recipient = (*message, to[outcome.recipient]);
                match outcome.result {
                    Ok(_) | Err(Failure::Refused(_)) => self.done.push(recipient),
                    Err(Failure::NotSent(_)) => {}
                    Err(Failure::AnswerLost(_)) => self.lost.push(recipient),
                    Err(other) => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
        Note::Line(String::new())
    }
}

impl Sender {
    /// The next message that somebody has not got; each once a session.
    fn next(&self) -> Option<(usize, Vec<&'static str>)> {
        let first = self.sending.as_ref().map_or(0, |(message, _)| message + 1);
        let open = |message: usize| {
            let is_open = |to: &&str| !self.done.contains(&(message, *to));
            let to: Vec<_> = self.open.get(message)?.iter().copied().filter(is_open).collect();
            (!to.is_empty()).then_some((message, to))
        };
        (first..self.open.len()).find_map(open)
    }
}

type Wire = Pair<Client, Sender, Server, Spool>;

fn session(config: &client::Config, sender: Sender, spool: Spool) -> Wire {
    let start = Bench::<Client, Sender>::start();
    let client =
        Bench::new(Client::new(Arc::new(config.clone()), None), Sender { sending: None, ..sender }, start);
    let mut server = server(config.protocol);
    server.app = spool;
    Pair::new(client, server)
}

/// Carries as many octets there and back, and cuts the wire. Gives how many were carried.
fn cut(pair: &mut Wire, mut there: usize, mut back: usize) -> (usize, usize) {
    let mut carried = (0, 0);
    let carry = |bytes: Vec<u8>, left: &mut usize| {
        let count = bytes.len().min(*left);
        *left -= count;
        bytes[..count].to_vec()
    };
    loop {
        let to_server = carry(output(pair.left.settle()), &mut there);
        let to_client = carry(output(pair.right.feed(&to_server)), &mut back);
        if to_server.is_empty() && to_client.is_empty() {
            break;
        }
        carried = (carried.0 + to_server.len(), carried.1 + to_client.len());
        pair.left.input.extend_from_slice(&to_client);
    }
    pair.left.machine.handle_eof();
    pair.left.settle();
    pair.right.machine.handle_eof();
    pair.right.settle();
    assert!(pair.left.is_over() && pair.right.is_over());
    carried
}

/// One session that is cut, and one that is not; says how many got a message twice.
fn try_twice(config: &client::Config, there: usize, back: usize) -> usize {
    let open = vec![vec!["ann@c", "nobody@c", "bob@c"], vec!["cid@c"]];
    let sender = Sender { open: open.clone(), ..Sender::default() };
    let mut first = session(config, sender, Spool::default());
    cut(&mut first, there, back);
    let mut second = session(config, first.left.app, first.right.app);
    second.settle();
    assert!(second.left.is_over());
    let (sender, spool) = (second.left.app, second.right.app);
    let copies = |message: usize, to: &str| {
        let to = format!("<{to}>");
        spool
            .delivered
            .iter()
            .filter(|(by, content)| *by == to && content == CONTENTS[message].as_bytes())
            .count()
    };
    let mut twice = 0;
    for (message, to) in
        open.iter().enumerate().flat_map(|(message, to)| to.iter().map(move |to| (message, *to)))
    {
        let copies = copies(message, to);
        let context = format!("{message} to {to}, cut after {there} and {back}");
        assert!(sender.done.contains(&(message, to)), "{context}");
        match copies {
            0 => assert_eq!(to, "nobody@c", "{context}"),
            1 => {}
            2 => assert!(sender.lost.contains(&(message, to)), "{context}"),
            _ => panic!("{copies} copies: {context}"),
        }
        twice += usize::from(copies == 2);
    }
    twice
}

fn try_again_everywhere(config: &client::Config) {
    let open = vec![vec!["ann@c", "nobody@c", "bob@c"], vec!["cid@c"]];
    let whole = Sender { open, ..Sender::default() };
    let (there, back) = cut(&mut session(config, whole, Spool::default()), usize::MAX, usize::MAX);
    assert_eq!(try_twice(config, usize::MAX, usize::MAX), 0);
    // What does not come there is not taken: nobody gets anything twice, however much of it has come.
    let lost: usize = (0..there).map(|there| try_twice(config, there, usize::MAX)).sum();
    assert_eq!(lost, 0);
    let lost: usize = (0..back).map(|back| try_twice(config, usize::MAX, back)).sum();
    assert!(lost > 0, "RFC 1047 was not met");
}

fn client(protocol: Protocol) -> client::Config {
    let limits = client::Limits { chunk: 10, chunks_ahead: 100, ..client::Limits::default() };
    let name = "me.example.net".parse().unwrap();
    client::Config { protocol, limits, start_tls: StartTls::Never, ..client::Config::new(name) }
}

#[test]
fn a_client_that_tries_again_by_data() {
    for pipelining in [false, true] {
        try_again_everywhere(&client::Config { pipelining, chunking: false, ..client(Protocol::Smtp) });
    }
}

#[test]
fn a_client_that_tries_again_in_chunks() {
    try_again_everywhere(&client(Protocol::Smtp));
}

#[test]
fn a_client_that_tries_again_by_lmtp() {
    for chunking in [false, true] {
        try_again_everywhere(&client::Config { chunking, ..client(Protocol::Lmtp) });
    }
}
