//! What was promised, and what has arrived elsewhere.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::client::Message;

/// What a client knows of a message that it has sent, of which the token is unique.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) message: Message,
    /// Whom the node took it for.
    pub(crate) to: Vec<String>,
    pub(crate) answer: Answer,
    /// When it began, and when it was over.
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 250: it will not be sent again.
    Taken,
    /// Anything else.
    Refused,
    /// There was none, and all of the message may have been there.
    None,
}

/// A message that somebody else has taken, for one recipient.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) token: String,
    pub(crate) to: String,
    pub(crate) at: Duration,
    /// Who has it.
    pub(crate) host: IpAddr,
    pub(crate) content: String,
    /// Whether they have certainly heard so.
    pub(crate) confirmed: bool,
}

/// What a user has seen in a session.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) user: String,
    pub(crate) began: Duration,
    /// Whether it was all that there was.
    pub(crate) is_all: bool,
    pub(crate) mail: Vec<Read>,
}

/// A message that somebody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    /// What the protocol tells it apart by.
    pub(crate) id: String,
    pub(crate) content: String,
}

/// Something that may cost an answer: a crash, a fault of a disk, a connection that breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mishap {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Whose. If there are two: of what is between them.
    pub(crate) hosts: Vec<IpAddr>,
}

/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Pages {
    pub(crate) sent: Vec<Sent>,
    pub(crate) copies: Vec<Copy>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) mishaps: Vec<Mishap>,
    /// What was found to be wrong on the way.
    pub(crate) wrong: Vec<String>,
}

impl Ledger {
    pub(crate) fn sent(&self, sent: Sent) {
        self.lock().sent.push(sent);
    }

    /// Gives the number of the copy.
    pub(crate) fn took(&self, copy: Copy) -> usize {
        let mut pages = self.lock();
        pages.copies.push(copy);
        pages.copies.len() - 1
    }

    pub(crate) fn confirm(&self, numbers: &[usize]) {
        let mut pages = self.lock();
        numbers.iter().for_each(|&number| pages.copies[number].confirmed = true);
    }

    pub(crate) fn seen(&self, seen: Seen) {
        self.lock().seen.push(seen);
    }

    pub(crate) fn wrong(&self, what: String) {
        self.lock().wrong.push(what);
    }

    pub(crate) fn mishap(&self, from: Duration, to: Duration, hosts: &[IpAddr]) {
        self.lock().mishaps.push(Mishap { from, to, hosts: hosts.to_vec() });
    }

    pub(crate) fn pages(&self) -> Pages {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }
}

/// The field by which messages are told apart.
pub(crate) const TOKEN: &str = "X-Token: ";

/// The token of a message, or of the one that a report returns.
pub(crate) fn token(content: &str) -> Option<String> {
    let (_, rest) = content.split_once(TOKEN)?;
    rest.split("\r\n").next().map(str::to_owned)
}
