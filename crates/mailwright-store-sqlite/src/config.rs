//! How a store is opened.

use std::path::PathBuf;
use std::time::Duration;

use mailwright_core::UidValidity;
use mailwright_store::Limits;

/// How a [`SqliteStore`](crate::SqliteStore) is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The data directory. Created if it is not there. Default: none.
    pub dir: PathBuf,
    /// What the store takes.
    pub limits: Limits,
    /// The first UIDVALIDITY of a new store: the seconds since 1970 are a good choice, since clients then never meet a
    /// number that an earlier store at the same address has given out. Default 1.
    pub first_uid_validity: UidValidity,
    /// Octets of a segment of the log, allocated at once. Default 64 MiB.
    pub segment_bytes: u64,
    /// Octets of the largest body that is written into the log with its batch; a larger one gets a file of its own.
    /// Default 256 KiB.
    pub inline_bytes: u64,
    /// Octets of bodies in memory that wait for their batch. What comes beyond gets a file of its own. Default 64 MiB.
    pub staging_bytes: u64,
    /// Batches that are made durable together, at most. Default 1,000.
    pub group_batches: usize,
    /// Octets of bodies that are made durable together, at most one body more. Default 8 MiB.
    pub group_bytes: u64,
    /// How long it may wait for others, so that one sync does for all, to be stored that an entry of the queue is
    /// delivered. What is delivered in that time is delivered again after a crash (RFC 1047). Default 2 ms.
    pub settle_delay: Duration,
    /// Rows that the writer keeps in memory between groups, at most. Default 50,000, some 10 MiB.
    pub cached_rows: usize,
    /// Rows of the queue, of bodies and of traces that are durable and that the index need not show yet: what is
    /// delivered before is never written into it. Default 4,096, some 20 ms of the writer's time when it is shown.
    pub lag_rows: usize,
    /// Octets of bodies, likewise; they stay in memory until then. Default 8 MiB.
    pub lag_bytes: u64,
    /// Threads that read. Default 4.
    pub readers: usize,
    /// Calls that wait for the thread that writes, and those that wait for one that reads; what comes beyond is refused.
    /// Default 65,536 each.
    pub waiting: usize,
    /// Octets of SQLite's write-ahead log from which on it is copied into the index, beside the work. Default 4 MiB.
    pub checkpoint_bytes: u64,
    /// Octets of SQLite's write-ahead log at which the writer waits for that. Default 64 MiB.
    pub wal_bytes: u64,
    /// Octets of the largest index that is looked at wholly when the store is opened; a larger one is looked at beside
    /// the work. Default 32 MiB, some 0.2 s.
    pub check_bytes: u64,
    /// Octets that are kept so that mail can be deleted on a full disk. Default 16 MiB.
    pub reserve_bytes: u64,
    /// Octets free on the disk below which no mail is taken; at least twice the reserve, whatever this says. Default
    /// 128 MiB: a segment of the log, the reserve, and SQLite's write-ahead log.
    pub watermark_bytes: u64,
}

impl SqliteConfig {
    /// In this directory, with the defaults.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            limits: Limits::default(),
            first_uid_validity: UidValidity(std::num::NonZeroU32::MIN),
            segment_bytes: 64 << 20,
            inline_bytes: 256 << 10,
            staging_bytes: 64 << 20,
            group_batches: 1000,
            group_bytes: 8 << 20,
            settle_delay: Duration::from_millis(2),
            cached_rows: 50_000,
            lag_rows: 4_096,
            lag_bytes: 8 << 20,
            readers: 4,
            waiting: 65_536,
            checkpoint_bytes: 4 << 20,
            wal_bytes: 64 << 20,
            check_bytes: 32 << 20,
            reserve_bytes: 16 << 20,
            watermark_bytes: 128 << 20,
        }
    }
}
