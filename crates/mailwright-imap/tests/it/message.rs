//! As much of a message as FETCH shows, read in the plainest way.

use bytes::Bytes;
use mailwright_core::{BodyKind, BodyStructure, Content, Envelope, EnvelopeAddress, SinglePart};
use mailwright_imap::types::{Date, DateTime, Partial, Section, SectionText};

pub(crate) const DATE: DateTime =
    DateTime { date: Date { year: 2026, month: 2, day: 1 }, hour: 12, minute: 34, second: 56, offset: 60 };

/// The header with the empty line behind it, and the body.
pub(crate) fn halves(octets: &[u8]) -> (&[u8], &[u8]) {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n").map_or(octets.len(), |at| at + 4);
    octets.split_at(end)
}

pub(crate) fn field(octets: &[u8], name: &str) -> Option<Bytes> {
    let lines = halves(octets).0.split(|&octet| octet == b'\n');
    let values = lines.filter_map(|line| {
        let (field, value) = line.split_at_checked(name.len())?;
        (field.eq_ignore_ascii_case(name.as_bytes())).then(|| value.strip_prefix(b": "))?
    });
    values.map(|value| Bytes::copy_from_slice(value.trim_ascii_end())).next()
}

fn fields(octets: &[u8], names: &[String], wanted: bool) -> Vec<u8> {
    let header = halves(octets).0;
    let header = header.strip_suffix(b"\r\n").unwrap_or(header);
    let lines = header.split_inclusive(|&octet| octet == b'\n').filter(|line| {
        let name = line.split(|&octet| octet == b':').next().unwrap_or_default();
        wanted == names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    });
    [&lines.collect::<Vec<_>>().concat()[..], b"\r\n"].concat()
}

/// A section of a message of one part; `None` if there is none.
pub(crate) fn section(octets: &Bytes, section: &Section, partial: Option<Partial>) -> Option<Bytes> {
    let (header, body) = halves(octets);
    let found = match (&section.part[..], &section.text) {
        ([], SectionText::All) => octets.clone(),
        ([], SectionText::Header) | ([1], SectionText::Mime) => octets.slice_ref(header),
        ([], SectionText::Text) | ([1], SectionText::All) => octets.slice_ref(body),
        ([], SectionText::HeaderFields(names)) => fields(octets, names, true).into(),
        ([], SectionText::HeaderFieldsNot(names)) => fields(octets, names, false).into(),
        _ => return None,
    };
    Some(cut(&found, partial))
}

/// The same, decoded.
pub(crate) fn binary(octets: &Bytes, part: &[u32], partial: Option<Partial>) -> Option<Bytes> {
    let section_of = Section { part: part.to_vec(), text: SectionText::All };
    section(octets, &section_of, partial)
}

pub(crate) fn cut(octets: &Bytes, partial: Option<Partial>) -> Bytes {
    let Some(Partial { offset, length }) = partial else { return octets.clone() };
    let start = octets.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
    let end = octets.len().min(start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)));
    octets.slice(start..end)
}

pub(crate) fn envelope(octets: &[u8]) -> Envelope {
    let address = EnvelopeAddress {
        name: Some(Bytes::from_static(b"Ann")),
        route: None,
        mailbox: Some(Bytes::from_static(b"ann")),
        host: Some(Bytes::from_static(b"example.org")),
    };
    let from = field(octets, "From").map(|_| address).into_iter().collect::<Vec<_>>();
    Envelope {
        subject: field(octets, "Subject"),
        sender: from.clone(),
        reply_to: from.clone(),
        from,
        ..Envelope::default()
    }
}

pub(crate) fn structure(octets: &[u8]) -> BodyStructure {
    let body = halves(octets).1;
    let lines = body.iter().filter(|&&octet| octet == b'\n').count() as u64;
    let single = SinglePart {
        media_type: Bytes::from_static(b"TEXT"),
        id: None,
        description: None,
        encoding: Bytes::from_static(b"7BIT"),
        octets: body.len() as u64,
        content: Content::Text { lines },
    };
    BodyStructure {
        kind: BodyKind::Single(Box::new(single)),
        subtype: Bytes::from_static(b"PLAIN"),
        parameters: vec![(Bytes::from_static(b"CHARSET"), Bytes::from_static(b"US-ASCII"))],
        md5: None,
        disposition: None,
        language: Vec::new(),
        location: None,
    }
}
