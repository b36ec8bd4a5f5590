//! Refusals, which cannot be taken for success.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A `-ERR` reply: there is no way to build one that says `+OK`.
///
/// Any error becomes the temporary [`Rejection::local_error`], so that `?` in an application is always safe:
/// the client's messages stay where they are. (For that, a `Rejection` is itself no [`Error`].)
#[derive(Clone)]
pub struct Rejection {
    code: Option<ResponseCode>,
    text: Cow<'static, str>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    closes: bool,
}

/// What a client's program can make of a refusal (RFC 2449 §8, RFC 3206).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseCode {
    /// `AUTH`: the credentials are at fault; whoever has others may try them (RFC 3206 §5).
    Auth,
    /// `IN-USE`: they are right, but another session has the maildrop (RFC 2449 §8.1.2).
    InUse,
    /// `LOGIN-DELAY`: the user has logged in too short a time ago (RFC 2449 §8.1.1).
    LoginDelay,
    /// `SYS/TEMP`: something failed here; the same again may succeed (RFC 3206 §4).
    SysTemp,
    /// `SYS/PERM`: something failed here, and somebody has to repair it (RFC 3206 §4).
    SysPerm,
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "AUTH",
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
        })
    }
}

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident = $code:ident $text:literal;)*) => {
        impl Rejection {
            $(
                $(#[$doc])*
                pub fn $name() -> Self {
                    Self::new(ResponseCode::$code, $text)
                }
            )*
        }
    };
}

presets! {
    /// `[AUTH]`: user name or password is wrong; which of them is not told.
    auth_failed = Auth "authentication failed: user name or password is wrong";
    /// `[SYS/TEMP]`: whether the password is right cannot be told now.
    auth_unavailable = SysTemp "authentication is not available now, try again later";
    /// `[IN-USE]`: another session has the maildrop.
    in_use = InUse "the maildrop is in use by another session";
    /// `[LOGIN-DELAY]`: the user has logged in too short a time ago.
    login_delay = LoginDelay "you have logged in a short time ago, try again later";
    /// `[SYS/TEMP]`: something failed here, for now.
    local_error = SysTemp "local error, try again later";
    /// `[SYS/PERM]`: something failed here, and somebody has to repair it.
    broken = SysPerm "permanent local error, ask whoever runs this server";
    /// `[SYS/TEMP]`: the server closes.
    shutting_down = SysTemp "shutting down, try again later";
    /// `[SYS/TEMP]`: too many connections.
    too_many_connections = SysTemp "too many connections, try again later";
}

impl Rejection {
    /// A rejection with this code, or none, and this text.
    ///
    /// ```
    /// use mailwright_pop3::{Rejection, ResponseCode};
    ///
    /// let expired = Rejection::new(ResponseCode::Auth, "your password has expired, see https://example.org/");
    /// assert_eq!(expired.to_string(), "[AUTH] your password has expired, see https://example.org/");
    /// ```
    pub fn new(code: impl Into<Option<ResponseCode>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), text: text.into(), cause: None, closes: false }
    }

    /// The same code with another text, which the client's user will read: say what to do about it.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = text.into();
        self
    }

    /// Also closes the connection.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The response code.
    pub fn code(&self) -> Option<ResponseCode> {
        self.code
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the connection is closed after it.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// What went wrong here, for the log; the peer is not told.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self { cause: Some(Arc::new(error)), ..Self::local_error() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "[{code}] {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rejection({self})")
    }
}

impl PartialEq for Rejection {
    /// What the peer sees is the same.
    fn eq(&self, other: &Self) -> bool {
        (self.code, &self.text, self.closes) == (other.code, &other.text, other.closes)
    }
}

impl Eq for Rejection {}
