//! The content of a message that comes to a server of others: behind DATA, and in chunks.

use std::io;

use tokio::time::timeout;

use super::mood::{Mood, Stage};
use super::session::{PATIENCE, Session, Turn};
use crate::ledger::{Copy, token};
use crate::trace::note;

/// What has come in chunks (RFC 3030 §2).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// None has.
    None,
    Begun {
        content: String,
        chunks: usize,
    },
    /// A chunk was refused, and nothing of this message is taken before RSET.
    Refused,
}

impl Session<'_> {
    /// Notes a command that has no place behind a chunk: before LAST there is no DATA, and behind a refusal nothing but
    /// RSET (RFC 3030 §2).
    pub(super) fn expect_reset(&self, command: &str) {
        if self.content != Content::None {
            let (name, content) = (&self.peer.name, &self.content);
            self.peer.ledger.wrong(format!("{command} to {name} behind chunks: {content:?}"));
        }
    }

    pub(super) async fn data(&mut self) -> io::Result<bool> {
        self.say("354 go ahead").await?;
        let mut content = String::new();
        let stop = self.below(20);
        let mut lines = 0;
        loop {
            let Some(line) = timeout(PATIENCE, self.wire.line()).await?? else { return Ok(false) };
            if line == "." {
                break;
            }
            if lines == stop && !matches!(self.turn(Stage::Body).await, Turn::GoesOn) {
                return Ok(false);
            }
            lines += 1;
            content += line.strip_prefix('.').unwrap_or(&line);
            content += "\r\n";
        }
        self.end(content, None).await
    }

    /// BDAT, with what follows it.
    pub(super) async fn chunk(&mut self, rest: &str) -> io::Result<bool> {
        let (size, last) = match rest.trim_start().split_once(' ') {
            Some((size, "LAST")) => (size, true),
            _ => (rest.trim_start(), false),
        };
        let Ok(size) = size.parse() else {
            return self.say("501 5.5.4 how many octets?").await.map(|_| false);
        };
        let begun = std::mem::replace(&mut self.content, Content::Refused);
        let stage = match begun {
            Content::None => Some(Stage::Data),
            // Not in every chunk.
            _ => (self.below(4) == 0).then_some(Stage::Body),
        };
        let turn = match stage {
            Some(stage) => self.turn(stage).await,
            None => Turn::GoesOn,
        };
        // Whatever is said to it, the chunk comes.
        let octets = match turn {
            Turn::HangsUp => return Ok(false),
            _ => timeout(PATIENCE, self.wire.octets(size)).await??,
        };
        let (mut content, chunks) = match (begun, turn) {
            (_, Turn::Refuses(code)) => return self.refuse(code, "7.1 not this chunk").await,
            _ if self.to.is_empty() => return self.refuse(503, "5.1 to nobody").await,
            (Content::Refused, _) => return self.refuse(503, "5.1 a chunk was refused").await,
            (Content::None, _) => (String::new(), 1),
            (Content::Begun { content, chunks }, _) => (content, chunks + 1),
        };
        content += &octets;
        if last {
            return self.end(content, Some(chunks)).await;
        }
        self.content = Content::Begun { content, chunks };
        self.say(&format!("250 2.0.0 {size} octets")).await
    }

    /// All of a message is there. `chunks` is in how many it came.
    async fn end(&mut self, content: String, chunks: Option<usize>) -> io::Result<bool> {
        match self.turn(Stage::End).await {
            Turn::GoesOn => {}
            Turn::Refuses(code) => {
                if chunks.is_none() {
                    self.reset();
                }
                return self.refuse(code, "6.0 not this").await;
            }
            Turn::HangsUp => return Ok(false),
        }
        let token = token(&content).unwrap_or_else(|| "none".to_owned());
        if let Some(chunks) = chunks {
            note!(self.peer.trace, "peer {} has {token} in {chunks} chunks", self.peer.name);
        }
        for to in std::mem::take(&mut self.to) {
            note!(self.peer.trace, "peer {} takes {token} for {to}", self.peer.name);
            let copy = Copy {
                token: token.clone(),
                to,
                at: self.peer.clock.elapsed(),
                host: self.peer.host,
                content: content.clone(),
                confirmed: false,
            };
            self.unconfirmed.push(self.peer.ledger.took(copy));
        }
        self.reset();
        if self.peer.mood() == Mood::SwallowsReply {
            note!(self.peer.trace, "peer {} swallows its reply", self.peer.name);
            return Ok(false);
        }
        self.say("250 2.0.0 taken").await
    }

    fn below(&self, bound: u64) -> u64 {
        self.peer.random.lock().unwrap().below(bound)
    }
}
