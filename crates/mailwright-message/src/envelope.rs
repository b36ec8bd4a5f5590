//! The envelope within a scan: as it is gathered, kept and read.

use mailwright_core::{Envelope, EnvelopeAddress};

use crate::error::ScanError;
use crate::syntax::address::{Parsed, parse_list};
use crate::syntax::lexer::unfold;
use crate::wire::{Reader, put_number, put_text};

/// Which texts an envelope has, in the order in which they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    Date,
    Subject,
    InReplyTo,
    MessageId,
}

/// Which address lists an envelope has, in the order in which they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListField {
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
}

pub(crate) const TEXTS: [TextField; 4] =
    [TextField::Date, TextField::Subject, TextField::InReplyTo, TextField::MessageId];
pub(crate) const LISTS: [ListField; 6] =
    [ListField::From, ListField::Sender, ListField::ReplyTo, ListField::To, ListField::Cc, ListField::Bcc];

/// An envelope while its header arrives.
#[derive(Debug, Default)]
pub(crate) struct EnvelopeDraft {
    date: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    in_reply_to: Option<Vec<u8>>,
    message_id: Option<Vec<u8>>,
    from: ListDraft,
    sender: ListDraft,
    reply_to: ListDraft,
    to: ListDraft,
    cc: ListDraft,
    bcc: ListDraft,
}

/// Addresses, already as they are kept.
#[derive(Debug, Default)]
struct ListDraft {
    count: u64,
    octets: Vec<u8>,
}

impl EnvelopeDraft {
    pub(crate) fn date(&self) -> Option<&[u8]> {
        self.date.as_deref()
    }

    /// Of a field that comes twice the last counts.
    pub(crate) fn set_text(&mut self, field: TextField, value: &[u8]) {
        let text = match field {
            TextField::Date => &mut self.date,
            TextField::Subject => &mut self.subject,
            TextField::InReplyTo => &mut self.in_reply_to,
            TextField::MessageId => &mut self.message_id,
        };
        *text = Some(unfold(value));
    }

    /// Lists that come twice are one list (RFC 5322 §4.5.3). Not more than `addresses`, which is counted down; whether
    /// it sufficed.
    pub(crate) fn add_list(&mut self, field: ListField, value: &[u8], addresses: &mut usize) -> bool {
        let list = match field {
            ListField::From => &mut self.from,
            ListField::Sender => &mut self.sender,
            ListField::ReplyTo => &mut self.reply_to,
            ListField::To => &mut self.to,
            ListField::Cc => &mut self.cc,
            ListField::Bcc => &mut self.bcc,
        };
        parse_list(&unfold(value), *addresses, |parsed| {
            *addresses = addresses.saturating_sub(1);
            list.count += 1;
            put_address(&mut list.octets, &parsed);
        })
    }

    /// Octets held.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.date, &self.subject, &self.in_reply_to, &self.message_id];
        let texts = texts.iter().map(|text| text.as_ref().map_or(0, Vec::len));
        texts.chain(self.lists().iter().map(|list| list.octets.len())).sum()
    }

    /// A bit for each field that is there, two octets; then the texts and the lists.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let texts = [&self.date, &self.subject, &self.in_reply_to, &self.message_id];
        let lists = self.lists();
        let there = texts.iter().map(|text| text.is_some()).chain(lists.iter().map(|list| list.count > 0));
        let bits = there.enumerate().fold(0_u16, |bits, (at, there)| bits | u16::from(there) << at);
        out.extend_from_slice(&bits.to_be_bytes());
        for text in texts.into_iter().flatten() {
            put_text(out, text);
        }
        for list in lists.into_iter().filter(|list| list.count > 0) {
            put_number(out, list.count);
            out.extend_from_slice(&list.octets);
        }
    }

    fn lists(&self) -> [&ListDraft; 6] {
        [&self.from, &self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc]
    }
}

