//! SEARCH FROM, SUBJECT and the like: in a scan, without the message.

use super::header::FoldedField;
use super::needle::Needle;
use crate::envelope::{ListField, TextField};
use crate::error::ScanError;
use crate::scan::Scan;

/// A field that a scan has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvelopeField {
    /// Subject.
    Subject,
    /// In-Reply-To.
    InReplyTo,
    /// Message-ID.
    MessageId,
    /// From.
    From,
    /// Sender, if there is one.
    Sender,
    /// Reply-To, if there is one.
    ReplyTo,
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc.
    Bcc,
}

enum Kept {
    Text(TextField),
    List(ListField),
}

impl EnvelopeField {
    fn kept(self) -> Kept {
        match self {
            Self::Subject => Kept::Text(TextField::Subject),
            Self::InReplyTo => Kept::Text(TextField::InReplyTo),
            Self::MessageId => Kept::Text(TextField::MessageId),
            Self::From => Kept::List(ListField::From),
            Self::Sender => Kept::List(ListField::Sender),
            Self::ReplyTo => Kept::List(ListField::ReplyTo),
            Self::To => Kept::List(ListField::To),
            Self::Cc => Kept::List(ListField::Cc),
            Self::Bcc => Kept::List(ListField::Bcc),
        }
    }
}

impl Needle {
    /// Whether a field of the message has the text, decoded (RFC 9051 §6.4.4: `SUBJECT <string>`, `FROM <string>`).
    /// Addresses are `name <mailbox@host>`, with `, ` between two; a group is `name:`.
    ///
    /// # Errors
    /// If it was left out of the scan, or is damaged.
    pub fn matches_envelope(&self, scan: &Scan, field: EnvelopeField) -> Result<bool, ScanError> {
        let reader = scan.envelope_reader()?;
        let mut folded = FoldedField::default();
        let mut is_there = false;
        match field.kept() {
            Kept::Text(field) => {
                if let Some(text) = reader.text(field)? {
                    is_there = true;
                    folded.add(text);
                }
            }
            Kept::List(field) => reader.addresses(field, |address| {
                if std::mem::replace(&mut is_there, true) {
                    folded.add(b", ");
                }
                match (address.mailbox, address.host) {
                    (Some(mailbox), Some(host)) => {
                        if let Some(name) = address.name {
                            folded.add(name);
                            folded.add(b" ");
                        }
                        for part in [b"<", mailbox, b"@", host, b">"] {
                            folded.add(part);
                        }
                    }
                    (Some(group), None) => {
                        folded.add(group);
                        folded.add(b":");
                    }
                    _ => {}
                }
            })?,
        }
        Ok(is_there && self.is_in(folded.folded()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::scan;

    #[test]
    fn fields_are_searched() {
        let scan = scan(
            b"From: =?utf-8?q?Ren=C3=A9?= <r@x.example>\r\nTo: friends: a@b, \"C, D\" <c@d>;\r\nSubject: Th\xc3\xa9 at four\r\n\r\n",
        );
        let finds = |text: &str, field| Needle::new(text).matches_envelope(&scan, field).unwrap();
        assert!(finds("rené <R@X", EnvelopeField::From));
        assert!(finds("friends:", EnvelopeField::To));
        assert!(finds("<a@b>, c, d <C@D>", EnvelopeField::To));
        assert!(finds("THÉ AT", EnvelopeField::Subject));
        assert!(!finds("x.example", EnvelopeField::Sender));
        assert!(!finds("", EnvelopeField::Cc));
        assert!(finds("", EnvelopeField::Subject));
        assert!(!finds("at four", EnvelopeField::From));
    }
}
