//! A client of the same shape as the servers.
//!
//! Proves that the contract is not a server's: the question is "what next?", so `NeedReply` is a client at
//! leisure; a ticket that is only shown, not given up, lets the application push a body for as long as there is
//! room; deadlines go by the stage; and a client talks to a server over a [`Pair`] without either knowing.

use std::collections::VecDeque;
use std::fmt::Write;
use std::mem;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::framing::{DotWriter, Line, LineFramer, LineLimits};
use mailwright_core::testing::{App, Bench, Note, Pair, Seen, assert_any_split};
use mailwright_core::{
    Desk, ForwardPath, Machine, Output, Progress, ReplyCode, ReversePath, Stale, Ticket, Timers, Upgraded,
};
use proptest::prelude::*;

use crate::lmtp;

const HIGH_WATER: usize = 1000;
const REPLY_LINES_MAX: usize = 100;

/// The question what to do next.
#[derive(Debug)]
enum Order {}

/// The question for the body: shown with each piece, given up at the end.
#[derive(Debug)]
enum Body {}

#[derive(Debug)]
enum Event {
    /// Nothing is under way: [`Client::send`] or [`Client::quit`].
    Ready { ticket: Ticket<Order> },
    /// [`Client::push`] as often as there is room, then [`Client::finish`].
    SendBody { ticket: Ticket<Body> },
    /// What became of a recipient, by its place in the order.
    Outcome { recipient: usize, reply: Reply },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    code: ReplyCode,
    lines: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Hello,
    Mail,
    Rcpt(usize),
    Data,
    Body,
    Delivery(usize),
    Quit,
}

impl Stage {
    /// RFC 5321 §4.5.3.2.
    fn limit(self) -> Duration {
        Duration::from_secs(
            60 * match self {
                Self::Greeting | Self::Hello | Self::Mail | Self::Rcpt(_) | Self::Quit => 5,
                Self::Data => 2,
                Self::Body => 3,
                Self::Delivery(_) => 10,
            },
        )
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Error {
    #[error("not a reply")]
    NotAReply,
    #[error("refused at {0:?}: {1}")]
    Refused(Stage, ReplyCode),
    #[error("the server left at {0:?}")]
    Left(Stage),
    #[error("no progress at {0:?}")]
    Timeout(Stage),
}

#[derive(Debug)]
enum State {
    Open,
    Closed,
    Failed(Error),
}

#[derive(Debug)]
struct Client {
    desk: Desk,
    output: Output,
    timers: Timers<()>,
    lines: LineFramer,
    /// The lines of a reply that has not ended.
    partial: Vec<String>,
    /// The replies that are still to come, in order.
    awaited: VecDeque<Stage>,
    /// What one reply has told of several recipients.
    outcomes: VecDeque<(usize, Reply)>,
    accepted: Vec<usize>,
    refused_sender: Option<Reply>,
    body: Option<DotWriter>,
    state: State,
    eof: bool,
    shutdown: bool,
}

impl Client {
    fn new() -> Self {
        Self {
            desk: Desk::new(),
            output: Output::new(HIGH_WATER),
            timers: Timers::new(),
            lines: LineFramer::new(),
            partial: Vec::new(),
            awaited: [Stage::Greeting].into(),
            outcomes: VecDeque::new(),
            accepted: Vec::new(),
            refused_sender: None,
            body: None,
            state: State::Open,
            eof: false,
            shutdown: false,
        }
    }

    /// The whole envelope leaves at once (RFC 2920).
    fn send(&mut self, ticket: Ticket<Order>, from: &ReversePath, to: &[ForwardPath]) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.say(Stage::Mail, format_args!("MAIL FROM:{from}"));
        for (recipient, path) in to.iter().enumerate() {
            self.say(Stage::Rcpt(recipient), format_args!("RCPT TO:{path}"));
        }
        self.say(Stage::Data, format_args!("DATA"));
        Ok(())
    }

    fn quit(&mut self, ticket: Ticket<Order>) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.say(Stage::Quit, format_args!("QUIT"));
        Ok(())
    }

