//! What FETCH asks for (RFC 9051 §6.4.5).

/// A data item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchItem {
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Size,
    /// `ENVELOPE`
    Envelope,
    /// `BODY`: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `UID`: the machine writes it by itself.
    Uid,
    /// `MODSEQ` (RFC 7162 §3.1.5).
    ModSeq,
    /// `BODY[...]`, `BODY.PEEK[...]`, `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`.
    Section {
        /// What of the message.
        section: Section,
        /// Which octets of that.
        partial: Option<Partial>,
        /// Whether `\Seen` stays as it is.
        peek: bool,
        /// What the client calls it.
        name: SectionName,
    },
    /// `BINARY[...]`, `BINARY.PEEK[...]` (RFC 3516).
    Binary {
        /// Numbers of parts, outermost first; none for the whole message.
        part: Vec<u32>,
        /// Which octets of it, when decoded.
        partial: Option<Partial>,
        /// Whether `\Seen` stays as it is.
        peek: bool,
    },
    /// `BINARY.SIZE[...]`
    BinarySize {
        /// Numbers of parts, outermost first; none for the whole message.
        part: Vec<u32>,
    },
}

impl FetchItem {
    /// Whether a message that is fetched so becomes `\Seen`.
    pub fn sets_seen(&self) -> bool {
        matches!(self, Self::Section { peek: false, .. } | Self::Binary { peek: false, .. })
    }
}

/// A section of a message: a part, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Numbers of parts, outermost first; none for the message itself.
    pub part: Vec<u32>,
    /// What of it.
    pub text: SectionText,
}

/// What of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SectionText {
    /// All of it: `[]`, or the body of a part: `[1.2]`.
    #[default]
    All,
    /// `HEADER`, of the message or of a message inside.
    Header,
    /// `HEADER.FIELDS (...)`
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT (...)`
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`
    Text,
    /// `MIME`: the header of the part itself.
    Mime,
}

/// How a section is called in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SectionName {
    /// `BODY[...]`
    #[default]
    Body,
    /// `RFC822` (RFC 3501 §6.4.5)
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

/// `<offset.length>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// The first octet, counted from zero.
    pub offset: u64,
    /// So many at most; never zero.
    pub length: u64,
}
