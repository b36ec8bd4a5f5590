//! What a scanner found, as it is kept.
//!
//! The octets of version 1; numbers are LEB128, texts their doubled length and then themselves, or an odd number for
//! a known word (`words.rs`), ranges relative to what they are in:
//!
//! ```text
//! scan     = flags(1) size header [sent(9)] [length envelope] [part]
//! envelope = there(2) *text *list                    list    = count *address
//! address  = there(1) *text                          part    = length record [below(4)] *part
//! record   = kind(1) start header body lines [below(4)] fields [envelope]
//! fields   = there(1) [type] subtype parameters [encoding] [id] [description] [disposition parameters]
//!            [md5] [count *language] [location]
//! ```
//!
//! `below`, of a container, are the octets of all that is in it, so that it can be passed over.

use std::ops::Range;

use bytes::Bytes;
use mailwright_core::{BodyKind, BodyStructure, Content, Envelope, SinglePart};

use crate::envelope::EnvelopeReader;
use crate::error::ScanError;
use crate::limits::DEEPEST;
use crate::outline::{Outline, Part};
use crate::part::{PartCoding, PartFields, PartKind, empty_text};
use crate::syntax::date::SentDate;
use crate::wire::{Reader, length, put_number};

/// The envelope is there.
const ENVELOPE: u8 = 1;
/// The parts are there.
const PARTS: u8 = 1 << 1;
/// A date is there.
const SENT: u8 = 1 << 2;
/// The scanner met a limit.
const LIMITED: u8 = 1 << 3;

/// In the first octet of a record.
const HAS_ENVELOPE: u8 = 1 << 7;

/// What is known of a message without reading it: where everything is, ENVELOPE, BODYSTRUCTURE. Made by a
/// [`Scanner`](crate::Scanner), kept as octets, and read from them piece by piece: what is not asked for costs
/// nothing, and texts are slices of those octets.
///
/// Copies are cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    octets: Bytes,
    flags: u8,
    size: u64,
    header: u64,
    sent: Option<SentDate>,
    /// Empty if there is none.
    envelope: Range<usize>,
    parts: usize,
}

impl Scan {
    /// The version of the format that [`octets`](Self::octets) has. Others are not read.
    pub const VERSION: u16 = 1;

    /// Reads a scan that was kept. Only its first octets are looked at; what is behind them is when it is asked for.
    ///
    /// # Errors
    /// If it is of another version, or no scan. The message can be scanned again.
    pub fn decode(version: u16, octets: Bytes) -> Result<Self, ScanError> {
        if version != Self::VERSION {
            return Err(ScanError::Version(version));
        }
        let mut reader = Reader::new(&octets, 0, usize::MAX);
        let flags = reader.octet()?;
        let (size, header) = (reader.number()?, reader.number()?);
        let sent = if flags & SENT == 0 { None } else { Some(sent(reader.octets()?)) };
        let envelope = if flags & ENVELOPE == 0 { 0 } else { reader.count()? };
        let start = reader.at();
        let end = start.checked_add(envelope).filter(|end| *end <= octets.len() && header <= size);
        let parts = end.ok_or(ScanError::Damaged)?;
        Ok(Self { octets, flags, size, header, sent, envelope: start..parts, parts })
    }

    /// The octets to keep, with their [`VERSION`](Self::VERSION).
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// The same in at most `octets`, if it can be done by leaving things out: first BODYSTRUCTURE and the sections of
    /// parts, then ENVELOPE. What is left is below 40 octets: the size, where the header is, and the date. Who is then
    /// told [`ScanError::LeftOut`] scans the message again, and that scan has everything.
    #[must_use]
    pub fn fit(&self, octets: usize) -> Self {
        if self.octets.len() <= octets {
            return self.clone();
        }
        let without_parts = self.octets.slice(..self.parts);
        let with_envelope = self.flags & ENVELOPE != 0;
        let (flags, rest) = if without_parts.len() <= octets && with_envelope {
            (self.flags & !PARTS, without_parts.slice(1..))
        } else {
            let mut head = Vec::new();
            put_head(&mut head, self.flags, self.size, self.header, self.sent);
            (self.flags & !PARTS & !ENVELOPE, Bytes::from(head).slice(1..))
        };
        let mut fitted = Vec::with_capacity(rest.len() + 1);
        fitted.push(flags);
        fitted.extend_from_slice(&rest);
        let empty = Self { octets: Bytes::new(), envelope: 0..0, parts: 0, flags, ..self.clone() };
        Self::decode(Self::VERSION, Bytes::from(fitted)).unwrap_or(empty)
    }

