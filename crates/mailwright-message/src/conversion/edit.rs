//! What is to be changed.

use std::ops::Range;
use std::sync::Arc;

use crate::transfer::TransferEncoding;

/// What has to be changed in a message so that a server takes it: at most some dozens of octets for each of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversion {
    /// In order, none over another.
    pub(super) edits: Arc<[Edit]>,
}

impl Conversion {
    /// Whether the message can be sent as it is.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// Octets of the message.
    pub(super) range: Range<u64>,
    pub(super) how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// This stands there instead.
    Replace(&'static str),
    /// A body that was encoded in one way is so in another.
    Encode { from: TransferEncoding, to: Encoding },
}

/// What a body can be encoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    QuotedPrintable,
    Base64,
}

impl Encoding {
    /// The field that says so.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::QuotedPrintable => "Content-Transfer-Encoding: quoted-printable\r\n",
            Self::Base64 => "Content-Transfer-Encoding: base64\r\n",
        }
    }
}
