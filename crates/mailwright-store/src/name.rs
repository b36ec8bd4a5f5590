//! Names of mailboxes.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use thiserror::Error;

/// A mailbox's name: UTF-8, levels separated by `/`, INBOX (also as the first of several levels) in capitals.
///
/// At most [`MAX_LEVEL`](Self::MAX_LEVEL) bytes a level, [`MAX_LEVELS`](Self::MAX_LEVELS) levels and
/// [`MAX`](Self::MAX) bytes; no empty level, no control character. Names are compared byte for byte: whoever
/// reads them from a peer brings them to NFC first, until the type does so itself. A name never becomes the name
/// of a file.
///
/// ```
/// use mailwright_store::MailboxName;
///
/// let name: MailboxName = "inbox/Rechnungen/März".parse()?;
/// assert_eq!(name.as_str(), "INBOX/Rechnungen/März");
/// assert_eq!(name.parent().map(|name| name.to_string()).as_deref(), Some("INBOX/Rechnungen"));
/// assert!("a//b".parse::<MailboxName>().is_err());
/// # Ok::<_, mailwright_store::InvalidMailboxName>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Box<str>);

/// Why a text is no [`MailboxName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidMailboxName {
    /// It is empty, or one of its levels is.
    #[error("a level of the mailbox name is empty")]
    EmptyLevel,
    /// It has a control character.
    #[error("the mailbox name has a control character")]
    Control,
    /// It, or one of its levels, has too many bytes, or it has too many levels.
    #[error("the mailbox name is too long or too deep")]
    TooLong,
}

impl MailboxName {
    /// Between levels.
    pub const SEPARATOR: char = '/';
    /// Bytes of the longest name.
    pub const MAX: usize = 1000;
    /// Bytes of the longest level.
    pub const MAX_LEVEL: usize = 255;
    /// Levels of the deepest name.
    pub const MAX_LEVELS: usize = 16;

    /// Where mail arrives; every account has it.
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is INBOX.
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// The levels, outermost first.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split(Self::SEPARATOR)
    }

    /// The name one level up.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once(Self::SEPARATOR).map(|(parent, _)| Self(parent.into()))
    }

    /// Whether it lies below `other`, at any depth.
    pub fn is_below(&self, other: &Self) -> bool {
        self.below(other).is_some()
    }

    /// This name after `from`, which lies above it or is it, has become `to`. `None` if `from` does neither.
    ///
    /// # Errors
    /// If the new name is too long or too deep.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Result<Self, InvalidMailboxName>> {
        if self == from {
            return Some(Ok(to.clone()));
        }
        self.below(from).map(|rest| format!("{to}/{rest}").parse())
    }

    fn below(&self, other: &Self) -> Option<&str> {
        self.0.strip_prefix(&*other.0)?.strip_prefix(Self::SEPARATOR)
    }

    /// Stands before all names. Is none itself.
    pub(crate) fn first() -> Self {
        Self("".into())
    }

    /// All names below this one lie in this range, and no others. Its ends are no valid names.
    pub(crate) fn range_below(&self) -> Range<Self> {
        // '0' follows '/'.
        Self(format!("{self}/").into())..Self(format!("{self}0").into())
    }
}

impl FromStr for MailboxName {
    type Err = InvalidMailboxName;

    fn from_str(text: &str) -> Result<Self, InvalidMailboxName> {
        if text.len() > Self::MAX {
            return Err(InvalidMailboxName::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidMailboxName::Control);
        }
        let mut levels = 0;
        for level in text.split(Self::SEPARATOR) {
            levels += 1;
            if level.is_empty() {
                return Err(InvalidMailboxName::EmptyLevel);
            }
            if level.len() > Self::MAX_LEVEL || levels > Self::MAX_LEVELS {
                return Err(InvalidMailboxName::TooLong);
            }
        }
        // RFC 9051 §5.1: INBOX is the one name without case.
        match text.split_at_checked("INBOX".len()) {
            Some((first, rest))
                if first.eq_ignore_ascii_case("INBOX") && (rest.is_empty() || rest.starts_with('/')) =>
            {
                Ok(Self(format!("INBOX{rest}").into()))
            }
            _ => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_checked() {
        use InvalidMailboxName::{Control, EmptyLevel, TooLong};
        for (given, want) in [
            ("", Err(EmptyLevel)),
            ("/", Err(EmptyLevel)),
            ("a/", Err(EmptyLevel)),
            ("/a", Err(EmptyLevel)),
            ("a//b", Err(EmptyLevel)),
            ("a\0", Err(Control)),
            ("a\r\nb", Err(Control)),
            ("a\u{85}", Err(Control)),
            (&"a".repeat(256), Err(TooLong)),
            (&"ä".repeat(128), Err(TooLong)),
            (&["a"; 17].join("/"), Err(TooLong)),
            (&["a".repeat(250).as_str(); 4].join("/"), Err(TooLong)),
            (&["a"; 16].join("/"), Ok(["a"; 16].join("/").as_str())),
            ("Inbox", Ok("INBOX")),
            ("inbox/Inbox", Ok("INBOX/Inbox")),
            ("inboxes", Ok("inboxes")),
            ("a/inbox", Ok("a/inbox")),
            ("../etc", Ok("../etc")),
            ("Entwürfe", Ok("Entwürfe")),
        ] {
            let got = given.parse::<MailboxName>();
            assert_eq!(got.as_ref().map(MailboxName::as_str), want.as_ref().map(|text| &**text), "{given:?}");
        }
    }

    mailwright_core::properties! {
        #[test]
        fn what_lies_below_is_one_range(a in "[a-c/0.-]{1,6}", b in "[a-c/0.-]{1,6}") {
            let (Ok(a), Ok(b)) = (a.parse::<MailboxName>(), b.parse::<MailboxName>()) else { return Ok(()) };
            prop_assert_eq!(a.range_below().contains(&b), b.is_below(&a));
        }

        #[test]
        fn any_text_is_a_name_or_refused(text in "\\PC{0,30}") {
            if let Ok(name) = text.parse::<MailboxName>() {
                let again: MailboxName = name.as_str().parse().unwrap();
                prop_assert_eq!(again, name);
            }
        }
    }
}
