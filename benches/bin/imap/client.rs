//! A client that is quick: it looks for the ends of responses and literals, and at nothing else.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mailwright_benches::client::{Stream, connect};
use memchr::memchr;
use rustls::ClientConfig;

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// A line has no more octets; `* SEARCH` with 100,000 numbers has fewer.
const LINE_MAX: usize = 4 << 20;
/// Messages that are on their way at once while a mailbox is filled.
const TOGETHER: usize = 100;
/// Octets that a server with LITERAL- takes unasked.
const LITERAL_MINUS: usize = 4096;

pub(crate) struct Imap {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    /// The part of it that was read from the stream and is not used yet.
    unused: Range<usize>,
    output: Vec<u8>,
    /// Commands that are not answered yet.
    waiting: usize,
    capabilities: Vec<String>,
}

/// What came before a tagged line or a request to go on, and that line.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Untagged responses.
    pub(crate) responses: usize,
    /// Numbers in `* SEARCH`.
    pub(crate) found: usize,
    line: String,
}

impl Answer {
    /// It is well.
    #[track_caller]
    fn ok(self) -> Self {
        assert!(self.line.starts_with("t OK"), "{}", self.line);
        self
    }

    fn is_to_go_on(&self) -> bool {
        self.line.starts_with('+')
    }
}

impl Imap {
    pub(crate) fn connect(addr: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Self {
        let mut imap = Self {
            stream: connect(addr, tls, PATIENCE),
            // There may be many of us: it grows with what comes.
            input: vec![0; 512],
            unused: 0..0,
            output: Vec::new(),
            waiting: 0,
            capabilities: Vec::new(),
        };
        let greeting = imap.line();
        assert!(imap.input[greeting].starts_with(b"* OK"), "this is no greeting of IMAP");
        imap
    }

    pub(crate) fn login(&mut self, user: &str, password: &str) {
        self.ask(&format!("LOGIN {user} {password}"));
        self.begin("CAPABILITY");
        self.end();
        let line = self.line();
        let line = String::from_utf8_lossy(&self.input[line]).to_ascii_uppercase();
        self.capabilities = line.split_whitespace().map(str::to_owned).collect();
        self.all_answered();
    }

    /// Sends a command, and gives the answer, which is OK.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> Answer {
        self.begin(command);
        self.end();
        self.waiting -= 1;
        self.answer().ok()
    }

    /// Idles.
    pub(crate) fn idle(&mut self) {
        self.begin("IDLE");
        self.end();
        let answer = self.answer();
        assert!(answer.is_to_go_on(), "IDLE: {}", answer.line);
    }

    /// Makes an empty mailbox of this name.
    pub(crate) fn create(&mut self, mailbox: &str) {
        self.begin(&format!("DELETE {mailbox}"));
        self.end();
        self.waiting -= 1;
        // There may have been none.
        self.answer();
        self.ask(&format!("CREATE {mailbox}"));
    }

    pub(crate) fn append(&mut self, mailbox: &str, message: &[u8]) {
        self.begin(&format!("APPEND {mailbox}"));
        self.literal(message);
        self.end();
        self.all_answered();
    }

    /// Appends messages with flags, the quickest way that the server takes them.
    pub(crate) fn fill(&mut self, mailbox: &str, messages: impl Iterator<Item = (&'static str, Vec<u8>)>) {
        let is_one_command = self.has("MULTIAPPEND");
        let append = format!("APPEND {mailbox}");
        let mut messages = messages.peekable();
        while messages.peek().is_some() {
            for (number, (flags, message)) in messages.by_ref().take(TOGETHER).enumerate() {
                if number > 0 && !is_one_command {
                    self.output.extend(b"\r\n");
                }
                if number == 0 || !is_one_command {
                    self.begin(&append);
                }
                self.output.extend(format!(" ({flags})").as_bytes());
                self.literal(&message);
            }
            self.end();
            self.all_answered();
        }
    }

    fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|one| one == capability)
    }

    fn begin(&mut self, command: &str) {
        self.waiting += 1;
        self.output.extend(b"t ");
        self.output.extend(command.as_bytes());
    }

    fn literal(&mut self, octets: &[u8]) {
        let is_unasked = self.has("LITERAL+") || (self.has("LITERAL-") && octets.len() <= LITERAL_MINUS);
        let plus = if is_unasked { "+" } else { "" };
        self.output.extend(format!(" {{{}{plus}}}\r\n", octets.len()).as_bytes());
        if !is_unasked {
            self.flush();
            loop {
                let answer = self.answer();
                if answer.is_to_go_on() {
                    break;
                }
                // Of a command before.
                answer.ok();
                self.waiting -= 1;
                assert_ne!(self.waiting, 0, "a literal is not taken");
            }
        }
        self.output.extend(octets);
    }

    fn end(&mut self) {
        self.output.extend(b"\r\n");
        self.flush();
    }

    fn flush(&mut self) {
        self.stream.write_all(&self.output).expect("a server that reads");
        self.output.clear();
    }

    #[track_caller]
    fn all_answered(&mut self) {
        while self.waiting > 0 {
            self.waiting -= 1;
            self.answer().ok();
        }
    }

    fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        loop {
            let range = self.line();
            let line = &self.input[range.clone()];
            if !line.starts_with(b"* ") {
                answer.line = String::from_utf8_lossy(line).into_owned();
                return answer;
            }
            answer.responses += 1;
            if let Some(numbers) = line.strip_prefix(b"* SEARCH") {
                answer.found += numbers.iter().filter(|&&octet| octet == b' ').count();
            }
            let mut literal = literal_of(line);
            while let Some(octets) = literal {
                self.skip(octets);
                let rest = self.line();
                literal = literal_of(&self.input[rest]);
            }
        }
    }

    /// The next line without its end.
    fn line(&mut self) -> Range<usize> {
        let mut looked = 0;
        loop {
            let unused = &self.input[self.unused.clone()];
            if let Some(at) = memchr(b'\n', &unused[looked..]) {
                let (start, end) = (self.unused.start, self.unused.start + looked + at);
                self.unused.start = end + 1;
                return start..end.saturating_sub(1).max(start);
            }
            looked = unused.len();
            self.read();
        }
    }

    fn skip(&mut self, mut octets: usize) {
        loop {
            let here = octets.min(self.unused.len());
            self.unused.start += here;
            octets -= here;
            if octets == 0 {
                return;
            }
            self.read();
        }
    }

    fn read(&mut self) {
        if self.unused.end == self.input.len() {
            if self.unused.start == 0 {
                assert!(self.input.len() < LINE_MAX, "a line without an end");
                self.input.resize(self.input.len() * 4, 0);
            } else {
                self.input.copy_within(self.unused.clone(), 0);
                self.unused = 0..self.unused.len();
            }
        }
        let count = self.stream.read(&mut self.input[self.unused.end..]).expect("a server that answers");
        assert_ne!(count, 0, "the server has closed");
        self.unused.end += count;
    }
}

/// Octets of the literal that a line announces.
fn literal_of(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}")?;
    let digits = line.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    let (before, digits) = line.split_at(line.len() - digits);
    if before.last() != Some(&b'{') {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}
