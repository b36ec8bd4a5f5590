//! Why a session ended otherwise than by QUIT.

use mailwright_core::ReplyCode;
use thiserror::Error as ThisError;

/// What the peer was to do when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// Send a command.
    Command,
    /// Answer a challenge.
    Auth,
    /// Send the content.
    Body,
}

/// What the peer speaks instead of SMTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongProtocol {
    /// TLS, on a port that begins in plain text.
    Tls,
    /// HTTP.
    Http,
}

/// Why a session ended otherwise than by QUIT or by the end of the input. All are the peer's doing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// It took too long.
    #[error("timed out: {}", match .0 {
        Waiting::Command => "no command came",
        Waiting::Auth => "no answer to the challenge came",
        Waiting::Body => "the message came too slowly",
    })]
    Timeout(Waiting),
    /// Too many commands were refused.
    #[error("too many errors")]
    TooManyErrors,
    /// Too many commands led nowhere.
    #[error("too many commands without a message")]
    TooManyIdleCommands,
    /// There was plain text behind STARTTLS: somebody may have put it there (RFC 3207, CVE-2011-0411).
    #[error("plain text behind STARTTLS")]
    PlaintextBehindStartTls,
    /// It spoke before the greeting, or before the answer to a command that must be the last of its group.
    #[error("the client did not wait for its turn")]
    EarlyInput,
    /// How long a chunk is cannot be known, so neither where the next command is.
    #[error("a chunk of no known size")]
    ChunkSize,
    /// A line had no end.
    #[error("a line without end")]
    EndlessLine,
    /// A message far over the limit had no end.
    #[error("a message without end")]
    EndlessBody,
    /// This is not SMTP.
    #[error("the peer speaks {}", match .0 {
        WrongProtocol::Tls => "TLS on a port that begins in plain text",
        WrongProtocol::Http => "HTTP",
    })]
    WrongProtocol(WrongProtocol),
    /// The application said 421.
    #[error("turned away: {0}")]
    TurnedAway(ReplyCode),
}
