//! Refusals, which cannot be taken for success.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A `NO` response: there is no way to build one that says `OK`.
///
/// Any error becomes the temporary [`Rejection::local_error`], so that `?` in an application is always safe. (For
/// that, a `Rejection` is itself no [`Error`].)
#[derive(Clone)]
pub struct Rejection {
    code: Option<ResponseCode>,
    text: Cow<'static, str>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    closes: bool,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a client's program can make of a refusal (RFC 5530 §3, RFC 9051 §7.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ResponseCode {
            $($(#[$doc])* $variant,)*
        }

        impl ResponseCode {
            /// As IMAP writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A mailbox of that name is there.
    AlreadyExists = "ALREADYEXISTS",
    /// User name or password is wrong.
    AuthenticationFailed = "AUTHENTICATIONFAILED",
    /// The user may not act for that other one.
    AuthorizationFailed = "AUTHORIZATIONFAILED",
    /// Search texts in that charset are not understood; these are.
    BadCharset = "BADCHARSET (US-ASCII UTF-8)",
    /// It is against the rules, and will always be.
    Cannot = "CANNOT",
    /// The client does something useless.
    ClientBug = "CLIENTBUG",
    /// Somebody has to repair it.
    ContactAdmin = "CONTACTADMIN",
    /// What is stored is damaged.
    Corruption = "CORRUPTION",
    /// The password is too old.
    Expired = "EXPIRED",
    /// Some of the messages are gone.
    ExpungeIssued = "EXPUNGEISSUED",
    /// A mailbox with others below cannot be deleted.
    HasChildren = "HASCHILDREN",
    /// Another session has it.
    InUse = "INUSE",
    /// There are too many.
    Limit = "LIMIT",
    /// There is no such mailbox.
    NonExistent = "NONEXISTENT",
    /// What was searched is not kept.
    NotSaved = "NOTSAVED",
    /// The user has not the right to.
    NoPerm = "NOPERM",
    /// The quota does not allow it.
    OverQuota = "OVERQUOTA",
    /// It is not possible without TLS.
    PrivacyRequired = "PRIVACYREQUIRED",
    /// Something is wrong here.
    ServerBug = "SERVERBUG",
    /// The message or the command is too large.
    TooBig = "TOOBIG",
    /// There is no such mailbox; it can be created.
    TryCreate = "TRYCREATE",
    /// It cannot be done for now.
    Unavailable = "UNAVAILABLE",
    /// The part's transfer encoding is unknown (RFC 3516 §4.3).
    UnknownCte = "UNKNOWN-CTE",
    /// No mailbox can be for that use (RFC 6154 §3).
    UseAttr = "USEATTR",
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    /// `[AUTHENTICATIONFAILED]`: user name or password is wrong; which of them is not told.
    auth_failed = AuthenticationFailed "authentication failed: user name or password is wrong";
    /// `[UNAVAILABLE]`: whether the password is right cannot be told now.
    auth_unavailable = Unavailable "authentication is not available now, try again later";
    /// `[NONEXISTENT]`: there is no such mailbox, or the user may not know that there is.
    no_such_mailbox = NonExistent "no such mailbox";
    /// `[TRYCREATE]`: there is no such mailbox to put a message into.
    try_create = TryCreate "no such mailbox; create it first";
    /// `[ALREADYEXISTS]`: a mailbox of that name is there.
    already_exists = AlreadyExists "the mailbox exists";
    /// `[CANNOT]`: that is no name for a mailbox.
    invalid_name = Cannot "that is no name for a mailbox";
    /// `[NOPERM]`: the user has not the right to.
    no_permission = NoPerm "you do not have the right to do this";
    /// `[OVERQUOTA]`: the quota does not allow it.
    over_quota = OverQuota "the mailbox is full: delete messages or ask for a larger quota";
    /// `[LIMIT]`: there are too many.
    limit = Limit "a limit of this server is exceeded";
    /// `[TOOBIG]`: the message is too large.
    too_big = TooBig "the message is too large";
    /// `[EXPUNGEISSUED]`: some of the messages are gone.
    expunge_issued = ExpungeIssued "some of the messages no longer exist";
    /// `[UNAVAILABLE]`: the server takes no mail for now, since its disk is full.
    no_space = Unavailable "the server has no room for new messages now; deleting works";
    /// `[UNAVAILABLE]`: something failed here, for now.
    local_error = Unavailable "local error, try again later";
    /// `[UNAVAILABLE]`: the server closes.
    shutting_down = Unavailable "shutting down, try again later";
    /// `[UNAVAILABLE]`: too many connections.
    too_many_connections = Unavailable "too many connections, try again later";
}

impl Rejection {
    /// A rejection with this code, or none, and this text.
    ///
    /// ```
    /// use mailwright_imap::{Rejection, ResponseCode};
    ///
    /// let expired = Rejection::new(ResponseCode::Expired, "your password has expired, see https://example.org/");
    /// assert_eq!(expired.to_string(), "[EXPIRED] your password has expired, see https://example.org/");
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
