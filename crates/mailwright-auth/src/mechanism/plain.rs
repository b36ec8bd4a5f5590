//! PLAIN (RFC 4616).

use super::setting::Setting;
use super::step::{Credentials, ExchangeLimits, Next};
use crate::error::{AuthError, Part};

#[derive(Debug)]
pub(super) enum State {
    Start,
    Asked,
}

impl State {
    pub(super) fn step(self, response: Option<&[u8]>, setting: &Setting) -> Result<Next<Self>, AuthError> {
        match (self, response) {
            // RFC 4422 §5.1: without an initial response, the client is asked for it by an empty challenge.
            (Self::Start, None) => Ok(Next::Challenge(Self::Asked, Vec::new())),
            (Self::Asked, None) => Err(AuthError::NoResponse),
            (Self::Start | Self::Asked, Some(message)) => {
                message_of(message, &setting.limits).map(Next::Check)
            }
        }
    }
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616 §2)
fn message_of(message: &[u8], limits: &ExchangeLimits) -> Result<Credentials, AuthError> {
    let mut parts = message.split(|&octet| octet == 0);
    let (Some(authzid), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(AuthError::Separators);
    };
    let authzid = match authzid {
        [] => None,
        name => Some(limits.name(name, Part::Authzid)?),
    };
    let user = limits.name(user, Part::User)?;
    let secret = limits.password(password)?;
    if std::str::from_utf8(password).is_err() {
        return Err(AuthError::NotUtf8(Part::Password));
    }
    Ok(Credentials { authzid: authzid.filter(|authzid| *authzid != user), user, password: secret })
}
