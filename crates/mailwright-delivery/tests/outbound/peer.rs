//! A server that does as it is told.

use std::net::IpAddr;
use std::sync::Arc;

use mailwright_tokio::{Io, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::{Net, Site};

/// What a server does at a point of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Says this; CRLF is added.
    Says(&'static str),
    /// Says this, and closes.
    Leaves(&'static str),
    /// Closes.
    Closes,
    /// Says this, and then nothing, for ever: it does not even read.
    Freezes(&'static str),
    /// Nothing, for ever.
    Stalls,
}

/// A server that takes everything, but for what is said of it.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    offers: Vec<&'static str>,
    habits: Vec<(&'static str, Does)>,
    tls: Option<Arc<dyn Tls>>,
    implicit: bool,
    lmtp: bool,
    /// Closes when it has answered so many messages.
    closes_after: Option<usize>,
}

impl Peer {
    /// That offers this.
    pub(crate) fn offering(offers: &[&'static str]) -> Self {
        Self { offers: offers.to_vec(), ..Self::default() }
    }

    /// Does that when the client says something that begins like `word`; or where it would say `220` as a
    /// `greeting`, or has read the `end` of the content.
    pub(crate) fn on(mut self, word: &'static str, does: Does) -> Self {
        self.habits.push((word, does));
        self
    }

    /// Says that there.
    pub(crate) fn says(self, word: &'static str, text: &'static str) -> Self {
        self.on(word, Does::Says(text))
    }

    /// Closes when it has answered so many messages.
    pub(crate) fn closing_after(self, messages: usize) -> Self {
        Self { closes_after: Some(messages), ..self }
    }

    pub(crate) fn lmtp(self) -> Self {
        Self { lmtp: true, ..self }
    }

    /// Offers STARTTLS.
    pub(crate) fn start_tls(mut self, tls: Arc<dyn Tls>) -> Self {
        self.offers.push("STARTTLS");
        Self { tls: Some(tls), ..self }
    }

    pub(crate) fn implicit_tls(self, tls: Arc<dyn Tls>) -> Self {
        Self { tls: Some(tls), implicit: true, ..self }
    }

    pub(crate) fn site(self) -> Site {
        Site::Peer(self)
    }

    pub(crate) async fn run(self, io: Box<dyn Io>, net: Net, address: IpAddr) {
        let io = match &self.tls {
            Some(tls) if self.implicit => match tls.accept(io).await {
                Ok((io, _)) => io,
                Err(_) => return,
            },
            _ => io,
        };
        let kept = net.clone();
        let mut session = Session {
            peer: self,
            net: kept,
            io: Some(io),
            unread: vec![],
            chunks: vec![],
            rcpts: 0,
            messages: 0,
        };
        let log = |line: &str| net.note(format!("{address} {line}"));
        let _ = session.run(&log).await;
    }
}

struct Session {
    peer: Peer,
    net: Net,
    io: Option<Box<dyn Io>>,
    unread: Vec<u8>,
    /// What has come of a content.
    chunks: Vec<u8>,
    /// Recipients that were taken.
    rcpts: usize,
    messages: usize,
}

/// The conversation is over.
struct Over;

impl Session {
    async fn run(&mut self, log: &(impl Fn(&str) + Sync)) -> Result<(), Over> {
        self.answer("greeting", "220 peer").await?;
        loop {
            let line = self.line().await?;
            log(&line);
            let verb = line.split(' ').next().unwrap();
            match verb {
                "EHLO" | "LHLO" => {
                    let words: Vec<&str> = ["peer"].into_iter().chain(self.peer.offers.clone()).collect();
                    let (last, others) = words.split_last().unwrap();
                    let mut reply: String = others.iter().map(|word| format!("250-{word}\r\n")).collect();
                    reply += &format!("250 {last}");
                    self.answer(&line, &reply).await?;
                }
                "MAIL" | "RSET" => {
                    self.rcpts = 0;
                    self.answer(&line, "250 ok").await?;
                }
                "RCPT" => {
                    if self.answer(&line, "250 ok").await?.starts_with('2') {
                        self.rcpts += 1;
                    }
                }
                "DATA" if self.rcpts == 0 => {
                    self.answer(&line, "503 nobody").await?;
                }
                "DATA" => {
                    if self.answer(&line, "354 go").await?.starts_with('3') {
                        let content = self.content().await?;
                        log(&format!("content {}", content.len()));
                        self.net.keep(content);
                        self.end().await?;
                    }
                }
                "BDAT" => {
                    let mut words = line.split(' ').skip(1);
                    let size: usize = words.next().unwrap().parse().unwrap();
                    while self.unread.len() < size {
                        self.read().await?;
                    }
                    self.chunks.extend(self.unread.drain(..size));
                    match words.next() {
                        Some(_) => {
                            self.net.keep(std::mem::take(&mut self.chunks));
                            self.end().await?;
                        }
                        None => drop(self.answer(&line, "250 chunk").await?),
                    }
                }
                "STARTTLS" => {
                    if !self.answer(&line, "220 go").await?.starts_with("220") {
                        continue;
                    }
                    let tls = Arc::clone(self.peer.tls.as_ref().unwrap());
                    let shaken = tls.accept(self.io.take().unwrap()).await;
                    self.io = Some(shaken.map_err(|_| Over)?.0);
                    self.peer.offers.retain(|offer| *offer != "STARTTLS");
                }
                "AUTH" => drop(self.answer(&line, "235 welcome").await?),
                "QUIT" => {
                    self.answer(&line, "221 bye").await?;
                    return Err(Over);
                }
                _ => drop(self.answer(&line, "250 ok").await?),
            }
        }
    }

    /// Answers to a content: one, or one a recipient.
    async fn end(&mut self) -> Result<(), Over> {
        let answers = if self.peer.lmtp { self.rcpts } else { 1 };
        for number in 0..answers {
            let words = ["end", "end 1", "end 2"];
            let word = if self.peer.lmtp { words[number.min(2)] } else { "end" };
            self.answer(word, "250 2.0.0 taken").await?;
        }
        self.messages += 1;
        if Some(self.messages) == self.peer.closes_after { Err(Over) } else { Ok(()) }
    }

    /// Does what it has a habit of, or else says `usual`. Gives what it has said.
    async fn answer(&mut self, line: &str, usual: &str) -> Result<String, Over> {
        let fits = |word: &str| if word.starts_with("end") { line == word } else { line.starts_with(word) };
        let habit = self.peer.habits.iter().find(|(word, _)| fits(word));
        match habit.map(|(_, does)| *does) {
            Some(Does::Says(text)) => {
                self.say(text).await?;
                Ok(text.to_owned())
            }
            Some(Does::Leaves(text)) => {
                self.say(text).await?;
                Err(Over)
            }
            Some(Does::Freezes(text)) => {
                self.say(text).await?;
                std::future::pending().await
            }
            Some(Does::Closes) => Err(Over),
            Some(Does::Stalls) => std::future::pending().await,
            None => {
                self.say(usual).await?;
                Ok(usual.to_owned())
            }
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        let io = self.io.as_mut().unwrap();
        io.write_all(format!("{text}\r\n").as_bytes()).await.map_err(|_| Over)?;
        io.flush().await.map_err(|_| Over)
    }

    async fn read(&mut self) -> Result<(), Over> {
        let mut buffer = [0; 4096];
        match self.io.as_mut().unwrap().read(&mut buffer).await {
            Ok(count) if count > 0 => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            _ => Err(Over),
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        loop {
            if let Some(at) = self.unread.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=at).collect();
                return Ok(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            self.read().await?;
        }
    }

    async fn content(&mut self) -> Result<Vec<u8>, Over> {
        let mut content = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(content);
            }
            content.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
            content.extend_from_slice(b"\r\n");
        }
    }
}
