//! OAUTHBEARER (RFC 7628) and XOAUTH2.

use mailwright_core::Secret;

use super::error::{ClientError, check};
use super::step::Step;
use crate::error::Part;
use crate::mechanism::Token;
use crate::scram::message::saslname;

#[derive(Debug)]
pub(super) enum State {
    Start {
        message: Secret,
        is_xoauth2: bool,
    },
    Said {
        is_xoauth2: bool,
    },
    /// The server has said why it refuses the token, and has been told that we know.
    Refused,
}

impl State {
    /// `gs2-header kvsep *kvpair kvsep` (RFC 7628 §3.1)
    pub(super) fn oauth_bearer(token: &Token) -> Result<Self, ClientError> {
        let user = match &token.user {
            Some(user) => {
                check(user.as_bytes(), Part::User, b"\0\x01")?;
                format!("a={}", saslname(user))
            }
            None => String::new(),
        };
        Ok(Self::Start { message: message(&format!("n,{user},\x01"), token)?, is_xoauth2: false })
    }

    pub(super) fn xoauth2(token: &Token) -> Result<Self, ClientError> {
        let user = token.user.as_deref().unwrap_or_default();
        check(user.as_bytes(), Part::User, b"\0\x01")?;
        Ok(Self::Start { message: message(&format!("user={user}\x01"), token)?, is_xoauth2: true })
    }

    pub(super) fn step(self, challenge: Option<&[u8]>) -> Result<(Self, Step), ClientError> {
        match (self, challenge) {
            (Self::Start { message, is_xoauth2 }, None) => {
                Ok((Self::Said { is_xoauth2 }, Step::Respond(message)))
            }
            // RFC 7628 §3.2.3: then the server ends the exchange.
            (Self::Said { is_xoauth2 }, Some(_)) => {
                let heard: &[u8] = if is_xoauth2 { b"" } else { b"\x01" };
                Ok((Self::Refused, Step::Respond(heard.into())))
            }
            _ => Err(ClientError::Unexpected),
        }
    }
}

fn message(head: &str, token: &Token) -> Result<Secret, ClientError> {
    const SCHEME: &[u8] = b"auth=Bearer ";
    let token = token.token.expose();
    check(token, Part::Token, b"")?;
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(ClientError::Forbidden(Part::Token));
    }
    // At its full size at once, so that no copy of the token is left behind.
    let mut message = Vec::with_capacity(head.len() + SCHEME.len() + token.len() + 2);
    for part in [head.as_bytes(), SCHEME, token, b"\x01\x01"] {
        message.extend_from_slice(part);
    }
    Ok(Secret::new(message))
}
