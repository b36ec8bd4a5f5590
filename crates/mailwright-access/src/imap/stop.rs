//! Why a command ends before its answer is complete.

use mailwright_core::{Machine, Stale};
use mailwright_imap::{Rejection, Server};
use mailwright_message::ScanError;
use mailwright_store::{BlobError, ReadError, Rejected, Unavailable};
use mailwright_tokio::DriverError;

use super::refusal::{of_blob, of_commit, of_read};

/// The connection has ended.
pub(super) type Ended = DriverError<<Server as Machine>::Error>;

/// Why a command ends before its answer is complete.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client is told this.
    Refused(Rejection),
    /// The machine has told the client something already.
    Stale,
    /// There is no client.
    Ended(Ended),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<Stale> for Stop {
    fn from(_: Stale) -> Self {
        Self::Stale
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Refused(of_read(error))
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        Self::Refused(of_blob(error))
    }
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Rejected> for Stop {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(of_commit(rejected))
    }
}

impl From<Unavailable> for Stop {
    fn from(error: Unavailable) -> Self {
        Self::Refused(error.into())
    }
}
