//! Gathers a header, line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use mailwright_core::{Address, Domain};
use memchr::memchr;
use thiserror::Error;

use super::header::SubmittedHeader;
use crate::syntax::address::parse_list;
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
    /// Domains in the fields with addresses that are not fully qualified: more are not told. Default: 10. Cost: each is
    /// looked up.
    pub unqualified: usize,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { octets: 256 << 10, from: 10, unqualified: 10 }
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
    /// The field that may go on; `None` before the first.
    open: Option<Open>,
    /// What stands behind the colons of those that are needed.
    fields: BTreeMap<Field, Range<usize>>,
    unqualified: BTreeSet<Domain>,
}

/// A field that may go on.
#[derive(Debug, Clone)]
enum Open {
    Needed(Field),
    /// One of those with addresses of others: what stands behind its colon.
    List(Range<usize>),
    Other,
}

/// The fields with addresses besides From and Sender (RFC 5322 §3.6.2, §3.6.3, §3.6.6).
const LISTS: [&str; 9] =
    ["Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Bcc"];

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
        let (octets, fields, unqualified) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { limits, octets, line_start: 0, lines: 0, open: None, fields, unqualified }
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
            match &mut self.open {
                None => return Err(InvalidHeader::NoField { line: self.lines }),
                Some(Open::Needed(field)) => {
                    self.fields.entry(*field).and_modify(|value| value.end = range.end);
                }
                Some(Open::List(value)) => value.end = range.end,
                Some(Open::Other) => {}
            }
            return Ok(false);
        }
        let colon = memchr(b':', line).filter(|&colon| colon > 0);
        let name = colon.and_then(|colon| line.get(..colon)).filter(|name| name.iter().all(is_ftext));
        let name = name.ok_or(InvalidHeader::NoField { line: self.lines })?;
        let value = range.start + name.len() + 1..range.end;
        let open = match Field::of(name) {
            Some(field) => {
                if self.fields.insert(field, value).is_some() {
                    return Err(InvalidHeader::Twice { name: field.name() });
                }
                Open::Needed(field)
            }
            None if LISTS.iter().any(|list| list.as_bytes().eq_ignore_ascii_case(name)) => Open::List(value),
            None => Open::Other,
        };
        self.end_field();
        self.open = Some(open);
        Ok(false)
    }

    /// The field that may have gone on is whole.
    fn end_field(&mut self) {
        let Some(Open::List(value)) = self.open.take() else { return };
        let value = unfold(self.octets.get(value).unwrap_or_default());
        let hosts = &mut self.unqualified;
        // As many as there is room for.
        parse_list(&value, value.len(), |address| {
            let host = address.host.and_then(|host| std::str::from_utf8(host).ok()?.parse().ok());
            hosts.extend(host.filter(|host| is_unqualified(host) && hosts.len() < self.limits.unqualified));
        });
    }

    fn whole(mut self) -> Result<SubmittedHeader, InvalidHeader> {
        self.end_field();
        let from = self.addresses(Field::From, self.limits.from)?;
        let sender = self.addresses(Field::Sender, 1)?.pop();
        let domains = from.iter().chain(&sender).filter_map(|address| address.domain().parse().ok());
        self.unqualified.extend(domains.filter(is_unqualified));
        let has = |field| self.fields.contains_key(&field);
        let (has_date, has_message_id) = (has(Field::Date), has(Field::MessageId));
        let (octets, unqualified) = (self.octets.into(), self.unqualified);
        Ok(SubmittedHeader { octets, from, sender, unqualified, has_date, has_message_id })
    }

    /// None if there is no such field.
    fn addresses(&self, field: Field, most: usize) -> Result<Vec<Address>, InvalidHeader> {
        let Some(value) = self.fields.get(&field) else { return Ok(Vec::new()) };
        let value = self.octets.get(value.clone()).unwrap_or_default();
        mailboxes(&unfold(value), most).ok_or(InvalidHeader::Addresses { name: field.name() })
    }
}

/// A name that says something only where it was written.
fn is_unqualified(domain: &Domain) -> bool {
    !domain.is_literal() && !domain.as_str().contains('.')
}

/// ```abnf
/// field-name = 1*ftext
/// ftext      = %d33-57 / %d59-126    ; Printable US-ASCII not including ":"
/// ```
/// No white space in front of the colon (§4.5), where some see another field than others.
fn is_ftext(octet: &u8) -> bool {
    octet.is_ascii_graphic() && *octet != b':'
}
