//! Finds what has to be changed.

use std::ops::Range;

use thiserror::Error;

use super::Carries;
use super::edit::{Conversion, Edit, Encoding, How};
use super::header::{Described, Header, HeaderKind, Label};
use super::line::{Line, LineEnd, Lines};
use crate::delimiter::{Delimiter, OpenBoundaries};
use crate::limits::ScanLimits;
use crate::syntax::media::MediaType;
use crate::transfer::TransferEncoding;

/// Why a message cannot be made fit. It has to go back to its sender (RFC 6152 §3), or by another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum NotConvertible {
    /// What would have to be changed is signed, and the signature would be broken.
    #[error("it is signed, and to encode it anew would break the signature")]
    Signed,
    /// A header, or a boundary, goes beyond ASCII.
    #[error("a header goes beyond ASCII")]
    Header,
    /// In a header, or between parts, there is a line over 998 octets, a NUL, or an end that is not CRLF.
    #[error("a line outside of its texts is too long, or no line")]
    Lines,
    /// A part may not be encoded, or is in a way that is not known.
    #[error("a part may not be encoded")]
    Part,
    /// It has more parts, deeper ones, or larger headers than are looked at: see [`ScanLimits`].
    #[error("it has too many parts, or too large headers")]
    Limits,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Whether all headers are surely ASCII, those of parts too: then the message does not need SMTPUTF8 (RFC 6531 §3.6).
    pub ascii_headers: bool,
    /// What is to be changed.
    pub conversion: Result<Conversion, NotConvertible>,
}

/// Reads a message once, in pieces of any size, and finds what has to be changed. Its memory is bounded by
/// [`ScanLimits`]: `header_octets`, `boundary_octets` for each level of `depth`, and some hundred octets for each of
/// `parts`. How the octets are cut changes nothing.
#[derive(Debug)]
pub struct Survey {
    lines: Lines,
    walk: Walk,
}

impl Survey {
    /// At the first octet of a message, for a server that takes this.
    pub fn new(carries: Carries, limits: ScanLimits) -> Self {
        let walk = Walk {
            carries,
            open: OpenBoundaries::new(limits.boundary_octets),
            limits,
            place: Place::Header(Header::default()),
            multiparts: Vec::new(),
            parts: 1,
            last_end: None,
            is_signed: false,
            ascii_headers: true,
            fault: None,
            edits: Vec::new(),
        };
        Self { lines: Lines::default(), walk }
    }

    /// The next octets of the message.
    pub fn feed(&mut self, octets: &[u8]) {
        self.lines.feed(octets, |line| self.walk.line(line));
    }

    /// All octets were fed.
    pub fn finish(mut self) -> Surveyed {
        let size = self.lines.finish(|line| self.walk.line(line));
        self.walk.finish(size)
    }
}

#[derive(Debug)]
struct Walk {
    carries: Carries,
    limits: ScanLimits,
    open: OpenBoundaries,
    place: Place,
    /// Those that are open, the innermost last.
    multiparts: Vec<Multipart>,
    parts: usize,
    /// The end of the line before, if it was one of a body.
    last_end: Option<LineEnd>,
    /// The whole message is.
    is_signed: bool,
    ascii_headers: bool,
    fault: Option<NotConvertible>,
    edits: Vec<Edit>,
}

#[derive(Debug)]
enum Place {
    Header(Header),
    /// In the body of a part that has no parts.
    Leaf(Leaf),
    /// Before the first part of a multipart, or behind the last.
    Between,
    /// Nothing more can be found.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct Multipart {
    is_signed: bool,
    is_digest: bool,
}

