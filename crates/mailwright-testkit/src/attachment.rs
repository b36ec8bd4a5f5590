//! A part of a message that is not its text.

use std::fmt;

use bytes::Bytes;

/// A part of a message that is not its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) content: Bytes,
}

impl Attachment {
    /// The name of the file; empty if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As `image/png`, in lower case.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its octets, decoded.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({:?}, {}, {} octets)", self.name, self.media_type, self.content.len())
    }
}
