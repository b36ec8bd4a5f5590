//! What a message is made of, as IMAP shows it: ENVELOPE and BODYSTRUCTURE (RFC 9051 §7.5.2).
//!
//! All texts are octets as they stand in the message, unfolded; `None` is NIL. They share one buffer if whoever made
//! them cuts them out of one, which costs a reference count each.

use bytes::Bytes;

/// The fields of a message's header that clients list messages by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Date.
    pub date: Option<Bytes>,
    /// Subject.
    pub subject: Option<Bytes>,
    /// From.
    pub from: Vec<EnvelopeAddress>,
    /// Sender, or From if there is none.
    pub sender: Vec<EnvelopeAddress>,
    /// Reply-To, or From if there is none.
    pub reply_to: Vec<EnvelopeAddress>,
    /// To.
    pub to: Vec<EnvelopeAddress>,
    /// Cc.
    pub cc: Vec<EnvelopeAddress>,
    /// Bcc.
    pub bcc: Vec<EnvelopeAddress>,
    /// In-Reply-To.
    pub in_reply_to: Option<Bytes>,
    /// Message-ID.
    pub message_id: Option<Bytes>,
}

/// An address of an [`Envelope`], or the begin or the end of a group: one without host begins the group that its
/// mailbox names, one without host and mailbox ends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvelopeAddress {
    /// The display name.
    pub name: Option<Bytes>,
    /// The source route, obsolete.
    pub route: Option<Bytes>,
    /// The local part.
    pub mailbox: Option<Bytes>,
    /// The domain.
    pub host: Option<Bytes>,
}

/// Names and values.
pub type Parameters = Vec<(Bytes, Bytes)>;

/// A part of a message with all that is below it. Whoever makes one bounds the depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyStructure {
    /// What kind of part it is.
    pub kind: BodyKind,
    /// The media subtype.
    pub subtype: Bytes,
    /// Of Content-Type.
    pub parameters: Parameters,
    /// Content-MD5. Not of multiparts.
    pub md5: Option<Bytes>,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-Language.
    pub language: Vec<Bytes>,
    /// Content-Location.
    pub location: Option<Bytes>,
}

/// What kind of part a [`BodyStructure`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyKind {
    /// `multipart/*`, with its parts: at least one.
    Multipart(Vec<BodyStructure>),
    /// Anything else.
    Single(Box<SinglePart>),
}

/// A part that is no multipart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinglePart {
    /// The media type.
    pub media_type: Bytes,
    /// Content-ID.
    pub id: Option<Bytes>,
    /// Content-Description.
    pub description: Option<Bytes>,
    /// Content-Transfer-Encoding; `7BIT` if there is none.
    pub encoding: Bytes,
    /// Octets of its body, as encoded.
    pub octets: u64,
    /// What is told of some media types only.
    pub content: Content,
}

/// What is told of some media types only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// `text/*`.
    Text {
        /// Lines, as encoded.
        lines: u64,
    },
    /// `message/rfc822` and `message/global`.
    Message {
        /// Of the message inside.
        envelope: Box<Envelope>,
        /// Of the message inside.
        body: Box<BodyStructure>,
        /// Lines of the whole message inside.
        lines: u64,
    },
    /// Any other.
    Other,
}

/// Content-Disposition (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment`.
    pub kind: Bytes,
    /// Its parameters.
    pub parameters: Parameters,
}