#[derive(Debug)]
struct Leaf {
    begin: u64,
    label: Label,
    kind: LeafKind,
    is_signed: bool,
    /// It can be sent as it is.
    is_fit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeafKind {
    Text,
    Other,
    /// It may not be encoded (RFC 2046 §5.1.1, §5.2).
    Rigid,
}

impl Walk {
    fn line(&mut self, line: &Line) {
        if !self.open.is_empty()
            && let Some(delimiter) = self.open.delimiter(&line.head)
        {
            return self.delimiter(&delimiter, line);
        }
        match &mut self.place {
            Place::Leaf(leaf) => {
                leaf.is_fit &= line.is_fit() && (self.carries == Carries::EightBit || !line.beyond_ascii);
                self.last_end = Some(line.end);
            }
            Place::Between => {
                self.last_end = Some(line.end);
                self.check(line);
            }
            Place::Header(header) => {
                self.last_end = None;
                if matches!(&line.head[..], b"\r\n" | b"\n") {
                    self.end_header(line.at, Some(line.at + line.octets));
                } else if !header.take(line, self.limits.header_octets) {
                    return self.lose();
                }
                self.check_header(line);
            }
            Place::Lost => {}
        }
    }

    /// What stands outside of the parts cannot be encoded.
    fn check(&mut self, line: &Line) {
        if !line.is_fit() {
            self.fault.get_or_insert(NotConvertible::Lines);
        }
        if line.beyond_ascii && self.carries == Carries::SevenBit {
            self.fault.get_or_insert(NotConvertible::Header);
        }
    }

    fn check_header(&mut self, line: &Line) {
        self.ascii_headers &= !line.beyond_ascii;
        self.check(line);
    }

    fn lose(&mut self) {
        self.place = Place::Lost;
        self.fault.get_or_insert(NotConvertible::Limits);
        self.ascii_headers = false;
    }

    fn delimiter(&mut self, delimiter: &Delimiter, line: &Line) {
        // The line end in front of it is its own. Behind an LF alone not everybody sees a delimiter.
        let end = self.last_end.take();
        if end == Some(LineEnd::Lf) {
            self.fault.get_or_insert(NotConvertible::Lines);
        }
        self.end_place(line.at - end.map_or(0, LineEnd::octets));
        self.check(line);
        let Some(multipart) = self.open.close(delimiter) else { return };
        let in_digest = self.multiparts.get(multipart).is_some_and(|multipart| multipart.is_digest);
        if delimiter.is_last {
            self.multiparts.truncate(multipart);
            self.go(Place::Between);
        } else {
            self.multiparts.truncate(multipart + 1);
            self.begin_part(HeaderKind::Part, in_digest);
        }
    }

    fn begin_part(&mut self, kind: HeaderKind, in_digest: bool) {
        self.parts += 1;
        if self.parts > self.limits.parts {
            return self.lose();
        }
        self.go(Place::Header(Header::new(kind, in_digest)));
    }

    fn go(&mut self, place: Place) {
        if !matches!(self.place, Place::Lost) {
            self.place = place;
        }
    }

    /// What is there ends there.
    fn end_place(&mut self, at: u64) {
        match std::mem::replace(&mut self.place, Place::Between) {
            Place::Header(header) => {
                self.place = Place::Header(header);
                self.end_header(at, None);
            }
            Place::Leaf(leaf) => self.end_leaf(leaf, at),
            Place::Between => {}
            Place::Lost => self.place = Place::Lost,
        }
    }

