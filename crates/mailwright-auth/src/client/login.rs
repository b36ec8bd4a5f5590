//! LOGIN (draft-murchison-sasl-login-00).

use mailwright_core::Secret;

use super::error::{ClientError, check};
use super::step::Step;
use crate::error::Part;
use crate::mechanism::Credentials;

#[derive(Debug)]
pub(super) enum State {
    Start { user: Secret, password: Secret },
    User { user: Secret, password: Secret },
    Password { password: Secret },
    Said,
}

impl State {
    pub(super) fn start(credentials: Credentials) -> Result<Self, ClientError> {
        let Credentials { user, authzid, password } = credentials;
        if authzid.is_some() {
            return Err(ClientError::Authzid);
        }
        check(user.as_bytes(), Part::User, b"\0\r\n")?;
        // §2: any octets but these.
        check(password.expose(), Part::Password, b"\0\r\n")?;
        Ok(Self::Start { user: Secret::new(user.into_bytes()), password })
    }

    /// §2.1: what the server asks with is for people; the order is fixed.
    pub(super) fn step(self, challenge: Option<&[u8]>) -> Result<(Self, Step), ClientError> {
        match (self, challenge) {
            (Self::Start { user, password }, None) => Ok((Self::User { user, password }, Step::Wait)),
            (Self::User { user, password }, Some(_)) => {
                Ok((Self::Password { password }, Step::Respond(user)))
            }
            (Self::Password { password }, Some(_)) => Ok((Self::Said, Step::Respond(password))),
            _ => Err(ClientError::Unexpected),
        }
    }
}
