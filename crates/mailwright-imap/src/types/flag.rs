//! Flags (RFC 9051 §2.3.2).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A flag: `\Seen`, or a keyword. Compared without regard to case.
///
/// ```
/// use mailwright_imap::types::Flag;
///
/// assert_eq!("\\SEEN".parse(), Ok(Flag::SEEN));
/// assert!("$Forwarded".parse::<Flag>().is_ok());
/// assert!("two words".parse::<Flag>().is_err());
/// ```
#[derive(Clone)]
pub struct Flag(Cow<'static, str>);

/// The text is no flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a flag is an atom, maybe behind a backslash")]
pub struct InvalidFlag;

impl Flag {
    /// `\Answered`
    pub const ANSWERED: Self = Self(Cow::Borrowed("\\Answered"));
    /// `\Flagged`
    pub const FLAGGED: Self = Self(Cow::Borrowed("\\Flagged"));
    /// `\Deleted`
    pub const DELETED: Self = Self(Cow::Borrowed("\\Deleted"));
    /// `\Seen`
    pub const SEEN: Self = Self(Cow::Borrowed("\\Seen"));
    /// `\Draft`
    pub const DRAFT: Self = Self(Cow::Borrowed("\\Draft"));

    /// The system flags that can be set. `\Recent` cannot (RFC 9051 §2.3.2).
    pub const SYSTEM: [Self; 5] = [Self::ANSWERED, Self::FLAGGED, Self::DELETED, Self::SEEN, Self::DRAFT];

    /// As spelled; system flags as in RFC 9051.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Whether it begins with a backslash.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('\\')
    }
}

/// Whether `text` can stand where RFC 9051 §9 says `flag`.
pub(crate) fn is_flag(text: &str) -> bool {
    let atom = text.strip_prefix('\\').unwrap_or(text);
    // RFC 9051 §9: any CHAR except atom-specials.
    let is_atom = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
    !atom.is_empty() && atom.bytes().all(is_atom)
}

impl FromStr for Flag {
    type Err = InvalidFlag;

    fn from_str(text: &str) -> Result<Self, InvalidFlag> {
        if let Some(system) = Self::SYSTEM.into_iter().find(|flag| flag.is(text)) {
            return Ok(system);
        }
        if is_flag(text) { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(InvalidFlag) }
    }
}

impl AsRef<str> for Flag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Flag {}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