    /// A header ends there, and its body begins, if it has one.
    fn end_header(&mut self, at: u64, body: Option<u64>) {
        let Place::Header(header) = std::mem::replace(&mut self.place, Place::Between) else { return };
        if header.kind == HeaderKind::Outermost {
            self.is_signed = header.is_signed;
        }
        let around = self.multiparts.last();
        let is_signed = self.is_signed || around.is_some_and(|multipart| multipart.is_signed);
        let Described { media, label } = header.end(at, self.limits.parameters);
        let Some(media) = media else { return self.lose() };
        let Some(begin) = body else { return };
        let is_plain = label
            .encoding
            .as_deref()
            .is_none_or(|name| TransferEncoding::named(name) == Some(TransferEncoding::Identity));
        let boundary = media.parameter("boundary").filter(|boundary| !boundary.is_empty());
        if let (true, Some(boundary)) = (media.is_type("multipart"), boundary) {
            if self.multiparts.len() >= self.limits.depth {
                return self.lose();
            }
            self.relabel(&label, is_signed);
            self.open.open(boundary, self.multiparts.len());
            let is_signed = is_signed || media.is("multipart", "signed");
            self.multiparts.push(Multipart { is_signed, is_digest: media.is("multipart", "digest") });
        } else if (media.is("message", "rfc822") || media.is("message", "global")) && is_plain {
            self.relabel(&label, is_signed);
            self.begin_part(HeaderKind::Message, false);
        } else {
            let kind = LeafKind::of(&media);
            self.place = Place::Leaf(Leaf { begin, label, kind, is_signed, is_fit: true });
        }
    }

    fn end_leaf(&mut self, leaf: Leaf, end: u64) {
        let Leaf { begin, label, kind, is_signed, is_fit } = leaf;
        if is_fit {
            return self.relabel(&label, is_signed);
        }
        let named = label.encoding.as_deref().map(TransferEncoding::named);
        let fault = match named.unwrap_or(Some(TransferEncoding::Identity)) {
            _ if is_signed => NotConvertible::Signed,
            Some(from)
                if kind != LeafKind::Rigid && !(label.is_ambiguous && from == TransferEncoding::Identity) =>
            {
                return self.encode(&label, begin..end, from, kind);
            }
            _ => NotConvertible::Part,
        };
        self.fault.get_or_insert(fault);
    }

    fn encode(&mut self, label: &Label, body: Range<u64>, from: TransferEncoding, kind: LeafKind) {
        let to = match from {
            TransferEncoding::QuotedPrintable => Encoding::QuotedPrintable,
            TransferEncoding::Base64 => Encoding::Base64,
            TransferEncoding::Identity if kind == LeafKind::Text && !label.is("binary") => {
                Encoding::QuotedPrintable
            }
            TransferEncoding::Identity => Encoding::Base64,
        };
        if from == TransferEncoding::Identity {
            self.replace(label.at.clone(), to.field());
            if let Some(at) = label.version_at {
                self.replace(at..at, "MIME-Version: 1.0\r\n");
            }
        }
        self.edits.push(Edit { range: body, how: How::Encode { from, to } });
    }

    fn replace(&mut self, range: Range<u64>, text: &'static str) {
        self.edits.push(Edit { range, how: How::Replace(text) });
    }

    /// Nothing is encoded anew: a label may promise no more than the server takes (RFC 2045 §6.4).
    fn relabel(&mut self, label: &Label, is_signed: bool) {
        let text = match self.carries {
            Carries::SevenBit if label.is("8bit") || label.is("binary") => {
                "Content-Transfer-Encoding: 7bit\r\n"
            }
            Carries::EightBit if label.is("binary") => "Content-Transfer-Encoding: 8bit\r\n",
            _ => return,
        };
        // What is signed is rather left with a label that is not exact.
        if !is_signed && !label.is_ambiguous {
            self.replace(label.at.clone(), text);
        }
    }

    fn finish(mut self, size: u64) -> Surveyed {
        self.end_place(size);
        if let Some(Edit { range, how: How::Encode { to: Encoding::Base64, .. } }) = self.edits.last()
            && range.end == size
        {
            // No delimiter with a line end in front of it follows.
            self.replace(size..size, "\r\n");
        }
        let conversion = match self.fault {
            None => Ok(Conversion { edits: self.edits.into() }),
            Some(fault) => Err(fault),
        };
        Surveyed { ascii_headers: self.ascii_headers, conversion }
    }
}

impl LeafKind {
    fn of(media: &MediaType) -> Self {
        if media.is_type("text") {
            Self::Text
        } else if media.is_type("message") || media.is_type("multipart") {
            Self::Rigid
        } else {
            Self::Other
        }
    }
}
