//! What a client's line says.

use mailwright_core::{ModSeq, Secret, UidValidity};

use crate::types::{
    DateTime, FetchItem, Flag, List, MessageSet, SearchKey, SearchReturn, SequenceSet, StatusItems,
};

/// A command, without its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// STARTTLS
    StartTls,
    /// ID (RFC 2971): names and values, or nothing. What is not UTF-8 or a control character is U+FFFD.
    Id(Vec<(String, Option<String>)>),
    /// ENABLE (RFC 5161): what, in capitals.
    Enable(Vec<String>),
    /// LOGIN
    Login {
        /// The user, as the client names it.
        user: String,
        /// The password, which need not be UTF-8.
        password: Secret,
    },
    /// AUTHENTICATE
    Authenticate {
        /// The SASL mechanism, in capitals.
        mechanism: String,
        /// What the client says at once (RFC 4959).
        initial: Option<InitialResponse>,
    },
    /// SELECT, EXAMINE
    Select {
        /// Its name.
        mailbox: String,
        /// It was EXAMINE.
        read_only: bool,
        /// `(CONDSTORE)`
        condstore: bool,
        /// `(QRESYNC ...)`
        qresync: Option<Box<QresyncParameters>>,
    },
    /// CREATE
    Create {
        /// Its name. A separator at its end is gone: it only says that there will be names below.
        mailbox: String,
        /// `(USE (...))`, RFC 6154 §3: attributes as written, `\Sent`.
        special_use: Vec<Flag>,
    },
    /// DELETE
    Delete {
        /// Its name.
        mailbox: String,
    },
    /// RENAME
    Rename {
        /// Its name.
        from: String,
        /// Its name afterwards.
        to: String,
    },
    /// SUBSCRIBE
    Subscribe {
        /// Its name.
        mailbox: String,
    },
    /// UNSUBSCRIBE
    Unsubscribe {
        /// Its name.
        mailbox: String,
    },
    /// LIST, LSUB
    List(List),
    /// NAMESPACE
    Namespace,
    /// STATUS
    Status {
        /// Its name.
        mailbox: String,
        /// What is asked for.
        items: StatusItems,
    },
    /// IDLE
    Idle,
    /// CHECK (RFC 3501 §6.4.1)
    Check,
    /// CLOSE
    Close,
    /// UNSELECT
    Unselect,
    /// EXPUNGE; UID EXPUNGE has a set.
    Expunge {
        /// UIDs.
        uids: Option<SequenceSet>,
    },
    /// SEARCH, UID SEARCH
    Search {
        /// The results are UIDs.
        uid: bool,
        /// `RETURN (...)`; `None` if it was not there. An empty one is `ALL` (RFC 9051 §6.4.4).
        returns: Option<SearchReturn>,
        /// What is looked for.
        key: SearchKey<MessageSet>,
    },
    /// FETCH, UID FETCH
    Fetch {
        /// Which messages, and in which form the command is.
        set: MessageSet,
        /// What of them; each once, macros resolved.
        items: Vec<FetchItem>,
        /// `(CHANGEDSINCE n)`
        changed_since: Option<ModSeq>,
        /// `(... VANISHED)`
        vanished: bool,
    },
    /// STORE, UID STORE
    Store {
        /// Which messages, and in which form the command is.
        set: MessageSet,
        /// `(UNCHANGEDSINCE n)`
        unchanged_since: Option<ModSeq>,
        /// What becomes of the flags.
        action: StoreAction,
        /// `.SILENT`
        silent: bool,
        /// Which flags. `\Recent` is left out.
        flags: Vec<Flag>,
    },
    /// COPY, UID COPY
    Copy {
        /// Which messages.
        set: MessageSet,
        /// Where to.
        mailbox: String,
    },
    /// MOVE, UID MOVE
    Move {
        /// Which messages.
        set: MessageSet,
        /// Where to.
        mailbox: String,
    },
}

/// What a client that authenticates says at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitialResponse {
    /// This, in base64 as it stands in the command.
    Base64(Secret),
    /// `=`: nothing, which is not the same as no response.
    Empty,
}

/// What a client knows of a mailbox from an earlier session (RFC 7162 §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QresyncParameters {
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Up to where it knows.
    pub modseq: ModSeq,
    /// UIDs; all if it does not say.
    pub known: Option<SequenceSet>,
    /// Some message numbers and their UIDs.
    pub matches: Option<(SequenceSet, SequenceSet)>,
}

/// What STORE does (RFC 9051 §6.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// The begin of a message in APPEND (RFC 9051 §6.3.12, RFC 3502), up to the announcement of its literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendHead {
    /// Where to; only before the first message.
    pub mailbox: Option<String>,
    /// Its flags. `\Recent` is left out.
    pub flags: Vec<Flag>,
    /// INTERNALDATE.
    pub date: Option<DateTime>,
    /// It is in `UTF8 (...)` (RFC 6855 §4), whose end follows the message.
    pub utf8: bool,
}
