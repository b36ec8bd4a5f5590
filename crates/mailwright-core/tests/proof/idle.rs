//! IDLE (RFC 2177) with changes that are pulled.
//!
//! Proves that a state may last for half an hour without a ticket; that a word from the application at any time
//! (`changed`) becomes a question when it suits the protocol; and that nothing piles up for a slow reader.

use std::fmt::Write;
use std::mem;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::testing::{App, Bench, Note, Seen, assert_any_split};
use mailwright_core::{Desk, Machine, Output, Progress, Stale, Ticket, Timers, Upgraded};
use proptest::prelude::*;

const HIGH_WATER: usize = 100;
const INACTIVE: Duration = Duration::from_secs(30 * 60);
const REPLY: Duration = Duration::from_secs(60);

/// The question what has changed since the last one.
#[derive(Debug)]
enum Changes {}

#[derive(Debug)]
enum Event {
    Sync { ticket: Ticket<Changes> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Error {
    #[error("the peer sent nothing for too long")]
    Inactive,
}

#[derive(Debug)]
enum State {
    Ready,
    Idle {
        tag: String,
    },
    /// A tagged reply, which is written behind the changes.
    Reply {
        line: String,
        synced: bool,
    },
    Closed,
    Failed(Error),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deadline {
    Inactive,
    Reply,
}

#[derive(Debug)]
struct Imap {
    desk: Desk,
    output: Output,
    timers: Timers<Deadline>,
    lines: LineFramer,
    state: State,
    changed: bool,
    eof: bool,
    shutdown: bool,
}

impl Imap {
    fn new(now: Instant) -> Self {
        let mut timers = Timers::new();
        timers.set(Deadline::Inactive, now + INACTIVE);
        Self {
            desk: Desk::new(),
            output: Output::new(HIGH_WATER),
            timers,
            lines: LineFramer::new(),
            state: State::Ready,
            changed: false,
            eof: false,
            shutdown: false,
        }
    }

    /// Something has changed in the mailbox: a hint, at any time, as often as one likes.
    fn changed(&mut self) {
        self.changed = true;
    }

    fn answer(&mut self, ticket: Ticket<Changes>, rows: &[&str]) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.timers.clear(Deadline::Reply);
        for row in rows {
            let _ = write!(self.output, "* {row}\r\n");
        }
        Ok(())
    }

    fn sync(&mut self, now: Instant) -> Progress<Event> {
        self.changed = false;
        self.timers.set(Deadline::Reply, now + REPLY);
        Progress::Event(Event::Sync { ticket: self.desk.open() })
    }

    fn bye(&mut self, why: &str, end: State) {
        let _ = write!(self.output, "* BYE {why}\r\n");
        self.desk.withdraw();
        self.timers.clear_all();
        self.state = end;
        self.output.release();
    }

    fn step(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        loop {
            match &mut self.state {
                State::Closed => return Ok(Progress::Closed),
                State::Failed(error) => return Err(*error),
                _ if self.output.room() == 0 => return Ok(Progress::NeedDrain),
                _ if self.desk.is_open() => return Ok(Progress::NeedReply),
                State::Reply { synced, .. } if self.changed && !*synced => {
                    *synced = true;
                    return Ok(self.sync(now));
                }
                State::Reply { line, .. } => {
                    let _ = write!(self.output, "{line}\r\n");
                    self.state = State::Ready;
                }
                State::Ready | State::Idle { .. } if self.shutdown => self.bye("closing", State::Closed),
                State::Ready | State::Idle { .. } => match self.lines.frame(input, LineLimits::default()) {
                    Line::Complete { len } => {
                        self.timers.set(Deadline::Inactive, now + INACTIVE);
                        let line = input.split_to(len);
                        self.line(String::from_utf8_lossy(&line).trim_end());
                    }
                    // What the peer has sent goes first, so that no flood of changes keeps its DONE waiting.
                    Line::NeedMore if self.changed && matches!(self.state, State::Idle { .. }) => {
                        return Ok(self.sync(now));
                    }
                    Line::NeedMore if self.eof => {
                        self.timers.clear_all();
                        self.state = State::Closed;
                    }
                    Line::NeedMore => return Ok(Progress::NeedInput),
                    _ => self.bye("not a line", State::Closed),
                },
            }
        }
    }

    fn line(&mut self, line: &str) {
        let reply = |line| State::Reply { line, synced: false };
        let (tag, verb) = line.split_once(' ').unwrap_or((line, ""));
        self.state = match (mem::replace(&mut self.state, State::Ready), verb) {
            (State::Idle { tag }, _) if line == "DONE" => reply(format!("{tag} OK no longer idle")),
            (State::Idle { tag }, _) => reply(format!("{tag} BAD not DONE")),
            (_, "NOOP") => reply(format!("{tag} OK done")),
            (_, "IDLE") => {
                self.output.put(b"+ idling\r\n");
                State::Idle { tag: tag.to_owned() }
            }
            (_, "LOGOUT") => {
                self.timers.clear_all();
                let _ = write!(self.output, "* BYE\r\n{tag} OK done\r\n");
                State::Closed
            }
            _ => reply(format!("{tag} BAD what?")),
        };
    }
}

impl Machine for Imap {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        let step = self.step(input, now);
        // Unlike SMTP's, no reply is held: in IDLE what was answered must not wait for the next question.
        self.output.release();
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
                Deadline::Inactive => self.bye("inactive for too long", State::Failed(Error::Inactive)),
                // The next Sync tells it: changes are counted from the last one that was answered.
                Deadline::Reply => self.desk.withdraw(),
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// Keeps the ticket, and answers when told.
#[derive(Debug, Default)]
struct Mailbox {
    kept: Option<Ticket<Changes>>,
}

impl App<Imap> for Mailbox {
    fn event(&mut self, _machine: &mut Imap, Event::Sync { ticket }: Event) -> Note {
        self.kept = Some(ticket);
        Note::Line("sync".to_owned())
    }

    fn tell(&mut self, machine: &mut Imap, line: &str) -> Result<(), String> {
        if line == "changed" {
            machine.changed();
            return Ok(());
        }
        let ticket = self.kept.take().ok_or("no ticket was kept")?;
        match (line, machine.answer(ticket, &[line])) {
            ("late", Err(Stale)) => Ok(()),
            (_, result) => result.map_err(|error| error.to_string()),
        }
    }
}

fn bench() -> Bench<Imap, Mailbox> {
    let now = crate::start();
    Bench::new(Imap::new(now), Mailbox::default(), now)
}

#[test]
fn transcripts() {
    mailwright_core::testing::run_transcripts(crate::scripts("idle"), |_| bench());
}

#[test]
fn idle_holds_no_ticket() {
    let mut bench = bench();
    bench.feed(b"a IDLE\r\n");
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedInput));
    assert!(!bench.machine.desk.is_open());
}

/// The driver writes nothing: the peer does not read. What is to be told stays with the application.
#[test]
fn for_a_slow_reader_nothing_piles_up() {
    let mut bench = bench();
    bench.feed(b"a IDLE\r\n");
    bench.machine.changed();
    let event = bench.machine.poll_event(&mut bench.input, bench.now).unwrap();
    let Progress::Event(Event::Sync { ticket }) = event else { panic!("{event:?}") };
    bench.machine.answer(ticket, &["x".repeat(HIGH_WATER).as_str()]).unwrap();
    let full = bench.machine.output().len();

    for _ in 0..10_000 {
        bench.machine.changed();
        assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedDrain));
    }
    bench.input.extend_from_slice(b"DONE\r\n");
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedDrain), "what it sends waits in the buffer");
    assert_eq!(bench.machine.output().len(), full);
    assert_eq!(bench.machine.output().ready(), full, "all of it may be written");

    bench.machine.output().advance(full);
    assert_eq!(bench.settle(), [Seen::Event("sync".to_owned())], "one for ten thousand changes");
    bench.app.tell(&mut bench.machine, "3 EXISTS").unwrap();
    assert_eq!(bench.settle(), [Seen::Output(b"* 3 EXISTS\r\na OK no longer idle\r\n".to_vec())]);
}