    /// Whether a limit of the scanner was met. What it then left out is not there the next time either.
    pub fn is_limited(&self) -> bool {
        self.flags & LIMITED != 0
    }

    /// Octets of the message.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the message's header is, with the empty line behind it.
    pub fn header_range(&self) -> Range<u64> {
        0..self.header
    }

    /// The message's Date, if it is one. SEARCH SENTON and the like compare its day as it is, without its zone
    /// (RFC 9051 §6.4.4).
    pub fn sent(&self) -> Option<SentDate> {
        self.sent
    }

    /// Whether [`envelope`](Self::envelope) was kept. If not, it can only be had by scanning the message again.
    pub fn has_envelope(&self) -> bool {
        self.flags & ENVELOPE != 0
    }

    /// Whether what is told of the parts was kept. If not, it can only be had by scanning the message again.
    pub fn has_parts(&self) -> bool {
        self.flags & PARTS != 0
    }

    /// ENVELOPE (RFC 9051 §7.5.2).
    ///
    /// # Errors
    /// If it was left out, or is damaged.
    pub fn envelope(&self) -> Result<Envelope<&[u8]>, ScanError> {
        self.envelope_reader()?.envelope()
    }

    pub(crate) fn envelope_reader(&self) -> Result<EnvelopeReader<'_>, ScanError> {
        if self.flags & ENVELOPE == 0 {
            return Err(ScanError::LeftOut);
        }
        EnvelopeReader::new(Reader::new(&self.octets, self.envelope.start, self.envelope.end))
    }

    /// BODYSTRUCTURE (RFC 9051 §7.5.2). A multipart without parts has an empty one.
    ///
    /// # Errors
    /// If it was left out, or is damaged.
    pub fn body_structure(&self) -> Result<BodyStructure<&[u8]>, ScanError> {
        self.structure(&self.root()?, 0)
    }

    /// The outermost part: the message itself.
    pub(crate) fn root(&self) -> Result<Record, ScanError> {
        if self.flags & PARTS == 0 {
            return Err(ScanError::LeftOut);
        }
        self.record(self.parts, self.octets.len(), 0)
    }

    /// The parts of a container.
    pub(crate) fn parts_of<'a>(&'a self, container: &Record) -> Parts<'a> {
        Parts { scan: self, at: container.end, end: container.next, base: container.body.start }
    }

    /// The outermost part of a message within the message.
    pub(crate) fn inner(&self, message: &Record) -> Result<Record, ScanError> {
        self.parts_of(message).next().ok_or(ScanError::Damaged)?
    }

    /// What is needed to decode a part.
    pub(crate) fn coding(&self, record: &Record) -> Result<PartCoding<'_>, ScanError> {
        PartCoding::read(&mut Reader::new(&self.octets, record.fields, record.end), record.kind)
    }

    /// Reads a part's record, which begins at `at`, in a body that begins at `base`.
    fn record(&self, at: usize, end: usize, base: u64) -> Result<Record, ScanError> {
        let mut reader = Reader::new(&self.octets, at, end);
        let length = reader.count()?;
        let record_end = reader.at().checked_add(length).filter(|record_end| *record_end <= end);
        let record_end = record_end.ok_or(ScanError::Damaged)?;
        let mut reader = Reader::new(&self.octets, reader.at(), record_end);
        let first = reader.octet()?;
        let kind = PartKind::from_number(first & !HAS_ENVELOPE).ok_or(ScanError::Damaged)?;
        let (start, header, body, lines) =
            (reader.number()?, reader.number()?, reader.number()?, reader.number()?);
        let mut next = record_end;
        if kind.has_parts() {
            let below =
                usize::try_from(u32::from_le_bytes(reader.octets()?)).map_err(|_| ScanError::Damaged)?;
            next = record_end.checked_add(below).filter(|next| *next <= end).ok_or(ScanError::Damaged)?;
        }
        let header_start = base.checked_add(start);
        let body_start = header_start.and_then(|start| start.checked_add(header));
        let body_end = body_start.and_then(|start| start.checked_add(body)).filter(|end| *end <= self.size);
        let (Some(header_start), Some(body_start), Some(body_end)) = (header_start, body_start, body_end)
        else {
            return Err(ScanError::Damaged);
        };
        Ok(Record {
            kind,
            header: header_start..body_start,
            body: body_start..body_end,
            lines,
            fields: reader.at(),
            end: record_end,
            next,
            has_envelope: first & HAS_ENVELOPE != 0,
        })
    }

    fn structure(&self, record: &Record, depth: usize) -> Result<BodyStructure<&[u8]>, ScanError> {
        // More cannot come from a scanner, but for the empty part of the innermost.
        if depth > DEEPEST + 1 {
            return Err(ScanError::Damaged);
        }
        let fields =
            PartFields::read(&mut Reader::new(&self.octets, record.fields, record.end), record.kind)?;
        let kind = if record.kind == PartKind::Multipart {
            let parts = self.parts_of(record).map(|part| self.structure(&part?, depth + 1));
            BodyKind::Multipart(parts.collect::<Result<_, _>>()?)
        } else {
            let content = match record.kind {
                PartKind::Text => Content::Text { lines: record.lines },
                PartKind::Message => {
                    let inner = self.inner(record)?;
                    Content::Message {
                        envelope: Box::new(self.inner_envelope(&inner)?),
                        body: Box::new(self.structure(&inner, depth + 1)?),
                        lines: record.lines,
                    }
                }
                PartKind::Other | PartKind::Multipart => Content::Other,
            };
            BodyKind::Single(Box::new(SinglePart {
                media_type: fields.media_type,
                id: fields.id,
                description: fields.description,
                encoding: fields.encoding.unwrap_or(b"7BIT"),
                octets: record.body.end.saturating_sub(record.body.start),
                content,
            }))
        };
        Ok(BodyStructure {
            kind,
            subtype: fields.subtype,
            parameters: fields.parameters,
            md5: fields.md5,
            disposition: fields.disposition,
            language: fields.language,
            location: fields.location,
        })
    }

    /// The envelope of a message within the message.
    fn inner_envelope(&self, inner: &Record) -> Result<Envelope<&[u8]>, ScanError> {
        let mut reader = Reader::new(&self.octets, inner.fields, inner.end);
        PartFields::read(&mut reader, inner.kind)?;
        if !inner.has_envelope {
            return Err(ScanError::Damaged);
        }
        EnvelopeReader::new(reader)?.envelope()
    }

    /// Writes down what a scanner has found.
    pub(crate) fn assemble(outline: &Outline, size: u64, sent: Option<SentDate>, is_limited: bool) -> Self {
        let root = outline.parts().first();
        let header = root.map_or(0, |root| root.body_start);
        let envelope = root.and_then(|root| outline.envelope(root)).unwrap_or(&[0, 0]);
        let flags = ENVELOPE | PARTS | if is_limited { LIMITED } else { 0 };
        let mut octets = Vec::with_capacity(envelope.len() + 64 * outline.len());
        put_head(&mut octets, flags, size, header, sent);
        put_number(&mut octets, length(envelope));
        octets.extend_from_slice(envelope);
        put_parts(&mut octets, outline);
        octets.shrink_to_fit();
        let empty =
            Self { octets: Bytes::new(), flags: LIMITED, size, header, sent, envelope: 0..0, parts: 0 };
        Self::decode(Self::VERSION, Bytes::from(octets)).unwrap_or(empty)
    }
}

