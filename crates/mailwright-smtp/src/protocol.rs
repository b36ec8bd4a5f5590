//! SMTP, or what is like it.

/// What is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SMTP (RFC 5321): one answer a message. A server that does not know EHLO is told HELO.
    #[default]
    Smtp,
    /// LMTP (RFC 2033): LHLO, and one answer a recipient.
    Lmtp,
}
