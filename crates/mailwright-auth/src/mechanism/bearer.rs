//! OAUTHBEARER (RFC 7628) and XOAUTH2, in which Google had it before: a token in one message.

use super::setting::Setting;
use super::step::{Next, Token, TokenRefusal};
use crate::error::{AuthError, Part};
use crate::scram::message;

#[derive(Debug)]
pub(super) enum State {
    Start { form: Form },
    Asked { form: Form },
    Checking { form: Form },
    Refused,
}

/// How token and user are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    OAuthBearer,
    XOAuth2,
}

/// What stands behind each part.
const END: char = '\u{1}';

impl State {
    pub(super) fn step(self, response: Option<&[u8]>, setting: &Setting) -> Result<Next<Self>, AuthError> {
        match (self, response) {
            (Self::Start { form }, None) => Ok(Next::Challenge(Self::Asked { form }, Vec::new())),
            (Self::Start { form } | Self::Asked { form }, Some(response)) => {
                let token = form.read(response, setting)?;
                Ok(Next::Token(Self::Checking { form }, token))
            }
            // RFC 7628 §3.2.3: whatever the client says now, it is over.
            (Self::Refused, Some(_)) => Err(AuthError::TokenRefused),
            (Self::Checking { .. }, Some(_)) => Err(AuthError::NotDue),
            (Self::Asked { .. } | Self::Checking { .. } | Self::Refused, None) => Err(AuthError::NoResponse),
        }
    }

    pub(super) fn refuse(self, why: &TokenRefusal) -> Result<Next<Self>, AuthError> {
        let Self::Checking { form } = self else { return Err(AuthError::NotDue) };
        Ok(Next::Challenge(Self::Refused, form.refusal(why).into_bytes()))
    }
}

impl Form {
    fn read(self, response: &[u8], setting: &Setting) -> Result<Token, AuthError> {
        let text = std::str::from_utf8(response).map_err(|_| AuthError::NotUtf8(Part::Response))?;
        let limits = &setting.limits;
        let (user, pairs) = match self {
            Self::OAuthBearer => {
                let gs2 = message::gs2(text)?;
                let user = gs2.authzid.map(|written| message::name(written).ok_or(AuthError::Syntax));
                (user.transpose()?, gs2.rest.strip_prefix(END).ok_or(AuthError::Syntax)?)
            }
            Self::XOAuth2 => {
                let (user, pairs) = text.split_once(END).ok_or(AuthError::Syntax)?;
                (Some(user.strip_prefix("user=").ok_or(AuthError::Syntax)?.to_owned()), pairs)
            }
        };
        let user = user.map(|user| limits.name(user.as_bytes(), Part::User)).transpose()?;
        // Each pair has an end, and all of them have one.
        let pairs = pairs.strip_suffix(END).ok_or(AuthError::Syntax)?;
        let mut token = None;
        for pair in pairs.split_terminator(END) {
            // RFC 7628 §3.1: unknown ones are left aside.
            match pair.split_once('=').ok_or(AuthError::Syntax)? {
                ("auth", value) if token.is_none() => token = Some(bearer(value)?),
                ("auth", _) => return Err(AuthError::Syntax),
                _ => {}
            }
        }
        let token = limits.token(token.ok_or(AuthError::Syntax)?)?;
        Ok(Token { user, token })
    }

    /// What is wrong, in JSON.
    fn refusal(self, why: &TokenRefusal) -> String {
        let TokenRefusal { status, scope, openid_configuration } = why;
        let (scope, configuration) = (scope.as_deref(), openid_configuration.as_deref());
        let fields = match self {
            // RFC 7628 §3.2.2
            Self::OAuthBearer => {
                [("status", Some(&**status)), ("scope", scope), ("openid-configuration", configuration)]
            }
            // There it is the status of HTTP.
            Self::XOAuth2 => [("status", Some("401")), ("schemes", Some("bearer")), ("scope", scope)],
        };
        let present = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let written: Vec<String> =
            present.map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
        format!("{{{}}}", written.join(","))
    }
}

/// `Bearer b64token` (RFC 6750 §2.1), the scheme in any case.
fn bearer(value: &str) -> Result<&str, AuthError> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_matches(' ');
    // RFC 7628 §4.3: by sending none, a client asks which scope is wanted; it may as well begin with one.
    if token.is_empty() {
        return Err(AuthError::Empty(Part::Token));
    }
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(AuthError::Syntax);
    }
    Ok(token)
}

/// A string of JSON (RFC 8259 §7).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if char.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('"');
    out
}