    /// A piece of the body: better not more than there is room in the output.
    fn push(&mut self, ticket: &Ticket<Body>, chunk: &Bytes) -> Result<(), Stale> {
        self.desk.check(ticket)?;
        if let Some(writer) = &mut self.body {
            writer.write(chunk, &mut self.output);
        }
        self.output.release();
        Ok(())
    }

    fn finish(&mut self, ticket: Ticket<Body>) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        if let Some(writer) = self.end_body() {
            writer.finish(&mut self.output);
        }
        Ok(())
    }

    /// From here on each accepted recipient has a reply of its own.
    fn end_body(&mut self) -> Option<DotWriter> {
        self.awaited = self.accepted.drain(..).map(Stage::Delivery).collect();
        self.body.take()
    }

    fn say(&mut self, stage: Stage, line: std::fmt::Arguments<'_>) {
        let _ = write!(self.output, "{line}\r\n");
        self.awaited.push_back(stage);
    }

    fn stage(&self) -> Stage {
        if self.body.is_some() { Stage::Body } else { self.awaited.front().copied().unwrap_or(Stage::Quit) }
    }

    fn fail(&mut self, error: Error) {
        self.desk.withdraw();
        self.timers.clear_all();
        self.state = State::Failed(error);
    }

    fn step(&mut self, input: &mut BytesMut) -> Result<Progress<Event>, Error> {
        loop {
            match &self.state {
                State::Closed => return Ok(Progress::Closed),
                State::Failed(error) => return Err(error.clone()),
                State::Open if self.output.room() == 0 => return Ok(Progress::NeedDrain),
                State::Open if self.desk.is_open() => return Ok(Progress::NeedReply),
                State::Open => {}
            }
            if let Some((recipient, reply)) = self.outcomes.pop_front() {
                return Ok(Progress::Event(Event::Outcome { recipient, reply }));
            }
            let Some(stage) = self.awaited.front().copied() else {
                if !self.shutdown {
                    return Ok(Progress::Event(Event::Ready { ticket: self.desk.open() }));
                }
                self.say(Stage::Quit, format_args!("QUIT"));
                continue;
            };
            match self.lines.frame(input, LineLimits::default()) {
                Line::Complete { len } => {
                    let line = input.split_to(len);
                    self.timers.clear_all();
                    match self.reply(&String::from_utf8_lossy(&line)) {
                        Ok(Some(reply)) => {
                            self.awaited.pop_front();
                            if let Some(event) = self.replied(stage, reply) {
                                return Ok(Progress::Event(event));
                            }
                        }
                        Ok(None) => {}
                        Err(error) => self.fail(error),
                    }
                }
                Line::NeedMore if self.eof => self.fail(Error::Left(stage)),
                Line::NeedMore => return Ok(Progress::NeedInput),
                _ => self.fail(Error::NotAReply),
            }
        }
    }

    /// Takes a line; gives the reply that ends with it (RFC 5321 §4.2.1).
    fn reply(&mut self, line: &str) -> Result<Option<Reply>, Error> {
        let (code, rest) = line.trim_end().split_at_checked(3).ok_or(Error::NotAReply)?;
        let code = code.parse().ok().and_then(ReplyCode::new).ok_or(Error::NotAReply)?;
        let more = rest.starts_with('-');
        if self.partial.len() == REPLY_LINES_MAX || !(more || rest.is_empty() || rest.starts_with(' ')) {
            return Err(Error::NotAReply);
        }
        self.partial.push(rest.get(1..).unwrap_or_default().to_owned());
        Ok((!more).then(|| Reply { code, lines: mem::take(&mut self.partial) }))
    }

    fn replied(&mut self, stage: Stage, reply: Reply) -> Option<Event> {
        let positive = reply.code.is_positive();
        match stage {
            _ if reply.code.get() == 421 => self.fail(Error::Refused(stage, reply.code)),
            Stage::Greeting | Stage::Hello if !positive => self.fail(Error::Refused(stage, reply.code)),
            Stage::Greeting => self.say(Stage::Hello, format_args!("LHLO client.example")),
            Stage::Hello => {}
            Stage::Mail => self.refused_sender = (!positive).then_some(reply),
            Stage::Rcpt(recipient) if positive && self.refused_sender.is_none() => {
                self.accepted.push(recipient);
            }
            Stage::Rcpt(recipient) | Stage::Delivery(recipient) => {
                let reply = self.refused_sender.clone().unwrap_or(reply);
                return Some(Event::Outcome { recipient, reply });
            }
            // RFC 2033 §4.2: without a recipient there is no 354.
            Stage::Data if positive && self.accepted.is_empty() => self.fail(Error::NotAReply),
            Stage::Data if positive => {
                self.body = Some(DotWriter::new());
                return Some(Event::SendBody { ticket: self.desk.open() });
            }
            Stage::Data => self.outcomes.extend(self.accepted.drain(..).map(|to| (to, reply.clone()))),
            Stage::Body => {}
            Stage::Quit => {
                self.timers.clear_all();
                self.state = State::Closed;
            }
        }
        None
    }
}

