//! EXTERNAL (RFC 4422 appendix A): who it is, the layer below has shown.

use super::setting::Setting;
use super::step::Next;
use crate::error::{AuthError, Part};

#[derive(Debug)]
pub(super) enum State {
    Start,
    Asked,
}

impl State {
    pub(super) fn step(self, response: Option<&[u8]>, setting: &Setting) -> Result<Next<Self>, AuthError> {
        match (self, response) {
            (Self::Start, None) => Ok(Next::Challenge(Self::Asked, Vec::new())),
            (Self::Asked, None) => Err(AuthError::NoResponse),
            (Self::Start | Self::Asked, Some([])) => Ok(Next::External(None)),
            (Self::Start | Self::Asked, Some(authzid)) => {
                setting.limits.name(authzid, Part::Authzid).map(|authzid| Next::External(Some(authzid)))
            }
        }
    }
}
