//! How much of what a store takes.

use std::time::Duration;

/// The bounds of a store. Which one was exceeded is told by [`Cause::Over`](crate::Cause::Over).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Operations in a batch. Bounds the size of a group commit. Default 1,000.
    pub ops_per_batch: usize,
    /// Messages that the STORE, COPY, MOVE and EXPUNGE of one batch touch; callers split larger commands where
    /// the RFC allows it. Deleting or renaming a mailbox and removing an account are exempt. Default 100,000.
    pub rows_per_batch: usize,
    /// Rows in a page; more are not given even if asked for. Default 5,000.
    pub rows_per_page: usize,
    /// Items in any other page. Default 1,000.
    pub items_per_page: usize,
    /// Bytes of a blob. Default 150 MiB.
    pub blob_bytes: u64,
    /// Bytes that one `read_blobs` gives, all ranges together. Default 32 MiB.
    pub read_blobs_bytes: u64,
    /// Bytes of a scanner's result. Default 64 KiB.
    pub scan_bytes: usize,
    /// Keywords on a message. Default 64.
    pub keywords_per_message: usize,
    /// Different keywords in a mailbox, all of which SELECT lists (RFC 9051 §7.3.5). Default 512.
    pub keywords_per_mailbox: usize,
    /// Mailboxes of an account. Default 10,000.
    pub mailboxes_per_account: usize,
    /// Subscriptions of an account. Default 10,000.
    pub subscriptions_per_account: usize,
    /// Entries of a mailbox's ACL. Default 256.
    pub acl_entries: usize,
    /// Metadata entries of a mailbox or server, for each viewer and shared (RFC 5464 §4.2.1 NOMANY). Default 128.
    pub metadata_entries: usize,
    /// Bytes of a metadata value (RFC 5464 §4.2.1 MAXSIZE). Default 64 KiB.
    pub metadata_bytes: usize,
    /// Bytes of a login. Default 255.
    pub login_bytes: usize,
    /// Credentials of an account. Default 64.
    pub credentials_per_account: usize,
    /// Addresses of an account. Default 1,000.
    pub addresses_per_account: usize,
    /// Recipients of a queue entry (RFC 5321 §4.5.3.1.8 asks for 100 a message). Default 1,000.
    pub recipients_per_entry: usize,
    /// Bytes of a queue entry's envelope, of a recipient's parameters, or of a note. Default 8 KiB.
    pub envelope_bytes: usize,
    /// Events kept of a trace; later ones are only counted, for a trace must not make mail fail. Default 1,000.
    pub events_per_trace: usize,
    /// Vanished UIDs that a mailbox remembers; who was away for longer reads it anew. Default 100,000.
    pub vanished_rows: usize,
    /// Hints that wait for a listener, beyond which they become one "anything". Default 256.
    pub hints: usize,
    /// How long a blob without reference stays readable. Bounds the time from the end of an upload to its batch,
    /// and that for which a session may read what was expunged elsewhere. Default 1 hour.
    pub blob_grace: Duration,
    /// How long a batch's outcome is kept for a replay. Default 7 days.
    pub outcome_kept: Duration,
    /// How long a trace is kept, from the message's arrival. Default 30 days.
    pub trace_kept: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            ops_per_batch: 1_000,
            rows_per_batch: 100_000,
            rows_per_page: 5_000,
            items_per_page: 1_000,
            blob_bytes: 150 << 20,
            read_blobs_bytes: 32 << 20,
            scan_bytes: 64 * KIB,
            keywords_per_message: 64,
            keywords_per_mailbox: 512,
            mailboxes_per_account: 10_000,
            subscriptions_per_account: 10_000,
            acl_entries: 256,
            metadata_entries: 128,
            metadata_bytes: 64 * KIB,
            login_bytes: 255,
            credentials_per_account: 64,
            addresses_per_account: 1_000,
            recipients_per_entry: 1_000,
            envelope_bytes: 8 * KIB,
            events_per_trace: 1_000,
            vanished_rows: 100_000,
            hints: 256,
            blob_grace: HOUR,
            outcome_kept: 7 * 24 * HOUR,
            trace_kept: 30 * 24 * HOUR,
        }
    }
}

/// Which of the [`Limits`] a batch exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::rows_per_batch`]
    RowsPerBatch,
    /// [`Limits::scan_bytes`]
    ScanBytes,
    /// [`Limits::keywords_per_message`]
    KeywordsPerMessage,
    /// [`Limits::keywords_per_mailbox`]
    KeywordsPerMailbox,
    /// [`Limits::mailboxes_per_account`]
    MailboxesPerAccount,
    /// [`Limits::subscriptions_per_account`]
    SubscriptionsPerAccount,
    /// [`Limits::acl_entries`]
    AclEntries,
    /// [`Limits::metadata_entries`]
    MetadataEntries,
    /// [`Limits::metadata_bytes`]
    MetadataBytes,
    /// [`Limits::login_bytes`]
    LoginBytes,
    /// [`Limits::credentials_per_account`]
    CredentialsPerAccount,
    /// [`Limits::addresses_per_account`]
    AddressesPerAccount,
    /// [`Limits::recipients_per_entry`]
    RecipientsPerEntry,
    /// [`Limits::envelope_bytes`]
    EnvelopeBytes,
}