/// A bit for each part that is there, then these.
fn put_address(out: &mut Vec<u8>, parsed: &Parsed<'_>) {
    let parts = [parsed.name, parsed.route, parsed.mailbox, parsed.host];
    let bits = parts.iter().enumerate().fold(0_u8, |bits, (at, part)| bits | u8::from(part.is_some()) << at);
    out.push(bits);
    for part in parts.into_iter().flatten() {
        put_text(out, part);
    }
}

/// An envelope as it is kept, read field by field.
pub(crate) struct EnvelopeReader<'a> {
    bits: u16,
    reader: Reader<'a>,
}

impl<'a> EnvelopeReader<'a> {
    pub(crate) fn new(mut reader: Reader<'a>) -> Result<Self, ScanError> {
        Ok(Self { bits: u16::from_be_bytes(reader.octets()?), reader })
    }

    fn has(&self, at: usize) -> bool {
        self.bits >> at & 1 == 1
    }

    /// All of it.
    pub(crate) fn envelope(mut self) -> Result<Envelope<&'a [u8]>, ScanError> {
        let mut envelope = Envelope::default();
        for (at, field) in TEXTS.into_iter().enumerate() {
            if !self.has(at) {
                continue;
            }
            let text = Some(self.reader.text()?);
            match field {
                TextField::Date => envelope.date = text,
                TextField::Subject => envelope.subject = text,
                TextField::InReplyTo => envelope.in_reply_to = text,
                TextField::MessageId => envelope.message_id = text,
            }
        }
        for (at, field) in LISTS.into_iter().enumerate() {
            if !self.has(TEXTS.len() + at) {
                continue;
            }
            let list = self.list()?;
            match field {
                ListField::From => envelope.from = list,
                ListField::Sender => envelope.sender = list,
                ListField::ReplyTo => envelope.reply_to = list,
                ListField::To => envelope.to = list,
                ListField::Cc => envelope.cc = list,
                ListField::Bcc => envelope.bcc = list,
            }
        }
        Ok(envelope)
    }

    fn list(&mut self) -> Result<Vec<EnvelopeAddress<&'a [u8]>>, ScanError> {
        let count = self.reader.count()?;
        // Each takes an octet at least: who claims more is damaged.
        let mut list = Vec::with_capacity(count.min(self.reader.left()));
        for _ in 0..count {
            let bits = self.reader.octet()?;
            let mut part = |at: u8| -> Result<Option<&'a [u8]>, ScanError> {
                if bits >> at & 1 == 0 { Ok(None) } else { self.reader.text().map(Some) }
            };
            list.push(EnvelopeAddress { name: part(0)?, route: part(1)?, mailbox: part(2)?, host: part(3)? });
        }
        Ok(list)
    }

    /// One text.
    pub(crate) fn text(mut self, wanted: TextField) -> Result<Option<&'a [u8]>, ScanError> {
        for (at, field) in TEXTS.into_iter().enumerate() {
            if !self.has(at) {
                continue;
            }
            let text = self.reader.text()?;
            if field == wanted {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Shows one list's addresses.
    pub(crate) fn addresses(
        mut self,
        wanted: ListField,
        mut show: impl FnMut(&Parsed<'a>),
    ) -> Result<(), ScanError> {
        for at in 0..TEXTS.len() {
            if self.has(at) {
                self.reader.text()?;
            }
        }
        for (at, field) in LISTS.into_iter().enumerate() {
            if !self.has(TEXTS.len() + at) {
                continue;
            }
            for _ in 0..self.reader.count()? {
                let bits = self.reader.octet()?;
                let mut part = |at: u8| -> Result<Option<&'a [u8]>, ScanError> {
                    if bits >> at & 1 == 0 { Ok(None) } else { self.reader.text().map(Some) }
                };
                let parsed = Parsed { name: part(0)?, route: part(1)?, mailbox: part(2)?, host: part(3)? };
                if field == wanted {
                    show(&parsed);
                }
            }
            if field == wanted {
                return Ok(());
            }
        }
        Ok(())
    }
}
