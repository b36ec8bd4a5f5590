//! CRAM-MD5 (RFC 2195).

use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use mailwright_core::Secret;
use md5::{Digest as _, Md5};

use super::error::{ClientError, check};
use super::setting::Setting;
use super::step::Step;
use crate::error::Part;
use crate::mechanism::Credentials;

#[derive(Debug)]
pub(super) enum State {
    Start { user: String, password: Secret },
    Waiting { user: String, password: Secret },
    Said,
}

impl State {
    pub(super) fn start(credentials: Credentials) -> Result<Self, ClientError> {
        let Credentials { user, authzid, password } = credentials;
        if authzid.is_some() {
            return Err(ClientError::Authzid);
        }
        check(user.as_bytes(), Part::User, b"\0\r\n")?;
        check(password.expose(), Part::Password, b"")?;
        Ok(Self::Start { user, password })
    }

    pub(super) fn step(
        self,
        challenge: Option<&[u8]>,
        setting: &Setting,
    ) -> Result<(Self, Step), ClientError> {
        match (self, challenge) {
            (Self::Start { user, password }, None) => Ok((Self::Waiting { user, password }, Step::Wait)),
            (Self::Waiting { user, password }, Some(challenge)) => {
                if challenge.len() > setting.limits.challenge_max {
                    return Err(ClientError::TooLong(setting.limits.challenge_max));
                }
                let response = format!("{user} {}", digest(password.expose(), challenge));
                Ok((Self::Said, Step::Respond(Secret::new(response.into_bytes()))))
            }
            _ => Err(ClientError::Unexpected),
        }
    }
}

/// HMAC-MD5, in lower-case hexadecimal digits (RFC 2195 §2).
fn digest(password: &[u8], challenge: &[u8]) -> String {
    // A block's size of key, which cannot fail; what is longer is hashed (RFC 2104 §2).
    let mut block = [0; 64];
    let hashed = (password.len() > block.len()).then(|| Md5::digest(password));
    for (to, from) in block.iter_mut().zip(hashed.as_deref().unwrap_or(password)) {
        *to = *from;
    }
    let mut mac = SimpleHmac::<Md5>::new(&block.into());
    mac.update(challenge);
    mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect()
}
