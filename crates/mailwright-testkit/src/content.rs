//! What a message says.

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use mailwright_core::{BodyKind, BodyStructure, SinglePart};
use mailwright_message::{Scan, TransferDecoder, TransferEncoding, decode_header, filter_header, scan};

use crate::attachment::Attachment;
use crate::parameter::{parameter, text_parameter};

/// A message, read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) raw: Bytes,
    header: Bytes,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) attachments: Vec<Attachment>,
}

impl Content {
    pub(crate) fn read(raw: Bytes) -> Self {
        let scan = scan(&raw);
        let header = slice(&raw, scan.header_range());
        let mut content = Self {
            raw,
            header,
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            attachments: Vec::new(),
        };
        content.subject = content.field("Subject").unwrap_or_default();
        // What a scanner has just found is there.
        if let Ok(structure) = scan.body_structure() {
            let path = match structure.kind {
                BodyKind::Multipart(_) => Vec::new(),
                BodyKind::Single(_) => vec![1],
            };
            content.walk(&scan, &structure, path);
        }
        content
    }

    /// The first field of that name, decoded.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let fields = filter_header(&self.header, &[name], false);
        let value =
            fields.iter().position(|&octet| octet == b':').and_then(|colon| fields.get(colon + 1..))?;
        let mut unfolded = Vec::with_capacity(value.len());
        for (at, line) in value.split_inclusive(|&octet| octet == b'\n').enumerate() {
            // RFC 5322 §2.2.3: what does not begin with a blank is the next field.
            if at > 0 && !line.starts_with(b" ") && !line.starts_with(b"\t") {
                break;
            }
            unfolded.extend_from_slice(line.trim_ascii_end());
        }
        Some(decode_header(unfolded.trim_ascii()).trim().to_owned())
    }

    fn walk(&mut self, scan: &Scan, structure: &BodyStructure<&[u8]>, path: Vec<u32>) {
        match &structure.kind {
            BodyKind::Multipart(parts) => {
                for (part, number) in parts.iter().zip(1..) {
                    let path = path.iter().copied().chain([number]).collect();
                    self.walk(scan, part, path);
                }
            }
            BodyKind::Single(single) => self.part(scan, structure, single, &path),
        }
    }

    fn part(
        &mut self,
        scan: &Scan,
        structure: &BodyStructure<&[u8]>,
        single: &SinglePart<&[u8]>,
        path: &[u32],
    ) {
        let Ok(Some(place)) = scan.part(path) else { return };
        let octets = decode(&slice(&self.raw, place.body), place.encoding);
        let disposition = structure.disposition.as_ref();
        let name = disposition
            .and_then(|disposition| text_parameter(&disposition.parameters, "filename"))
            .or_else(|| text_parameter(&structure.parameters, "name"));
        let is_attached = name.is_some()
            || disposition.is_some_and(|disposition| disposition.kind.eq_ignore_ascii_case(b"attachment"));
        let is = |subtype: &str| {
            single.media_type.eq_ignore_ascii_case(b"text")
                && structure.subtype.eq_ignore_ascii_case(subtype.as_bytes())
        };
        let text = match () {
            () if !is_attached && is("plain") => Some(&mut self.text),
            () if !is_attached && is("html") => Some(&mut self.html),
            () => None,
        };
        match text {
            Some(text) if text.is_empty() => {
                *text = in_charset(&octets, parameter(&structure.parameters, "charset"));
            }
            _ => self.attachments.push(Attachment {
                name: name.unwrap_or_default(),
                media_type: lower(single.media_type) + "/" + &lower(structure.subtype),
                content: octets.into(),
            }),
        }
    }
}

/// A range of a message that is in memory.
fn slice(raw: &Bytes, range: std::ops::Range<u64>) -> Bytes {
    let at = |octets: u64| usize::try_from(octets).unwrap_or(usize::MAX).min(raw.len());
    raw.slice(at(range.start)..at(range.end).max(at(range.start)))
}

/// An unknown encoding is taken for none.
fn decode(octets: &[u8], encoding: Option<TransferEncoding>) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut decoder = TransferDecoder::new(encoding.unwrap_or(TransferEncoding::Identity));
    decoder.feed(octets, &mut decoded);
    decoder.finish(&mut decoded);
    decoded
}

/// Text with LF, and without the last line end.
fn in_charset(octets: &[u8], charset: Option<&[u8]>) -> String {
    let encoding = charset.and_then(Encoding::for_label).unwrap_or(UTF_8);
    let mut text = encoding.decode(octets).0.replace("\r\n", "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn lower(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).to_ascii_lowercase()
}
