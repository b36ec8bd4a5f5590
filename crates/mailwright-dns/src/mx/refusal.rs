//! What a peer is told about a domain that its mail cannot go to.

use mailwright_core::{EnhancedCode, ReplyCode};

use super::hosts::MailHosts;

/// Whose domain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The recipient's: mail cannot get there.
    Recipient,
    /// The sender's: no report could get there.
    Sender,
}

impl MailHosts {
    /// The codes with which mail to or from such a domain is refused, for good or for now; `None` if there is no
    /// reason to.
    ///
    /// | | recipient | sender |
    /// |---|---|---|
    /// | `NullMx` (RFC 7505 §4) | 556 5.1.10 | 550 5.7.27 |
    /// | `NoSuchDomain` | 550 5.1.2 | 550 5.1.8 |
    /// | `NoAddresses` | 550 5.4.4 | 550 5.1.8 |
    /// | `Loop` | 554 5.4.6 | |
    /// | `Temporary` | 451 4.4.3 | 451 4.4.3 |
    pub fn refusal(&self, of: Party) -> Option<(ReplyCode, EnhancedCode)> {
        use Party::{Recipient, Sender};
        let (code, class, subject, detail) = match (self, of) {
            (Self::Hosts(_), _) | (Self::Loop, Sender) => return None,
            (Self::NullMx, Recipient) => (556, 5, 1, 10),
            (Self::NullMx, Sender) => (550, 5, 7, 27),
            (Self::NoSuchDomain, Recipient) => (550, 5, 1, 2),
            (Self::NoSuchDomain | Self::NoAddresses(_), Sender) => (550, 5, 1, 8),
            (Self::NoAddresses(_), Recipient) => (550, 5, 4, 4),
            (Self::Loop, Recipient) => (554, 5, 4, 6),
            (Self::Temporary(_), _) => (451, 4, 4, 3),
        };
        ReplyCode::new(code).zip(EnhancedCode::new(class, subject, detail))
    }
}
