//! The mechanisms by name.

use std::fmt;
use std::str::FromStr;

use crate::error::AuthError;
use crate::scram::ScramHash;

/// A SASL mechanism (RFC 4422 §3.1).
///
/// Read from text in any case, written as IANA has registered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// SCRAM bound to the TLS connection (RFC 5802 §6): the one with -PLUS.
    ScramPlus(ScramHash),
    /// SCRAM (RFC 5802, RFC 7677): both sides show that they know the password, or what is stored of it, and neither
    /// says it.
    Scram(ScramHash),
    /// OAUTHBEARER (RFC 7628): an access token.
    OAuthBearer,
    /// XOAUTH2, the same in the form that Google had before.
    XOAuth2,
    /// EXTERNAL (RFC 4422 appendix A): the layer below has shown who it is.
    External,
    /// CRAM-MD5 (RFC 2195), as a client only: a server would have to keep the passwords themselves. MD5 is broken for
    /// other purposes, and a guess costs nothing.
    CramMd5,
    /// PLAIN (RFC 4616): identity and password in one message.
    Plain,
    /// LOGIN (draft-murchison-sasl-login-00): user name and password one by one. Obsolete, still spoken.
    Login,
}

impl Mechanism {
    /// All of them, best first.
    pub const ALL: &'static [Self] = &[
        Self::ScramPlus(ScramHash::Sha256),
        Self::ScramPlus(ScramHash::Sha1),
        Self::Scram(ScramHash::Sha256),
        Self::Scram(ScramHash::Sha1),
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::External,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
    ];

    /// Those for which a server needs nothing but a [`Verifier`](crate::Verifier), in the order to offer them in.
    pub const PASSWORD: &'static [Self] = &[Self::Plain, Self::Login];

    /// Those that carry a token, in the order to offer them in.
    pub const TOKEN: &'static [Self] = &[Self::OAuthBearer, Self::XOAuth2];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramPlus(ScramHash::Sha256) => "SCRAM-SHA-256-PLUS",
            Self::ScramPlus(ScramHash::Sha1) => "SCRAM-SHA-1-PLUS",
            Self::Scram(hash) => hash.scheme(),
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
            Self::CramMd5 => "CRAM-MD5",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// Whether what goes over the wire is enough to log in with again, a password or a token: such a one is neither
    /// offered nor taken outside TLS (RFC 4616 §5, RFC 4954 §4, RFC 7628 §3).
    pub fn sends_password(self) -> bool {
        match self {
            Self::OAuthBearer | Self::XOAuth2 | Self::Plain | Self::Login => true,
            Self::ScramPlus(_) | Self::Scram(_) | Self::External | Self::CramMd5 => false,
        }
    }

    /// Whether it is bound to the TLS connection, so to be had only on one.
    pub fn binds(self) -> bool {
        matches!(self, Self::ScramPlus(_))
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Self, AuthError> {
        let found = Self::ALL.iter().find(|mechanism| text.eq_ignore_ascii_case(mechanism.name()));
        found.copied().ok_or(AuthError::UnknownMechanism)
    }
}
