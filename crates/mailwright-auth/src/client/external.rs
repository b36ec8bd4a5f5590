//! EXTERNAL (RFC 4422 appendix A).

use mailwright_core::Secret;

use super::error::{ClientError, check};
use super::step::Step;
use crate::error::Part;

#[derive(Debug)]
pub(super) enum State {
    Start { authzid: Option<String> },
    Said,
}

impl State {
    pub(super) fn start(authzid: Option<String>) -> Result<Self, ClientError> {
        if let Some(authzid) = &authzid {
            check(authzid.as_bytes(), Part::Authzid, b"\0")?;
        }
        Ok(Self::Start { authzid })
    }

    pub(super) fn step(self, challenge: Option<&[u8]>) -> Result<(Self, Step), ClientError> {
        match (self, challenge) {
            (Self::Start { authzid }, None) => {
                let message = Secret::new(authzid.unwrap_or_default().into_bytes());
                Ok((Self::Said, Step::Respond(message)))
            }
            _ => Err(ClientError::Unexpected),
        }
    }
}
