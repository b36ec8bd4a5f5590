//! What changes the grammar of a session.

/// What changes the grammar of a session, and what it puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grammar {
    /// Mailbox names are UTF-8, as after ENABLE of IMAP4rev2 or UTF8=ACCEPT. Else they are modified UTF-7
    /// (RFC 3501 §5.1.3), and UTF-8 is taken too where it cannot be that.
    pub utf8: bool,
    /// Between the levels of mailbox names. At the end of a new one it means nothing (RFC 9051 §6.3.4).
    pub separator: char,
    /// How much of everything.
    pub limits: GrammarLimits,
}

impl Default for Grammar {
    fn default() -> Self {
        Self { utf8: false, separator: '/', limits: GrammarLimits::default() }
    }
}

/// How much may be in a command, beside what the octets of a frame limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrammarLimits {
    /// Levels of parentheses, NOT and OR in a SEARCH. Default: 32. Costs stack, here and wherever a
    /// [`SearchKey`](crate::types::SearchKey) is walked.
    pub search_depth: usize,
    /// Keys of a SEARCH. Default: 1,024, at about 100 octets, each of which is asked of each message.
    pub search_keys: usize,
    /// Numbers of a section, `1.2.3`. Default: 100, at 4 octets.
    pub section_depth: usize,
    /// Items of a list: what FETCH asks for, header fields, flags, patterns. Default: 1,024, at about 100 octets,
    /// of which no two are the same in a FETCH.
    pub list_items: usize,
}

impl Default for GrammarLimits {
    fn default() -> Self {
        Self { search_depth: 32, search_keys: 1024, section_depth: 100, list_items: 1024 }
    }
}
