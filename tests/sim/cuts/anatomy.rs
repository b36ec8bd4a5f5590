//! Where in a session a message is taken, and where whoever sends it has heard so.

use std::ops::{Range, RangeInclusive};

use super::session::{Role, Session};
use crate::net::{Cut, CutManner, Side, Tape};

/// A session that was not cut, in octets of either side.
#[derive(Debug)]
pub(super) struct Anatomy {
    /// All that the client said.
    client: String,
    /// How much of it was said when all of the message was there; behind it there is only QUIT.
    content: u64,
    /// All that the server said.
    server: String,
    /// What it said of it behind that point: that it has the message.
    answer: Range<u64>,
}

impl Anatomy {
    pub(super) fn of(session: Session, tape: &Tape) -> Self {
        let (client, server) = (tape.said_by(Side::Client), tape.said_by(Side::Server));
        let content = client.strip_suffix("QUIT\r\n").unwrap().len();
        let mut read = 0;
        let mut start = 0;
        for said in tape.said() {
            match said.by {
                Side::Client => read += said.octets.len(),
                Side::Server if read < content => start += said.octets.len(),
                Side::Server => {}
            }
        }
        let end = server.rfind("221 ").unwrap();
        // It is one reply, unless chunks were waiting for theirs (RFC 2920 §3.2).
        let replies: Vec<&str> = server[start..end].split_terminator("\r\n").collect();
        let may_be_more = session.role == Role::Server && session.by_chunks && session.pipelines;
        assert!(replies.len() == 1 || may_be_more, "{session:?}: {replies:?}");
        assert!(replies.iter().all(|reply| reply.starts_with("250 2.0.0 ")), "{session:?}: {replies:?}");
        Self { client, content: content as u64, server, answer: start as u64..end as u64 }
    }

    /// Behind no octet, behind the first, and so on, of either side.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut> + use<> {
        let cuts = |by, said: &str| {
            (0..=said.len() as u64).map(move |octet| Cut { by, octet, manner: CutManner::AtOnce })
        };
        cuts(Side::Client, &self.client).chain(cuts(Side::Server, &self.server))
    }

    /// Whether it is one at which something changes, or beside it.
    pub(super) fn is_edge(&self, cut: Cut) -> bool {
        let is_near = |edge: &u64| edge.abs_diff(cut.octet) <= 1;
        match cut.by {
            Side::Client => is_near(&self.content),
            Side::Server => is_near(&self.answer.start) || is_near(&self.answer.end),
        }
    }

    /// How often the message may be there, if whoever has heard no answer sends it again.
    pub(super) fn copies(&self, cut: Cut) -> RangeInclusive<usize> {
        match cut.by {
            // All of it has come, and at once the connection broke: nothing of the answer is heard.
            Side::Client if cut.octet == self.content => 1..=2,
            // The answer had begun, so the message was taken; the end of it is not heard.
            Side::Server if self.answer.start < cut.octet && cut.octet < self.answer.end => 2..=2,
            _ => 1..=1,
        }
    }

    /// Whether whoever sends it hears that it is taken.
    pub(super) fn is_heard(&self, cut: Cut) -> bool {
        match cut.by {
            Side::Client => cut.octet > self.content,
            Side::Server => cut.octet >= self.answer.end,
        }
    }

    /// Whether a session that was cut was this one as far as it went.
    pub(super) fn begins_as(&self, tape: &Tape) -> bool {
        self.client.starts_with(&tape.said_by(Side::Client))
            && self.server.starts_with(&tape.said_by(Side::Server))
    }
}
