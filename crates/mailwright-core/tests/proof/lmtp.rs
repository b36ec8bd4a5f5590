//! LMTP (RFC 2033): one answer per accepted recipient.
//!
//! Proves that a typed ticket carries a *list* of results: the machine checks their number before it takes the
//! ticket, and gives the ticket back if the number is wrong. Also that a body passes through without a copy,
//! and that the end of the connection cancels no delivery.

use std::fmt::Write;
use std::mem;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mailwright_core::framing::{DotReader, DotStep, Line, LineFramer, LineLimits};
use mailwright_core::testing::{App, Bench, Note, assert_any_split};
use mailwright_core::{
    Desk, ForwardPath, Machine, Output, Progress, ReplyCode, ReversePath, Stale, Ticket, Timers, Upgraded,
};
use proptest::prelude::*;

const HIGH_WATER: usize = 4096;
const PEER: Duration = Duration::from_secs(5 * 60);
const REPLY: Duration = Duration::from_secs(10 * 60);

/// The question whether a recipient is taken; its answer is one result.
#[derive(Debug)]
pub(crate) enum Rcpt {}

/// The question what became of a message; its answer is one result per accepted recipient.
#[derive(Debug)]
pub(crate) enum Delivery {}

#[derive(Debug)]
pub(crate) enum Event {
    Mail { from: ReversePath },
    Rcpt { to: ForwardPath, ticket: Ticket<Rcpt> },
    Body(Bytes),
    BodyEnd { size: usize, recipients: usize, ticket: Ticket<Delivery> },
    BodyAborted,
}

/// A refusal, which cannot be built with a code of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection(ReplyCode, &'static str);

impl Rejection {
    const UNSOUND: Self = Self::new(550, "bare CR, LF or NUL").unwrap();
    const LATE: Self = Self::new(451, "no answer in time").unwrap();

    pub(crate) const fn new(code: u16, text: &'static str) -> Option<Self> {
        match ReplyCode::new(code) {
            Some(code) if !code.is_positive() => Some(Self(code, text)),
            _ => None,
        }
    }
}

/// An answer that was not taken, and changed nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The question is still open, so here is its ticket.
    #[error("{recipients} recipients were accepted, each has a result")]
    Count { recipients: usize, ticket: Ticket<Delivery> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("the peer sent nothing for too long")]
    Timeout,
    #[error("a line has no end")]
    Endless,
}

#[derive(Debug)]
enum State {
    Command,
    AskedRcpt(ForwardPath),
    Body { reader: DotReader, size: usize, sound: bool },
    AskedDelivery,
    Closed,
    Failed(Error),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deadline {
    Peer,
    Reply,
}

#[derive(Debug)]
pub(crate) struct Lmtp {
    desk: Desk,
    output: Output,
    timers: Timers<Deadline>,
    lines: LineFramer,
    state: State,
    has_sender: bool,
    accepted: Vec<ForwardPath>,
    eof: bool,
    shutdown: bool,
}

impl Lmtp {
    pub(crate) fn new() -> Self {
        let mut output = Output::new(HIGH_WATER);
        output.put(b"220 mx.example LMTP\r\n");
        Self {
            desk: Desk::new(),
            output,
            timers: Timers::new(),
            lines: LineFramer::new(),
            state: State::Command,
            has_sender: false,
            accepted: Vec::new(),
            eof: false,
            shutdown: false,
        }
    }

    pub(crate) fn answer_rcpt(
        &mut self,
        ticket: Ticket<Rcpt>,
        result: Result<(), Rejection>,
    ) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.timers.clear_all();
        if let State::AskedRcpt(to) = mem::replace(&mut self.state, State::Command) {
            self.reply(&to, &result);
            if result.is_ok() {
                self.accepted.push(to);
            }
        }
        Ok(())
    }

    /// One result for each accepted recipient, in the order in which they were accepted.
    pub(crate) fn answer_delivery(
        &mut self,
        ticket: Ticket<Delivery>,
        results: &[Result<(), Rejection>],
    ) -> Result<(), NotTaken> {
        self.desk.check(&ticket)?;
        if results.len() != self.accepted.len() {
            return Err(NotTaken::Count { recipients: self.accepted.len(), ticket });
        }
        self.desk.close(ticket)?;
        self.end_transaction(results);
        Ok(())
    }

