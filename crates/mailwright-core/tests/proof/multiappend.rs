//! APPEND of several messages (RFC 3502): each literal decided on its own, all or nothing.
//!
//! Proves that a ticket can stand *before* the continuation, so that no refused message crosses the wire; that
//! a refused non-synchronising literal is swallowed, up to a limit, and never read as commands; and that one
//! command may ask several questions of different types.

use std::fmt::Write;
use std::mem;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mailwright_core::framing::{CommandFrame, CommandFramer, Literal, OctetReader};
use mailwright_core::testing::{App, Bench, Note, Seen, assert_any_split};
use mailwright_core::{Desk, Machine, Output, Progress, Stale, Ticket, Timers, Uid, UidSet, Upgraded};
use proptest::prelude::*;

const COMMAND_MAX: usize = 200;
const SWALLOW_MAX: u64 = 1000;
const PEER: Duration = Duration::from_secs(30 * 60);
const REPLY: Duration = Duration::from_secs(60);

/// The question whether a message is wanted, asked before the peer may send it.
#[derive(Debug)]
enum Decision {}

/// The order to make all messages visible at once; its answer is their UIDs.
#[derive(Debug)]
enum Commit {}

#[derive(Debug)]
enum Event {
    AppendBegin {
        mailbox: String,
    },
    AppendMessage {
        size: u64,
        ticket: Ticket<Decision>,
    },
    Body(Bytes),
    MessageEnd,
    AppendCommit {
        ticket: Ticket<Commit>,
    },
    /// The peer broke the command off. Not told if the application itself refused a message.
    AppendAborted,
}

/// Why something is not done: a response code and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct No(&'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Error {
    #[error("more was announced than is read to throw it away")]
    TooMuch,
    #[error("a command is too long")]
    TooLong,
    #[error("the peer sent nothing for too long")]
    Timeout,
}

#[derive(Debug)]
struct Append {
    tag: String,
    refused: Option<No>,
}

#[derive(Debug)]
enum State {
    Command,
    /// A literal was announced, the application does not know of it yet.
    Announced(Append, Literal),
    AskedDecision(Append, Literal),
    Reading(Append, OctetReader),
    Swallowing(Append, OctetReader),
    /// Behind a literal: another one, or the end of the command.
    Between(Append),
    AskedCommit(Append),
    Closed,
    Failed(Error),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deadline {
    Peer,
    Reply,
}

#[derive(Debug)]
struct Imap {
    desk: Desk,
    output: Output,
    timers: Timers<Deadline>,
    framer: CommandFramer,
    state: State,
    /// How much of refused literals was announced on this connection.
    swallowed: u64,
    eof: bool,
    shutdown: bool,
}

impl Imap {
    fn new() -> Self {
        let mut output = Output::new(4096);
        output.put(b"* OK hello\r\n");
        Self {
            desk: Desk::new(),
            output,
            timers: Timers::new(),
            framer: CommandFramer::new(),
            state: State::Command,
            swallowed: 0,
            eof: false,
            shutdown: false,
        }
    }

    fn answer_decision(&mut self, ticket: Ticket<Decision>, answer: Result<(), No>) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.decide(answer);
        Ok(())
    }

