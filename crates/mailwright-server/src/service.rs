//! What a server does for its clients.

/// What a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// SMTP with STARTTLS: for other servers.
    Smtp,
    /// SMTP inside TLS: for whoever comes, with or without a login.
    Smtps,
    /// Submission (RFC 6409), SMTP with STARTTLS: for users.
    Submission,
    /// Submission inside TLS (RFC 8314 §3.3).
    Submissions,
    /// LMTP (RFC 2033), with STARTTLS: for a server in front of this one, which has the queue.
    Lmtp,
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
    pub const ALL: [Self; 9] = [
        Self::Smtp,
        Self::Smtps,
        Self::Submission,
        Self::Submissions,
        Self::Lmtp,
        Self::Imap,
        Self::Imaps,
        Self::Pop3,
        Self::Pop3s,
    ];

    /// Its name in the log and in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
        }
    }

    /// Whether it begins with TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Smtps | Self::Submissions | Self::Imaps | Self::Pop3s)
    }

    /// Whether it takes mail.
    pub fn takes_mail(self) -> bool {
        matches!(self, Self::Smtp | Self::Smtps | Self::Submission | Self::Submissions | Self::Lmtp)
    }

    /// Whether users log in where nothing else is said. Where mail is read they have to.
    pub fn auth(self) -> Auth {
        match self {
            Self::Smtp | Self::Lmtp => Auth::Off,
            Self::Smtps => Auth::Offered,
            Self::Submission | Self::Submissions => Auth::Required,
            Self::Imap | Self::Imaps | Self::Pop3 | Self::Pop3s => Auth::Required,
        }
    }
}

/// Whether users log in where mail is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// AUTH is not offered.
    Off,
    /// It is offered, where there is TLS. Mail for users here is taken from anybody.
    Offered,
    /// Without it no mail is taken (RFC 6409 §4.3).
    Required,
}