    /// The reply for each recipient; held replies leave with them.
    fn end_transaction(&mut self, results: &[Result<(), Rejection>]) {
        for (to, result) in mem::take(&mut self.accepted).iter().zip(results) {
            self.reply(to, result);
        }
        self.output.release();
        self.timers.clear_all();
        self.has_sender = false;
        self.state = State::Command;
    }

    fn reply(&mut self, to: &ForwardPath, result: &Result<(), Rejection>) {
        let _ = match result {
            Ok(()) => write!(self.output, "250 {to} ok\r\n"),
            Err(Rejection(code, text)) => write!(self.output, "{code} {to} {text}\r\n"),
        };
    }

    fn fail(&mut self, error: Error) {
        self.desk.withdraw();
        self.timers.clear_all();
        self.output.put(b"421 mx.example closing\r\n");
        self.output.release();
        self.state = State::Failed(error);
    }

    fn step(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        loop {
            match &mut self.state {
                State::Closed => return Ok(Progress::Closed),
                State::Failed(error) => return Err(*error),
                _ if self.output.room() == 0 => return Ok(Progress::NeedDrain),
                State::AskedRcpt(_) | State::AskedDelivery => return Ok(Progress::NeedReply),
                State::Command if self.shutdown => {
                    self.output.put(b"421 mx.example closing\r\n");
                    self.state = State::Closed;
                }
                State::Command => match self.lines.frame(input, LineLimits::default()) {
                    Line::Complete { len } => {
                        let line = input.split_to(len);
                        self.timers.clear_all();
                        if let Some(event) = self.command(line.strip_suffix(b"\r\n").unwrap_or(&line)) {
                            return Ok(Progress::Event(event));
                        }
                    }
                    Line::NeedMore if self.eof => self.state = State::Closed,
                    Line::NeedMore => return Ok(Progress::NeedInput),
                    Line::BareLf | Line::TooLong => self.output.put(b"500 not a line\r\n"),
                    Line::Endless => self.fail(Error::Endless),
                },
                State::Body { reader, size, sound } => match reader.next(input) {
                    DotStep::Chunk(_) if !*sound => {}
                    DotStep::Chunk(chunk) => {
                        *size += chunk.len();
                        self.timers.set(Deadline::Peer, now + PEER);
                        return Ok(Progress::Event(Event::Body(chunk)));
                    }
                    DotStep::Fault(_) => *sound = false,
                    DotStep::End if !*sound => {
                        let results = vec![Err(Rejection::UNSOUND); self.accepted.len()];
                        self.end_transaction(&results);
                        return Ok(Progress::Event(Event::BodyAborted));
                    }
                    DotStep::End => {
                        let (size, recipients) = (*size, self.accepted.len());
                        self.state = State::AskedDelivery;
                        self.timers.clear_all();
                        let ticket = self.desk.open();
                        return Ok(Progress::Event(Event::BodyEnd { size, recipients, ticket }));
                    }
                    DotStep::NeedMore if self.eof => {
                        self.state = State::Closed;
                        return Ok(Progress::Event(Event::BodyAborted));
                    }
                    DotStep::NeedMore => return Ok(Progress::NeedInput),
                },
            }
        }
    }

    fn command(&mut self, line: &[u8]) -> Option<Event> {
        let upper = line.to_ascii_uppercase();
        match upper.as_slice() {
            [b'M', b'A', b'I', b'L', ..] if !self.has_sender => {
                let path = line.get(b"MAIL FROM:".len()..).unwrap_or_default();
                if let Ok((from, _)) = ReversePath::take(path) {
                    self.has_sender = true;
                    self.output.put(b"250 sender ok\r\n");
                    return Some(Event::Mail { from });
                }
                self.output.put(b"501 no path\r\n");
            }
            [b'R', b'C', b'P', b'T', ..] if self.has_sender => {
                let path = line.get(b"RCPT TO:".len()..).unwrap_or_default();
                if let Ok((to, _)) = ForwardPath::take(path) {
                    self.state = State::AskedRcpt(to.clone());
                    return Some(Event::Rcpt { to, ticket: self.desk.open() });
                }
                self.output.put(b"501 no path\r\n");
            }
            b"RSET" => {
                (self.has_sender, self.accepted) = (false, Vec::new());
                self.output.put(b"250 forgotten\r\n");
            }
            b"DATA" if !self.accepted.is_empty() => {
                self.state = State::Body { reader: DotReader::new(), size: 0, sound: true };
                self.say_at_once("354 go ahead");
            }
            // RFC 2033 §4.2: without a recipient there is no DATA.
            b"DATA" => self.say_at_once("503 no recipient"),
            b"QUIT" => {
                self.say_at_once("221 bye");
                self.state = State::Closed;
            }
            _ if upper.starts_with(b"LHLO ") => {
                self.say_at_once("250-mx.example\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES");
            }
            _ => self.say_at_once("503 not now"),
        }
        None
    }

