//! LOGIN (draft-murchison-sasl-login-00).

use super::setting::Setting;
use super::step::{Credentials, Next};
use crate::error::{AuthError, Part};

#[derive(Debug)]
pub(super) enum State {
    Start,
    AskedUser,
    AskedPassword { user: String },
}

impl State {
    pub(super) fn step(self, response: Option<&[u8]>, setting: &Setting) -> Result<Next<Self>, AuthError> {
        let limits = &setting.limits;
        match (self, response) {
            // §2.2 names these prompts second, for clients that look at them; all servers send them.
            (Self::Start, None) => Ok(Next::Challenge(Self::AskedUser, b"Username:".to_vec())),
            // The server speaks first, so RFC 4954 §4 has an initial response refused; clients send the user
            // name in it all the same, and other servers take it.
            (Self::Start | Self::AskedUser, Some(name)) => {
                let user = limits.name(name, Part::User)?;
                Ok(Next::Challenge(Self::AskedPassword { user }, b"Password:".to_vec()))
            }
            (Self::AskedPassword { user }, Some(password)) => {
                let secret = limits.password(password)?;
                // §2: any octets but these.
                if password.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
                    return Err(AuthError::Forbidden(Part::Password));
                }
                Ok(Next::Check(Credentials { user, authzid: None, password: secret }))
            }
            (Self::AskedUser | Self::AskedPassword { .. }, None) => Err(AuthError::NoResponse),
        }
    }
}
