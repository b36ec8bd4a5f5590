//! A machine on the bench, as its contract has it: what is asked of it is in `mailwright_core::Machine`.

use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mailwright_core::{Machine, Progress, TlsInfo, Upgrade, Upgraded};

/// The application's side.
pub(crate) trait App<M: Machine> {
    /// Handles an event; answers it, or keeps it for [`late`](Self::late).
    fn event(&mut self, machine: &mut M, event: M::Event, replies: &mut Replies) -> Note;

    /// Answers what was kept, if anything was.
    fn late(&mut self, machine: &mut M, replies: &mut Replies);

    /// What the machine may keep of its input while it waits for more.
    fn input_max(&self) -> usize;

    /// What it may keep of its output.
    fn output_max(&self) -> usize;

    /// Whether this may be all that was sent, of a session that has come to this end, if to any.
    fn check_sent(&self, sent: &[u8], end: Option<&str>);
}

/// What is seen of an event; adjacent bodies are one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note {
    Line(String),
    Body(Vec<u8>),
}

/// What has to be said, and where in the output.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// Octets that were sent or are queued.
    at: usize,
    expected: Vec<(usize, Said)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    /// It begins so.
    This(&'static str),
    /// It does not begin so.
    Not(&'static str),
}

impl Replies {
    /// Asks that what is said next be so, if anything is.
    pub(crate) fn next(&mut self, said: Said) {
        self.expected.push((self.at, said));
    }

    fn check(&self, sent: &[u8]) {
        for &(at, said) in &self.expected {
            let Some(behind) = sent.get(at..).filter(|behind| behind.len() >= 4) else { continue };
            let is_so = match said {
                Said::This(start) => behind.starts_with(start.as_bytes()),
                Said::Not(start) => !behind.starts_with(start.as_bytes()),
            };
            assert!(is_so, "{said:?} was to be said, not {}", behind[..behind.len().min(80)].escape_ascii());
        }
    }
}

/// What happens to a machine.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Bytes(Vec<u8>),
    Wait(Duration),
    Eof,
    Shutdown,
    /// The application gives the answer that it held back.
    Late,
}

/// The steps that an input stands for. 0xFF cuts; 0xFE and an octet let time pass; 0xFD is the end of the
/// input; 0xFC asks the machine to close; 0xFB is a late answer; 0xFA has the next octet taken as it is.
pub(crate) fn script(data: &[u8]) -> Vec<Step> {
    const SECONDS: [u64; 16] = [0, 1, 10, 29, 30, 59, 60, 119, 120, 179, 180, 299, 300, 480, 600, 7200];
    let mut steps = Vec::new();
    let mut bytes = Vec::new();
    let mut data = data.iter().copied();
    while let Some(octet) = data.next() {
        let step = match octet {
            0xFA => {
                bytes.extend(data.next());
                continue;
            }
            0xFB => Step::Late,
            0xFC => Step::Shutdown,
            0xFD => Step::Eof,
            0xFE => Step::Wait(Duration::from_secs(SECONDS[usize::from(data.next().unwrap_or(0) & 15)])),
            0xFF => {
                steps.push(Step::Bytes(std::mem::take(&mut bytes)));
                continue;
            }
            octet => {
                bytes.push(octet);
                continue;
            }
        };
        steps.push(Step::Bytes(std::mem::take(&mut bytes)));
        steps.push(step);
    }
    steps.push(Step::Bytes(bytes));
    steps.retain(|step| !matches!(step, Step::Bytes(bytes) if bytes.is_empty()));
    steps
}

/// All octets of a script, if nothing else happens in it.
pub(crate) fn bytes_only(steps: &[Step]) -> Option<Vec<u8>> {
    let bytes = steps.iter().map(|step| match step {
        Step::Bytes(bytes) => Some(&bytes[..]),
        _ => None,
    });
    bytes.collect::<Option<Vec<_>>>().map(|bytes| bytes.concat())
}

/// A machine, its application, and the bytes between.
pub(crate) struct Bench<M: Machine, A> {
    pub(crate) machine: M,
    pub(crate) app: A,
    input: BytesMut,
    /// All that the peer has said.
    pub(crate) fed: Vec<u8>,
    now: Instant,
    /// What is sent is taken only when the machine has to have it taken.
    is_slow: bool,
    eof: bool,
    end: Option<String>,
    sent: Vec<u8>,
    notes: Vec<Note>,
    replies: Replies,
}

impl<M: Machine, A: App<M>> Bench<M, A> {
    pub(crate) fn new(machine: M, app: A, is_slow: bool) -> Self {
        Self {
            machine,
            app,
            input: BytesMut::new(),
            fed: Vec::new(),
            now: Instant::now(),
            is_slow,
            eof: false,
            end: None,
            sent: Vec::new(),
            notes: Vec::new(),
            replies: Replies::default(),
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !self.eof && self.end.is_none() {
            self.input.extend_from_slice(bytes);
            self.fed.extend_from_slice(bytes);
            self.settle();
        }
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Bytes(bytes) => return self.feed(bytes),
            Step::Wait(time) => return self.wait(*time),
            Step::Eof => {
                self.eof = true;
                self.machine.handle_eof();
            }
            Step::Shutdown => self.machine.handle_shutdown(),
            Step::Late => {
                self.replies.at = self.sent.len() + self.machine.output().len();
                self.app.late(&mut self.machine, &mut self.replies);
            }
        }
        self.settle();
    }

