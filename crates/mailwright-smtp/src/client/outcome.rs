//! What has become of a message, for one recipient.

use std::time::Duration;

use mailwright_core::{EnhancedCode, ReplyCode};
use thiserror::Error as ThisError;

use super::error::Error;
use super::reply::Reply;
use super::stage::Stage;
use super::unsendable::Unsendable;

/// What has become of a message for one recipient. There is exactly one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Its place in [`Transaction::recipients`](super::Transaction::recipients).
    pub recipient: usize,
    /// Where it was decided.
    pub stage: Stage,
    /// How long that stage has taken: from when the server was to answer, which for a command in a group is from
    /// the answer before.
    pub took: Duration,
    /// The words with which the server has taken responsibility; or why not.
    pub result: Result<Reply, Failure>,
}

impl Outcome {
    /// The server's words, if there are any.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.result {
            Ok(reply) => Some(reply),
            Err(failure) => failure.reply(),
        }
    }

    /// The server's code, if it has spoken.
    pub fn code(&self) -> Option<ReplyCode> {
        self.reply().map(|reply| reply.code)
    }

    /// The enhanced code: the server's, or that of what could not be sent.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        match &self.result {
            Err(Failure::Unsendable(why)) => why.enhanced(),
            _ => self.reply().and_then(|reply| reply.enhanced),
        }
    }
}

/// Why a recipient has not got a message, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Failure {
    /// The server has refused: 4yz to be tried again, 5yz not (RFC 5321 §4.2.1).
    #[error("refused: {0}")]
    Refused(Reply),
    /// It was not asked, as it could not be.
    #[error(transparent)]
    Unsendable(Unsendable),
    /// The session ended before the content did: the message was surely not taken.
    #[error("not sent: {0}")]
    NotSent(Error),
    /// The session ended between the end of the content and the answer to it: the message may have been taken
    /// (RFC 1047), and if it is sent again may be delivered twice.
    #[error("sent, and the answer is lost: {0}")]
    AnswerLost(Error),
}

impl Failure {
    /// The server's words, if there are any.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Refused(reply) => Some(reply),
            Self::Unsendable(_) => None,
            Self::NotSent(error) | Self::AnswerLost(error) => error.reply(),
        }
    }

    /// Whether the message may have been taken all the same.
    pub fn may_be_taken(&self) -> bool {
        matches!(self, Self::AnswerLost(_))
    }
}
