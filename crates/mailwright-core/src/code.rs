//! Reply codes, enhanced status codes, and refusals that cannot be taken for success.

use std::fmt;

/// A three-digit reply code (RFC 5321 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// `None` unless 200 ≤ `code` ≤ 599.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 200 && code <= 599 { Some(Self(code)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// 2yz or 3yz.
    pub const fn is_positive(self) -> bool {
        self.0 < 400
    }

    /// 4yz: the same again may succeed.
    pub const fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5yz: the same again will not succeed.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An enhanced status code (RFC 3463 §2), `class.subject.detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// `None` unless the class is 2, 4 or 5 and subject and detail have at most three digits (RFC 3463 §2).
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Some(Self { class, subject, detail })
        } else {
            None
        }
    }

    /// 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 addressing, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 security.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// What about it.
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    /// RFC 5321 §4.2.1, RFC 3463 §2
    fn codes_are_of_their_ranges() {
        assert!(ReplyCode::new(199).is_none() && ReplyCode::new(600).is_none());
        assert!(ReplyCode::new(250).is_some_and(ReplyCode::is_positive));
        assert!(ReplyCode::new(451).is_some_and(ReplyCode::is_transient));
        assert!(EnhancedCode::new(3, 0, 0).is_none() && EnhancedCode::new(5, 1000, 0).is_none());
        assert_eq!(EnhancedCode::new(5, 1, 1).map(|c| c.to_string()).as_deref(), Some("5.1.1"));
    }
}
