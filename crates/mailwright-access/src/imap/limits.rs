//! How much of everything at once.

use std::time::Duration;

/// How much an IMAP session takes in hand at once. None of these limits what a client may ask for, but those that say
/// so: they bound the memory of a session, and how long it keeps others waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImapLimits {
    /// Messages whose flags, sizes or dates are read at once. Default 5,000. Cost: about 100 octets each.
    pub rows_per_page: usize,
    /// Messages whose UIDs and flags are kept in memory between commands, of all mailboxes together; a larger mailbox
    /// is read anew by each command. Default 500,000. Cost: about 50 octets each, for all sessions of a server.
    pub listed_rows: usize,
    /// Messages whose scans are read at once; as many again are read ahead. Default 256. Cost: what the store allows
    /// for a scan each, as a rule below 1 KiB.
    pub scans_per_page: usize,
    /// Messages that a batch changes: STORE, MOVE and EXPUNGE of more are done in parts. Default 5,000. Cost: how
    /// long other writers wait.
    pub rows_per_batch: usize,
    /// Octets of messages that are read at once, for sections up to `section`. Default 1 MiB.
    pub sections: u64,
    /// Octets of a section above which it is passed on as it is read, and not read as a whole. Default 64 KiB.
    pub section: u64,
    /// Octets of a header that are looked at for single fields; what lies beyond is not found. Default 4 MiB.
    pub header: u64,
    /// Octets of a part that BINARY decodes; a larger one is refused. Default 64 MiB. Cost: that much memory.
    pub binary: u64,
    /// Octets of messages that APPEND takes before it asks whether the quota allows them; it is the commit that
    /// refuses these few. Default 64 KiB.
    pub append_unasked: u64,
    /// How long a SEARCH may take; then it is refused. Default 100 s, below the machine's own limit on answers.
    pub search: Duration,
    /// Octets that are scanned or searched before others have their turn. Default 1 MiB.
    pub turn: u64,
    /// Names that are compared with patterns before others have their turn, and mailboxes whose status is read at
    /// once. Default 500.
    pub names_per_turn: usize,
}

impl Default for ImapLimits {
    fn default() -> Self {
        Self {
            rows_per_page: 5_000,
            listed_rows: 500_000,
            scans_per_page: 256,
            rows_per_batch: 5_000,
            sections: 1 << 20,
            section: 64 << 10,
            header: 4 << 20,
            binary: 64 << 20,
            append_unasked: 64 << 10,
            search: Duration::from_secs(100),
            turn: 1 << 20,
            names_per_turn: 500,
        }
    }
}