    /// Lets time pass, deadline by deadline, and now and then a moment too early.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= until && self.end.is_none()) {
            if let Some(early) = due.checked_sub(Duration::from_nanos(1)).filter(|early| *early > self.now) {
                let queued = self.machine.output().len();
                self.machine.handle_timeout(early);
                assert_eq!(self.machine.poll_timeout(), Some(due), "too early is no error and does nothing");
                assert_eq!(self.machine.output().len(), queued);
            }
            self.now = self.now.max(due);
            self.machine.handle_timeout(self.now);
            self.settle();
            assert_ne!(self.machine.poll_timeout(), Some(due), "a deadline that was handled is still set");
        }
        self.now = until;
    }

    /// Polls until the machine waits.
    pub(crate) fn settle(&mut self) {
        while self.end.is_none() {
            let progress = self.machine.poll_event(&mut self.input, self.now);
            assert!(self.machine.output().len() <= self.app.output_max(), "the output grows");
            match progress {
                Ok(Progress::Event(event)) => {
                    self.replies.at = self.sent.len() + self.machine.output().len();
                    let note = self.app.event(&mut self.machine, event, &mut self.replies);
                    match (self.notes.last_mut(), note) {
                        (Some(Note::Body(last)), Note::Body(more)) => last.extend(more),
                        (_, note) => self.notes.push(note),
                    }
                    continue;
                }
                Ok(Progress::Upgrade(Upgrade::Tls)) => {
                    self.drain();
                    assert!(self.machine.output().is_empty(), "held behind an upgrade");
                    // Another layer than the one that was asked for changes nothing.
                    self.machine.handle_upgrade(Upgraded::Deflate, self.now);
                    let again = self.machine.poll_event(&mut self.input, self.now);
                    assert!(matches!(again, Ok(Progress::Upgrade(Upgrade::Tls))));
                    self.machine.handle_upgrade(Upgraded::Tls(TlsInfo::new("TLS1.3", "", None)), self.now);
                    continue;
                }
                Ok(Progress::NeedDrain) => {
                    assert!(self.machine.output().has_remaining(), "NeedDrain without anything to drain");
                    self.drain();
                    continue;
                }
                Ok(Progress::NeedInput) => {
                    let kept = self.input.len();
                    assert!(kept <= self.app.input_max(), "{kept} octets of input are kept");
                    assert!(!self.eof, "NeedInput after the end of the input");
                    let output = self.machine.output();
                    assert_eq!(output.ready(), output.len(), "held while it waits for input");
                    assert!(self.machine.poll_timeout().is_some(), "waits for the peer without a deadline");
                }
                Ok(Progress::NeedReply) => {
                    assert!(self.machine.poll_timeout().is_some(), "waits for an answer without a deadline");
                }
                Ok(Progress::Closed) => self.end("Closed".to_owned()),
                Ok(other) => panic!("what it waits for is unknown: {}", name(&other)),
                Err(error) => self.end(error.to_string()),
            }
            break;
        }
        if !self.is_slow {
            self.drain();
        }
    }

    fn end(&mut self, how: String) {
        self.drain();
        assert!(self.machine.output().is_empty(), "held at the end");
        // The end is final and repeats, whatever comes.
        self.machine.handle_shutdown();
        self.machine.handle_timeout(self.now + Duration::from_secs(86_400));
        self.input.extend_from_slice(b"NOOP\r\nQUIT\r\n");
        for _ in 0..2 {
            match self.machine.poll_event(&mut self.input, self.now) {
                Ok(Progress::Closed) => assert_eq!(how, "Closed"),
                Err(error) => assert_eq!(error.to_string(), how),
                Ok(other) => panic!("{} after the end", name(&other)),
            }
            assert_eq!(self.machine.poll_timeout(), None, "a deadline after the end");
            assert!(self.machine.output().is_empty(), "said after the end");
            self.machine.handle_eof();
        }
        self.end = Some(how);
    }

    fn drain(&mut self) {
        let output = self.machine.output();
        let bytes = output.copy_to_bytes(output.remaining());
        self.sent.extend_from_slice(&bytes);
    }

    /// What has happened, all in all.
    pub(crate) fn finish(mut self) -> Seen {
        self.drain();
        self.app.check_sent(&self.sent, self.end.as_deref());
        self.replies.check(&self.sent);
        Seen { notes: self.notes, sent: self.sent, end: self.end }
    }
}

/// All that a machine did, whatever the order of output and events.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) notes: Vec<Note>,
    pub(crate) sent: Vec<u8>,
    pub(crate) end: Option<String>,
}

fn name<E>(progress: &Progress<E>) -> &'static str {
    match progress {
        Progress::Event(_) => "Event",
        Progress::NeedInput => "NeedInput",
        Progress::NeedReply => "NeedReply",
        Progress::NeedDrain => "NeedDrain",
        Progress::Upgrade(_) => "Upgrade",
        Progress::Closed => "Closed",
        _ => "another",
    }
}

/// Texts that an application might have from anywhere.
pub(crate) fn text(choice: u8) -> String {
    match choice % 6 {
        0 => "no".to_owned(),
        1 => "first\nsecond\r\n250 third".to_owned(),
        2 => "\u{1b}[2J\0\r\u{7f}".to_owned(),
        3 => "x".repeat(1200),
        4 => "ä".repeat(300),
        _ => String::new(),
    }
}

/// Every line is printable ASCII, ends in CRLF and has at most 512 octets.
pub(crate) fn check_lines(sent: &[u8]) {
    for line in sent.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n");
        let text = text.unwrap_or_else(|| panic!("no line: {}", line.escape_ascii()));
        assert!(text.iter().all(|octet| matches!(octet, b' '..=b'~')), "{}", line.escape_ascii());
        assert!(line.len() <= 512, "a line of {} octets", line.len());
    }
}
