//! SEARCH BODY and TEXT: in a message's octets, as they are read.

use std::ops::Range;

use super::fold::{fold, fold_ascii, foldable};
use super::header::FoldedField;
use super::needle::Needle;
use crate::charset::{Charset, CharsetDecoder};
use crate::error::ScanError;
use crate::part::PartKind;
use crate::scan::{Record, Scan};
use crate::syntax::lexer::join_lines;
use crate::transfer::{TransferDecoder, TransferEncoding};

/// Where a text is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchScope {
    /// `BODY`: in the decoded texts of a message. Messages within it are part of its body, with their headers; the
    /// headers of parts are not.
    Body,
    /// `TEXT`: there and in all headers.
    Text,
}

/// Searches messages, one after the other, for a text. It asks for no more of a message than it needs: attachments that
/// are no texts are not read.
///
/// ```
/// use mailwright_message::{Needle, SearchScope, TextSearch, scan};
///
/// let message = b"Content-Type: text/plain; charset=iso-8859-1\r\n\
///     Content-Transfer-Encoding: quoted-printable\r\n\r\nTh=E9 at fo=\r\nur.\r\n";
/// let mut search = TextSearch::new(Needle::new("THÉ AT FOUR"), SearchScope::Body);
/// search.begin(&scan(message))?;
/// while let Some(wanted) = search.wanted() {
///     let at = wanted.start as usize;
///     let end = message.len().min(at + 10); // as much as is at hand
///     search.feed(wanted.start, &message[at..end]);
/// }
/// assert!(search.found());
/// # Ok::<(), mailwright_message::ScanError>(())
/// ```
#[derive(Debug)]
pub struct TextSearch {
    scope: SearchScope,
    window: Window,
    regions: Vec<Region>,
    /// The region that is being read.
    region: usize,
    /// How far the message has been read.
    at: u64,
    reader: Option<RegionReader>,
}

/// Texts of a message that are searched together.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: u64,
    end: u64,
    kind: RegionKind,
}

#[derive(Debug, Clone, Copy)]
enum RegionKind {
    Header,
    Body { transfer: TransferEncoding, charset: Charset },
}

/// Octets that are decoded at a time. Bounds the memory of a search, to about ten times that.
const PIECE: usize = 16 * 1024;

impl TextSearch {
    /// A search for `needle`. It can be used for any number of messages, and keeps its memory.
    pub fn new(needle: Needle, scope: SearchScope) -> Self {
        Self { scope, window: Window::new(needle), regions: Vec::new(), region: 0, at: 0, reader: None }
    }

    /// Begins with a message.
    ///
    /// # Errors
    /// If its parts were left out of the scan, or are damaged.
    pub fn begin(&mut self, scan: &Scan) -> Result<(), ScanError> {
        self.window.begin();
        self.regions.clear();
        (self.region, self.at, self.reader) = (0, 0, None);
        let root = scan.root()?;
        self.add(scan, &root)?;
        // Containers that are not at their end: their parts, one after the other.
        let mut open = Vec::new();
        if root.kind.has_parts() {
            open.push(scan.parts_of(&root));
        }
        while let Some(parts) = open.last_mut() {
            let Some(part) = parts.next() else {
                open.pop();
                continue;
            };
            let part = part?;
            self.add(scan, &part)?;
            if part.kind.has_parts() {
                open.push(scan.parts_of(&part));
            }
        }
        Ok(())
    }

    fn add(&mut self, scan: &Scan, part: &Record) -> Result<(), ScanError> {
        let mut add = |range: &Range<u64>, kind| {
            if !range.is_empty() {
                self.regions.push(Region { start: range.start, end: range.end, kind });
            }
        };
        if self.scope == SearchScope::Text || part.has_envelope {
            add(&part.header, RegionKind::Header);
        }
        if part.kind == PartKind::Text {
            let coding = scan.coding(part)?;
            // One that is not known may be none at all.
            let transfer = coding.encoding.and_then(TransferEncoding::named);
            let transfer = transfer.unwrap_or(TransferEncoding::Identity);
            add(&part.body, RegionKind::Body { transfer, charset: Charset::named(coding.charset) });
        }
        Ok(())
    }

    /// What of the message is to be fed next; nothing if it is decided.
    pub fn wanted(&self) -> Option<Range<u64>> {
        let region = self.regions.get(self.region).filter(|_| !self.window.found)?;
        Some(region.start.max(self.at)..region.end)
    }

    /// Whether the text was found in what was fed.
    pub fn found(&self) -> bool {
        self.window.found
    }

    /// Takes octets of the message that begin at its octet `at`. Any that contain the first one that is wanted are right:
    /// what is not wanted is passed over, so that the whole message can be fed in pieces as well.
    pub fn feed(&mut self, at: u64, octets: &[u8]) {
        let end = at.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        while let Some(wanted) = self.wanted() {
            if wanted.start >= end {
                break;
            }
            // What is skipped by the caller is searched as if it were not there.
            let from = wanted.start.max(at);
            let to = wanted.end.min(end);
            let place = |offset: u64| usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
            let piece = octets.get(place(from)..place(to)).unwrap_or_default();
            self.read(piece);
            self.at = to.max(from);
            if self.at >= wanted.end {
                self.end_region();
            }
        }
        self.at = self.at.max(end);
    }