    fn answer_commit(&mut self, ticket: Ticket<Commit>, answer: Result<&UidSet, No>) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.commit(answer);
        Ok(())
    }

    fn decide(&mut self, answer: Result<(), No>) {
        self.timers.clear_all();
        let State::AskedDecision(append, literal) = mem::replace(&mut self.state, State::Command) else {
            return;
        };
        match answer {
            Ok(()) => {
                if !literal.non_sync {
                    self.output.put(b"+ go on\r\n");
                }
                self.state = State::Reading(append, OctetReader::new(literal.size));
            }
            Err(no) => self.refuse(append, literal, no),
        }
    }

    fn commit(&mut self, answer: Result<&UidSet, No>) {
        self.timers.clear_all();
        let State::AskedCommit(append) = mem::replace(&mut self.state, State::Command) else { return };
        let _ = match answer {
            Ok(uids) => write!(self.output, "{} OK [APPENDUID 1 {uids}] done\r\n", append.tag),
            Err(No(why)) => write!(self.output, "{} NO {why}\r\n", append.tag),
        };
    }

    /// The peer of a synchronising literal waits, and sends none after a NO; the other one sends it anyway.
    fn refuse(&mut self, append: Append, literal: Literal, no: No) {
        if !literal.non_sync {
            let _ = write!(self.output, "{} NO {}\r\n", append.tag, no.0);
            return self.state = State::Command;
        }
        self.swallowed = self.swallowed.saturating_add(literal.size);
        if self.swallowed > SWALLOW_MAX {
            return self.fail(Error::TooMuch);
        }
        let append = Append { refused: Some(no), ..append };
        self.state = State::Swallowing(append, OctetReader::new(literal.size));
    }

    fn fail(&mut self, error: Error) {
        self.desk.withdraw();
        self.timers.clear_all();
        let _ = write!(self.output, "* BYE {error}\r\n");
        self.state = State::Failed(error);
        self.output.release();
    }

    fn step(&mut self, input: &mut BytesMut) -> Result<Progress<Event>, Error> {
        loop {
            match &self.state {
                State::Closed => return Ok(Progress::Closed),
                State::Failed(error) => return Err(*error),
                _ if self.output.room() == 0 => return Ok(Progress::NeedDrain),
                _ if self.desk.is_open() => return Ok(Progress::NeedReply),
                _ => {}
            }
            if let Some(progress) = self.advance(input) {
                return Ok(progress);
            }
        }
    }

    /// One transition; `None` to look again.
    fn advance(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        match mem::replace(&mut self.state, State::Command) {
            State::Command if self.shutdown => {
                self.output.put(b"* BYE closing\r\n");
                self.state = State::Closed;
            }
            State::Command => return self.command(input),
            State::Announced(append, literal) => {
                self.state = State::AskedDecision(append, literal);
                let event = Event::AppendMessage { size: literal.size, ticket: self.desk.open() };
                return Some(Progress::Event(event));
            }
            State::Reading(append, mut octets) => {
                let chunk = octets.next(input);
                let event = match chunk {
                    Some(chunk) => Event::Body(chunk),
                    None if octets.left() == 0 => {
                        self.state = State::Between(append);
                        return Some(Progress::Event(Event::MessageEnd));
                    }
                    None => return self.wait_for_input(State::Reading(append, octets)),
                };
                self.state = State::Reading(append, octets);
                return Some(Progress::Event(event));
            }
            State::Swallowing(append, mut octets) => {
                let came = octets.next(input).is_some();
                match octets.left() {
                    0 => self.state = State::Between(append),
                    _ if came => self.state = State::Swallowing(append, octets),
                    _ => return self.wait_for_input(State::Swallowing(append, octets)),
                }
            }
            State::Between(append) => return self.between(append, input),
            // Those of an open question, or without a way on: `step` does not come here.
            other => self.state = other,
        }
        None
    }

    /// What is under way when the peer leaves is told to the application, once.
    fn wait_for_input(&mut self, state: State) -> Option<Progress<Event>> {
        if !self.eof {
            self.state = state;
            return Some(Progress::NeedInput);
        }
        self.state = State::Closed;
        let told = matches!(&state, State::Reading(..) | State::Between(Append { refused: None, .. }));
        told.then_some(Progress::Event(Event::AppendAborted))
    }

    fn command(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        let (len, literal) = match self.framer.frame(input, COMMAND_MAX) {
            CommandFrame::NeedMore => return self.wait_for_input(State::Command),
            CommandFrame::TooLong => {
                self.fail(Error::TooLong);
                return None;
            }
            CommandFrame::Prefix { len, literal } => (len, Some(literal)),
            CommandFrame::Complete { len } | CommandFrame::Malformed { len } => (len, None),
        };
        self.timers.clear_all();
        self.framer.reset();
        let line = input.split_to(len);
        let text = String::from_utf8_lossy(&line);
        let mut words = text.split_ascii_whitespace();
        let tag = words.next().unwrap_or("*").to_owned();
        match (words.next(), literal) {
            (Some("NOOP"), None) => _ = write!(self.output, "{tag} OK done\r\n"),
            (Some("LOGOUT"), None) => {
                let _ = write!(self.output, "* BYE\r\n{tag} OK done\r\n");
                self.state = State::Closed;
            }
            (Some("APPEND"), Some(literal)) => {
                let mailbox = words.next().unwrap_or_default().to_owned();
                self.state = State::Announced(Append { tag, refused: None }, literal);
                return Some(Progress::Event(Event::AppendBegin { mailbox }));
            }
            (_, Some(literal)) => self.refuse(Append { tag, refused: None }, literal, No("no literal here")),
            (_, None) => _ = write!(self.output, "{tag} BAD what?\r\n"),
        }
        None
    }

    fn between(&mut self, append: Append, input: &mut BytesMut) -> Option<Progress<Event>> {
        let (len, literal) = match self.framer.frame(input, COMMAND_MAX) {
            CommandFrame::NeedMore => return self.wait_for_input(State::Between(append)),
            CommandFrame::TooLong => {
                self.fail(Error::TooLong);
                return None;
            }
            CommandFrame::Prefix { len, literal } => (len, Some(literal)),
            CommandFrame::Complete { len } | CommandFrame::Malformed { len } => (len, None),
        };
        self.timers.clear_all();
        self.framer.reset();
        let line = input.split_to(len);
        match (literal, append.refused) {
            (Some(literal), Some(no)) => self.refuse(append, literal, no),
            (Some(literal), None) => self.state = State::Announced(append, literal),
            (None, Some(No(why))) => _ = write!(self.output, "{} NO {why}\r\n", append.tag),
            (None, None) if &line[..] == b"\r\n" => {
                self.state = State::AskedCommit(append);
                return Some(Progress::Event(Event::AppendCommit { ticket: self.desk.open() }));
            }
            (None, None) => {
                let _ = write!(self.output, "{} BAD what?\r\n", append.tag);
                return Some(Progress::Event(Event::AppendAborted));
            }
        }
        None
    }
}

