//! What a step of an exchange gives.

use mailwright_core::Secret;

use super::error::ClientError;

/// What a step of an [`Exchange`](super::Exchange) gives.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Step {
    /// Say this to the server; from the first step it is the initial response.
    Respond(Secret),
    /// The server speaks first: begin without an initial response, and step on with its challenge.
    Wait,
    /// The exchange has failed: cancel it.
    Failed(ClientError),
}