    /// RFC 2920 §3.2: these replies must not be held.
    fn say_at_once(&mut self, reply: &str) {
        let _ = write!(self.output, "{reply}\r\n");
        self.output.release();
    }
}

impl Machine for Lmtp {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        let step = self.step(input, now);
        if !matches!(step, Ok(Progress::Event(_) | Progress::NeedReply)) {
            self.output.release();
        }
        // An answer has no `now`: what it starts to wait for has its deadline from the next poll on.
        match step {
            Ok(Progress::Event(_)) if self.desk.is_open() => self.timers.set(Deadline::Reply, now + REPLY),
            Ok(Progress::NeedInput) if !self.timers.is_set(Deadline::Peer) => {
                self.timers.set(Deadline::Peer, now + PEER);
            }
            Ok(Progress::Closed) => self.timers.clear_all(),
            _ => {}
        }
        step
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }

    fn handle_upgrade(&mut self, _done: Upgraded, _now: Instant) {}

    fn handle_shutdown(&mut self) {
        self.shutdown = true;
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(deadline) = self.timers.expired(now) {
            match deadline {
                Deadline::Peer => self.fail(Error::Timeout),
                Deadline::Reply => {
                    self.desk.withdraw();
                    let late = Err(Rejection::LATE);
                    match mem::replace(&mut self.state, State::Command) {
                        State::AskedRcpt(to) => self.reply(&to, &late),
                        _ => self.end_transaction(&vec![late; self.accepted.len()]),
                    }
                }
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

fn rejection(code: u16, text: &'static str) -> Rejection {
    Rejection::new(code, text).expect("a code of failure")
}

/// Refuses `nobody@` at RCPT and `full@` at the end; keeps the ticket of a message for `later@`.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes {
    accepted: Vec<String>,
    body: Vec<u8>,
    pub(crate) delivered: Vec<(String, Vec<u8>)>,
    pub(crate) kept: Option<Ticket<Delivery>>,
}

impl Mailboxes {
    fn results(&self) -> Vec<Result<(), Rejection>> {
        let full = |to: &String| to.starts_with("<full@");
        self.accepted
            .iter()
            .map(|to| if full(to) { Err(rejection(452, "is full")) } else { Ok(()) })
            .collect()
    }

    fn deliver(&mut self, machine: &mut Lmtp, ticket: Ticket<Delivery>) -> Result<(), String> {
        let results = self.results();
        for (to, _) in self.accepted.iter().zip(&results).filter(|(_, result)| result.is_ok()) {
            self.delivered.push((to.clone(), self.body.clone()));
        }
        machine.answer_delivery(ticket, &results).map_err(|error| error.to_string())
    }
}

impl App<Lmtp> for Mailboxes {
    fn event(&mut self, machine: &mut Lmtp, event: Event) -> Note {
        Note::Line(match event {
            Event::Body(chunk) => {
                self.body.extend_from_slice(&chunk);
                return Note::Body(chunk);
            }
            Event::Mail { from } => {
                self.accepted.clear();
                format!("mail {from}")
            }
            Event::Rcpt { to, ticket } => {
                let to = to.to_string();
                let unknown = to.starts_with("<nobody@").then(|| rejection(550, "is unknown"));
                if unknown.is_none() {
                    self.accepted.push(to.clone());
                }
                machine.answer_rcpt(ticket, unknown.map_or(Ok(()), Err)).unwrap();
                self.body.clear();
                format!("rcpt {to}")
            }
            Event::BodyEnd { size, recipients, ticket } => {
                if self.accepted.iter().any(|to| to.starts_with("<later@")) {
                    self.kept = Some(ticket);
                } else {
                    self.deliver(machine, ticket).unwrap();
                }
                format!("end of {size} octets for {recipients}")
            }
            Event::BodyAborted => "aborted".to_owned(),
        })
    }

    fn tell(&mut self, machine: &mut Lmtp, line: &str) -> Result<(), String> {
        match (line, self.kept.take()) {
            ("deliver", Some(ticket)) => self.deliver(machine, ticket),
            ("deliver late", Some(ticket)) => {
                let late = machine.answer_delivery(ticket, &self.results());
                matches!(late, Err(NotTaken::Stale(Stale))).then_some(()).ok_or("it was taken".to_owned())
            }
            _ => Err(format!("nothing to do for: {line}")),
        }
    }
}

pub(crate) fn bench() -> Bench<Lmtp, Mailboxes> {
    Bench::new(Lmtp::new(), Mailboxes::default(), crate::start())
}

#[test]
fn transcripts() {
    mailwright_core::testing::run_transcripts(crate::scripts("lmtp"), |_| bench());
}

#[test]
fn a_wrong_number_of_results_changes_nothing() {
    let mut bench = bench();
    bench.feed(
        b"MAIL FROM:<a@x>\r\nRCPT TO:<later@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n.\r\n",
    );
    let mut ticket = bench.app.kept.take().unwrap();
    for wrong in [0, 1, 3] {
        let before = bench.machine.poll_timeout();
        let not_taken = bench.machine.answer_delivery(ticket, &vec![Ok(()); wrong]);
        let Err(NotTaken::Count { recipients: 2, ticket: back }) = not_taken else { panic!("{not_taken:?}") };
        assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply));
        assert_eq!((bench.machine.output().len(), bench.machine.poll_timeout()), (0, before));
        ticket = back;
    }
    bench.machine.answer_delivery(ticket, &[Ok(()), Err(rejection(452, "is full"))]).unwrap();
    assert_eq!(crate::output(&bench.settle()), "250 <later@x> ok\r\n452 <c@x> is full\r\n");
}

