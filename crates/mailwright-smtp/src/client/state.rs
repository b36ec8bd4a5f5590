//! Where a session stands.

use std::collections::VecDeque;

use mailwright_core::Secret;

use super::content::Content;
use super::error::Error;
use super::event::{AuthFailure, Work};
use super::stage::Stage;
use super::transaction::{Recipient, Transaction};

#[derive(Debug)]
pub(super) enum State {
    /// The greeting is to come.
    Greeting,
    /// This is to be said, if the peer has not spoken unasked.
    Saying(Say),
    /// The answer to our name is to come.
    Hello(Verb),
    /// The answer to STARTTLS is to come.
    StartTls,
    /// It was 220; TLS is to come.
    Upgrading,
    /// The application was asked what is to be done; its ticket is open.
    Idle,
    /// The next step of an AUTH is to come.
    Auth(Auth),
    /// The application was asked for a response; its ticket is open.
    Challenged,
    /// The envelope is being sent.
    Envelope(Envelope),
    /// The content is being sent; the application's ticket is open.
    Body(Message),
    /// The application has given the last of the content, or this is why it will have no end.
    Ending(Message, Result<(), Error>),
    /// The content has ended; the answers are to come.
    BodyEnd(Answers),
    /// DATA was granted with no recipient left; the answer to an empty content is to come.
    NobodyLeft,
    /// A chunk was refused; the answers to as many behind it are to come.
    Discarded(usize),
    /// The answer to RSET is to come.
    Reset,
    /// The answer to QUIT is to come.
    Quit,
    /// The last word is said.
    Closed,
    /// The session has ended badly.
    Failed(Error),
}

#[derive(Debug)]
pub(super) enum Say {
    Hello(Verb),
    StartTls,
    Work(Work),
    /// A response within AUTH, or why there is none.
    Response(Result<Secret, AuthFailure>),
    Reset,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Ehlo,
    Helo,
    Lhlo,
}

#[derive(Debug)]
pub(super) enum Auth {
    /// The exchange goes on. What the client says first waits to be asked for if it was too long for a command.
    Open { withheld: Option<Secret> },
    /// It was cancelled, and the peer has to say so.
    Cancelled(AuthFailure),
}

/// An envelope of which not all commands are answered. Commands count from 0, which is MAIL; RCPT follow, then
/// DATA.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) transaction: Transaction,
    /// The recipients that are asked about, by their places in the transaction; the others have had their outcomes.
    pub(super) asked: Vec<usize>,
    pub(super) said: usize,
    pub(super) answered: usize,
    /// Recipients that were taken.
    pub(super) accepted: Vec<usize>,
    /// MAIL was refused, and with it all recipients.
    pub(super) is_refused: bool,
    /// The content goes without DATA.
    pub(super) by_chunks: bool,
}

/// A command of an envelope.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Mail(&'a Transaction),
    Rcpt(&'a Recipient),
    Data,
}

impl Envelope {
    pub(super) fn new(transaction: Transaction, asked: Vec<usize>, by_chunks: bool) -> Self {
        Self { transaction, asked, said: 0, answered: 0, accepted: Vec::new(), is_refused: false, by_chunks }
    }

    /// The command that is to be said next, if there is one.
    pub(super) fn next(&self) -> Option<Step<'_>> {
        if self.is_refused {
            return None;
        }
        let Some(index) = self.said.checked_sub(1) else { return Some(Step::Mail(&self.transaction)) };
        if let Some(place) = self.asked.get(index) {
            return self.transaction.recipients.get(*place).map(Step::Rcpt);
        }
        let is_known_vain = self.answered == self.said && self.accepted.is_empty();
        let is_due = index == self.asked.len() && !self.by_chunks && !is_known_vain;
        is_due.then_some(Step::Data)
    }

    /// Whether a command waits for its answer.
    pub(super) fn waits(&self) -> bool {
        self.said > self.answered
    }

    /// The recipient whose command is answered next; MAIL and DATA have none.
    pub(super) fn recipient(&self) -> Option<usize> {
        self.asked.get(self.answered.checked_sub(1)?).copied()
    }

    pub(super) fn stage(&self) -> Stage {
        match self.recipient() {
            Some(_) => Stage::Rcpt,
            None if self.answered == 0 => Stage::Mail,
            None => Stage::Data,
        }
    }

    /// The recipients without an outcome.
    pub(super) fn unsettled(self) -> Vec<usize> {
        if self.is_refused {
            return Vec::new();
        }
        let unanswered = self.asked.into_iter().skip(self.answered.saturating_sub(1));
        self.accepted.into_iter().chain(unanswered).collect()
    }
}

/// A message whose envelope was taken.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) recipients: Vec<usize>,
    pub(super) content: Content,
}

/// The answers to a message that are still to come.
#[derive(Debug)]
pub(super) struct Answers {
    /// Who waits for them, in order.
    pub(super) recipients: VecDeque<usize>,
    /// One was a refusal of a chunk, so that RSET must follow (RFC 3030 §2).
    pub(super) needs_reset: bool,
    pub(super) by_chunks: bool,
}

impl State {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::Hello(_) | Self::Saying(Say::Hello(_)) => Stage::Hello,
            Self::StartTls | Self::Saying(Say::StartTls) => Stage::StartTls,
            Self::Upgrading => Stage::Tls,
            Self::Idle | Self::Saying(Say::Work(_)) => Stage::Idle,
            Self::Auth(_) | Self::Challenged | Self::Saying(Say::Response(_)) => Stage::Auth,
            Self::Envelope(envelope) => envelope.stage(),
            Self::Body(_) | Self::Ending(..) | Self::Discarded(_) => Stage::Body,
            Self::BodyEnd(_) | Self::NobodyLeft => Stage::BodyEnd,
            Self::Reset | Self::Saying(Say::Reset) => Stage::Reset,
            Self::Quit | Self::Closed | Self::Failed(_) | Self::Saying(Say::Quit) => Stage::Quit,
        }
    }
}
