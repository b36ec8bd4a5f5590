//! What a FETCH needs of a message besides its row, made ready before the row is begun.

use std::ops::Range;

use bytes::Bytes;
use mailwright_core::{BlobId, Uid, UidSet};
use mailwright_imap::server::Fetch;
use mailwright_imap::types::{FetchItem, Partial, Section, SectionText};
use mailwright_imap::{Rejection, ResponseCode};
use mailwright_message::{Scan, SectionText as Place, filter_header};
use mailwright_store::{BlobError, Columns, Opaque, Store};

use super::pages::Pages;
use super::scans::Content;
use super::session::Session;
use super::stop::Stop;

/// What an item needs besides the row.
#[derive(Debug)]
pub(super) enum Value {
    /// Nothing: it stands in the row, or in the scan.
    InRow,
    /// There is no such part.
    Nil,
    /// These octets.
    Octets(Bytes),
    /// What is read there, as it is.
    Read(usize),
    /// The fields that are wanted of the header that is read there.
    Fields(usize),
    /// These octets of the message, which are many.
    Stream(Range<u64>),
    /// A size.
    Size(u64),
}

/// A message whose row can be written.
#[derive(Debug)]
pub(super) struct Ready {
    /// Where its row is in the page.
    pub(super) at: usize,
    pub(super) uid: Uid,
    pub(super) scan: Option<Scan>,
    /// One for each item.
    pub(super) values: Vec<Value>,
}

/// What is to be read for some messages.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) ranges: Vec<(BlobId, Range<u64>)>,
    /// Octets of all of them.
    pub(super) octets: u64,
}

impl Wanted {
    /// Where the range will be. One that is wanted twice is read once.
    fn add(&mut self, message: Content, range: Range<u64>) -> usize {
        // Only the last ones can be of the same message.
        let same = self.ranges.iter().rev().take_while(|(blob, _)| *blob == message.blob);
        if let Some(before) = same.into_iter().position(|(_, other)| *other == range) {
            return self.ranges.len() - 1 - before;
        }
        self.octets += range.end.saturating_sub(range.start);
        self.ranges.push((message.blob, range));
        self.ranges.len() - 1
    }
}

/// Whether an item needs octets of the message.
pub(super) fn needs_octets(item: &FetchItem) -> bool {
    matches!(item, FetchItem::Section { .. } | FetchItem::Binary { .. } | FetchItem::BinarySize { .. })
}

/// Whether an item needs to know where what is in the message.
fn needs_scan(item: &FetchItem) -> bool {
    match item {
        FetchItem::Section { section, .. } => !section.part.is_empty() || section.text != SectionText::All,
        FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure => true,
        item => needs_octets(item),
    }
}

/// The columns that a FETCH needs.
pub(super) fn columns(fetch: &Fetch) -> Columns {
    let mut columns = Columns::UIDS;
    for item in &fetch.items {
        columns = columns.and(match item {
            FetchItem::Flags => Columns::FLAGS,
            FetchItem::InternalDate => Columns::DATE,
            FetchItem::Size => Columns::SIZE,
            FetchItem::ModSeq => Columns::MODSEQ,
            FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure => Columns::SCAN,
            item if needs_scan(item) => Columns::SCAN.and(Columns::BLOB).and(Columns::SIZE),
            item if needs_octets(item) => Columns::BLOB.and(Columns::SIZE),
            _ => Columns::UIDS,
        });
    }
    if fetch.sets_seen {
        columns = columns.and(Columns::FLAGS);
    }
    if fetch.changed_since.is_some() {
        columns = columns.and(Columns::MODSEQ);
    }
    columns
}

/// What a FETCH has to know of what is in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    envelope: bool,
    parts: bool,
}

impl Need {
    pub(super) fn of(items: &[FetchItem]) -> Self {
        let envelope = items.iter().any(|item| matches!(item, FetchItem::Envelope));
        let others = items.iter().filter(|item| !matches!(item, FetchItem::Envelope));
        Self { envelope, parts: others.into_iter().any(needs_scan) }
    }

    pub(super) fn is_any(self) -> bool {
        self.envelope || self.parts
    }
}

