//! A session with a server of others.

use std::io;
use std::time::Duration;

use mailwright_tokio::Io;
use tokio::time::{sleep, timeout};

use super::Peer;
use super::mood::{Mood, Stage};
use crate::ledger::{Copy, token};
use crate::trace::note;
use crate::wire::Wire;

/// How long it waits for a command (RFC 5321 §4.5.3.2.7), and how long it says nothing when it stalls.
const PATIENCE: Duration = Duration::from_secs(300);
const STALL: Duration = Duration::from_secs(3 * 3600);

/// What it does at a stage.
enum Turn {
    GoesOn,
    Refuses(u16),
    HangsUp,
}

struct Session<'a> {
    peer: &'a Peer,
    wire: Wire,
    from: Option<String>,
    to: Vec<String>,
    /// Copies of which the client may not know that they were taken.
    unconfirmed: Vec<usize>,
}

pub(super) async fn run(peer: &Peer, io: Box<dyn Io>) -> io::Result<()> {
    let (wire, from, to, unconfirmed) = (Wire::new(io), None, Vec::new(), Vec::new());
    let mut session = Session { peer, wire, from, to, unconfirmed };
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
    async fn turn(&mut self, stage: Stage) -> Turn {
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
            Turn::Refuses(code) => {
                let family = code / 100;
                self.say(&format!("{code} {family}.7.1 not at {stage:?}")).await?;
                return Ok(code != 421);
            }
            Turn::HangsUp => return Ok(false),
        }
        match stage {
            Stage::Hello => {
                self.reset();
                let extensions =
                    "250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000000";
                self.say(&format!("250-{}\r\n{extensions}", self.peer.name)).await
            }
            Stage::Mail => {
                self.from = Some(path(rest));
                self.say("250 2.1.0 sender ok").await
            }
            Stage::Rcpt => self.rcpt(path(rest)).await,
            _ if self.to.is_empty() => self.say("503 5.5.1 to nobody").await,
            _ => self.data().await,
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

    async fn data(&mut self) -> io::Result<bool> {
        self.say("354 go ahead").await?;
        let mut content = String::new();
        let stop = self.peer.random.lock().unwrap().below(20);
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
        match self.turn(Stage::End).await {
            Turn::GoesOn => {}
            Turn::Refuses(code) => {
                self.reset();
                let family = code / 100;
                self.say(&format!("{code} {family}.6.0 not this")).await?;
                return Ok(code != 421);
            }
            Turn::HangsUp => return Ok(false),
        }
        let token = token(&content).unwrap_or_else(|| "none".to_owned());
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

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn say(&mut self, reply: &str) -> io::Result<bool> {
        self.wire.send(&format!("{reply}\r\n")).await?;
        Ok(true)
    }
}

/// What stands between the first angle brackets.
fn path(text: &str) -> String {
    let inside = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(path, _)| path).to_owned()
}
