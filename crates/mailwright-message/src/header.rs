//! A header while it arrives, field by field.

use crate::envelope::{EnvelopeDraft, ListField, TextField};
use crate::part::PartDraft;
use crate::syntax::lexer::unfold;

/// A field that a scan needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Text(TextField),
    List(ListField),
    Part(PartField),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartField {
    ContentType,
    Encoding,
    Id,
    Description,
    Disposition,
    Md5,
    Language,
    Location,
}

/// Octets of the longest name that is looked for.
pub(crate) const LONGEST_NAME: usize = 25;

/// What a name in lower case means.
fn field(name: &[u8]) -> Option<Field> {
    Some(match name {
        b"date" => Field::Text(TextField::Date),
        b"subject" => Field::Text(TextField::Subject),
        b"in-reply-to" => Field::Text(TextField::InReplyTo),
        b"message-id" => Field::Text(TextField::MessageId),
        b"from" => Field::List(ListField::From),
        b"sender" => Field::List(ListField::Sender),
        b"reply-to" => Field::List(ListField::ReplyTo),
        b"to" => Field::List(ListField::To),
        b"cc" => Field::List(ListField::Cc),
        b"bcc" => Field::List(ListField::Bcc),
        b"content-type" => Field::Part(PartField::ContentType),
        b"content-transfer-encoding" => Field::Part(PartField::Encoding),
        b"content-id" => Field::Part(PartField::Id),
        b"content-description" => Field::Part(PartField::Description),
        b"content-disposition" => Field::Part(PartField::Disposition),
        b"content-md5" => Field::Part(PartField::Md5),
        b"content-language" => Field::Part(PartField::Language),
        b"content-location" => Field::Part(PartField::Location),
        _ => return None,
    })
}

/// What a header has said so far, and the field that is being read.
#[derive(Debug, Default)]
pub(crate) struct HeaderDraft {
    /// Of a message's header; not of a part's.
    pub(crate) envelope: Option<EnvelopeDraft>,
    pub(crate) part: PartDraft,
    /// Whether anything was left out.
    pub(crate) cut: bool,
    name: Vec<u8>,
    active: Option<Field>,
    value: Vec<u8>,
    value_cut: bool,
    octets_left: usize,
    fields_left: usize,
}

impl HeaderDraft {
    /// Of a message if there is an envelope. `octets` and `fields`: what may be kept.
    pub(crate) fn new(envelope: Option<EnvelopeDraft>, octets: usize, fields: usize) -> Self {
        Self { envelope, octets_left: octets, fields_left: fields, ..Self::default() }
    }

    /// A name begins.
    pub(crate) fn begin_name(&mut self) {
        self.name.clear();
    }

    /// More of the name.
    pub(crate) fn add_name(&mut self, octets: &[u8]) {
        // One more than the longest shows that it is none of those.
        let room = (LONGEST_NAME + 1).saturating_sub(self.name.len());
        // White space at the end does not count (RFC 5322 §4.5), and may be any number of octets.
        let octets = if self.name.len() > LONGEST_NAME { &[] } else { octets };
        self.name.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// The name is at its end. Whether the value is wanted.
    pub(crate) fn end_name(&mut self) -> bool {
        self.name.make_ascii_lowercase();
        let field = field(self.name.trim_ascii_end());
        let field = field.filter(|field| matches!(field, Field::Part(_)) || self.envelope.is_some());
        if field.is_some() && self.fields_left == 0 {
            self.cut = true;
            return false;
        }
        self.fields_left -= usize::from(field.is_some());
        self.active = field;
        field.is_some()
    }

    /// Whether a field is being read whose value is wanted.
    pub(crate) fn is_reading(&self) -> bool {
        self.active.is_some()
    }

    /// More of the value, line ends included.
    pub(crate) fn add_value(&mut self, octets: &[u8]) {
        let room = self.octets_left.saturating_sub(self.value.len());
        let taken = octets.get(..room).unwrap_or(octets);
        self.value_cut |= taken.len() < octets.len();
        self.value.extend_from_slice(taken);
    }

    /// The field is at its end, as the next line shows. `addresses`: so many may still come.
    pub(crate) fn end_field(&mut self, addresses: &mut usize) {
        let Some(active) = self.active.take() else { return };
        let mut value = std::mem::take(&mut self.value);
        let cut = std::mem::take(&mut self.value_cut);
        self.cut |= cut;
        let before = self.size();
        match (active, &mut self.envelope) {
            (Field::Text(field), Some(envelope)) => envelope.set_text(field, &value),
            (Field::List(field), Some(envelope)) => {
                let whole = if cut {
                    // What is behind the last comma is half an address.
                    value.get(..memchr::memrchr(b',', &value).unwrap_or_default()).unwrap_or_default()
                } else {
                    &value
                };
                self.cut |= !envelope.add_list(field, whole, addresses);
            }
            (Field::Part(field), _) => self.part.set(field, &value),
            _ => {}
        }
        let grown = self.size().saturating_sub(before);
        self.octets_left = self.octets_left.saturating_sub(grown);
        // Its memory serves the next field.
        value.clear();
        self.value = value;
    }

    fn size(&self) -> usize {
        self.part.size() + self.envelope.as_ref().map_or(0, EnvelopeDraft::size)
    }
}

impl PartDraft {
    /// Of a field that comes twice the first counts.
    fn set(&mut self, field: PartField, value: &[u8]) {
        let place = match field {
            PartField::ContentType => &mut self.content_type,
            PartField::Encoding => &mut self.encoding,
            PartField::Id => &mut self.id,
            PartField::Description => &mut self.description,
            PartField::Disposition => &mut self.disposition,
            PartField::Md5 => &mut self.md5,
            PartField::Language => &mut self.language,
            PartField::Location => &mut self.location,
        };
        place.get_or_insert_with(|| unfold(value));
    }
}
