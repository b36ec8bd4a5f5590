//! What the server speaks.

use std::fmt;
use std::str::FromStr;

/// What a socket of a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// SMTP (RFC 5321).
    Smtp,
    /// IMAP (RFC 9051, RFC 3501).
    Imap,
    /// POP3 (RFC 1939).
    Pop3,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Smtp, Self::Imap, Self::Pop3];

    /// Its name in URLs and transcripts: `smtp`, `imap`, `pop3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name).ok_or(())
    }
}