fn put_head(out: &mut Vec<u8>, flags: u8, size: u64, header: u64, sent: Option<SentDate>) {
    out.push(flags | if sent.is_some() { SENT } else { 0 });
    put_number(out, size);
    put_number(out, header);
    if let Some(date) = sent {
        out.extend_from_slice(&date.year.to_be_bytes());
        out.extend_from_slice(&[date.month, date.day]);
        // A day has fewer seconds than three octets can count.
        let [_, second @ ..] = date.second.to_be_bytes();
        out.extend_from_slice(&second);
        out.extend_from_slice(&date.offset.to_be_bytes());
    }
}

fn sent([y1, y0, month, day, s2, s1, s0, o1, o0]: [u8; 9]) -> SentDate {
    SentDate {
        year: u16::from_be_bytes([y1, y0]),
        month,
        day,
        second: u32::from_be_bytes([0, s2, s1, s0]),
        offset: i16::from_be_bytes([o1, o0]),
    }
}

/// A container that is not at its end while its parts are written: which it is, where its count of octets stands,
/// and where they begin.
struct Container {
    part: usize,
    count_at: usize,
    begin: usize,
}

impl Container {
    fn end(&self, out: &mut [u8]) {
        let below = u32::try_from(out.len().saturating_sub(self.begin)).unwrap_or(u32::MAX);
        if let Some(place) = out.get_mut(self.count_at..self.count_at + 4) {
            place.copy_from_slice(&below.to_le_bytes());
        }
    }
}