impl Machine for Client {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        let step = self.step(input);
        self.output.release();
        match step {
            // At leisure: how long the application thinks is its own affair.
            Ok(Progress::NeedReply) => self.timers.clear_all(),
            Ok(Progress::NeedInput | Progress::NeedDrain) if !self.timers.is_set(()) => {
                self.timers.set((), now + self.stage().limit());
            }
            _ => {}
        }
        step
    }

    /// Who has left will not take the rest of a body; what it has said before that is still read.
    fn handle_eof(&mut self) {
        self.eof = true;
        if self.body.is_some() {
            self.desk.withdraw();
            self.end_body();
        }
    }

    fn handle_upgrade(&mut self, _done: Upgraded, _now: Instant) {}

    /// An order that has not been given will not be taken; a body is finished.
    fn handle_shutdown(&mut self) {
        self.shutdown = true;
        if self.body.is_none() {
            self.desk.withdraw();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.timers.expired(now).is_some() {
            self.fail(Error::Timeout(self.stage()));
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// Sends its messages one after the other, then quits. A body that does not fit waits for [`Self::pump`].
#[derive(Debug, Default)]
struct Sender {
    messages: VecDeque<(&'static str, &'static [&'static str], Bytes)>,
    body: Bytes,
    idle: Option<Ticket<Order>>,
    pushing: Option<Ticket<Body>>,
}

impl Sender {
    fn of(to: &'static [&'static str], body: impl Into<Bytes>) -> Self {
        Self { messages: [("<a@client.example>", to, body.into())].into(), ..Self::default() }
    }

    /// Pushes what there is room for.
    fn pump(&mut self, client: &mut Client) {
        let Some(ticket) = self.pushing.take() else { return };
        let room = client.output().room();
        let chunk = self.body.split_to(room.min(self.body.len()));
        client.push(&ticket, &chunk).unwrap();
        if self.body.is_empty() {
            client.finish(ticket).unwrap();
        } else {
            self.pushing = Some(ticket);
        }
    }
}

impl App<Client> for Sender {
    fn event(&mut self, client: &mut Client, event: Event) -> Note {
        Note::Line(match event {
            Event::Ready { ticket } => {
                if let Some((from, to, body)) = self.messages.pop_front() {
                    self.body = body;
                    let (from, _) = ReversePath::take(from.as_bytes()).unwrap();
                    let path = |to: &&str| ForwardPath::take(to.as_bytes()).unwrap().0;
                    client.send(ticket, &from, &to.iter().map(path).collect::<Vec<_>>()).unwrap();
                } else {
                    self.idle = Some(ticket);
                }
                "ready".to_owned()
            }
            Event::SendBody { ticket } => {
                self.pushing = Some(ticket);
                self.pump(client);
                "body".to_owned()
            }
            Event::Outcome { recipient, reply } => {
                format!("{recipient}: {} {}", reply.code, reply.lines.join("/"))
            }
        })
    }
}

fn bench(app: Sender) -> Bench<Client, Sender> {
    Bench::new(Client::new(), app, crate::start())
}

const TO: &[&str] = &["<b@x>", "<nobody@x>", "<full@x>", "<c@x>"];

#[test]
fn a_client_and_a_server_are_a_pair() {
    let mut app = Sender::of(TO, &b".dot\nbare"[..]);
    app.messages.push_back(("<>", &["<nobody@x>"], Bytes::new()));
    let mut pair = Pair::new(bench(app), lmtp::bench());
    let (client, server) = pair.settle();
    let outcomes = [
        "ready",
        "1: 550 <nobody@x> is unknown",
        "body",
        "0: 250 <b@x> ok",
        "2: 452 <full@x> is full",
        "3: 250 <c@x> ok",
        "ready",
        "0: 550 <nobody@x> is unknown",
        "ready",
    ];
    assert_eq!(crate::events(&client), outcomes);
    assert!(server.contains(&Seen::Body(b".dot\r\nbare\r\n".to_vec())), "made whole on the way");

    assert_eq!(crate::wait(&mut pair.left), Ok(Progress::NeedReply), "the client waits for an order");
    assert_eq!(pair.left.machine.poll_timeout(), None, "and has no deadline");
    let ticket = pair.left.app.idle.take().unwrap();
    pair.left.machine.quit(ticket).unwrap();
    let closed = vec![Seen::End("Closed".to_owned())];
    assert_eq!(pair.settle(), (closed.clone(), closed));
}

#[test]
fn the_envelope_leaves_at_once() {
    let mut bench = bench(Sender::of(TO, ""));
    assert_eq!(bench.settle(), []);
    assert_eq!(crate::output(&bench.feed(b"220-hello\r\n220 there\r\n")), "LHLO client.example\r\n");
    let envelope = "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<full@x>\r\n\
                    RCPT TO:<c@x>\r\nDATA\r\n";
    assert_eq!(crate::output(&bench.feed(b"250-mx\r\n250-PIPELINING\r\n250 SIZE\r\n")), envelope);
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedInput));
}

/// What is said of all is told to each, and a refused sender is what a refused recipient is told.
#[test]
fn each_recipient_has_one_outcome() {
    let outcomes = |replies: &[u8]| {
        let mut bench = bench(Sender::of(&["<b@x>", "<c@x>"], ""));
        let seen = bench.feed(&[b"220 x\r\n250 x\r\n", replies].concat());
        crate::events(&seen).join(", ")
    };
    let all = outcomes(b"550 bad sender\r\n503 x\r\n503 x\r\n503 x\r\n");
    assert_eq!(all, "ready, 0: 550 bad sender, 1: 550 bad sender, ready");
    let late = outcomes(b"250 x\r\n250 x\r\n550-no\r\n550 such\r\n451 no disk\r\n");
    assert_eq!(late, "ready, 1: 550 no/such, 0: 451 no disk, ready");
}

/// A body a hundred times the room goes through it, with as much in the output as there was room for.
#[test]
fn a_body_is_pushed_as_there_is_room() {
    let body: Vec<u8> = (0..HIGH_WATER * 4).flat_map(|n| format!(".line {n}..\r\n").into_bytes()).collect();
    assert!(body.len() > 50 * HIGH_WATER);
    let mut pair = Pair::new(bench(Sender::of(&["<b@x>", "<c@x>"], body.clone())), lmtp::bench());
    assert_eq!(crate::events(&pair.settle().0), ["ready", "body"]);
    let mut pushed = 0;
    while pair.left.app.pushing.is_some() {
        assert_eq!(crate::wait(&mut pair.left), Ok(Progress::NeedReply));
        pair.left.app.pump(&mut pair.left.machine);
        if pair.left.app.pushing.is_some() {
            assert_eq!(crate::wait(&mut pair.left), Ok(Progress::NeedDrain));
        }
        assert!(pair.left.machine.output().len() < 2 * HIGH_WATER, "room, and the dots that were doubled");
        pushed += 1;
        pair.settle();
    }
    assert!(pushed > 50);
    let message = |to: &str| (to.to_owned(), body.clone());
    assert_eq!(pair.right.app.delivered, [message("<b@x>"), message("<c@x>")]);
}

#[test]
fn each_stage_has_its_own_deadline() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    for (replies, limit, stage) in [
        (&b""[..], 5, Stage::Greeting),
        (b"220 x\r\n250-x\r\n", 5, Stage::Hello),
        (b"220 x\r\n250 x\r\n250 x\r\n", 5, Stage::Rcpt(0)),
        (b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n", 2, Stage::Data),
        (b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n", 10, Stage::Delivery(0)),
    ] {
        let mut bench = bench(Sender::of(&["<b@x>"], ""));
        bench.feed(replies);
        assert_eq!(bench.advance(minutes(limit) - Duration::from_secs(1)), []);
        bench.advance(Duration::from_secs(1));
        assert!(bench.is_over());
        crate::assert_final(&mut bench, &Error::Timeout(stage));
    }
}

fn in_the_body() -> Bench<Client, Sender> {
    let mut bench = bench(Sender::of(&["<b@x>"], vec![b'x'; 10 * HIGH_WATER]));
    bench.input.extend_from_slice(b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n");
    while let Progress::Event(event) = bench.machine.poll_event(&mut bench.input, bench.now).unwrap() {
        bench.app.event(&mut bench.machine, event);
    }
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedDrain));
    bench
}

#[test]
fn a_server_that_does_not_read_has_a_deadline() {
    let mut bench = in_the_body();
    let start = bench.now;
    bench.now = bench.machine.poll_timeout().unwrap();
    assert_eq!(bench.now - start, Duration::from_secs(180));
    bench.machine.handle_timeout(bench.now);
    assert_eq!(crate::wait(&mut bench), Err(Error::Timeout(Stage::Body)));
    let ticket = bench.app.pushing.take().unwrap();
    assert_eq!(bench.machine.push(&ticket, &Bytes::new()), Err(Stale));
}

#[test]
fn a_server_that_leaves_in_the_body_is_heard_to_the_end() {
    for (last_words, error) in [
        (&b""[..], Error::Left(Stage::Delivery(0))),
        (b"421 going down\r\n", Error::Refused(Stage::Delivery(0), ReplyCode::new(421).unwrap())),
    ] {
        let mut bench = in_the_body();
        bench.input.extend_from_slice(last_words);
        bench.machine.output().advance(usize::MAX);
        assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply));
        bench.machine.handle_eof();
        bench.settle();
        crate::assert_final(&mut bench, &error);
        assert_eq!(bench.machine.finish(bench.app.pushing.take().unwrap()), Err(Stale));
    }
}

