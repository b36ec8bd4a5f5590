//! The scanner: reads a message once, while it arrives.

use memchr::{memchr, memchr_iter, memchr2, memmem, memrchr};

use crate::delimiter::{Delimiter, OpenBoundaries};
use crate::envelope::EnvelopeDraft;
use crate::header::HeaderDraft;
use crate::limits::{DEEPEST, ScanLimits};
use crate::outline::{Outline, Place};
use crate::part::{PartKind, Surroundings};
use crate::scan::Scan;
use crate::syntax::date::SentDate;

/// Reads a message once, in pieces of any size, and keeps what is needed to answer IMAP's questions without it.
///
/// Its memory is bounded by [`ScanLimits`], its time proportional to the message's octets, whatever it is fed. How
/// the octets are cut changes nothing. Lines end with LF; a CR in front of it belongs to the line end.
///
/// ```
/// use mailwright_message::{ScanLimits, Scanner};
///
/// let mut scanner = Scanner::new(ScanLimits::default());
/// scanner.feed(b"Subject: te");
/// scanner.feed(b"a?\r\n\r\nAt four.\r\n");
/// let scan = scanner.finish();
/// assert_eq!(scan.envelope()?.subject, Some(&b"tea?"[..]));
/// assert_eq!(scan.size(), 27);
/// # Ok::<(), mailwright_message::ScanError>(())
/// ```
#[derive(Debug)]
pub struct Scanner {
    limits: ScanLimits,
    place: Place,
    state: State,
    outline: Outline,
    open: OpenBoundaries,
    header: HeaderDraft,
    /// The innermost part that is not at its end.
    current: usize,
    addresses_left: usize,
    sent: Option<SentDate>,
    /// The beginning of a line that may be a delimiter, and where it is.
    candidate: Vec<u8>,
    candidate_at: Place,
    /// Looks for lines that may be delimiters.
    dashes: memmem::Finder<'static>,
    is_limited: bool,
}

/// Where in what kind of line the next octet is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// At the first octet of a header's line.
    HeaderLine,
    /// Behind a CR at the begin of a header's line.
    HeaderCr,
    /// In a field's name.
    FieldName,
    /// In a line of a field whose value is wanted.
    FieldValue,
    /// In any other line of a header.
    HeaderRest,
    /// At the first octet of a body's line.
    BodyLine,
    /// Further on in it.
    BodyRest,
    /// In a line that may be a delimiter, in a header or a body.
    Candidate { in_header: bool },
    /// Behind what makes a line a delimiter.
    DelimiterRest {
        /// The container in which a part begins.
        begins_in: Option<usize>,
    },
}

/// What to do when the octets of a step are counted.
enum Then {
    Nothing,
    EndHeader,
    Decide,
    /// Ends a delimiter's line, behind which a part of this container may begin.
    EndDelimiter {
        begins_in: Option<usize>,
    },
}

impl Scanner {
    /// At the first octet of a message.
    pub fn new(limits: ScanLimits) -> Self {
        let limits = ScanLimits { depth: limits.depth.min(DEEPEST), ..limits };
        let mut scanner = Self {
            addresses_left: limits.addresses,
            open: OpenBoundaries::new(limits.boundary_octets),
            outline: Outline::new(limits.kept_octets),
            limits,
            place: Place::default(),
            state: State::HeaderLine,
            header: HeaderDraft::default(),
            current: 0,
            sent: None,
            candidate: Vec::new(),
            candidate_at: Place::default(),
            dashes: memmem::Finder::new(b"\n--"),
            is_limited: false,
        };
        scanner.begin_part(None, true);
        scanner
    }

    /// The next octets of the message.
    pub fn feed(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some(first) = rest.first() {
            let (taken, then) = self.step(*first, rest);
            let (step, next) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            self.place.advance(step);
            rest = next;
            match then {
                Then::Nothing => {}
                Then::EndHeader => self.end_header(true),
                Then::Decide => self.decide(),
                Then::EndDelimiter { begins_in } => self.end_delimiter(begins_in),
            }
        }
    }

    /// All octets were fed.
    pub fn finish(mut self) -> Scan {
        if let State::Candidate { .. } = self.state {
            // A delimiter needs no line end if nothing follows it.
            self.decide();
        }
        if self.in_header() {
            self.end_header(false);
        }
        self.outline.close(self.current, None, &self.place);
        let is_limited = self.is_limited || self.outline.is_limited();
        Scan::assemble(&self.outline, self.place.octets, self.sent, is_limited)
    }

    fn in_header(&self) -> bool {
        match self.state {
            State::HeaderLine
            | State::HeaderCr
            | State::FieldName
            | State::FieldValue
            | State::HeaderRest
            | State::Candidate { in_header: true } => true,
            State::BodyLine
            | State::BodyRest
            | State::Candidate { in_header: false }
            | State::DelimiterRest { .. } => false,
        }
    }

