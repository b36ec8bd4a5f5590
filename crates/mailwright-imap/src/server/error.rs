//! Why a session ended otherwise than by LOGOUT or by the end of the input.

use thiserror::Error as ThisError;

/// What the peer was to do when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// Send a command.
    Command,
    /// Answer a challenge.
    Auth,
    /// Go on with a literal, or with the command behind it.
    Literal,
    /// End an IDLE.
    Idle,
}

/// What the peer speaks instead of IMAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongProtocol {
    /// TLS, on a port that begins in plain text.
    Tls,
    /// HTTP.
    Http,
}

/// Why a message could not be sent whole. All are the application's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incomplete {
    /// The application did not give all that it had begun.
    Short,
    /// The application took too long.
    Late,
}

/// Why a session ended otherwise than by LOGOUT or by the end of the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The peer took too long.
    #[error("timed out: {}", match .0 {
        Waiting::Command => "no command came",
        Waiting::Auth => "no answer to the challenge came",
        Waiting::Literal => "the rest of a command did not come",
        Waiting::Idle => "IDLE was not ended",
    })]
    Timeout(Waiting),
    /// Too many of its logins failed.
    #[error("too many failed logins")]
    TooManyLogins,
    /// Too many of its commands were refused.
    #[error("too many errors")]
    TooManyErrors,
    /// There was plain text behind STARTTLS: somebody may have put it there (CVE-2011-0411).
    #[error("plain text behind STARTTLS")]
    PlaintextBehindStartTls,
    /// A command was longer than allowed. Where it ends cannot be known.
    #[error("a command is too long")]
    CommandTooLong,
    /// More refused literals were sent than are thrown away.
    #[error("too much that was refused was sent all the same")]
    TooMuchRefused,
    /// This is not IMAP.
    #[error("the peer speaks {}", match .0 {
        WrongProtocol::Tls => "TLS on a port that begins in plain text",
        WrongProtocol::Http => "HTTP",
    })]
    WrongProtocol(WrongProtocol),
    /// The application gave a part of a response, and not the rest. The connection has to be closed, for that is all
    /// that tells the peer.
    #[error("a response was not sent whole: {}", match .0 {
        Incomplete::Short => "it is shorter than announced",
        Incomplete::Late => "the next piece did not come in time",
    })]
    Incomplete(Incomplete),
    /// The mailbox in view is gone.
    #[error("the mailbox is gone")]
    MailboxGone,
    /// The application's rejection closes.
    #[error("turned away")]
    TurnedAway,
}