impl<S: Store, A> Session<'_, S, A> {
    /// What the items have to know of a message.
    pub(super) async fn scan_for(
        &mut self,
        need: Need,
        uid: Uid,
        content: Option<Content>,
        kept: Option<&Opaque>,
    ) -> Result<Scan, Stop> {
        let kept = kept.and_then(|kept| Scan::decode(kept.version, kept.bytes.clone()).ok());
        if let Some(scan) = kept
            && (scan.has_envelope() || !need.envelope)
            && (scan.has_parts() || !need.parts)
        {
            return Ok(scan);
        }
        let content = match content {
            Some(content) => Some(content),
            None => self.content(uid).await?,
        };
        let content = content.ok_or_else(Rejection::expunge_issued)?;
        self.scan_again(content).await
    }

    /// Where a message is.
    async fn content(&mut self, uid: Uid) -> Result<Option<Content>, Stop> {
        let columns = Columns::BLOB.and(Columns::SIZE);
        let page = Pages::new(UidSet::range(uid, uid), columns, 1).next(self).await?;
        Ok(page.and_then(|page| Content::of(&page, 0)))
    }

    /// Makes the items of a message ready. `scan` is what [`scan_for`](Self::scan_for) gave for them.
    pub(super) async fn values(
        &mut self,
        items: &[FetchItem],
        content: Option<Content>,
        scan: Option<&Scan>,
        wanted: &mut Wanted,
    ) -> Result<Vec<Value>, Stop> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(match (item, scan, content) {
                (FetchItem::Section { section, partial, .. }, _, Some(message)) if !needs_scan(item) => {
                    self.section(section, Some(0..message.size), *partial, message, wanted)
                }
                (FetchItem::Section { section, partial, .. }, Some(scan), Some(message)) => {
                    let range = scan.section(&section.part, place(&section.text))?;
                    self.section(section, range, *partial, message, wanted)
                }
                (FetchItem::Binary { part, partial, .. }, Some(scan), Some(message)) => {
                    match scan.part(part)? {
                        None => Value::Nil,
                        Some(part) => {
                            let encoding = part.encoding.ok_or_else(unknown_encoding)?;
                            let octets = part.body.end.saturating_sub(part.body.start);
                            let kept = partial.map_or(octets, |partial| partial.length.min(octets));
                            if kept > self.shared.limits.binary {
                                let refused = Rejection::limit();
                                return Err(refused.with_text("the part is too large for BINARY").into());
                            }
                            let decoded = self.decode(message, part.body, encoding, *partial).await?;
                            wanted.octets += decoded.len() as u64;
                            Value::Octets(decoded)
                        }
                    }
                }
                (FetchItem::BinarySize { part }, Some(scan), Some(message)) => match scan.part(part)? {
                    None => Value::Size(0),
                    Some(part) => {
                        let encoding = part.encoding.ok_or_else(unknown_encoding)?;
                        Value::Size(self.decoded_size(message, part.body, encoding).await?)
                    }
                },
                _ => Value::InRow,
            });
        }
        Ok(values)
    }

    fn section(
        &self,
        section: &Section,
        range: Option<Range<u64>>,
        partial: Option<Partial>,
        message: Content,
        wanted: &mut Wanted,
    ) -> Value {
        let Some(range) = range else { return Value::Nil };
        let limits = self.shared.limits;
        if is_filtered(&section.text) {
            let most = limits.header.min(self.shared.store.limits().read_blobs_bytes);
            let end = range.end.min(range.start.saturating_add(most));
            return Value::Fields(wanted.add(message, range.start..end));
        }
        let range = cut(range, partial);
        match range.end - range.start {
            0 => Value::Octets(Bytes::new()),
            octets if octets > limits.section => Value::Stream(range),
            _ => Value::Read(wanted.add(message, range)),
        }
    }
}

impl Value {
    /// The octets of a section, of which nothing is to be read any more; `None` for NIL.
    pub(super) fn octets(
        &self,
        section: &Section,
        partial: Option<Partial>,
        read: &[Result<Bytes, BlobError>],
    ) -> Option<Bytes> {
        let at = |at: usize| read.get(at).and_then(|read| read.as_ref().ok()).cloned();
        match self {
            Self::Octets(octets) => Some(octets.clone()),
            Self::Read(place) => at(*place),
            Self::Fields(place) => {
                let header = at(*place)?;
                let fields = match &section.text {
                    SectionText::HeaderFields(names) => filter_header(&header, names, false),
                    SectionText::HeaderFieldsNot(names) => filter_header(&header, names, true),
                    _ => header,
                };
                let range = cut(0..fields.len() as u64, partial);
                let place = |octets: u64| usize::try_from(octets).unwrap_or(usize::MAX);
                Some(fields.slice(place(range.start)..place(range.end)))
            }
            _ => None,
        }
    }

    /// Why its octets could not be read, if so.
    pub(super) fn failed<'r>(&self, read: &'r [Result<Bytes, BlobError>]) -> Option<&'r BlobError> {
        match self {
            Self::Read(place) | Self::Fields(place) => read.get(*place)?.as_ref().err(),
            _ => None,
        }
    }
}

fn is_filtered(text: &SectionText) -> bool {
    matches!(text, SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_))
}

fn place(text: &SectionText) -> Place {
    match text {
        SectionText::All => Place::All,
        SectionText::Header | SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_) => Place::Header,
        SectionText::Text => Place::Text,
        SectionText::Mime => Place::Mime,
    }
}

/// What `partial` asks for of a range.
fn cut(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    let Some(partial) = partial else { return range };
    let start = range.start.saturating_add(partial.offset).min(range.end);
    start..start.saturating_add(partial.length).min(range.end)
}

fn unknown_encoding() -> Rejection {
    Rejection::new(ResponseCode::UnknownCte, "the part's transfer encoding is unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_lie_within() {
        let cut = |offset, length| cut(10..20, Some(Partial { offset, length }));
        assert_eq!(cut(0, 4), 10..14);
        assert_eq!(cut(8, 4), 18..20);
        assert_eq!(cut(10, 4), 20..20);
        assert_eq!(cut(u64::MAX, u64::MAX), 20..20);
    }
}