    /// Takes some of the octets, of which there is one at least; or none, and changes the state.
    fn step(&mut self, first: u8, rest: &[u8]) -> (usize, Then) {
        match self.state {
            State::HeaderLine => self.header_line(first),
            State::HeaderCr if first == b'\n' => (1, Then::EndHeader),
            State::HeaderCr => {
                self.header.end_field(&mut self.addresses_left);
                self.state = State::HeaderRest;
                (0, Then::Nothing)
            }
            State::FieldName | State::FieldValue | State::HeaderRest => (self.field(rest), Then::Nothing),
            State::BodyLine if first == b'-' && !self.open.is_empty() => {
                self.begin_candidate(false);
                (0, Then::Nothing)
            }
            State::BodyLine => {
                self.state = State::BodyRest;
                (0, Then::Nothing)
            }
            State::BodyRest => (self.body(rest), Then::Nothing),
            State::Candidate { .. } => self.gather_candidate(rest),
            State::DelimiterRest { begins_in } => match memchr(b'\n', rest) {
                None => (rest.len(), Then::Nothing),
                Some(at) => (at + 1, Then::EndDelimiter { begins_in }),
            },
        }
    }

    fn header_line(&mut self, first: u8) -> (usize, Then) {
        match first {
            b'\n' => return (1, Then::EndHeader),
            b'\r' => {
                self.state = State::HeaderCr;
                return (1, Then::Nothing);
            }
            b' ' | b'\t' => {
                let is_reading = self.header.is_reading();
                self.state = if is_reading { State::FieldValue } else { State::HeaderRest };
            }
            b'-' if !self.open.is_empty() => self.begin_candidate(true),
            _ => self.begin_field(),
        }
        (0, Then::Nothing)
    }

    fn begin_field(&mut self) {
        self.header.end_field(&mut self.addresses_left);
        self.header.begin_name();
        self.state = State::FieldName;
    }

    /// Takes octets of a field, up to the end of its name or line.
    fn field(&mut self, rest: &[u8]) -> usize {
        if self.state == State::FieldName {
            let Some(at) = memchr2(b':', b'\n', rest) else {
                self.header.add_name(rest);
                return rest.len();
            };
            if rest.get(at) == Some(&b'\n') {
                // No field: a line without colon.
                self.state = State::HeaderLine;
                return at + 1;
            }
            self.header.add_name(rest.get(..at).unwrap_or_default());
            let is_wanted = self.header.end_name();
            self.state = if is_wanted { State::FieldValue } else { State::HeaderRest };
            return at + 1;
        }
        let taken = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let line = rest.get(..taken).unwrap_or_default();
        if self.state == State::FieldValue {
            self.header.add_value(line);
        }
        if line.ends_with(b"\n") {
            self.state = State::HeaderLine;
        }
        taken
    }

    /// Takes octets of a body, up to a line that may be a delimiter.
    fn body(&mut self, rest: &[u8]) -> usize {
        if self.open.is_empty() {
            return rest.len();
        }
        if let Some(at) = self.dashes.find(rest) {
            self.state = State::BodyLine;
            return at + 1;
        }
        // There is none, unless the octets end within it.
        let tail = rest.get(rest.len().saturating_sub(2)..).unwrap_or_default();
        match memrchr(b'\n', tail) {
            Some(at) if tail.get(at + 1..).is_some_and(|behind| matches!(behind, [] | [b'-'])) => {
                self.state = State::BodyLine;
                rest.len() - tail.len() + at + 1
            }
            _ => rest.len(),
        }
    }

    fn begin_candidate(&mut self, in_header: bool) {
        self.candidate.clear();
        self.candidate_at = self.place;
        self.state = State::Candidate { in_header };
    }

    fn gather_candidate(&mut self, rest: &[u8]) -> (usize, Then) {
        let room = self.open.longest_line().saturating_sub(self.candidate.len()).max(1);
        let rest = rest.get(..room).unwrap_or(rest);
        let taken = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        self.candidate.extend_from_slice(rest.get(..taken).unwrap_or_default());
        let is_decided = self.candidate.ends_with(b"\n") || self.candidate.len() >= self.open.longest_line();
        (taken, if is_decided { Then::Decide } else { Then::Nothing })
    }

