//! Flags and keywords (RFC 9051 §2.3.2).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// A flag with a meaning in IMAP itself. `\Recent` is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemFlag {
    /// `\Seen`
    Seen,
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Draft`
    Draft,
}

impl SystemFlag {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Answered, Self::Flagged, Self::Deleted, Self::Draft];

    /// As IMAP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "\\Seen",
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A flag that clients invent, `$Forwarded` or `work`: an IMAP atom of 1 to [`MAX`](Self::MAX) octets, kept as
/// first spelled and compared without regard to case.
#[derive(Clone)]
pub struct Keyword(Arc<str>);

impl Keyword {
    /// Octets of the longest keyword.
    pub const MAX: usize = 128;

    /// As spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: equal keywords are equal so.
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn folded_octets(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

/// The text is no keyword: see [`Keyword`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a keyword is an IMAP atom of 1 to 128 octets")]
pub struct InvalidKeyword;

impl FromStr for Keyword {
    type Err = InvalidKeyword;

    fn from_str(text: &str) -> Result<Self, InvalidKeyword> {
        // RFC 9051 §9: any CHAR except atom-specials.
        let is_atom = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(is_atom) {
            return Err(InvalidKeyword);
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded_octets().cmp(other.folded_octets())
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The flags and keywords of a message.
///
/// ```
/// use mailwright_store::{Flags, SystemFlag};
///
/// let flags = Flags::from(SystemFlag::Seen).with_keyword("$Junk".parse()?);
/// assert!(flags.has(SystemFlag::Seen) && flags.has_keyword(&"$junk".parse()?));
/// assert_eq!(flags.to_string(), "\\Seen $Junk");
/// # Ok::<_, mailwright_store::InvalidKeyword>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Flags {
    system: u8,
    /// Ascending, each once.
    keywords: Vec<Keyword>,
}

impl Flags {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one.
    #[must_use]
    pub fn with(mut self, flag: SystemFlag) -> Self {
        self.system |= flag.bit();
        self
    }

    /// And this one.
    #[must_use]
    pub fn with_keyword(mut self, keyword: Keyword) -> Self {
        if let Err(at) = self.keywords.binary_search(&keyword) {
            self.keywords.insert(at, keyword);
        }
        self
    }

    /// Whether it is set.
    pub fn has(&self, flag: SystemFlag) -> bool {
        self.system & flag.bit() != 0
    }

    /// Whether it is set.
    pub fn has_keyword(&self, keyword: &Keyword) -> bool {
        self.keywords.binary_search(keyword).is_ok()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_empty()
    }

    /// The system flags that are set.
    pub fn system(&self) -> impl Iterator<Item = SystemFlag> + '_ {
        SystemFlag::ALL.into_iter().filter(|&flag| self.has(flag))
    }

    /// The keywords, in order.
    pub fn keywords(&self) -> &[Keyword] {
        &self.keywords
    }

    /// What is set in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let all = Self { system: self.system | other.system, keywords: self.keywords.clone() };
        other.keywords.iter().cloned().fold(all, Self::with_keyword)
    }

    /// What is set here and not there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let keywords = self.keywords.iter().filter(|keyword| !other.has_keyword(keyword)).cloned();
        Self { system: self.system & !other.system, keywords: keywords.collect() }
    }
}

impl From<SystemFlag> for Flags {
    fn from(flag: SystemFlag) -> Self {
        Self::new().with(flag)
    }
}

impl FromIterator<SystemFlag> for Flags {
    fn from_iter<I: IntoIterator<Item = SystemFlag>>(flags: I) -> Self {
        flags.into_iter().fold(Self::new(), Self::with)
    }
}

/// As IMAP lists them, without the parentheses.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.system().map(|flag| flag.as_str()).chain(self.keywords.iter().map(Keyword::as_str));
        for (index, name) in names.enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({self})")
    }
}

/// What STORE does to flags (RFC 9051 §6.4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagChange {
    /// `+FLAGS`
    Add(Flags),
    /// `-FLAGS`
    Remove(Flags),
    /// `FLAGS`
    Replace(Flags),
}

impl FlagChange {
    /// What becomes of `flags`.
    pub fn apply(&self, flags: &Flags) -> Flags {
        match self {
            Self::Add(more) => flags.union(more),
            Self::Remove(less) => flags.difference(less),
            Self::Replace(new) => new.clone(),
        }
    }

    /// The flags that it names.
    pub fn flags(&self) -> &Flags {
        match self {
            Self::Add(flags) | Self::Remove(flags) | Self::Replace(flags) => flags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_atoms_without_case() {
        for bad in ["", "a b", "\\Seen", "a]", "ü", &"a".repeat(129)] {
            assert_eq!(bad.parse::<Keyword>(), Err(InvalidKeyword), "{bad}");
        }
        let (a, b): (Keyword, Keyword) = ("$Junk".parse().unwrap(), "$JUNK".parse().unwrap());
        assert_eq!(a, b);
        assert_eq!(Flags::new().with_keyword(a).with_keyword(b).keywords().len(), 1);
    }

    #[test]
    fn changes_are_of_sets() {
        let work: Keyword = "work".parse().unwrap();
        let seen = Flags::from(SystemFlag::Seen);
        let both = seen.clone().with_keyword(work);
        assert_eq!(FlagChange::Add(both.clone()).apply(&seen), both);
        assert_eq!(FlagChange::Remove(seen.clone()).apply(&both).to_string(), "work");
        assert_eq!(FlagChange::Replace(seen.clone()).apply(&both), seen);
    }
}
