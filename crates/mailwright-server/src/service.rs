//! What a server does for its clients.

/// What a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// SMTP, with STARTTLS and AUTH.
    Smtp,
    /// SMTP inside TLS.
    Smtps,
    /// IMAP, with STARTTLS.
    Imap,
    /// IMAP inside TLS.
    Imaps,
    /// POP3, with STLS.
    Pop3,
    /// POP3 inside TLS.
    Pop3s,
}

impl Service {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [Self::Smtp, Self::Smtps, Self::Imap, Self::Imaps, Self::Pop3, Self::Pop3s];

    /// Its name in the log and in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
        }
    }

    /// Whether it begins with TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Smtps | Self::Imaps | Self::Pop3s)
    }
}
