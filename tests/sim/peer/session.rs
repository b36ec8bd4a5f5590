//! A session with a server of others.

use std::io;
use std::time::Duration;

use mailwright_tokio::Io;
use tokio::time::{sleep, timeout};

use super::Peer;
use super::content::Content;
use super::mood::{Mood, Stage};
use crate::wire::Wire;

/// How long it waits for a command (RFC 5321 §4.5.3.2.7), and how long it says nothing when it stalls.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
const STALL: Duration = Duration::from_secs(3 * 3600);

/// What it does at a stage.
pub(super) enum Turn {
    GoesOn,
    Refuses(u16),
    HangsUp,
}

pub(super) struct Session<'a> {
    pub(super) peer: &'a Peer,
    pub(super) wire: Wire,
    from: Option<String>,
    pub(super) to: Vec<String>,
    pub(super) content: Content,
    /// Copies of which the client may not know that they were taken.
    pub(super) unconfirmed: Vec<usize>,
}

pub(super) async fn run(peer: &Peer, io: Box<dyn Io>) -> io::Result<()> {
    let (wire, from, to, unconfirmed) = (Wire::new(io), None, Vec::new(), Vec::new());
    let mut session = Session { peer, wire, from, to, content: Content::None, unconfirmed };
    match session.turn(Stage::Banner).await {
        Turn::GoesOn => session.wire.send(&format!("220 {} ESMTP\r\n", peer.name)).await?,
        Turn::Refuses(code) => {
            let code = if code == 550 { 554 } else { 421 };
            return session.wire.send(&format!("{code} 5.3.2 not now\r\n")).await;
        }
        Turn::HangsUp => return Ok(()),
    }
    while let Ok(Some(line)) = timeout(PATIENCE, session.wire.line()).await? {
        // Whoever goes on has had the reply.
        session.peer.ledger.confirm(&std::mem::take(&mut session.unconfirmed));
        if !session.command(&line).await? {
            break;
        }
    }
    Ok(())
}

impl Session<'_> {
    pub(super) async fn turn(&mut self, stage: Stage) -> Turn {
        match self.peer.mood() {
            Mood::Refuses(at, code) if at == stage => Turn::Refuses(code),
            Mood::HangsUp(at) if at == stage => Turn::HangsUp,
            Mood::Stalls(at) if at == stage => {
                sleep(STALL).await;
                Turn::HangsUp
            }
            _ => Turn::GoesOn,
        }
    }

    /// Whether the session goes on.
    async fn command(&mut self, line: &str) -> io::Result<bool> {
        let (verb, rest) = line.split_at(line.find([' ', ':']).unwrap_or(line.len()));
        let stage = match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => Stage::Hello,
            "MAIL" => Stage::Mail,
            "RCPT" => Stage::Rcpt,
            "DATA" => Stage::Data,
            "BDAT" => return self.chunk(rest).await,
            "RSET" => {
                self.reset();
                return self.say("250 2.0.0 as you like").await;
            }
            "NOOP" => return self.say("250 2.0.0 fine").await,
            "QUIT" => return self.say("221 2.0.0 bye").await.map(|_| false),
            _ => return self.say("500 5.5.1 no such command").await,
        };
        match self.turn(stage).await {
            Turn::GoesOn => {}
            Turn::Refuses(code) => return self.refuse(code, &format!("7.1 not at {stage:?}")).await,
            Turn::HangsUp => return Ok(false),
        }
        match stage {
            Stage::Hello => {
                self.reset();
                let offers = self.peer.offers();
                self.say(&format!("250-{}\r\n{offers}250 SIZE 1000000", self.peer.name)).await
            }
            Stage::Mail => {
                self.expect_reset("MAIL");
                self.from = Some(path(rest));
                self.say("250 2.1.0 sender ok").await
            }
            Stage::Rcpt => self.rcpt(path(rest)).await,
            _ if self.to.is_empty() => self.say("503 5.5.1 to nobody").await,
            _ => {
                self.expect_reset("DATA");
                self.data().await
            }
        }
    }

    async fn rcpt(&mut self, to: String) -> io::Result<bool> {
        let Some(from) = &self.from else { return self.say("503 5.5.1 from nobody").await };
        match self.peer.mood() {
            Mood::Grey if self.peer.is_grey(from, &to) => {
                self.say("451 4.7.1 greylisted, try again in 300 seconds").await
            }
            Mood::Picky if to.starts_with("r1") || to.starts_with("r3") => {
                self.say("550 5.1.1 no such user").await
            }
            _ => {
                self.to.push(to);
                self.say("250 2.1.5 recipient ok").await
            }
        }
    }

    pub(super) fn reset(&mut self) {
        self.from = None;
        self.to.clear();
        self.content = Content::None;
    }

    pub(super) async fn say(&mut self, reply: &str) -> io::Result<bool> {
        self.wire.send(&format!("{reply}\r\n")).await?;
        Ok(true)
    }

    /// Refuses for now or for good; with 421 it also closes (RFC 5321 §3.8).
    pub(super) async fn refuse(&mut self, code: u16, why: &str) -> io::Result<bool> {
        self.say(&format!("{code} {}.{why}", code / 100)).await?;
        Ok(code != 421)
    }
}

/// What stands between the first angle brackets.
fn path(text: &str) -> String {
    let inside = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(path, _)| path).to_owned()
}