/// `NeedDrain` before `NeedReply` before `NeedInput`: one reason after the other falls away.
#[test]
fn the_reasons_to_wait_have_an_order() {
    let mut bench = bench();
    bench.feed(b"a IDLE\r\n");
    bench.machine.changed();
    let event = bench.machine.poll_event(&mut bench.input, bench.now).unwrap();
    let Progress::Event(Event::Sync { ticket }) = event else { panic!("{event:?}") };
    bench.machine.output().put(&[b'x'; HIGH_WATER]); // as a producer would
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedDrain), "and a question is open");
    bench.machine.output().advance(HIGH_WATER);
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply), "and there is no input");
    bench.machine.answer(ticket, &[]).unwrap();
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedInput));
}

#[test]
fn a_peer_that_left_cancels_no_answer() {
    let mut bench = bench();
    bench.feed(b"a IDLE\r\n");
    bench.machine.changed();
    assert_eq!(bench.settle(), [Seen::Event("sync".to_owned())]);
    bench.machine.handle_eof();
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply));
    let ticket = bench.app.kept.take().unwrap();
    assert_eq!(bench.machine.answer(ticket, &["3 EXISTS"]), Ok(()));
    assert_eq!(bench.settle(), [Seen::Output(b"* 3 EXISTS\r\n".to_vec()), Seen::End("Closed".to_owned())]);
}

#[test]
fn an_idle_peer_is_sent_away_for_good() {
    let mut bench = bench();
    bench.feed(b"a IDLE\r\n");
    bench.machine.handle_timeout(bench.now); // too early: nothing
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedInput));
    bench.machine.changed();
    bench.settle();
    bench.advance(INACTIVE);
    assert!(bench.is_over());
    bench.app.tell(&mut bench.machine, "late").unwrap();
    crate::assert_final(&mut bench, &Error::Inactive);
}

mailwright_core::properties! {
    #[test]
    fn any_split_means_the_same(
        lines in prop::collection::vec(prop::sample::select(vec!["a IDLE", "DONE", "b NOOP", "c", ""]), 0..12),
        cuts in prop::collection::vec(0..100usize, 0..6),
    ) {
        let input: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        assert_any_split(input.as_bytes(), &cuts, bench);
    }
}
