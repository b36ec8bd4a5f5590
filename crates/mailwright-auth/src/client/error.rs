//! What can go wrong, by whose fault.

use crate::error::Part;

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
    /// The peer's: a challenge when none is due.
    #[error("a challenge that does not belong to the exchange")]
    Unexpected,
    /// The peer's: success was told before the exchange was over.
    #[error("success before the end of the exchange")]
    TooEarly,
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
