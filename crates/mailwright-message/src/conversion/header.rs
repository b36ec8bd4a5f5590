//! What a header says of how its body is encoded.

use std::ops::Range;

use super::line::Line;
use crate::syntax::lexer::unfold;
use crate::syntax::media::{self, MediaType};

/// A header while it arrives, line by line.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) kind: HeaderKind,
    /// It stands in a `multipart/digest` (RFC 2046 §5.1.5).
    in_digest: bool,
    content_type: Option<Vec<u8>>,
    encoding: Option<Vec<u8>>,
    /// Where the first Content-Transfer-Encoding is.
    encoding_at: Option<Range<u64>>,
    /// There is another one.
    has_two_encodings: bool,
    has_mime_version: bool,
    /// There is a signature of the body.
    pub(super) is_signed: bool,
    /// The field that may go on.
    open: Field,
    octets: usize,
}

/// Of what it is the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HeaderKind {
    /// Of the message that is sent.
    #[default]
    Outermost,
    /// Of a message inside.
    Message,
    Part,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Field {
    ContentType,
    Encoding,
    #[default]
    Other,
}

/// A header that has come to its end.
#[derive(Debug)]
pub(super) struct Described {
    /// `None` if there are more parameters than may be.
    pub(super) media: Option<MediaType>,
    pub(super) label: Label,
}

/// Where a header says how its body is encoded, and what.
#[derive(Debug)]
pub(super) struct Label {
    /// The encoding, if one is named.
    pub(super) encoding: Option<Vec<u8>>,
    /// Where the field is, or could be.
    pub(super) at: Range<u64>,
    /// It cannot be changed, as there is a second one.
    pub(super) is_ambiguous: bool,
    /// Where MIME-Version has to be put in, if the field is changed (RFC 2045 §4).
    pub(super) version_at: Option<u64>,
}

impl Header {
    pub(super) fn new(kind: HeaderKind, in_digest: bool) -> Self {
        Self { kind, in_digest, ..Self::default() }
    }

    /// Takes a line. `false` if more would be kept than may be.
    #[must_use]
    pub(super) fn take(&mut self, line: &Line, octets_max: usize) -> bool {
        let text = line.head.as_slice();
        let value = if text.starts_with(b" ") || text.starts_with(b"\t") {
            text
        } else {
            let colon = memchr::memchr(b':', text).unwrap_or(text.len());
            let (name, value) = text.split_at_checked(colon).unwrap_or((text, &[]));
            self.begin(name.trim_ascii_end(), line.at);
            value.get(1..).unwrap_or_default()
        };
        let kept = match self.open {
            Field::ContentType => &mut self.content_type,
            Field::Encoding => &mut self.encoding,
            Field::Other => return true,
        };
        kept.get_or_insert_default().extend_from_slice(value);
        if let (Field::Encoding, Some(at)) = (self.open, &mut self.encoding_at) {
            at.end = line.at + line.octets;
        }
        self.octets += value.len();
        self.octets <= octets_max
    }

    /// Of a field that comes twice the first counts.
    fn begin(&mut self, name: &[u8], at: u64) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        self.open = Field::Other;
        if is("content-type") && self.content_type.is_none() {
            self.open = Field::ContentType;
        } else if is("content-transfer-encoding") {
            if self.encoding_at.is_none() {
                self.open = Field::Encoding;
                self.encoding_at = Some(at..at);
            } else {
                self.has_two_encodings = true;
            }
        } else if is("mime-version") {
            self.has_mime_version = true;
        } else if is("dkim-signature") || is("arc-message-signature") {
            self.is_signed = true;
        }
    }

    /// The header ends there.
    pub(super) fn end(self, at: u64, parameters: usize) -> Described {
        let stated = self.content_type.map(|text| MediaType::parse(&unfold(&text), parameters));
        let media = stated.flatten().unwrap_or_else(|| match self.in_digest {
            true => MediaType::known("message", "rfc822"),
            false => MediaType::known("text", "plain"),
        });
        let needs_version = self.kind != HeaderKind::Part && !self.has_mime_version;
        let label = Label {
            encoding: self.encoding.and_then(|text| media::encoding(&unfold(&text))),
            at: self.encoding_at.unwrap_or(at..at),
            is_ambiguous: self.has_two_encodings,
            version_at: needs_version.then_some(at),
        };
        Described { media: Some(media).filter(|media| media.complete), label }
    }
}

impl Label {
    pub(super) fn is(&self, name: &str) -> bool {
        self.encoding.as_deref().is_some_and(|encoding| encoding.eq_ignore_ascii_case(name.as_bytes()))
    }
}