fn put_parts(out: &mut Vec<u8>, outline: &Outline) {
    let mut open: Vec<Container> = Vec::new();
    let mut parts = outline.parts().iter().enumerate().peekable();
    while let Some((at, part)) = parts.next() {
        while let Some(last) = open.pop_if(|last| Some(last.part) != part.within) {
            last.end(out);
        }
        let base =
            part.within.and_then(|within| outline.parts().get(within)).map_or(0, |within| within.body_start);
        let envelope = if part.within.is_some() { outline.envelope(part) } else { None };
        let container = put_record(out, at, part, base, outline.fields(part), envelope);
        let Some(container) = container else { continue };
        if parts.peek().is_none_or(|(_, next)| next.within != Some(at)) {
            // RFC 9051 §9: a container has something in it.
            let envelope = (part.kind == PartKind::Message).then_some(&[0, 0][..]);
            put_record(out, at, &Part::empty(part.body_end), part.body_start, &empty_text(), envelope);
        }
        open.push(container);
    }
    while let Some(last) = open.pop() {
        last.end(out);
    }
}

fn put_record(
    out: &mut Vec<u8>,
    at: usize,
    part: &Part,
    base: u64,
    fields: &[u8],
    envelope: Option<&[u8]>,
) -> Option<Container> {
    let mut record = Vec::with_capacity(fields.len() + envelope.map_or(0, <[u8]>::len) + 24);
    record.push(part.kind.number() | if envelope.is_some() { HAS_ENVELOPE } else { 0 });
    put_number(&mut record, part.header_start.saturating_sub(base));
    put_number(&mut record, part.body_start.saturating_sub(part.header_start));
    put_number(&mut record, part.body_end.saturating_sub(part.body_start));
    put_number(&mut record, part.lines);
    let count_at = record.len();
    if part.kind.has_parts() {
        record.extend_from_slice(&[0; 4]);
    }
    record.extend_from_slice(fields);
    record.extend_from_slice(envelope.unwrap_or_default());
    put_number(out, length(&record));
    let start = out.len();
    out.extend_from_slice(&record);
    part.kind.has_parts().then(|| Container { part: at, count_at: start + count_at, begin: out.len() })
}

/// Where a part is, in the message and in the scan.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) kind: PartKind,
    pub(crate) header: Range<u64>,
    pub(crate) body: Range<u64>,
    lines: u64,
    /// Where its fields begin.
    fields: usize,
    /// Where it ends.
    end: usize,
    /// Where the one behind it and all its parts begins.
    next: usize,
    /// Whether it is the outermost part of a message within the message.
    pub(crate) has_envelope: bool,
}

/// The parts of a container, one after the other.
pub(crate) struct Parts<'a> {
    scan: &'a Scan,
    at: usize,
    end: usize,
    base: u64,
}

impl Iterator for Parts<'_> {
    type Item = Result<Record, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let record = self.scan.record(self.at, self.end, self.base);
        // Behind a damaged one nothing can be found.
        self.at = record.as_ref().map_or(self.end, |record| record.next);
        Some(record)
    }
}
