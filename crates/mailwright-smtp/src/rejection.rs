//! Refusals, which cannot be taken for success.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use mailwright_core::{EnhancedCode, ReplyCode};

use crate::reason::Reason;

/// A 4yz or 5yz reply. It cannot be built with any other code, and its enhanced code is of the same class.
///
/// Any error becomes the temporary [`Rejection::local_error`], so that `?` in an application never loses a
/// message: the peer keeps it and tries again. (For that, a `Rejection` is itself no [`Error`].)
#[derive(Clone)]
pub struct Rejection {
    code: ReplyCode,
    enhanced: EnhancedCode,
    text: Cow<'static, str>,
    reason: Reason,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The codes are not those of a refusal: 400 to 599, with an enhanced code of the same class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rejection has a code from 400 to 599 and an enhanced code of the same class")]
pub struct NotARejection;

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident = $code:literal ($class:literal, $subject:literal, $detail:literal) $reason:ident $text:literal;)*) => {
        impl Rejection {
            $(
                $(#[$doc])*
                pub fn $name() -> Self {
                    const CODES: (ReplyCode, EnhancedCode) = checked($code, $class, $subject, $detail);
                    Self {
                        code: CODES.0,
                        enhanced: CODES.1,
                        text: Cow::Borrowed($text),
                        reason: Reason::$reason,
                        cause: None,
                    }
                }
            )*
        }
    };
}

/// Fails to compile for a preset that is no rejection.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn checked(code: u16, class: u8, subject: u16, detail: u16) -> (ReplyCode, EnhancedCode) {
    match (ReplyCode::new(code), EnhancedCode::new(class, subject, detail)) {
        (Some(code), Some(enhanced)) if code.get() / 100 == class as u16 && class >= 4 => (code, enhanced),
        _ => panic!("not a rejection"),
    }
}

presets! {
    /// 421 4.3.2: the server closes.
    shutting_down = 421 (4, 3, 2) ShuttingDown "shutting down, try again later";
    /// 421 4.7.0: too many connections.
    too_many_connections = 421 (4, 7, 0) TooManyConnections "too many connections, try again later";
    /// 450 4.2.1: the mailbox cannot take mail now.
    mailbox_busy = 450 (4, 2, 1) MailboxBusy "the mailbox cannot take mail now, try again later";
    /// 451 4.3.0: something failed here; the peer keeps the message.
    local_error = 451 (4, 3, 0) LocalError "local error, try again later";
    /// 452 4.2.2: the mailbox is full.
    mailbox_full = 452 (4, 2, 2) MailboxFull "the mailbox is full";
    /// 452 4.3.1: the disk is full.
    insufficient_storage = 452 (4, 3, 1) StorageFull "insufficient system storage, try again later";
    /// 452 4.5.3: too many recipients.
    too_many_recipients = 452 (4, 5, 3) TooManyRecipients "too many recipients, send the rest in another transaction";
    /// 454 4.7.0: whether the password is right cannot be told now.
    auth_unavailable = 454 (4, 7, 0) AuthUnavailable "authentication is not available now, try again later";
    /// 535 5.7.8: user name or password is wrong; which of them is not told.
    auth_failed = 535 (5, 7, 8) AuthFailed "authentication failed: user name or password is wrong";
    /// 550 5.1.1: there is no such mailbox.
    no_such_user = 550 (5, 1, 1) NoSuchUser "there is no such mailbox here";
    /// 550 5.7.1: this server does not pass on mail for that domain.
    relay_denied = 550 (5, 7, 1) RelayDenied "relaying denied: that domain is not ours";
    /// 552 5.3.4: the message is larger than this server takes.
    too_big = 552 (5, 3, 4) MessageTooBig "the message is larger than this server takes";
    /// 554 5.6.0: the content is not acceptable.
    bad_content = 554 (5, 6, 0) BadContent "the content is not acceptable";
}

impl Rejection {
    /// A rejection with codes of one's own.
    ///
    /// ```
    /// use mailwright_core::{EnhancedCode, ReplyCode};
    /// use mailwright_smtp::{NotARejection, Rejection};
    ///
    /// let greylisted = Rejection::new(451, (4, 7, 1), "greylisted, try after 5 min")?;
    /// assert_eq!(greylisted.to_string(), "451 4.7.1 greylisted, try after 5 min");
    /// assert!(Rejection::new(250, (2, 0, 0), "fine").is_err());
    /// # Ok::<_, NotARejection>(())
    /// ```
    ///
    /// # Errors
    /// If the codes are not those of a refusal.
    pub fn new(
        code: u16,
        enhanced: (u8, u16, u16),
        text: impl Into<Cow<'static, str>>,
    ) -> Result<Self, NotARejection> {
        let (class, subject, detail) = enhanced;
        match (ReplyCode::new(code), EnhancedCode::new(class, subject, detail)) {
            (Some(code), Some(enhanced)) if class >= 4 && code.get() / 100 == u16::from(class) => {
                Ok(Self { code, enhanced, text: text.into(), reason: Reason::Refused, cause: None })
            }
            _ => Err(NotARejection),
        }
    }

    /// The same codes with another text, which the peer's users will read: say what to do about it.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with another reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Reason>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Why, for logs, metrics and traces; the peer is not told.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The same in the place of a greeting, where no codes are known but 554 and 421 (RFC 5321 §4.3.2).
    #[cfg(feature = "server")]
    pub(crate) fn into_greeting(mut self) -> Self {
        let code = if self.code.is_permanent() { 554 } else { 421 };
        self.code = ReplyCode::new(code).unwrap_or(self.code);
        self
    }

    /// The reply code.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// The enhanced status code.
    pub fn enhanced(&self) -> EnhancedCode {
        self.enhanced
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
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
        write!(f, "{} {} {}", self.code, self.enhanced, self.text)
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
        (self.code, self.enhanced, &self.text) == (other.code, other.enhanced, &other.text)
    }
}

impl Eq for Rejection {}
