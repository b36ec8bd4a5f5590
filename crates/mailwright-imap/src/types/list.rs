//! What LIST asks for (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154).

use super::pattern::Pattern;
use super::status::StatusItems;

/// A LIST or LSUB command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// It was LSUB (RFC 3501 §6.3.9): rows are those of subscribed names.
    pub lsub: bool,
    /// The reference, to stand before each pattern.
    pub reference: String,
    /// Patterns. One is empty: the client asks for the separator and the root.
    pub patterns: Vec<Pattern>,
    /// Which mailboxes.
    pub select: ListSelect,
    /// What to tell of them.
    pub returns: ListReturn,
}

/// Selection options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListSelect {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `REMOTE`: there is none.
    pub remote: bool,
    /// `RECURSIVEMATCH`: never alone, or with the other options that go with any (RFC 5258 §3.1).
    pub recursive_match: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
}

/// Return options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListReturn {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `CHILDREN`
    pub children: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
    /// `STATUS (...)`
    pub status: Option<StatusItems>,
}