    fn read(&mut self, octets: &[u8]) {
        let Some(region) = self.regions.get(self.region) else { return };
        let reader = self.reader.get_or_insert_with(|| RegionReader::new(region.kind));
        for piece in octets.chunks(PIECE) {
            match reader {
                RegionReader::Header(header) => header.read(piece, &mut self.window),
                RegionReader::Body(body) => body.read(piece, &mut self.window),
            }
            if self.window.found {
                return;
            }
        }
    }

    fn end_region(&mut self) {
        match self.reader.take() {
            Some(RegionReader::Header(mut header)) => header.end_field(&mut self.window),
            Some(RegionReader::Body(body)) => body.finish(&mut self.window),
            None => {}
        }
        self.window.clear();
        self.region += 1;
    }
}

/// The folded text that was decoded last, with so much of what was before that nothing is missed between.
#[derive(Debug)]
struct Window {
    needle: Needle,
    folded: Vec<u8>,
    found: bool,
    text: TextBuffer,
}

/// Decoded texts that are not folded yet; here, so that their memory is used again.
#[derive(Debug, Default)]
struct TextBuffer {
    octets: Vec<u8>,
    text: String,
}

impl Window {
    fn new(needle: Needle) -> Self {
        Self { needle, folded: Vec::new(), found: false, text: TextBuffer::default() }
    }

    fn begin(&mut self) {
        self.clear();
        self.found = self.needle.is_empty();
    }

    /// What was before does not belong to what comes.
    fn clear(&mut self) {
        self.folded.clear();
        self.text.text.clear();
    }

    /// Searches what was folded.
    fn search(&mut self) {
        self.found = self.found || self.needle.is_in(&self.folded);
        let keep = self.needle.len().saturating_sub(1);
        let gone = self.folded.len().saturating_sub(keep);
        self.folded.drain(..gone);
    }
}

enum RegionReader {
    Header(HeaderReader),
    Body(Box<BodyReader>),
}

impl std::fmt::Debug for RegionReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header(_) => "Header",
            Self::Body(_) => "Body",
        })
    }
}

impl RegionReader {
    fn new(kind: RegionKind) -> Self {
        match kind {
            RegionKind::Header => Self::Header(HeaderReader::default()),
            RegionKind::Body { transfer, charset } => Self::Body(Box::new(BodyReader {
                transfer: (transfer != TransferEncoding::Identity).then(|| TransferDecoder::new(transfer)),
                charset: CharsetDecoder::new(charset),
            })),
        }
    }
}

/// Reads a header, field by field.
#[derive(Default)]
struct HeaderReader {
    field: Vec<u8>,
    folded: FoldedField,
}

impl HeaderReader {
    fn read(&mut self, octets: &[u8], window: &mut Window) {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            let is_continued = line.first().is_some_and(|first| matches!(first, b' ' | b'\t'));
            if self.field.ends_with(b"\n") && !is_continued {
                self.end_field(window);
            }
            let mut line = line;
            while !line.is_empty() {
                // A field of any length is searched, longer ones in pieces.
                let room = PIECE.saturating_sub(self.field.len());
                let (taken, rest) = line.split_at_checked(room).unwrap_or((line, &[]));
                self.field.extend_from_slice(taken);
                line = rest;
                if self.field.len() >= PIECE {
                    self.search(window);
                }
            }
        }
    }

    fn end_field(&mut self, window: &mut Window) {
        self.search(window);
        window.clear();
    }

    fn search(&mut self, window: &mut Window) {
        self.folded.clear();
        self.folded.add(&join_lines(&self.field));
        self.field.clear();
        window.folded.extend_from_slice(self.folded.folded());
        window.search();
    }
}

/// Reads a text.
struct BodyReader {
    transfer: Option<TransferDecoder>,
    charset: CharsetDecoder,
}

impl BodyReader {
    fn read(&mut self, octets: &[u8], window: &mut Window) {
        let Some(transfer) = &mut self.transfer else {
            self.charset(octets, false, window);
            return window.search();
        };
        let mut decoded = std::mem::take(&mut window.text.octets);
        decoded.clear();
        transfer.feed(octets, &mut decoded);
        self.charset(&decoded, false, window);
        window.text.octets = decoded;
        window.search();
    }

    fn finish(mut self, window: &mut Window) {
        let mut decoded = std::mem::take(&mut window.text.octets);
        decoded.clear();
        if let Some(transfer) = self.transfer.take() {
            transfer.finish(&mut decoded);
        }
        self.charset(&decoded, true, window);
        window.text.octets = decoded;
        window.search();
    }

    fn charset(&mut self, octets: &[u8], last: bool, window: &mut Window) {
        let text = &mut window.text.text;
        if octets.is_ascii() && self.charset.passes_ascii() {
            fold(text, &mut window.folded);
            text.clear();
            return fold_ascii(octets, &mut window.folded);
        }
        self.charset.feed(octets, last, text);
        // What is combined with the last character may be still to come; but not without end.
        let mut ready = foldable(text);
        if last || text.len().saturating_sub(ready) > PIECE {
            ready = text.len();
        }
        fold(text.get(..ready).unwrap_or_default(), &mut window.folded);
        text.drain(..ready);
    }
}
