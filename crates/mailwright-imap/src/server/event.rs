//! What the application is told and asked, and how it answers.
//!
//! Message sequence numbers are the machine's alone: here messages are UIDs. Mailbox names are UTF-8, in which form
//! the application knows them.

use bytes::Bytes;
use mailwright_core::{ModSeq, Secret, Ticket, Uid, UidSet, UidValidity};

use crate::command::StoreAction;
use crate::rejection::Rejection;
use crate::types::{DateTime, FetchItem, Flag, List, SearchKey, StatusItem};

/// What happens in a session. Those with a ticket are questions: see [`Server::answer`](super::Server::answer).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client says who it is, and its password (LOGIN).
    Login {
        /// The user, as the client names it.
        user: String,
        /// The password, which need not be UTF-8.
        password: Secret,
        /// Is it right?
        ticket: Ticket<ask::Login>,
    },
    /// The client wants to authenticate by SASL.
    Auth {
        /// The SASL mechanism: one of those that were offered, in their spelling.
        mechanism: String,
        /// What the client said at once; `None` is not the same as nothing.
        initial: Option<Secret>,
        /// What is the next step?
        ticket: Ticket<ask::Auth>,
    },
    /// The client has answered a challenge.
    AuthResponse {
        /// What it said.
        response: Secret,
        /// What is the next step?
        ticket: Ticket<ask::Auth>,
    },
    /// The client says what program it is (ID): for the log, where it may be wrong on purpose.
    Identified(Vec<(String, Option<String>)>),
    /// The client wants to see into a mailbox (SELECT, EXAMINE). The one that it saw into before is closed.
    Select {
        /// Its name.
        mailbox: String,
        /// It was EXAMINE: nothing is to be changed.
        read_only: bool,
        /// What is in it?
        ticket: Ticket<ask::Select>,
    },
    /// The client has seen the mailbox in an earlier session (RFC 7162 §3.2.5), and wants to know what is new
    /// since. Tell what has vanished with [`Server::resume_vanished`](super::Server::resume_vanished), then each
    /// message that has changed with [`Server::resume_row`](super::Server::resume_row), then answer.
    Resume {
        /// Up to where it knows.
        since: ModSeq,
        /// What it knows: other messages need not be told. If it cannot be told what vanished since, it is all of
        /// these that are not there any more.
        known: UidSet,
        /// Were all told?
        ticket: Ticket<ask::Resume>,
    },
    /// The mailbox in view is closed (UNSELECT, or another SELECT): whatever was kept for it can be let go.
    Closed,
    /// The mailbox in view is closed, and those of these messages that are `\Deleted` are to be removed (CLOSE).
    Close {
        /// All that the client sees.
        uids: UidSet,
        /// Are they removed?
        ticket: Ticket<ask::Done>,
    },
    /// CREATE
    Create {
        /// The new mailbox's name.
        mailbox: String,
        /// What it is for (RFC 6154 §3): `\Sent`.
        special_use: Vec<Flag>,
        /// Is it there?
        ticket: Ticket<ask::Done>,
    },
    /// DELETE
    Delete {
        /// Which mailbox.
        mailbox: String,
        /// Is it gone?
        ticket: Ticket<ask::Done>,
    },
    /// RENAME
    Rename {
        /// Which mailbox.
        from: String,
        /// To what.
        to: String,
        /// Is it done?
        ticket: Ticket<ask::Done>,
    },
    /// SUBSCRIBE, UNSUBSCRIBE
    Subscribe {
        /// Which name.
        mailbox: String,
        /// Whether from now on, or no longer.
        subscribe: bool,
        /// Is it done?
        ticket: Ticket<ask::Done>,
    },
    /// LIST, LSUB. Give each mailbox with [`Server::list`](super::Server::list), then answer.
    List {
        /// What is asked for.
        list: List,
        /// Were all given?
        ticket: Ticket<ask::List>,
    },
    /// STATUS
    Status {
        /// Which mailbox.
        mailbox: String,
        /// What is asked for.
        items: Vec<StatusItem>,
        /// How is it?
        ticket: Ticket<ask::Status>,
    },
    /// APPEND begins. All of its messages are to appear at once, at [`AppendCommit`](Self::AppendCommit).
    AppendBegin {
        /// Where to.
        mailbox: String,
    },
    /// A message of an APPEND is announced, and not yet sent: what is refused here need not cross the wire.
    AppendMessage {
        /// Octets.
        size: u64,
        /// Its flags.
        flags: Vec<Flag>,
        /// INTERNALDATE; now, if the client does not say.
        date: Option<DateTime>,
        /// It may have NUL in it (RFC 3516).
        binary: bool,
        /// Is it wanted?
        ticket: Ticket<ask::AppendMessage>,
    },
    /// A piece of the message: a slice of the input buffer.
    Body(Bytes),
    /// The message is whole.
    MessageEnd,
    /// All messages of an APPEND are here.
    AppendCommit {
        /// Are they in the mailbox?
        ticket: Ticket<ask::AppendCommit>,
    },
    /// An APPEND was begun and comes to nothing, by the client's doing. Not told if the application itself has
    /// refused a message, or has not been asked about one.
    AppendAborted,
    /// FETCH. Give each message with [`Server::fetch`](super::Server::fetch), ascending, then answer.
    Fetch {
        /// What is asked for.
        fetch: Fetch,
        /// Were all given?
        ticket: Ticket<ask::Fetch>,
    },
    /// STORE. Tell what each message has become with [`Server::stored`](super::Server::stored), then answer.
    Store {
        /// Which messages.
        uids: UidSet,
        /// What becomes of the flags.
        action: StoreAction,
        /// Which flags.
        flags: Vec<Flag>,
        /// Only those whose MODSEQ is not above this one (RFC 7162 §3.1.3).
        unchanged_since: Option<ModSeq>,
        /// Were all told?
        ticket: Ticket<ask::Store>,
    },
    /// COPY
    Copy {
        /// Which messages.
        uids: UidSet,
        /// Where to.
        mailbox: String,
        /// Which are they there?
        ticket: Ticket<ask::Copy>,
    },
    /// MOVE. Tell what was moved with [`Server::moved`](super::Server::moved), once or in parts, then answer.
    Move {
        /// Which messages.
        uids: UidSet,
        /// Where to.
        mailbox: String,
        /// Were all moved?
        ticket: Ticket<ask::Move>,
    },
    /// EXPUNGE, UID EXPUNGE: those of these messages that are `\Deleted` are to be removed. The client learns of it
    /// by the [`Sync`](Self::Sync) that follows.
    Expunge {
        /// Which messages may be.
        uids: UidSet,
        /// Are they removed?
        ticket: Ticket<ask::Done>,
    },
    /// SEARCH
    Search {
        /// What is looked for, among what the client sees.
        search: Search,
        /// What is found?
        ticket: Ticket<ask::Search>,
    },
    /// What has changed in the mailbox in view? Asked when [`Server::changed`](super::Server::changed) was called,
    /// now and then in IDLE, and after EXPUNGE. Tell each message that is new or whose flags changed with
    /// [`Server::sync_row`](super::Server::sync_row), in the order of their MODSEQs, then answer.
    Sync {
        /// Rows that changed after this are wanted.
        rows_since: ModSeq,
        /// UIDs that vanished after this are wanted. Never above `rows_since`.
        vanished_since: ModSeq,
        /// Whether the client may be told of what vanished. If not, the machine will ask again.
        expunge_allowed: bool,
        /// Were all told, and what has vanished?
        ticket: Ticket<ask::Sync>,
    },
    /// The machine itself has refused a command: nothing to do, but worth a line in the log.
    Refused(Rejection),
}

