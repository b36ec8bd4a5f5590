//! What a message is made of, as IMAP shows it: ENVELOPE and BODYSTRUCTURE (RFC 9051 §7.5.2).
//!
//! All texts are octets as they stand in the message, unfolded; `None` is NIL. They are `T`: borrowed from where the
//! structure of the message is kept, or [`Bytes`].

use bytes::Bytes;

/// The fields of a message's header that clients list messages by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope<T = Bytes> {
    /// Date.
    pub date: Option<T>,
    /// Subject.
    pub subject: Option<T>,
    /// From.
    pub from: Vec<EnvelopeAddress<T>>,
    /// Sender. See [`shown_sender`](Self::shown_sender).
    pub sender: Vec<EnvelopeAddress<T>>,
    /// Reply-To. See [`shown_reply_to`](Self::shown_reply_to).
    pub reply_to: Vec<EnvelopeAddress<T>>,
    /// To.
    pub to: Vec<EnvelopeAddress<T>>,
    /// Cc.
    pub cc: Vec<EnvelopeAddress<T>>,
    /// Bcc.
    pub bcc: Vec<EnvelopeAddress<T>>,
    /// In-Reply-To.
    pub in_reply_to: Option<T>,
    /// Message-ID.
    pub message_id: Option<T>,
}

impl<T> Envelope<T> {
    /// Sender as it is shown: From, if there is none (RFC 9051 §7.5.2).
    pub fn shown_sender(&self) -> &[EnvelopeAddress<T>] {
        if self.sender.is_empty() { &self.from } else { &self.sender }
    }

    /// Reply-To as it is shown: From, if there is none (RFC 9051 §7.5.2).
    pub fn shown_reply_to(&self) -> &[EnvelopeAddress<T>] {
        if self.reply_to.is_empty() { &self.from } else { &self.reply_to }
    }
}

/// An address of an [`Envelope`], or the begin or the end of a group: one without host begins the group that its
/// mailbox names, one without host and mailbox ends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvelopeAddress<T = Bytes> {
    /// The display name.
    pub name: Option<T>,
    /// The source route, obsolete.
    pub route: Option<T>,
    /// The local part.
    pub mailbox: Option<T>,
    /// The domain.
    pub host: Option<T>,
}

/// Names and values.
pub type Parameters<T = Bytes> = Vec<(T, T)>;

/// A part of a message with all that is below it. Whoever makes one bounds the depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyStructure<T = Bytes> {
    /// What kind of part it is.
    pub kind: BodyKind<T>,
    /// The media subtype.
    pub subtype: T,
    /// Of Content-Type.
    pub parameters: Parameters<T>,
    /// Content-MD5. Not of multiparts.
    pub md5: Option<T>,
    /// Content-Disposition.
    pub disposition: Option<Disposition<T>>,
    /// Content-Language.
    pub language: Vec<T>,
    /// Content-Location.
    pub location: Option<T>,
}

/// What kind of part a [`BodyStructure`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyKind<T = Bytes> {
    /// `multipart/*`, with its parts: at least one.
    Multipart(Vec<BodyStructure<T>>),
    /// Anything else.
    Single(Box<SinglePart<T>>),
}

/// A part that is no multipart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinglePart<T = Bytes> {
    /// The media type.
    pub media_type: T,
    /// Content-ID.
    pub id: Option<T>,
    /// Content-Description.
    pub description: Option<T>,
    /// Content-Transfer-Encoding; `7BIT` if there is none.
    pub encoding: T,
    /// Octets of its body, as encoded.
    pub octets: u64,
    /// What is told of some media types only.
    pub content: Content<T>,
}

/// What is told of some media types only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<T = Bytes> {
    /// `text/*`.
    Text {
        /// Lines, as encoded.
        lines: u64,
    },
    /// `message/rfc822` and `message/global`.
    Message {
        /// Of the message inside.
        envelope: Box<Envelope<T>>,
        /// Of the message inside.
        body: Box<BodyStructure<T>>,
        /// Lines of the whole message inside.
        lines: u64,
    },
    /// Any other.
    Other,
}

/// Content-Disposition (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition<T = Bytes> {
    /// `inline`, `attachment`.
    pub kind: T,
    /// Its parameters.
    pub parameters: Parameters<T>,
}
