//! What a message solicits.

use std::fmt;
use std::str;

/// Classes of solicitation, separated by commas: `SOLICIT` (RFC 3865 §2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Solicitation(Box<str>);

/// RFC 3865 §4.1.
const KEYWORDS_MAX: usize = 1000;

impl Solicitation {
    /// Reads keywords; `None` if they are none, or have over 1,000 characters.
    pub fn new(keywords: &str) -> Option<Self> {
        let is_wordchar =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
        let is_word =
            |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.bytes().all(is_wordchar);
        let fits = keywords.len() <= KEYWORDS_MAX && keywords.split(',').all(is_word);
        fits.then(|| Self(keywords.into()))
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        Self::new(str::from_utf8(value).ok()?)
    }

    /// The classes.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.0.split(',')
    }
}

impl fmt::Display for Solicitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
