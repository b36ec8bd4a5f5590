//! What the application is told and asked, and how it answers.

use bytes::Bytes;
use mailwright_core::framing::BodyFault;
use mailwright_core::{ForwardPath, ReversePath, Secret, Ticket};
use thiserror::Error;

use crate::command::{MailParams, RcptParams};
use crate::rejection::Rejection;

/// What happens in a session. Those with a ticket are questions: see [`Server::answer`](super::Server::answer).
///
/// A transaction begins with an accepted [`Mail`](Self::Mail) and ends with the answer to its
/// [`BodyEnd`](Self::BodyEnd), or with [`BodyAborted`](Self::BodyAborted), [`Reset`](Self::Reset) or another
/// [`Hello`](Self::Hello).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client says who it is.
    Hello {
        /// What it says.
        hello: Hello,
        /// Is it welcome?
        ticket: Ticket<ask::Hello>,
    },
    /// The client wants to authenticate.
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
    /// A transaction begins.
    Mail {
        /// Where failures are reported to.
        from: ReversePath,
        /// What else the client said.
        params: MailParams,
        /// May it?
        ticket: Ticket<ask::Mail>,
    },
    /// A recipient more.
    Rcpt {
        /// The recipient.
        to: ForwardPath,
        /// What else the client said.
        params: RcptParams,
        /// Is mail taken for it?
        ticket: Ticket<ask::Rcpt>,
    },
    /// The content is to follow; there is at least one recipient.
    Data {
        /// May it?
        ticket: Ticket<ask::Data>,
    },
    /// A piece of the content, transparency undone: a slice of the input.
    Body(Bytes),
    /// The content has ended.
    BodyEnd {
        /// Octets of it.
        size: u64,
        /// Is responsibility for the message taken (RFC 5321 §4.2.5)?
        ticket: Ticket<ask::Message>,
    },
    /// The content will have no end, or must not be used. The transaction is over.
    BodyAborted(Aborted),
    /// The transaction is over without a message.
    Reset,
    /// The machine itself has refused a command: nothing to do, but worth a line in the log.
    Refused(Rejection),
}

/// How the client introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The name that it gave; nothing is proved by it.
    pub name: String,
    /// It said EHLO.
    pub esmtp: bool,
}

/// Why a body was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Aborted {
    /// The client left, or was too slow.
    #[error("the client left, or was too slow")]
    Disconnected,
    /// It is larger than the server takes.
    #[error("the message is too large")]
    TooBig,
    /// It has an octet, or a line end, that no message may have.
    #[error("the message has {}", match .0 {
        BodyFault::BareCr => "a CR without LF",
        BodyFault::BareLf => "an LF without CR",
        BodyFault::Nul => "a NUL",
    })]
    Fault(BodyFault),
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

/// Responsibility for a message is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// What the client is told besides 250 2.0.0; a trace id, say.
    pub text: String,
}

impl Accepted {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

/// The questions, as types: what a ticket is for decides what its answer is.
pub mod ask {
    /// Is the client welcome? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Hello {}
    /// What is the next step of the exchange? `Result<AuthStep, Rejection>`.
    #[derive(Debug)]
    pub enum Auth {}
    /// May the transaction begin? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Mail {}
    /// Is mail taken for the recipient? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Rcpt {}
    /// May the content come? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Data {}
    /// Is the message accepted? `Result<Accepted, Rejection>`.
    #[derive(Debug)]
    pub enum Message {}
}
