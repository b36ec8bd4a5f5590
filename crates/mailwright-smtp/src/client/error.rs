//! Why a session ended otherwise than by QUIT.

use mailwright_core::framing::BodyFault;
use thiserror::Error as ThisError;

use super::reply::{Reply, ReplyFault};
use super::stage::Stage;

/// Why a session ended otherwise than by QUIT. Each recipient of an open transaction has had its
/// [`Outcome`](super::Outcome) before.
///
/// The last three are our application's doing, all others the peer's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The peer took too long.
    #[error("timed out: {0}")]
    Timeout(Stage),
    /// It left.
    #[error("connection lost: {0}")]
    Disconnected(Stage),
    /// It does not want to speak to us: at the greeting, or at EHLO.
    #[error("not welcome, {stage}: {reply}")]
    Unwelcome {
        /// Where.
        stage: Stage,
        /// Its words.
        reply: Reply,
    },
    /// It closes: 421, which may come at any time (RFC 5321 §3.8).
    #[error("the server closes, {stage}: {reply}")]
    Closing {
        /// Where.
        stage: Stage,
        /// Its words.
        reply: Reply,
    },
    /// A reply that makes no sense there: what it belongs to cannot be known.
    #[error("unexpected reply, {stage}: {reply}")]
    Unexpected {
        /// Where.
        stage: Stage,
        /// Its words.
        reply: Reply,
    },
    /// It said something before it was asked: each reply from there on would be taken for that to another
    /// command.
    #[error("a reply before its command, {0}")]
    Unasked(Stage),
    /// It does not speak SMTP, or without end.
    #[error("{fault}, {stage}")]
    BadReply {
        /// Where.
        stage: Stage,
        /// What is wrong.
        fault: ReplyFault,
    },
    /// There was plain text behind the answer to STARTTLS: somebody may have put it there (CVE-2011-0411).
    #[error("plain text behind STARTTLS")]
    PlaintextBehindStartTls,
    /// TLS is required, and STARTTLS was not offered, or was refused with these words. There may be somebody on
    /// the way who does not want it.
    #[error("no TLS: {}", .0.as_ref().map_or_else(|| "STARTTLS is not offered".to_owned(), Reply::to_string))]
    NoTls(Option<Reply>),
    /// The content has an octet, or a line end, that no message may have.
    #[error("the content has {}", match .0 {
        BodyFault::BareCr => "a CR without LF",
        BodyFault::BareLf => "an LF without CR",
        BodyFault::Nul => "a NUL",
    })]
    Content(BodyFault),
    /// The application gave up in the middle of the content.
    #[error("given up in the middle of the content")]
    Abandoned,
    /// The application took too long in the middle of the content.
    #[error("no content came for too long")]
    Stalled,
}

impl Error {
    /// The peer's words, if it was they that ended the session.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Unwelcome { reply, .. } | Self::Closing { reply, .. } | Self::Unexpected { reply, .. } => {
                Some(reply)
            }
            Self::NoTls(reply) => reply.as_ref(),
            _ => None,
        }
    }
}
