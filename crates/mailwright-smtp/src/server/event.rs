//! What the application is told and asked, and how it answers.

use bytes::Bytes;
use mailwright_core::framing::BodyFault;
use mailwright_core::{ForwardPath, ReversePath, Secret, Ticket};
use thiserror::Error;

use crate::params::{MailParams, RcptParams};
use crate::rejection::Rejection;
use crate::xclient::XClient;

/// What happens in a session. Those with a ticket are questions: see [`Server::answer`](super::Server::answer).
///
/// A transaction begins with an accepted [`Mail`](Self::Mail) and ends with the answer to its
/// [`BodyEnd`](Self::BodyEnd), or with [`BodyAborted`](Self::BodyAborted), [`Reset`](Self::Reset) or another
/// [`Hello`](Self::Hello).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client is there, and has not been greeted: the first event of each session. Whoever takes its time here finds
    /// out who does not wait for the greeting.
    Connect {
        /// Is it let in? Refused, it is told so, and nothing else is taken from it; with 421, it is let go.
        ticket: Ticket<ask::Connect>,
    },
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
    /// A proxy, which must be [trusted](super::Server::trusting), tells of its client. The session begins anew.
    XClient {
        /// What it tells. With a login, the client counts as authenticated.
        told: Box<XClient>,
        /// Is it taken for true, and the client let in?
        ticket: Ticket<ask::XClient>,
    },
    /// A transaction begins.
    Mail {
        /// Where failures are reported to. Beyond ASCII only with [`smtp_utf8`](MailParams::smtp_utf8).
        from: ReversePath,
        /// What else the client said. `AUTH` is null where the client has not authenticated (RFC 4954 §5).
        params: Box<MailParams>,
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
    /// A piece of the content is to be had elsewhere (RFC 4468).
    Burl {
        /// Where.
        url: String,
        /// How many octets was it?
        ticket: Ticket<ask::Burl>,
    },
    /// The content has ended.
    BodyEnd {
        /// Octets of it.
        size: u64,
        /// Is responsibility for the message taken (RFC 5321 §4.2.5)?
        ticket: Ticket<ask::Message>,
    },
    /// The content has ended, in LMTP: there is an answer for each recipient (RFC 2033 §4.2).
    LmtpBodyEnd {
        /// Octets of it.
        size: u64,
        /// How many recipients have been taken.
        recipients: usize,
        /// Has it been delivered, to each of them?
        ticket: Ticket<ask::Deliveries>,
    },
    /// The content will have no end, or must not be used. The transaction is over.
    BodyAborted(Aborted),
    /// The transaction is over without a message.
    Reset,
    /// Is there such a mailbox (RFC 5321 §3.5)?
    Vrfy {
        /// What the client named: an address, or a name.
        name: String,
        /// Whose is it?
        ticket: Ticket<ask::Vrfy>,
    },
    /// Who is on this list (RFC 5321 §3.5)?
    Expn {
        /// What the client named.
        name: String,
        /// Who is?
        ticket: Ticket<ask::Expn>,
    },
    /// The client wants to be sent what waits for a node (RFC 1985).
    Etrn {
        /// A domain; with `@` in front of it, those below it too; with `#`, a queue by its name.
        node: String,
        /// Is it done?
        ticket: Ticket<ask::Etrn>,
    },
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
    /// The client has begun something else.
    #[error("the client gave it up")]
    GivenUp,
    /// The application could not get a part of it.
    #[error("a part of the message was not to be had")]
    Unavailable,
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

/// What became of ETRN (RFC 1985 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Etrn {
    /// What waits is being sent, however much it is.
    Started,
    /// Nothing waits.
    Nothing,
    /// So many messages wait, and are being sent.
    Pending(u64),
}

/// The questions, as types: what a ticket is for decides what its answer is.
pub mod ask {
    /// Is the client let in? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Connect {}
    /// Is the client welcome? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Hello {}
    /// What is the next step of the exchange? `Result<AuthStep, Rejection>`.
    #[derive(Debug)]
    pub enum Auth {}
    /// Is what the proxy tells taken for true? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum XClient {}
    /// May the transaction begin? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Mail {}
    /// Is mail taken for the recipient? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Rcpt {}
    /// May the content come? `Result<(), Rejection>`.
    #[derive(Debug)]
    pub enum Data {}
    /// How many octets was the part of the content? `Result<u64, Rejection>`; refused, the transaction is over.
    #[derive(Debug)]
    pub enum Burl {}
    /// Is the message accepted? `Result<Accepted, Rejection>`.
    #[derive(Debug)]
    pub enum Message {}
    /// Has the message been delivered? `Vec<Result<Accepted, Rejection>>`, in the order of the recipients. One that is
    /// missing is told to try again.
    #[derive(Debug)]
    pub enum Deliveries {}
    /// Whose mailbox is it? `Result<Vec<String>, Rejection>`: each as `User Name <user@example.org>`.
    #[derive(Debug)]
    pub enum Vrfy {}
    /// Who is on the list? `Result<Vec<String>, Rejection>`: each as `User Name <user@example.org>`.
    #[derive(Debug)]
    pub enum Expn {}
    /// Is it being sent? `Result<Etrn, Rejection>`.
    #[derive(Debug)]
    pub enum Etrn {}
}
