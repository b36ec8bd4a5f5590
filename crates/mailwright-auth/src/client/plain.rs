//! PLAIN (RFC 4616).

use mailwright_core::Secret;

use super::error::{ClientError, check};
use super::step::Step;
use crate::error::Part;
use crate::mechanism::Credentials;

#[derive(Debug)]
pub(super) enum State {
    Start { message: Secret },
    Said,
}

impl State {
    /// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616 §2)
    pub(super) fn start(credentials: &Credentials) -> Result<Self, ClientError> {
        let (user, password) = (credentials.user.as_bytes(), credentials.password.expose());
        let authzid = credentials.authzid.as_deref().unwrap_or_default().as_bytes();
        check(user, Part::User, b"\0")?;
        check(password, Part::Password, b"\0")?;
        if credentials.authzid.is_some() {
            check(authzid, Part::Authzid, b"\0")?;
        }
        if std::str::from_utf8(password).is_err() {
            return Err(ClientError::NotUtf8(Part::Password));
        }
        // At its full size at once, so that no copy of the password is left behind.
        let mut message = Vec::with_capacity(authzid.len() + user.len() + password.len() + 2);
        for (part, end) in [(authzid, &b"\0"[..]), (user, b"\0"), (password, b"")] {
            message.extend_from_slice(part);
            message.extend_from_slice(end);
        }
        Ok(Self::Start { message: Secret::new(message) })
    }

    pub(super) fn step(self, challenge: Option<&[u8]>) -> Result<(Self, Step), ClientError> {
        match (self, challenge) {
            (Self::Start { message }, None) => Ok((Self::Said, Step::Respond(message))),
            _ => Err(ClientError::Unexpected),
        }
    }
}
