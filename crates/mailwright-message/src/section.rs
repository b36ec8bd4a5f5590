//! Sections of a message (RFC 9051 §6.4.5): where they are.

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use crate::error::ScanError;
use crate::part::PartKind;
use crate::scan::{Record, Scan};
use crate::transfer::TransferEncoding;

/// What of a part, or of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SectionText {
    /// All of the message; the body of a part.
    #[default]
    All,
    /// The header of the message, or of the message that a part is. Also for HEADER.FIELDS, which [`filter_header`]
    /// takes out of it.
    Header,
    /// What is behind that header.
    Text,
    /// The header of a part itself.
    Mime,
}

/// A part of a message, as BINARY needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPlace {
    /// Where its header is, with the empty line behind it.
    pub header: Range<u64>,
    /// Where its body is.
    pub body: Range<u64>,
    /// How its body is encoded; nothing if in a way that is not known. A multipart is not encoded, whatever it
    /// says (RFC 2045 §6.4).
    pub encoding: Option<TransferEncoding>,
}

impl Scan {
    /// Where a section is in the message; nothing if there is no such part or text. The part's numbers are as in
    /// IMAP, outermost first, and none for the message itself.
    ///
    /// ```
    /// use mailwright_message::{SectionText, scan};
    ///
    /// let message = b"Subject: tea?\r\n\r\nAt four.\r\n";
    /// let scan = scan(message);
    /// assert_eq!(scan.section(&[], SectionText::Header)?, Some(0..17));
    /// assert_eq!(scan.section(&[1], SectionText::All)?, Some(17..27));
    /// assert_eq!(scan.section(&[2], SectionText::All)?, None);
    /// # Ok::<(), mailwright_message::ScanError>(())
    /// ```
    ///
    /// # Errors
    /// If it was left out of the scan, which that of the message itself never is; or is damaged.
    pub fn section(&self, part: &[u32], text: SectionText) -> Result<Option<Range<u64>>, ScanError> {
        if part.is_empty() {
            return Ok(match text {
                SectionText::All => Some(0..self.size()),
                SectionText::Header => Some(self.header_range()),
                SectionText::Text => Some(self.header_range().end..self.size()),
                SectionText::Mime => None,
            });
        }
        let Some(found) = self.find(part)? else { return Ok(None) };
        Ok(match text {
            SectionText::All => Some(found.body),
            SectionText::Mime => Some(found.header),
            SectionText::Header | SectionText::Text if found.kind == PartKind::Message => {
                let inner = self.inner(&found)?;
                Some(if text == SectionText::Header { inner.header } else { inner.body })
            }
            SectionText::Header | SectionText::Text => None,
        })
    }

    /// Where a part is and how it is encoded; nothing if there is none.
    ///
    /// # Errors
    /// If it was left out of the scan, or is damaged.
    pub fn part(&self, part: &[u32]) -> Result<Option<PartPlace>, ScanError> {
        let found = match part {
            [] => Some(self.root()?),
            part => self.find(part)?,
        };
        let Some(found) = found else { return Ok(None) };
        let encoding = if found.kind == PartKind::Multipart || part.is_empty() {
            Some(TransferEncoding::Identity)
        } else {
            self.coding(&found)?.encoding.map_or(Some(TransferEncoding::Identity), TransferEncoding::named)
        };
        let body = if part.is_empty() { 0..self.size() } else { found.body };
        Ok(Some(PartPlace { header: found.header, body, encoding }))
    }

    /// RFC 9051 §6.4.5.1: "Every message has at least one part number. Messages that do not use MIME, and MIME
    /// messages that are not multipart and have no encapsulated message within them, only have a part 1."
    fn find(&self, part: &[u32]) -> Result<Option<Record>, ScanError> {
        let mut found = self.root()?;
        // A message, of which a number is still to be taken: it is one of its parts, or 1 for its only one.
        let mut is_message = true;
        for number in part {
            if !is_message && found.kind == PartKind::Message {
                found = self.inner(&found)?;
                is_message = true;
            }
            let Some(before) = number.checked_sub(1).and_then(|before| usize::try_from(before).ok()) else {
                return Ok(None);
            };
            if found.kind == PartKind::Multipart {
                let Some(next) = self.parts_of(&found).nth(before) else { return Ok(None) };
                found = next?;
            } else if !is_message || before > 0 {
                return Ok(None);
            }
            is_message = false;
        }
        Ok(Some(found))
    }
}

/// The fields of a header that have one of the names, or with `not` none of them; octet for octet, with the empty
/// line at the end if the header has one (RFC 9051 §6.4.5).
///
/// ```
/// let header = b"From: a@b\r\nTo: c@d,\r\n e@f\r\nSubject: tea?\r\n\r\n";
/// let filtered = mailwright_message::filter_header(header, &["TO", "Date"], false);
/// assert_eq!(filtered, "To: c@d,\r\n e@f\r\n\r\n");
/// ```
pub fn filter_header(header: &[u8], names: &[impl AsRef<[u8]>], not: bool) -> Bytes {
    let mut filtered = Vec::new();
    // What comes before the first field is none.
    let mut is_wanted = not;
    for line in lines(header) {
        if matches!(line, b"\r\n" | b"\n") {
            filtered.extend_from_slice(line);
            break;
        }
        if !line.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
            is_wanted = match field_name(line) {
                Some(name) => names.iter().any(|wanted| wanted.as_ref().eq_ignore_ascii_case(name)) != not,
                // No field, but of the header all the same.
                None => not,
            };
        }
        if is_wanted {
            filtered.extend_from_slice(line);
        }
    }
    Bytes::from(filtered)
}

/// The name of the field that begins in a line, if one does.
pub(crate) fn field_name(line: &[u8]) -> Option<&[u8]> {
    line.get(..memchr(b':', line)?).map(<[u8]>::trim_ascii_end)
}

/// The lines of a text, with their ends.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|octet| *octet == b'\n')
}