    /// Whether the candidate is a delimiter; it is a whole line, or its beginning, and that long enough.
    fn decide(&mut self) {
        let in_header = self.in_header();
        let line = std::mem::take(&mut self.candidate);
        let is_whole = line.ends_with(b"\n");
        match self.open.delimiter(&line) {
            Some(delimiter) => self.delimiter(delimiter, in_header, is_whole),
            None if in_header => {
                self.begin_field();
                let mut rest = line.as_slice();
                while !rest.is_empty() && self.state != State::HeaderLine {
                    let taken = self.field(rest);
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
            None => self.state = if is_whole { State::BodyLine } else { State::BodyRest },
        }
        self.candidate = line;
    }

    fn delimiter(&mut self, delimiter: Delimiter, in_header: bool, is_whole: bool) {
        // "The CRLF preceding the boundary delimiter line is conceptually attached to the boundary."
        let end = self.candidate_at.before_line_end();
        if in_header {
            self.end_header_at(end, false);
        }
        let Some(container) = self.open.close(&delimiter) else { return };
        self.outline.close(self.current, Some(container), &end);
        self.current = container;
        let begins_in = (!delimiter.is_last).then_some(container);
        if is_whole {
            self.end_delimiter(begins_in);
        } else {
            self.state = State::DelimiterRest { begins_in };
        }
    }

    fn end_delimiter(&mut self, begins_in: Option<usize>) {
        // This line end is the delimiter's, even if the next line is another.
        self.place.line_end = 0;
        match begins_in {
            Some(container) => self.begin_part(Some(container), false),
            None => self.state = State::BodyLine,
        }
    }

    /// Begins a part here: one of `within`, or the message itself.
    fn begin_part(&mut self, within: Option<usize>, is_message: bool) {
        if self.outline.len() >= self.limits.parts && within.is_some() {
            self.is_limited = true;
            self.state = State::BodyLine;
            return;
        }
        self.current = self.outline.begin(within, &self.place);
        let envelope = is_message.then(EnvelopeDraft::default);
        self.header = HeaderDraft::new(envelope, self.limits.header_octets, self.limits.fields);
        self.state = State::HeaderLine;
    }

    /// The header is at its end, here.
    fn end_header(&mut self, has_body: bool) {
        // This line end is the header's, even if the next line is a delimiter.
        self.place.line_end = 0;
        self.end_header_at(self.place, has_body);
    }

    fn end_header_at(&mut self, place: Place, has_body: bool) {
        let mut header = std::mem::take(&mut self.header);
        header.end_field(&mut self.addresses_left);
        let depth = self.outline.depth(self.current);
        let around = Surroundings {
            in_digest: self.outline.is_in_digest(self.current),
            may_nest: depth < self.limits.depth && self.outline.len() < self.limits.parts,
            parameters: self.limits.parameters,
        };
        let part = header.part.finish(around);
        self.is_limited |= header.cut || !part.complete;
        if depth == 0 {
            let date = header.envelope.as_ref().and_then(EnvelopeDraft::date);
            self.sent = date.and_then(SentDate::parse);
        }
        self.outline.end_header(self.current, &place, &part, header.envelope.as_ref());
        self.state = State::BodyLine;
        match part.kind {
            PartKind::Multipart if has_body => {
                if let Some(boundary) = &part.boundary {
                    self.open.open(boundary, self.current);
                }
            }
            PartKind::Message => {
                let place = std::mem::replace(&mut self.place, place);
                self.begin_part(Some(self.current), true);
                if !has_body {
                    // Nothing is left for it, but a message it is.
                    self.end_header(false);
                }
                self.place = place;
            }
            _ => {}
        }
    }
}

impl Place {
    /// The same, without the line end just before it.
    fn before_line_end(self) -> Self {
        Self {
            octets: self.octets.saturating_sub(self.line_end),
            lines: self.lines.saturating_sub(u64::from(self.line_end > 0)),
            line_end: 0,
            behind_cr: false,
        }
    }

    /// Counts what was read.
    fn advance(&mut self, octets: &[u8]) {
        let Some((last, before)) = octets.split_last() else { return };
        let count = |octets: usize| u64::try_from(octets).unwrap_or_default();
        self.octets += count(octets.len());
        self.lines += count(memchr_iter(b'\n', octets).count());
        let behind_cr = before.last().map_or(self.behind_cr, |octet| *octet == b'\r');
        self.line_end = if *last == b'\n' { 1 + u64::from(behind_cr) } else { 0 };
        self.behind_cr = *last == b'\r';
    }
}

/// Scans a message that is in memory.
///
/// ```
/// let scan = mailwright_message::scan(b"From: ann@example.org\r\n\r\n");
/// assert_eq!(scan.envelope()?.from[0].host.as_deref(), Some(&b"example.org"[..]));
/// # Ok::<(), mailwright_message::ScanError>(())
/// ```
pub fn scan(message: &[u8]) -> Scan {
    let mut scanner = Scanner::new(ScanLimits::default());
    scanner.feed(message);
    scanner.finish()
}
