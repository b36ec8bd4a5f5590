//! Who sends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use crate::clock::SimClock;
use crate::ledger::{Answer, Ledger, Sent, TOKEN};
use crate::net::Net;
use crate::scenario::password;
use crate::trace::{Trace, note};
use crate::wire::Wire;

/// A message to be sent once; whatever comes of it, it is not sent again.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) token: String,
    pub(crate) node: usize,
    pub(crate) from: String,
    /// As whom the client logs in, if it does.
    pub(crate) login: Option<Login>,
    pub(crate) to: Vec<String>,
    /// Octets of its body.
    pub(crate) size: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) mechanism: Mechanism,
    /// The first password is a wrong one.
    pub(crate) slips: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    Login,
}

impl Message {
    /// Whether the client may say that it is from there.
    fn may_send(&self) -> bool {
        self.login.as_ref().is_none_or(|login| login.user == self.from)
    }

    /// Whether the node may take it for there.
    fn may_be_for(&self, recipient: &str) -> bool {
        self.login.is_some() || recipient.ends_with(&format!("@n{}.example", self.node))
    }

    /// All of it, which has no line that begins with a dot.
    pub(crate) fn content(&self) -> String {
        let Self { token, from, size, .. } = self;
        let to = &self.to[0];
        let mut content = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: {token}\r\nMessage-ID: <{token}@client.example>\r\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n{TOKEN}{token}\r\n\r\n"
        );
        while content.len() < *size {
            content += "A line among others, as there are in mail.\r\n";
        }
        content
    }
}

/// Where it sends from and to, and who learns of it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) host: IpAddr,
    pub(crate) net: Net,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
}

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(600);

impl Client {
    pub(crate) async fn send(&self, message: Message, at: SocketAddr) {
        let began = self.clock.elapsed();
        let mut to = Vec::new();
        let answer = self.transaction(&message, at, &mut to).await;
        let ended = self.clock.elapsed();
        note!(self.trace, "client {} to {to:?}: {answer:?}", message.token);
        self.ledger.sent(Sent { message, to, answer, began, ended });
    }

    async fn transaction(&self, message: &Message, at: SocketAddr, to: &mut Vec<String>) -> Answer {
        let Ok(Some(mut wire)) = self.begin(message, at, to).await else { return Answer::Refused };
        let answer = match self.content(message, &mut wire).await {
            Ok(250) => Answer::Taken,
            Ok(_) => Answer::Refused,
            // What is lost without its end is never delivered, but who knows what was lost?
            Err(_) => Answer::None,
        };
        let _ = wire.send("QUIT\r\n").await;
        let _ = timeout(PATIENCE, wire.reply()).await;
        answer
    }

    /// Comes to the point where the content may follow; not, if nobody wants it.
    async fn begin(
        &self,
        message: &Message,
        at: SocketAddr,
        to: &mut Vec<String>,
    ) -> io::Result<Option<Wire>> {
        let io = timeout(PATIENCE, self.net.connect(self.host, at)).await??;
        let mut wire = Wire::new(io);
        if timeout(PATIENCE, wire.reply()).await?? != 220 {
            return Ok(None);
        }
        if ask(&mut wire, "EHLO client.example").await? != 250 {
            return Ok(None);
        }
        if let Some(login) = &message.login
            && !self.login(login, &mut wire).await?
        {
            return Ok(None);
        }
        let code = ask(&mut wire, &format!("MAIL FROM:<{}>", message.from)).await?;
        self.expect_refusal(!message.may_send(), code, "sends as somebody else");
        if code != 250 {
            return Ok(None);
        }
        for recipient in &message.to {
            let code = ask(&mut wire, &format!("RCPT TO:<{recipient}>")).await?;
            self.expect_refusal(!message.may_be_for(recipient), code, "has mail relayed without a login");
            if code == 250 {
                to.push(recipient.clone());
            }
        }
        Ok(if !to.is_empty() && ask(&mut wire, "DATA").await? == 354 { Some(wire) } else { None })
    }

    /// Whether it is logged in.
    async fn login(&self, login: &Login, wire: &mut Wire) -> io::Result<bool> {
        let right = password(&login.user);
        if login.slips {
            let code = auth(wire, login, "not the password").await?;
            self.expect_refusal(true, code, "logs in with a wrong password");
        }
        Ok(auth(wire, login, &right).await? == 235)
    }

    /// What must be refused is, if it is answered at all.
    fn expect_refusal(&self, must: bool, code: u16, what: &str) {
        if must {
            note!(self.trace, "client {what}: {code}");
            if code < 400 {
                self.ledger.wrong(format!("a client {what}: {code}"));
            }
        }
    }

    async fn content(&self, message: &Message, wire: &mut Wire) -> io::Result<u16> {
        let content = message.content() + ".\r\n";
        timeout(PATIENCE, wire.send(&content)).await??;
        timeout(PATIENCE, wire.reply()).await?
    }
}

async fn ask(wire: &mut Wire, command: &str) -> io::Result<u16> {
    wire.send(&format!("{command}\r\n")).await?;
    timeout(PATIENCE, wire.reply()).await?
}

/// Comes to the last reply (RFC 4954 §4).
async fn auth(wire: &mut Wire, login: &Login, password: &str) -> io::Result<u16> {
    let user = &login.user;
    let encoded = |text: &str| STANDARD.encode(text);
    match login.mechanism {
        Mechanism::Plain => {
            ask(wire, &format!("AUTH PLAIN {}", encoded(&format!("\0{user}\0{password}")))).await
        }
        Mechanism::Login => {
            for command in ["AUTH LOGIN".to_owned(), encoded(user)] {
                let code = ask(wire, &command).await?;
                if code != 334 {
                    return Ok(code);
                }
            }
            ask(wire, &encoded(password)).await
        }
    }
}
