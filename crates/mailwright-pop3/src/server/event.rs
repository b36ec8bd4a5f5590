//! What the application is told and asked, and how it answers.

use mailwright_core::{Secret, Ticket};

use super::maildrop::{Deleted, Maildrop, Message};
use crate::rejection::Rejection;

/// What happens in a session. Those with a ticket are questions: see [`Server::answer`](super::Server::answer).
///
/// The maildrop is the session's from the answer that hands it over until a [`Commit`](Self::Commit) or an
/// [`Abandoned`](Self::Abandoned), one of which ends every session that had one: a lock on it ends there. Whoever
/// drops the machine before that has abandoned it too.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client says who it is, and its password (USER and PASS).
    Login {
        /// The user, as the client names it.
        user: String,
        /// The password, which need not be UTF-8.
        password: Secret,
        /// What is in its maildrop?
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
    /// The client wants a message. Give it with [`Server::retrieve`](super::Server::retrieve), then answer.
    Retrieve {
        /// Which one.
        message: Message,
        /// Only its header and so many lines of its body (TOP). The machine counts them.
        lines: Option<u64>,
        /// Was all of it given?
        ticket: Ticket<ask::Retrieve>,
    },
    /// The client has said QUIT (the UPDATE state, RFC 1939 §6), and wants these messages removed. The session is
    /// over, whatever the answer.
    Commit {
        /// Which ones; maybe none.
        deleted: Deleted,
        /// Are they removed?
        ticket: Ticket<ask::Commit>,
    },
    /// A session with a maildrop ends without QUIT: nothing is removed (RFC 1939 §6), whatever was deleted.
    Abandoned,
    /// The machine itself has refused a command: nothing to do, but worth a line in the log.
    Refused(Rejection),
}

/// The next step of a SASL exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthStep {
    /// Ask the client this; it is sent in base64.
    Challenge(Vec<u8>),
    /// The client is who it says, and this is its maildrop.
    Done(Maildrop),
}

/// The questions, as types: what a ticket is for decides what its answer is.
pub mod ask {
    /// What is in the user's maildrop, if the password is right and no other session has it?
    /// `Result<Maildrop, Rejection>`. An answer that is [`Stale`](mailwright_core::Stale) opens no session: a
    /// lock that was taken for it is to be released.
    #[derive(Debug)]
    pub enum Login {}
    /// What is the next step of the exchange? `Result<AuthStep, Rejection>`.
    #[derive(Debug)]
    pub enum Auth {}
    /// Was all of the message given? `Result<(), Rejection>`. Only before the first piece is the client told of
    /// a rejection; after it, the connection is closed, so that no part is taken for the whole.
    #[derive(Debug)]
    pub enum Retrieve {}
    /// Are the messages removed? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Commit {}
}
