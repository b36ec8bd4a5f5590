//! Why a log cannot be opened, written or read.

use std::io;

use thiserror::Error;

/// Why a log cannot be opened, written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk, or what is on the way to it.
    #[error("the log cannot be read or written")]
    Io(#[from] io::Error),

    /// There is no log here: create one.
    #[error("there is no log here")]
    NoLog,
    /// There is a log here already: open it.
    #[error("there is a log here already")]
    Exists,
    /// A segment belongs to another store.
    #[error("segment {segment:016x} of the log belongs to another store")]
    Foreign {
        /// Its number.
        segment: u64,
    },
    /// A segment was written by another version of this program: a later one, or one from before the first release.
    #[error(
        "segment {segment:016x} of the log has format version {version}, which this program does not know"
    )]
    Newer {
        /// Its number.
        segment: u64,
        /// Its format version.
        version: u32,
    },

    /// An append or a sync has failed. Nobody knows what is on the disk: open the log anew.
    #[error("a write to the log has failed: it must be opened anew")]
    Poisoned,
    /// A fault of the caller: there is a group that is not synced.
    #[error("the last group is not synced")]
    NotSynced,
    /// A fault of the caller: the group is not the one that was planned, or something else was done since.
    #[error("the group is not the one that was planned")]
    NotPlanned,
    /// The group exceeds [`LogConfig::group_bytes`](super::LogConfig::group_bytes),
    /// [`LogConfig::bodies_per_group`](super::LogConfig::bodies_per_group), or the 64 bytes of a label.
    #[error("the group is too large")]
    TooLarge,
    /// A fault of the caller: it is the segment that is written.
    #[error("the segment is in use")]
    InUse,

    /// A fault of the caller: the range does not lie within the body.
    #[error("the range does not lie within the body")]
    OutOfRange,
    /// The segment is gone or ends before the body.
    #[error("segment {segment:016x} of the log does not have the body")]
    Missing {
        /// Its number.
        segment: u64,
    },
}

impl LogError {
    /// Whether it is for want of room: something may be released, and the call made again.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io(error) if is_full(error))
    }
}

/// The same of an error of the disk.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
