//! A message that arrived.

use std::fmt;
use std::sync::Arc;

use crate::attachment::Attachment;
use crate::content::Content;
use crate::links;

/// A message that arrived. Copies are cheap.
#[derive(Clone)]
pub struct Message {
    pub(crate) envelope: Arc<Envelope>,
    pub(crate) content: Arc<Content>,
}

/// What SMTP says of a message; nothing of one that came by another way.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) user: Option<String>,
}

impl Message {
    /// The sender in the envelope: what MAIL said. Empty for `<>`, and in a [mailbox](crate::Account::mailbox).
    pub fn from(&self) -> &str {
        &self.envelope.from
    }

    /// Whether it went to this address: whether RCPT said so, which Bcc does, and To may not. Case does not matter.
    pub fn to(&self, address: &str) -> bool {
        self.envelope.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// The recipients in the envelope, in order. None in a [mailbox](crate::Account::mailbox).
    pub fn recipients(&self) -> &[String] {
        &self.envelope.to
    }

    /// Who had logged in to send it.
    pub fn user(&self) -> Option<&str> {
        self.envelope.user.as_deref()
    }

    /// Its Subject, decoded; empty if there is none.
    pub fn subject(&self) -> &str {
        &self.content.subject
    }

    /// The first field of this name, unfolded and decoded (RFC 5322 §2.2.3, RFC 2047).
    pub fn header(&self, name: &str) -> Option<String> {
        self.content.field(name)
    }

    /// Its text: the first `text/plain` that is not attached, decoded. Line ends are LF, and the last is left out.
    /// Empty if there is none.
    pub fn text(&self) -> &str {
        &self.content.text
    }

    /// The same of `text/html`.
    pub fn html(&self) -> &str {
        &self.content.html
    }

    /// The web links in text and HTML, each once.
    pub fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        links::collect(&self.content.text, false, &mut links);
        links::collect(&self.content.html, true, &mut links);
        links
    }

    /// All parts that are neither [`text`](Self::text) nor [`html`](Self::html), in order.
    pub fn attachments(&self) -> &[Attachment] {
        &self.content.attachments
    }

    /// The content as it came, dots undone; no field is added.
    pub fn raw(&self) -> &[u8] {
        &self.content.raw
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("from", &self.from())
            .field("recipients", &self.recipients())
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}

/// One line, for a report.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}> -> <{}>: {:?}", self.from(), self.recipients().join(">, <"), self.subject())
    }
}
