//! What the client is told when the store refuses.

use std::error::Error as _;

use mailwright_imap::{Rejection, ResponseCode};
use mailwright_store::{BlobError, Cause, Health, InvalidMailboxName, Limit, ReadError, Rejected, Resource};
use tracing::error;

use crate::unsupported::Unsupported;

pub(super) fn of_read(error: ReadError) -> Rejection {
    match error {
        ReadError::NoSuchMailbox | ReadError::NoSuchAccount => Rejection::no_such_mailbox(),
        error => error.into(),
    }
}

pub(super) fn of_blob(error: BlobError) -> Rejection {
    match error {
        BlobError::Gone(_) => Rejection::expunge_issued(),
        BlobError::Damaged(blob) => {
            error!(?blob, "a message is damaged");
            Rejection::new(ResponseCode::Corruption, "a message is damaged: tell your administrator")
        }
        BlobError::TooLarge => Rejection::too_big(),
        BlobError::NoSpace => Rejection::no_space(),
        error => error.into(),
    }
}

pub(super) fn of_commit(rejected: Rejected) -> Rejection {
    match &rejected.cause {
        Cause::NoSuchAccount | Cause::NoSuchMailbox => Rejection::no_such_mailbox(),
        Cause::MailboxExists => Rejection::already_exists(),
        Cause::NameInvalid => Rejection::invalid_name(),
        Cause::Inbox => Rejection::new(ResponseCode::Cannot, "INBOX cannot be deleted"),
        Cause::OverQuota { resource: Resource::Mailboxes, .. } => {
            Rejection::over_quota().with_text("the quota allows no more mailboxes")
        }
        Cause::OverQuota { .. } => Rejection::over_quota(),
        Cause::Over(limit) => of_limit(*limit),
        Cause::TooManyOps => Rejection::limit(),
        Cause::NoSpace => Rejection::no_space(),
        Cause::UidsExhausted => Rejection::limit().with_text("the mailbox is used up: create a new one"),
        Cause::Unavailable(why) if why.source().is_some_and(|why| why.is::<Unsupported>()) => {
            Rejection::new(ResponseCode::Cannot, "this server cannot do that")
        }
        _ => rejected.into(),
    }
}

/// The same for what goes into another mailbox, which can be created.
pub(super) fn of_delivery(rejected: Rejected) -> Rejection {
    match rejected.cause {
        Cause::NoSuchMailbox => Rejection::try_create(),
        _ => of_commit(rejected),
    }
}

fn of_limit(limit: Limit) -> Rejection {
    Rejection::limit().with_text(match limit {
        Limit::RowsPerBatch => "too many messages at once",
        Limit::KeywordsPerMessage => "too many keywords on a message",
        Limit::KeywordsPerMailbox => "too many different keywords in the mailbox",
        Limit::MailboxesPerAccount => "too many mailboxes",
        Limit::SubscriptionsPerAccount => "too many subscriptions",
        _ => "a limit of this server is exceeded",
    })
}

pub(super) fn of_name(error: InvalidMailboxName) -> Rejection {
    Rejection::invalid_name().with_text(error.to_string())
}

/// Whether new messages are taken.
pub(super) fn for_health(health: Health) -> Result<(), Rejection> {
    match health {
        Health::Ok => Ok(()),
        Health::LowSpace => Err(Rejection::no_space()),
        _ => Err(Rejection::local_error()),
    }
}