#[test]
fn a_shutdown_at_leisure_says_quit() {
    let mut bench = bench(Sender::default());
    bench.feed(b"220 x\r\n250 x\r\n");
    bench.machine.handle_shutdown();
    assert_eq!(bench.settle(), [Seen::Output(b"QUIT\r\n".to_vec())]);
    assert_eq!(bench.machine.quit(bench.app.idle.take().unwrap()), Err(Stale), "too late for an order");
    assert_eq!(bench.feed(b"221 bye\r\n"), [Seen::End("Closed".to_owned())]);
}

#[test]
fn what_is_no_reply_ends_it() {
    for replies in [&b"hello\r\n"[..], b"220\xc3\xa9\r\n", b"99 x\r\n", b"220 x\n", &b"220-x\r\n".repeat(101)]
    {
        let mut bench = bench(Sender::default());
        bench.feed(replies);
        crate::assert_final(&mut bench, &Error::NotAReply);
    }
}

mailwright_core::properties! {
    #[test]
    fn any_split_means_the_same(
        codes in prop::collection::vec(prop::sample::select(&[250, 354, 421, 451, 550][..]), 0..12),
        cuts in prop::collection::vec(0..500usize, 0..6),
    ) {
        let replies = codes.iter().map(|code| format!("{code}-one\r\n{code} two\r\n"));
        let input = "220 x\r\n250 x\r\n".to_owned() + &replies.collect::<String>();
        assert_any_split(input.as_bytes(), &cuts, || bench(Sender::of(TO, "short")));
    }
}
