//! Gathers a header, line by line.

use std::collections::BTreeMap;
use std::ops::Range;

use mailwright_core::Address;
use memchr::memchr;
use thiserror::Error;

use super::header::SubmittedHeader;
use crate::syntax::lexer::unfold;
use crate::syntax::mailbox::mailboxes;

/// The bounds of a header that a user submits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderLimits {
    /// Octets of the header. Default: 256 KiB. Cost: up to twice that much memory, until the header has come.
    pub octets: usize,
    /// Addresses in From (RFC 5322 §3.6.2). Default: 10. Cost: each is looked up.
    pub from: usize,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { octets: 256 << 10, from: 10 }
    }
}

/// Why a message is not taken from a user. To mend it would be to guess (RFC 6409 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// It is larger than it may be.
    #[error("the header has more than {limit} octets")]
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
    /// A line is neither a field nor one that goes on (RFC 5322 §2.2).
    #[error(
        "line {line} is no header field: each is a name, a colon and a text, and an empty line ends the header"
    )]
    NoField {
        /// Which, from 1.
        line: usize,
    },
    /// A line has a NUL, which no message may have (RFC 5322 §4).
    #[error("line {line} has a NUL")]
    Nul {
        /// Which, from 1.
        line: usize,
    },
    /// There may be only one field of this name (RFC 5322 §3.6).
    #[error("there is more than one field {name}")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// Whom a field names cannot be told: it is no list of mailboxes (RFC 5322 §3.4), or one of too many.
    #[error("the field {name} is no list of addresses, or has too many")]
    Addresses {
        /// Its name.
        name: &'static str,
    },
}

/// Gathers the header of a message as it arrives. How the octets are cut changes nothing.
#[derive(Debug)]
pub struct HeaderReader {
    limits: HeaderLimits,
    octets: Vec<u8>,
    /// Where the line begins that is arriving.
    line_start: usize,
    /// Lines that have come.
    lines: usize,
    /// Where the field that may go on is; `None` before the first.
    open: Option<Option<Field>>,
    /// What stands behind the colons of those that are needed.
    fields: BTreeMap<Field, Range<usize>>,
}

/// What becomes of a reader that is fed.
#[derive(Debug)]
pub enum Fed {
    /// The header goes on.
    More(HeaderReader),
    /// The header is whole.
    Whole {
        /// It.
        header: SubmittedHeader,
        /// Octets of the piece that belong to it; what follows is body.
        taken: usize,
    },
}

/// The fields that are needed. RFC 5322 §3.6 allows each of them once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    From,
    Sender,
    Date,
    MessageId,
}

impl Field {
    const ALL: [Self; 4] = [Self::From, Self::Sender, Self::Date, Self::MessageId];

    fn name(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::Sender => "Sender",
            Self::Date => "Date",
            Self::MessageId => "Message-ID",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

impl HeaderReader {
    /// At the first octet of a message.
    pub fn new(limits: HeaderLimits) -> Self {
        let (octets, fields) = (Vec::new(), BTreeMap::new());
        Self { limits, octets, line_start: 0, lines: 0, open: None, fields }
    }

    /// The next octets of the message.
    ///
    /// # Errors
    /// As soon as it is clear that the header is none.
    pub fn feed(mut self, piece: &[u8]) -> Result<Fed, InvalidHeader> {
        let mut rest = piece;
        while !rest.is_empty() {
            let step = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (part, next) = rest.split_at_checked(step).unwrap_or((rest, &[]));
            rest = next;
            self.add(part)?;
            if part.ends_with(b"\n") && self.end_line()? {
                return Ok(Fed::Whole { header: self.whole()?, taken: piece.len() - rest.len() });
            }
        }
        Ok(Fed::More(self))
    }

    /// The message is at its end, and had no body.
    ///
    /// # Errors
    /// If the header is none.
    pub fn finish(mut self) -> Result<SubmittedHeader, InvalidHeader> {
        if self.line_start < self.octets.len() {
            self.end_line()?;
        }
        self.whole()
    }

    fn add(&mut self, part: &[u8]) -> Result<(), InvalidHeader> {
        let limit = self.limits.octets;
        if part.len() > limit.saturating_sub(self.octets.len()) {
            return Err(InvalidHeader::TooLarge { limit });
        }
        self.octets.extend_from_slice(part);
        Ok(())
    }

    /// A line has come. Whether it was the last.
    fn end_line(&mut self) -> Result<bool, InvalidHeader> {
        let range = self.line_start..self.octets.len();
        let line = self.octets.get(range.clone()).unwrap_or_default();
        self.line_start = range.end;
        self.lines += 1;
        if matches!(line, b"\r\n" | b"\n") {
            return Ok(true);
        }
        if memchr(0, line).is_some() {
            return Err(InvalidHeader::Nul { line: self.lines });
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // RFC 5322 §2.2.3: it goes on.
            let open = self.open.ok_or(InvalidHeader::NoField { line: self.lines })?;
            if let Some(value) = open.and_then(|field| self.fields.get_mut(&field)) {
                value.end = range.end;
            }
            return Ok(false);
        }
        let colon = memchr(b':', line).filter(|&colon| colon > 0);
        let name = colon.and_then(|colon| line.get(..colon)).filter(|name| name.iter().all(is_ftext));
        let name = name.ok_or(InvalidHeader::NoField { line: self.lines })?;
        let field = Field::of(name);
        self.open = Some(field);
        if let Some(field) = field {
            let value = range.start + name.len() + 1..range.end;
            if self.fields.insert(field, value).is_some() {
                return Err(InvalidHeader::Twice { name: field.name() });
            }
        }
        Ok(false)
    }

    fn whole(self) -> Result<SubmittedHeader, InvalidHeader> {
        let from = self.addresses(Field::From, self.limits.from)?;
        let sender = self.addresses(Field::Sender, 1)?.pop();
        let has = |field| self.fields.contains_key(&field);
        let (has_date, has_message_id) = (has(Field::Date), has(Field::MessageId));
        Ok(SubmittedHeader { octets: self.octets.into(), from, sender, has_date, has_message_id })
    }

    /// None if there is no such field.
    fn addresses(&self, field: Field, most: usize) -> Result<Vec<Address>, InvalidHeader> {
        let Some(value) = self.fields.get(&field) else { return Ok(Vec::new()) };
        let value = self.octets.get(value.clone()).unwrap_or_default();
        mailboxes(&unfold(value), most).ok_or(InvalidHeader::Addresses { name: field.name() })
    }
}

/// ```abnf
/// field-name = 1*ftext
/// ftext      = %d33-57 / %d59-126    ; Printable US-ASCII not including ":"
/// ```
/// No white space in front of the colon (§4.5), where some see another field than others.
fn is_ftext(octet: &u8) -> bool {
    octet.is_ascii_graphic() && *octet != b':'
}