/// A FETCH command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Which messages.
    pub uids: UidSet,
    /// What of them, in the order in which they were asked for. UID is not among them, since the machine writes it
    /// by itself. MODSEQ is, where CONDSTORE asks for it.
    pub items: Vec<FetchItem>,
    /// Only those that changed after this (RFC 7162 §3.1.4).
    pub changed_since: Option<ModSeq>,
    /// These UIDs, all that the client named, are wanted if they vanished after `changed_since` (RFC 7162 §3.2.6):
    /// to be told with [`Server::fetch_vanished`](super::Server::fetch_vanished) before any message.
    pub vanished: Option<UidSet>,
    /// Some item makes messages `\Seen` that are not, and the mailbox was not opened read-only. Done by the
    /// application, which then tells with [`Row::seen`](super::Row::seen) what has become of each.
    pub sets_seen: bool,
}

/// A SEARCH command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// All that the client sees: the results are among these.
    pub uids: UidSet,
    /// What is looked for.
    pub key: SearchKey<UidSet>,
    /// The highest MODSEQ of what is found is wanted too (RFC 7162 §3.1.5).
    pub modseq: bool,
    /// Which of what is found the client is told, and that MODSEQ is of.
    pub told: Results,
}

/// Which of what SEARCH has found the client is told (RFC 4731 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// All of it.
    All,
    /// The lowest UID.
    First,
    /// The highest UID.
    Last,
    /// Both.
    Ends,
}

/// A mailbox as SELECT shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// The UID that the next message gets.
    pub uid_next: Uid,
    /// Of the latest change that is in this view; `None` if the mailbox keeps no MODSEQs.
    pub highest_modseq: Option<ModSeq>,
    /// Its messages.
    pub uids: UidSet,
    /// The first message without `\Seen`.
    pub first_unseen: Option<Uid>,
    /// The flags and keywords in use, which the client is told.
    pub flags: Vec<Flag>,
    /// Those that the client can set for good: all of `flags` and new keywords, some, or none.
    pub permanent: Permanent,
    /// Nothing can be changed, though it was SELECT.
    pub read_only: bool,
}

