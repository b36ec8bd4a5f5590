//! What a session is doing.

use mailwright_core::framing::{Literal, OctetReader};
use mailwright_core::{ModSeq, UidSet};

use super::error::Error;
use super::event::{Appended, Copied};
use super::row::Fetching;
use crate::command::AppendHead;
use crate::rejection::Rejection;
use crate::types::{SearchReturn, StatusItem};

#[derive(Debug)]
pub(super) enum State {
    /// A command is to come.
    Command,
    /// The response to a challenge is to come.
    AuthLine { tag: String },
    /// The application has been asked; its ticket is open.
    Asked(Asked),
    /// A command is done: whoever sent it is told, after what has changed meanwhile.
    Finishing(Completion),
    /// IDLE is on.
    Idle { tag: String },
    /// A command is refused, and literals of it are still to come.
    Refused(Refused),
    /// The next message of an APPEND is announced.
    AppendAnnounced(Append, Literal, AppendHead),
    /// A message is coming.
    AppendBody(Append, OctetReader),
    /// Behind a message: another one, or the end of the command.
    AppendNext(Append),
    /// OK is said; TLS is to come.
    Upgrading,
    /// The last word is said.
    Closing,
    /// The last word is said, and it was a bad one.
    Failed(Error),
}

/// What the application was asked, with what its answer decides on.
#[derive(Debug)]
pub(super) enum Asked {
    Login {
        tag: String,
    },
    Auth {
        tag: String,
    },
    Select {
        tag: String,
        mailbox: String,
        read_only: bool,
        resume: Option<Resume>,
    },
    Resume {
        tag: String,
    },
    /// A command of which only the success is told.
    Done {
        tag: String,
        what: Done,
    },
    List {
        tag: String,
        list: Listing,
    },
    Status {
        tag: String,
        mailbox: String,
        items: Vec<StatusItem>,
    },
    AppendMessage(Append, Literal),
    AppendCommit {
        tag: String,
    },
    Fetch(Fetching),
    Store(Storing),
    Copy {
        tag: String,
    },
    Move {
        tag: String,
    },
    Search(Searching),
    Sync(Syncing),
}

/// Commands of which only the success is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Close,
    Create,
    Delete,
    Rename,
    Subscribe,
    Expunge,
}

/// What a client knows from an earlier session.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) uid_validity: mailwright_core::UidValidity,
    pub(super) since: ModSeq,
    pub(super) known: Option<crate::types::SequenceSet>,
}

/// How mailboxes are listed.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) lsub: bool,
    /// The client knows the attributes of RFC 5258.
    pub(super) extended: bool,
    pub(super) status: Option<Vec<StatusItem>>,
}

#[derive(Debug)]
pub(super) struct Storing {
    pub(super) tag: String,
    pub(super) uid: bool,
    pub(super) silent: bool,
    /// UNCHANGEDSINCE was given.
    pub(super) conditional: bool,
    /// Own changes before it.
    pub(super) own: usize,
}

#[derive(Debug)]
pub(super) struct Searching {
    pub(super) tag: String,
    pub(super) uid: bool,
    pub(super) returns: Option<SearchReturn>,
    /// Message numbers were used: those whom they stand for must not change yet.
    pub(super) by_number: bool,
}

/// An APPEND.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) tag: String,
    /// The application knows of it.
    pub(super) told: bool,
    pub(super) messages: u32,
    /// The last message stands in `UTF8 (`.
    pub(super) utf8: bool,
}

/// A command that is refused. What the peer sends of it all the same is thrown away.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) tag: Option<String>,
    pub(super) reply: Reply,
    pub(super) octets: OctetReader,
}

/// A question for what has changed, and what comes after its answer.
#[derive(Debug)]
pub(super) struct Syncing {
    pub(super) expunge_allowed: bool,
    /// Of messages that the client does not know of yet.
    pub(super) arrived: UidSet,
    pub(super) then: Then,
}

#[derive(Debug)]
pub(super) enum Then {
    Finish(Completion),
    Idle { tag: String },
    Command,
}

/// The end of a command.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) tag: String,
    pub(super) reply: Reply,
    /// The client may be told of expunges before.
    pub(super) expunge_allowed: bool,
    /// It has been asked what has changed.
    pub(super) synced: bool,
}

/// What a command has come to.
#[derive(Debug)]
pub(super) enum Reply {
    Ok(Code, &'static str),
    No(Rejection),
    Bad(String),
}

/// The response code of an OK.
#[derive(Debug)]
pub(super) enum Code {
    None,
    ReadOnly,
    ReadWrite,
    /// The capabilities, after a login.
    Capability,
    AppendUid(Appended),
    CopyUid(Copied),
    /// What the client may take for the mailbox's, where it asked for MODSEQs.
    HighestModSeq,
    /// `MODIFIED`: numbers or UIDs, as in the command.
    Modified(String),
}
