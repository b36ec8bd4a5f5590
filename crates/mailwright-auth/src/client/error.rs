//! What can go wrong, by whose fault.

use crate::error::Part;
use crate::scram::message::Malformed;

/// What a server may say is wrong (RFC 5802 §7, `server-error-value`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerError {
    /// The proof: so the password.
    InvalidProof,
    /// The user.
    UnknownUser,
    /// Channel binding: it does not fit, or is not known there.
    ChannelBinding,
    /// Something else.
    Other,
}

/// Why an exchange cannot be begun or has failed. A password that the server refuses is not among it: that is told
/// by the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Our caller's: nothing, where one character at least is due.
    #[error("{0} is empty")]
    Empty(Part),
    /// Our caller's: a character that the mechanism cannot carry. NUL in PLAIN (RFC 4616 §2), in LOGIN also CR and
    /// LF.
    #[error("{0} has a character that the mechanism cannot carry")]
    Forbidden(Part),
    /// Our caller's: not UTF-8 (RFC 4616 §2).
    #[error("{0} is not UTF-8")]
    NotUtf8(Part),
    /// Our caller's: the mechanism has no place for another user to act as.
    #[error("the mechanism carries no authorization identity")]
    Authzid,
    /// Our caller's: the mechanism carries something else, a token in the place of a password.
    #[error("the mechanism carries other credentials")]
    Other,
    /// Our caller's: a mechanism with -PLUS, and no [binding](super::Exchange::bound_to).
    #[error("there is nothing to bind the login to")]
    NoBinding,
    /// The peer's: a challenge that is not of the mechanism's form (RFC 5802 §7).
    #[error("a challenge that is not of the mechanism's form")]
    Malformed,
    /// The peer's: longer than [`ClientLimits::challenge_max`](super::ClientLimits::challenge_max).
    #[error("a challenge of more than {0} octets")]
    TooLong(usize),
    /// The peer's: it wants an extension that is not known here (RFC 5802 §5.1).
    #[error("the server wants an extension that is unknown here")]
    Extension,
    /// The peer's: a nonce that does not begin with ours, or adds nothing to it (RFC 5802 §5.1).
    #[error("the nonce of another exchange")]
    Nonce,
    /// The peer's: more than [`ClientLimits::iterations_max`](super::ClientLimits::iterations_max).
    #[error("the server wants {wanted} iterations, and {max} are the most")]
    Iterations {
        /// What it wants.
        wanted: u32,
        /// What it may want.
        max: u32,
    },
    /// The peer's: it does not know the password's keys, so it is not the server that the password is for.
    #[error("the server has not shown that it knows the password")]
    WrongServer,
    /// The peer's: it says what is wrong (RFC 5802 §7).
    #[error("the server refuses the login: {0:?}")]
    Refused(ServerError),
    /// The peer's: a challenge when none is due.
    #[error("a challenge that does not belong to the exchange")]
    Unexpected,
    /// The peer's: success was told before the exchange was over.
    #[error("success before the end of the exchange")]
    TooEarly,
}

impl ClientError {
    pub(super) fn of_server(error: &str) -> Self {
        Self::Refused(match error {
            "invalid-proof" => ServerError::InvalidProof,
            "unknown-user" => ServerError::UnknownUser,
            "channel-bindings-dont-match"
            | "server-does-support-channel-binding"
            | "channel-binding-not-supported"
            | "unsupported-channel-binding-type" => ServerError::ChannelBinding,
            _ => ServerError::Other,
        })
    }
}

impl From<Malformed> for ClientError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Syntax => Self::Malformed,
            Malformed::Extension => Self::Extension,
        }
    }
}

/// Checks that `text` can be carried by a mechanism that cannot carry `forbidden`.
pub(super) fn check(text: &[u8], part: Part, forbidden: &[u8]) -> Result<(), ClientError> {
    if text.is_empty() {
        Err(ClientError::Empty(part))
    } else if text.iter().any(|octet| forbidden.contains(octet)) {
        Err(ClientError::Forbidden(part))
    } else {
        Ok(())
    }
}