/// Which flags a client can set for good (PERMANENTFLAGS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permanent {
    /// All, and new keywords.
    All,
    /// These.
    Some(Vec<Flag>),
    /// None.
    None,
}

/// The end of an answer to [`Event::Sync`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// All rows were told.
    Upto {
        /// Those that vanished, also some that the client has not seen.
        vanished: UidSet,
        /// The mailbox is as it was at this MODSEQ.
        upto: ModSeq,
    },
    /// It cannot be told what has vanished since then: these are the messages that there are. Rows need not have
    /// been told.
    TooOld {
        /// Its messages.
        uids: UidSet,
        /// The mailbox is as it was at this MODSEQ.
        upto: ModSeq,
    },
    /// It cannot be told now. The machine will ask again.
    Later,
    /// The mailbox is gone, and the session ends.
    Gone,
}

/// A mailbox as LIST shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRow {
    /// Its name.
    pub name: String,
    /// `\NonExistent`: there is no such mailbox, but some below it, or a subscription.
    pub nonexistent: bool,
    /// `\NoSelect`
    pub no_select: bool,
    /// `\NoInferiors`
    pub no_inferiors: bool,
    /// `\Subscribed`
    pub subscribed: bool,
    /// `\HasChildren`, `\HasNoChildren`; `None` if it is not told.
    pub has_children: Option<bool>,
    /// What it is for: `\Sent`.
    pub special_use: Option<Flag>,
    /// Some below are subscribed to, and do not match themselves (RFC 5258 §3.5 `CHILDINFO`).
    pub child_subscribed: bool,
    /// If STATUS was asked for, and can be told.
    pub status: Option<MailboxStatus>,
}

/// A mailbox as STATUS shows it. What is `None` is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailboxStatus {
    /// Messages.
    pub messages: Option<u32>,
    /// The UID that the next message gets.
    pub uid_next: Option<Uid>,
    /// Of its UIDs.
    pub uid_validity: Option<UidValidity>,
    /// Messages without `\Seen`.
    pub unseen: Option<u32>,
    /// Messages with `\Deleted`.
    pub deleted: Option<u32>,
    /// Octets of all messages.
    pub size: Option<u64>,
    /// Of its latest change.
    pub highest_modseq: Option<ModSeq>,
}

/// A message after STORE, or after a FETCH that made it `\Seen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Its UID.
    pub uid: Uid,
    /// Its MODSEQ.
    pub modseq: ModSeq,
    /// The one before; the same if nothing changed.
    pub previous: ModSeq,
}

/// The next step of a SASL exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthStep {
    /// Ask the client this; it is sent in base64.
    Challenge(Vec<u8>),
    /// The client is who it says.
    Done,
}

/// Where the messages of an APPEND are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Of the UIDs.
    pub uid_validity: UidValidity,
    /// In the order of the messages, which is ascending.
    pub uids: UidSet,
}

/// Where messages were copied or moved to. Both sets are of the same length, and belong together in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Of the UIDs where they are now.
    pub uid_validity: UidValidity,
    /// What they are, or were, in the mailbox in view.
    pub from: UidSet,
    /// What they are there.
    pub to: UidSet,
}

/// The end of an answer to STORE.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Those left alone, since they had changed (RFC 7162 §3.1.3 MODIFIED).
    pub modified: UidSet,
    /// Those that no longer exist.
    pub gone: UidSet,
}

/// What SEARCH has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Messages.
    pub uids: UidSet,
    /// The highest of their MODSEQs, if it was asked for and there is one.
    pub modseq: Option<ModSeq>,
}

/// The questions, as types: what a ticket is for decides what its answer is.
pub mod ask {
    /// Is the password right? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Login {}
    /// What is the next step of the exchange? `Result<AuthStep, Rejection>`.
    #[derive(Debug)]
    pub enum Auth {}
    /// What is in the mailbox? `Result<View, Rejection>`.
    #[derive(Debug)]
    pub enum Select {}
    /// Were all messages told? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Resume {}
    /// Is it done? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Done {}
    /// Were all mailboxes given? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum List {}
    /// How is the mailbox? `Result<MailboxStatus, Rejection>`.
    #[derive(Debug)]
    pub enum Status {}
    /// Is the message wanted? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum AppendMessage {}
    /// Are the messages in the mailbox? `Result<Appended, Rejection>`.
    #[derive(Debug)]
    pub enum AppendCommit {}
    /// Were all messages given? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Fetch {}
    /// Were all messages told? `Result<Stored, Rejection>`.
    #[derive(Debug)]
    pub enum Store {}
    /// Which are the messages there? `Result<Option<Copied>, Rejection>`; `None` if there was none to copy.
    #[derive(Debug)]
    pub enum Copy {}
    /// Were all moved? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Move {}
    /// What is found? `Result<Found, Rejection>`.
    #[derive(Debug)]
    pub enum Search {}
    /// What has changed? [`Synced`](super::Synced).
    #[derive(Debug)]
    pub enum Sync {}
}