#[test]
fn a_ticket_of_another_machine_is_stale() {
    let (mut one, mut other) = (bench(), bench());
    for bench in [&mut one, &mut other] {
        bench.feed(b"MAIL FROM:<a@x>\r\nRCPT TO:<later@x>\r\nDATA\r\n.\r\n");
    }
    let foreign = one.machine.answer_delivery(other.app.kept.take().unwrap(), &[Ok(())]);
    assert!(matches!(foreign, Err(NotTaken::Stale(Stale))));
    one.app.tell(&mut one.machine, "deliver").expect("its own ticket is still good");
}

#[test]
fn a_body_is_not_copied() {
    let mut machine = Lmtp::new();
    let now = crate::start();
    let mut input = BytesMut::from(&b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"[..]);
    input.extend_from_slice(&[&b"x".repeat(3000)[..], b"\r\n..dot\r\n.\r\n"].concat());
    let buffer = input.as_ptr_range();
    let mut chunks = Vec::new();
    while let Progress::Event(event) = machine.poll_event(&mut input, now).unwrap() {
        match event {
            Event::Rcpt { ticket, .. } => machine.answer_rcpt(ticket, Ok(())).unwrap(),
            Event::Body(chunk) => chunks.push(chunk),
            _ => {}
        }
    }
    assert!(chunks.iter().all(|chunk| buffer.contains(&chunk.as_ptr())), "slices of the input's allocation");
    assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [3002, 6], "cut where a dot was undone");
}

#[test]
fn replies_that_may_be_grouped_leave_together() {
    let mut bench = bench();
    bench.settle();
    bench.input.extend_from_slice(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n");
    let mut ready = Vec::new();
    while let Progress::Event(event) = bench.machine.poll_event(&mut bench.input, bench.now).unwrap() {
        bench.app.event(&mut bench.machine, event);
        ready.push((bench.machine.output().ready(), bench.machine.output().len()));
    }
    assert_eq!(ready, [(0, 15), (0, 29)], "held while there is more input");
    assert_eq!(crate::output(&bench.settle()), "250 sender ok\r\n250 <b@x> ok\r\n354 go ahead\r\n");
}

#[test]
fn a_rejection_is_no_success() {
    assert_eq!(
        (Rejection::new(250, ""), Rejection::new(354, ""), Rejection::new(99, "")),
        (None, None, None)
    );
}

mailwright_core::properties! {
    #[test]
    fn any_split_means_the_same(
        body in prop::collection::vec(prop::sample::select(&b"\r\n.ab\0"[..]), 0..40),
        cuts in prop::collection::vec(0..500usize, 0..6),
    ) {
        let input = [
            b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<full@x>\r\nDATA\r\n",
            &body[..],
            b"\r\n.\r\nRSET\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nsecond\r\n.\r\nNOOP\r\nQUIT\r\n",
        ];
        assert_any_split(&input.concat(), &cuts, bench);
    }
}