impl Machine for Imap {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        let step = self.step(input);
        self.output.release();
        match step {
            Ok(Progress::Event(_)) if self.desk.is_open() => self.timers.set(Deadline::Reply, now + REPLY),
            Ok(Progress::Event(_)) => self.timers.clear_all(),
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
                    match &self.state {
                        State::AskedDecision(..) => self.decide(Err(No("[UNAVAILABLE] no answer in time"))),
                        _ => self.commit(Err(No("[UNAVAILABLE] no answer in time"))),
                    }
                }
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// A mailbox that takes messages up to 100 octets; asked about one of 77 it does not answer.
#[derive(Debug, Default)]
struct Mailbox {
    staged: Vec<Vec<u8>>,
    messages: Vec<Vec<u8>>,
    kept: Option<Ticket<Decision>>,
}

impl App<Imap> for Mailbox {
    fn event(&mut self, machine: &mut Imap, event: Event) -> Note {
        Note::Line(match event {
            Event::AppendBegin { mailbox } => {
                self.staged.clear();
                format!("append to {mailbox}")
            }
            Event::AppendMessage { size, ticket } => {
                self.staged.push(Vec::new());
                match size {
                    77 => self.kept = Some(ticket),
                    0..=100 => machine.answer_decision(ticket, Ok(())).unwrap(),
                    _ => machine.answer_decision(ticket, Err(No("[TOOBIG] no"))).unwrap(),
                }
                format!("message of {size}")
            }
            Event::Body(chunk) => {
                self.staged.last_mut().unwrap().extend_from_slice(&chunk);
                return Note::Body(chunk);
            }
            Event::MessageEnd => "end".to_owned(),
            Event::AppendCommit { ticket } => {
                let first = self.messages.len();
                self.messages.append(&mut self.staged);
                let uids = (first..self.messages.len()).filter_map(|n| Uid::new(u32::try_from(n).ok()? + 1));
                machine.answer_commit(ticket, Ok(&uids.collect())).unwrap();
                format!("commit of {}", self.messages.len() - first)
            }
            Event::AppendAborted => {
                self.staged.clear();
                "aborted".to_owned()
            }
        })
    }

