//! What exchanges have in common: their limits, what a step gives, and the rules for names and passwords.

use mailwright_core::Secret;

use crate::error::{AuthError, Part};
use crate::scram::{ScramHash, ScramKeys};

/// How much a client may send, in octets after base64. What is longer fails the exchange.
///
/// RFC 4616 §2 has servers take names and passwords of up to 255 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// One response, in octets. Default 9,216, which is 12,288 characters of base64 (RFC 4954 §4). It lies in
    /// the protocol's buffer; of the exchange it takes no memory.
    pub response_max: usize,
    /// A user name or authorization identity, in octets. Default 320, a mail address of any length
    /// (RFC 5321 §4.5.3.1). Kept until the exchange ends.
    pub name_max: usize,
    /// A password, in octets. Default 1,024. It is hashed once, whatever its length, before Argon2's work.
    pub password_max: usize,
    /// An access token, in octets. Default 8,192: those that carry claims are long.
    pub token_max: usize,
    /// A client's nonce, in octets. Default 256. Kept until the exchange ends, three times over, as are the names.
    pub nonce_max: usize,
}

impl Default for ExchangeLimits {
    fn default() -> Self {
        Self { response_max: 9216, name_max: 320, password_max: 1024, token_max: 8192, nonce_max: 256 }
    }
}

impl ExchangeLimits {
    pub(super) fn check_response(&self, response: &[u8]) -> Result<(), AuthError> {
        bounded(response, Part::Response, self.response_max)
    }

    /// Names are UTF-8 without control characters, which the preparation of names prohibits (RFC 4013 §2.3,
    /// RFC 4616 appendix A), and which would end up in logs.
    pub(super) fn name(&self, bytes: &[u8], part: Part) -> Result<String, AuthError> {
        bounded(bytes, part, self.name_max)?;
        let name = std::str::from_utf8(bytes).map_err(|_| AuthError::NotUtf8(part))?;
        if name.is_empty() {
            return Err(AuthError::Empty(part));
        }
        if name.contains(char::is_control) {
            return Err(AuthError::Forbidden(part));
        }
        Ok(name.to_owned())
    }

    pub(super) fn password(&self, bytes: &[u8]) -> Result<Secret, AuthError> {
        bounded(bytes, Part::Password, self.password_max)?;
        if bytes.is_empty() {
            return Err(AuthError::Empty(Part::Password));
        }
        Ok(bytes.into())
    }

    pub(super) fn token(&self, text: &str) -> Result<Secret, AuthError> {
        bounded(text.as_bytes(), Part::Token, self.token_max)?;
        // RFC 6750 §2.1: nothing that would have to be escaped wherever it is taken next.
        if !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(AuthError::Forbidden(Part::Token));
        }
        Ok(text.into())
    }
}

fn bounded(bytes: &[u8], part: Part, max: usize) -> Result<(), AuthError> {
    if bytes.len() > max { Err(AuthError::TooLong { part, max }) } else { Ok(()) }
}

/// What a client claims and how it means to show it. The names are of the client's choosing: not yet looked
/// up, not prepared (RFC 4013), fit for a log but not for a query or a path.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user whose password it is (authcid).
    pub user: String,
    /// Another user to act as (authzid), if the client named one that is not, octet for octet, `user`. Refuse
    /// it, once the password has been checked, unless a rule of yours allows it (RFC 4616 §2).
    pub authzid: Option<String>,
    /// The password.
    pub password: Secret,
}

/// Whose keys SCRAM wants to see. The name is as in [`Credentials`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// The user.
    pub user: String,
    /// By which hash.
    pub hash: ScramHash,
}

/// What came of SCRAM. The names are as in [`Credentials`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramProof {
    /// The user who was looked up.
    pub user: String,
    /// Another user to act as, if the client named one; see [`Credentials::authzid`].
    pub authzid: Option<String>,
    /// The keys whose password the client knows; `None`: it knows none. A client may have taken its time since they were
    /// looked up: let it in only if they are still stored, for passwords are changed to keep somebody out.
    pub right: Option<ScramKeys>,
}

/// An access token, and whose mailbox it is to open.
#[derive(Debug, Clone)]
pub struct Token {
    /// The user, if the client names one: as in [`Credentials`], and to be compared with whom the token stands for.
    pub user: Option<String>,
    /// The token (RFC 6750).
    pub token: Secret,
}

/// Why a token is refused, for the client's authors (RFC 7628 §3.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The code of the error (RFC 6750 §3.1).
    pub status: String,
    /// A scope that would do.
    pub scope: Option<String>,
    /// The address of the document in which the client finds where to get a token.
    pub openid_configuration: Option<String>,
}

impl Default for TokenRefusal {
    /// `invalid_token`: it is wrong, or has expired.
    fn default() -> Self {
        Self { status: "invalid_token".to_owned(), scope: None, openid_configuration: None }
    }
}

/// What a step of an [`Exchange`](crate::Exchange) gives.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Step {
    /// Send this to the client, empty or not, and step on with its response.
    Challenge(Vec<u8>),
    /// The exchange has ended; check these and answer by what comes of it.
    Check(Credentials),
    /// Look up what is stored for SCRAM, and step on with [`Exchange::keys`](crate::Exchange::keys).
    LookUp(LookUp),
    /// The exchange has ended; answer by what came of it.
    Proof(ScramProof),
    /// Check this token. If it is right the exchange has ended; if not, step on with
    /// [`Exchange::refuse_token`](crate::Exchange::refuse_token).
    Token(Token),
    /// The exchange has ended: the client means to be whom the layer below has shown it to be (TLS, by a certificate), or
    /// this user, whom that one may act as.
    External(Option<String>),
    /// The exchange has ended and failed.
    Failed(AuthError),
}

/// What a step of one mechanism gives, `S` being its states.
pub(super) enum Next<S> {
    Challenge(S, Vec<u8>),
    Check(Credentials),
    LookUp(S, LookUp),
    Proof(ScramProof),
    Token(S, Token),
    External(Option<String>),
}
