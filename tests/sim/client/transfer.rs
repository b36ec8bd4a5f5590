//! One transaction of a client.

use std::io;

use tokio::time::timeout;

use super::{Chunks, Client, Message, Offers, PATIENCE};
use crate::trace::note;
use crate::wire::Wire;

/// See the module.
pub(super) struct Transfer<'a> {
    client: &'a Client,
    message: &'a Message,
    pub(super) wire: Wire,
    /// Whom the server takes it for.
    pub(super) to: Vec<String>,
    /// Whether all of the message has been sent.
    pub(super) is_whole: bool,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(client: &'a Client, message: &'a Message, wire: Wire) -> Self {
        Self { client, message, wire, to: Vec::new(), is_whole: false }
    }

    /// Whether the server has taken the message.
    pub(super) async fn run(&mut self, offers: &Offers) -> io::Result<bool> {
        let manner = &self.message.manner;
        let ahead = manner.pipelines && offers.pipelining;
        let chunks = manner.chunks.as_ref().filter(|_| offers.chunking);
        // RFC 2920 §3.1: DATA ends a group.
        let data = self.envelope(ahead, ahead && chunks.is_none()).await?;
        match chunks {
            Some(chunks) => self.in_chunks(chunks, ahead).await,
            None => self.by_data(data).await,
        }
    }

    /// Says MAIL and RCPT, and DATA if it is to be said with them; gives the answer to it.
    async fn envelope(&mut self, ahead: bool, with_data: bool) -> io::Result<Option<u16>> {
        let Self { client, message, .. } = *self;
        let mut commands = vec![format!("MAIL FROM:<{}>\r\n", message.from)];
        commands.extend(message.to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")));
        commands.extend(with_data.then(|| "DATA\r\n".to_owned()));
        let mut codes = self.say(&commands, ahead).await?.into_iter();
        client.expect_refusal(!message.may_send(), codes.next().unwrap(), "sends as somebody else");
        for (to, code) in message.to.iter().zip(codes.by_ref()) {
            client.expect_refusal(!message.may_be_for(to), code, "has mail relayed without a login");
            if code == 250 {
                self.to.push(to.clone());
            }
        }
        Ok(codes.next())
    }

    /// `answer` is that to DATA, if it has been said.
    async fn by_data(&mut self, answer: Option<u16>) -> io::Result<bool> {
        let answer = match answer {
            Some(answer) => answer,
            None if self.to.is_empty() => return Ok(false),
            None => self.ask("DATA\r\n").await?,
        };
        if answer != 354 {
            return Ok(false);
        }
        if self.to.is_empty() {
            // RFC 2920 §3.1.
            let code = self.ask(".\r\n").await?;
            self.client.expect_refusal(true, code, "sends to nobody");
            return Ok(false);
        }
        self.send(&self.message.dotted()).await?;
        self.is_whole = true;
        Ok(self.reply().await? == 250)
    }

    async fn in_chunks(&mut self, chunks: &Chunks, ahead: bool) -> io::Result<bool> {
        if self.to.is_empty() {
            return Ok(false);
        }
        let chunks = chunks.of(&self.message.content());
        note!(self.client.trace, "client {} in {} chunks, ahead: {ahead}", self.message.token, chunks.len());
        // It goes on behind a refusal, as it should not (RFC 3030 §2), or cannot help if it is ahead.
        let said = if ahead { 0 } else { chunks.len() - 1 };
        let mut codes = self.say(&chunks[..said], false).await?;
        self.send(&chunks[said..].concat()).await?;
        self.is_whole = true;
        for _ in &chunks[said..] {
            codes.push(self.reply().await?);
        }
        let is_taken = codes.last() == Some(&250);
        if is_taken && codes.iter().any(|&code| code != 250) {
            let token = &self.message.token;
            self.client.ledger.wrong(format!("{token}: taken without a chunk that was refused: {codes:?}"));
        }
        Ok(is_taken)
    }

    /// The answers to commands, which are said one by one, or all at once.
    async fn say(&mut self, commands: &[String], ahead: bool) -> io::Result<Vec<u16>> {
        let mut codes = Vec::new();
        for group in commands.chunks(if ahead { commands.len() } else { 1 }) {
            self.send(&group.concat()).await?;
            for _ in group {
                codes.push(self.reply().await?);
            }
        }
        Ok(codes)
    }

    async fn ask(&mut self, command: &str) -> io::Result<u16> {
        self.send(command).await?;
        self.reply().await
    }

    async fn send(&mut self, octets: &str) -> io::Result<()> {
        timeout(PATIENCE, self.wire.send(octets)).await?
    }

    async fn reply(&mut self) -> io::Result<u16> {
        timeout(PATIENCE, self.wire.reply()).await?
    }
}