    fn tell(&mut self, machine: &mut Imap, line: &str) -> Result<(), String> {
        let ticket = self.kept.take().ok_or("no ticket was kept")?;
        match (line, machine.answer_decision(ticket, Ok(()))) {
            ("take", Ok(())) | ("take late", Err(Stale)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }
}

fn bench() -> Bench<Imap, Mailbox> {
    Bench::new(Imap::new(), Mailbox::default(), crate::start())
}

#[test]
fn transcripts() {
    mailwright_core::testing::run_transcripts(crate::scripts("multiappend"), |_| bench());
}

#[test]
fn the_continuation_waits_for_the_decision() {
    let mut bench = bench();
    bench.settle();
    let seen = bench.feed(b"a APPEND box {77}\r\n");
    assert_eq!(
        (crate::events(&seen), crate::output(&seen)),
        (vec!["append to box", "message of 77"], String::new())
    );
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply));
    bench.app.tell(&mut bench.machine, "take").unwrap();
    assert_eq!(bench.settle(), [Seen::Output(b"+ go on\r\n".to_vec())]);
}

#[test]
fn too_much_to_swallow_ends_it_for_good() {
    let mut bench = bench();
    bench.settle();
    let seen = bench.feed(b"a APPEND box {600+}\r\n");
    assert_eq!(crate::events(&seen), ["append to box", "message of 600"]);
    bench.feed(&[&[b'x'; 600][..], b" {401+}\r\n"].concat());
    assert!(bench.is_over());
    crate::assert_final(&mut bench, &Error::TooMuch);
}

/// Messages that look like protocol, and how each is announced.
fn messages() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let octets = prop::sample::select(vec![&b"\r\n"[..], b"a NOOP\r\n", b" {5+}\r\n", b"x", b"}"]);
    let message = prop::collection::vec(octets, 0..20).prop_map(|parts| parts.concat());
    prop::collection::vec((message, any::<bool>()), 1..4)
}

mailwright_core::properties! {
    #[test]
    fn all_or_nothing_however_it_arrives(
        messages in messages(),
        cuts in prop::collection::vec(0..500usize, 0..6),
    ) {
        let mut input = b"a APPEND box".to_vec();
        for (message, non_sync) in &messages {
            // The peer of a synchronising literal does not send what is refused.
            let non_sync = *non_sync || message.len() > 76;
            input.extend(format!(" {{{}{}}}\r\n", message.len(), if non_sync { "+" } else { "" }).bytes());
            input.extend(message);
        }
        input.extend(b"\r\nb NOOP\r\n");
        let refused = messages.iter().any(|(message, _)| message.len() > 100);
        prop_assume!(messages.iter().all(|(message, _)| message.len() != 77));
        prop_assume!(!refused || messages.iter().map(|(message, _)| message.len()).sum::<usize>() < 1000);
        // A synchronising literal behind a refused one ends the command: the peer stops there, too.
        let stops = messages.iter().skip_while(|(m, _)| m.len() <= 100).any(|(m, non_sync)| !non_sync && m.len() <= 76);
        prop_assume!(!stops);

        let seen = assert_any_split(&input, &cuts, bench);
        let output = String::from_utf8(seen.output).unwrap();
        let done = if refused { "a NO [TOOBIG] no\r\n".to_owned() } else {
            let uids = match messages.len() { 1 => "1".to_owned(), last => format!("1:{last}") };
            format!("a OK [APPENDUID 1 {uids}] done\r\n")
        };
        prop_assert!(output.ends_with(&(done + "b OK done\r\n")), "{}", output);

        let mut bench = bench();
        bench.feed(&input);
        let expected = if refused { Vec::new() } else { messages.into_iter().map(|(message, _)| message).collect() };
        prop_assert_eq!(bench.app.messages, expected);
    }
}
