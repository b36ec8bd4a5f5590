//! One machine on the bench.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::clock::start;
use crate::machine::{Machine, Progress, TlsExporter, TlsInfo, Upgrade, Upgraded};

/// The application's side in a test.
pub trait App<M: Machine> {
    /// Handles an event, answers its ticket or keeps it, and says what the test is to see of it.
    fn event(&mut self, machine: &mut M, event: M::Event) -> Note;

    /// Something that the test tells the application: a line `A< ...` of a transcript.
    ///
    /// # Errors
    /// A text that says what is wrong with the line.
    fn tell(&mut self, _machine: &mut M, line: &str) -> Result<(), String> {
        Err(format!("this application takes no orders: {line}"))
    }
}

/// What a test sees of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A line.
    Line(String),
    /// A piece of a body; adjacent pieces are one.
    Body(Bytes),
}

/// What has been seen, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An event, as its [`Note`] says.
    Event(String),
    /// Bodies, joined.
    Body(Vec<u8>),
    /// Bytes for the peer, joined.
    Output(Vec<u8>),
    /// The machine asked for a layer, and got it.
    Upgraded(Upgrade),
    /// The machine is done: `Closed`, or the error.
    End(String),
}

/// A machine, its application, and the bytes between.
#[derive(Debug)]
pub struct Bench<M: Machine, A> {
    /// The machine.
    pub machine: M,
    /// Its application.
    pub app: A,
    /// What the machine has not taken yet.
    pub input: BytesMut,
    /// The time on the bench.
    pub now: Instant,
    ended: bool,
}

impl<M: Machine, A: App<M>> Bench<M, A> {
    /// A machine that was made at [`Bench::start`].
    pub fn new(machine: M, app: A, now: Instant) -> Self {
        Self { machine, app, input: BytesMut::new(), now, ended: false }
    }

    /// An instant to make machines at.
    pub fn start() -> Instant {
        start()
    }

    /// Whether the machine has closed or failed.
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// Lets time pass, deadline by deadline, as a driver would.
    pub fn advance(&mut self, by: Duration) -> Vec<Seen> {
        let until = self.now + by;
        let mut seen = Vec::new();
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= until && !self.ended) {
            self.now = self.now.max(due);
            self.machine.handle_timeout(self.now);
            seen.extend(self.settle());
            assert_ne!(self.machine.poll_timeout(), Some(due), "a deadline that was handled is still set");
        }
        self.now = until;
        seen
    }

    /// The peer sends `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Seen> {
        self.input.extend_from_slice(bytes);
        self.settle()
    }

    /// Polls until the machine waits, and takes its output.
    pub fn settle(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        while !self.ended {
            match self.machine.poll_event(&mut self.input, self.now) {
                Ok(Progress::Event(event)) => {
                    let note = self.app.event(&mut self.machine, event);
                    see(&mut seen, note.into());
                    continue;
                }
                Ok(Progress::Upgrade(upgrade)) => {
                    self.take_output(&mut seen);
                    let done = match upgrade {
                        Upgrade::Tls => {
                            let tls = TlsInfo::new("TLS1.3", "TLS_AES_128_GCM_SHA256", None);
                            Upgraded::Tls(tls.with_exporter(Some(TlsExporter::new([0; 32]))))
                        }
                        Upgrade::Deflate => Upgraded::Deflate,
                    };
                    self.machine.handle_upgrade(done, self.now);
                    see(&mut seen, Seen::Upgraded(upgrade));
                    continue;
                }
                Ok(Progress::NeedDrain) => {
                    assert!(self.machine.output().has_remaining(), "NeedDrain without anything to drain");
                    self.take_output(&mut seen);
                    continue;
                }
                Ok(Progress::Closed) => self.end(&mut seen, "Closed".to_owned()),
                Err(error) => self.end(&mut seen, error.to_string()),
                Ok(Progress::NeedInput | Progress::NeedReply) => {}
            }
            break;
        }
        self.take_output(&mut seen);
        seen
    }

    fn end(&mut self, seen: &mut Vec<Seen>, how: String) {
        self.take_output(seen);
        assert!(self.machine.output().is_empty(), "held output at the end");
        assert_eq!(self.machine.poll_timeout(), None, "a deadline after the end");
        self.ended = true;
        see(seen, Seen::End(how));
    }

    fn take_output(&mut self, seen: &mut Vec<Seen>) {
        let output = self.machine.output();
        let bytes = output.copy_to_bytes(output.remaining());
        if !bytes.is_empty() {
            see(seen, Seen::Output(bytes.to_vec()));
        }
    }
}

impl From<Note> for Seen {
    fn from(note: Note) -> Self {
        match note {
            Note::Line(line) => Self::Event(line),
            Note::Body(body) => Self::Body(body.to_vec()),
        }
    }
}

/// Appends, joining what is adjacent.
pub(super) fn see(seen: &mut Vec<Seen>, next: Seen) {
    match (seen.last_mut(), next) {
        (Some(Seen::Body(last)), Seen::Body(more)) | (Some(Seen::Output(last)), Seen::Output(more)) => {
            last.extend(more);
        }
        (_, next) => seen.push(next),
    }
}
