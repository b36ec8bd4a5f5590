//! What a client shows itself by.

use crate::mechanism::{Credentials, Mechanism, Token};
use crate::scram::ScramHash;

/// What a client shows itself by.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Given {
    /// A name and a password.
    Password(Credentials),
    /// An access token.
    Token(Token),
    /// What the layer below has shown: EXTERNAL, with the user to act as.
    External(Option<String>),
}

impl Given {
    /// The mechanisms that carry it, the best first. Of those that send the password or the token itself, see
    /// [`Mechanism::sends_password`]. CRAM-MD5 is left out: whoever needs it for an old server names it.
    pub fn mechanisms(&self) -> &'static [Mechanism] {
        match self {
            Self::Password(_) => &[
                Mechanism::ScramPlus(ScramHash::Sha256),
                Mechanism::ScramPlus(ScramHash::Sha1),
                Mechanism::Scram(ScramHash::Sha256),
                Mechanism::Scram(ScramHash::Sha1),
                Mechanism::Plain,
                Mechanism::Login,
            ],
            Self::Token(_) => Mechanism::TOKEN,
            Self::External(_) => &[Mechanism::External],
        }
    }
}

impl From<Credentials> for Given {
    fn from(credentials: Credentials) -> Self {
        Self::Password(credentials)
    }
}

impl From<Token> for Given {
    fn from(token: Token) -> Self {
        Self::Token(token)
    }
}
