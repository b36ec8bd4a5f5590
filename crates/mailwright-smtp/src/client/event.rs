//! What the application is told and asked, and how it answers.

use mailwright_core::{Secret, Ticket};
use thiserror::Error;

use super::outcome::Outcome;
use super::reply::Reply;
use super::transaction::Transaction;

/// What happens in a session. Those with a ticket are questions: see [`Client::answer`](super::Client::answer).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Nothing is under way. What the server offers: [`Client::capabilities`](super::Client::capabilities).
    Ready {
        /// What is to be done?
        ticket: Ticket<ask::Work>,
    },
    /// The server asks something within AUTH.
    Challenge {
        /// What it asks, base64 undone.
        challenge: Vec<u8>,
        /// What is the response?
        ticket: Ticket<ask::Challenge>,
    },
    /// AUTH has ended; the next event is [`Ready`](Self::Ready).
    Auth(Result<(), AuthFailure>),
    /// The content is due: give it with [`Client::body`](super::Client::body), then answer.
    Body {
        /// Is that all of it?
        ticket: Ticket<ask::Body>,
    },
    /// What has become of the message for one recipient.
    Outcome(Outcome),
}

/// What is to be done on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// Send a message.
    Send(Transaction),
    /// Authenticate (RFC 4954).
    Auth {
        /// The SASL mechanism, by its IANA name; one that is offered.
        mechanism: String,
        /// What the client says first, if the mechanism has it speak first; `None` is not the same as nothing.
        initial: Option<Secret>,
    },
    /// Say RSET, to see whether the server is still there.
    Reset,
    /// Say QUIT, and close.
    Quit,
}

/// Why there is no authentication. The session goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum AuthFailure {
    /// The server has refused.
    #[error("refused: {0}")]
    Refused(Reply),
    /// It does not offer the mechanism. Nothing was said.
    #[error("the server does not offer the mechanism")]
    NotOffered,
    /// There is no TLS, and [`Config::auth_without_tls`](super::Config::auth_without_tls) is off. Nothing was
    /// said.
    #[error("without TLS no password is sent")]
    NoTls,
    /// A challenge was not base64 (RFC 4954 §4).
    #[error("a challenge that is not base64")]
    BadChallenge,
    /// The application has cancelled, or took too long.
    #[error("cancelled")]
    Cancelled,
}

/// The application gives up what it was asked to go on with: an AUTH, a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("given up")]
pub struct GivenUp;

/// The questions, as types: what a ticket is for decides what its answer is.
pub mod ask {
    /// What is to be done? [`Work`](super::Work).
    #[derive(Debug)]
    pub enum Work {}
    /// What is the response to the challenge? `Result<Secret, GivenUp>`.
    #[derive(Debug)]
    pub enum Challenge {}
    /// Is that all of the content? `Result<(), GivenUp>`: given up, the connection is closed, since there is no
    /// other way to leave it without an end.
    #[derive(Debug)]
    pub enum Body {}
}
