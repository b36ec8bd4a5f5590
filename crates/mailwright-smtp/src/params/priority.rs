//! How urgent a message is.

use std::fmt;

/// How urgent a message is: `MT-PRIORITY` (RFC 6710), from -9 to 9. Without one it is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i8);

impl Priority {
    /// `None` beyond -9 and 9.
    pub const fn new(priority: i8) -> Option<Self> {
        if priority >= -9 && priority <= 9 { Some(Self(priority)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> i8 {
        self.0
    }

    /// `priority-value = (["-"] NZDIGIT) / "0"`
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        match value {
            [b'0'] => Some(Self(0)),
            [digit @ b'1'..=b'9'] => Self::new(i8::try_from(digit - b'0').ok()?),
            [b'-', digit @ b'1'..=b'9'] => Self::new(-i8::try_from(digit - b'0').ok()?),
            _ => None,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
