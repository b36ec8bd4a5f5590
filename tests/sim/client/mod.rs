//! Who sends.

mod login;
mod message;
mod transfer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

pub(crate) use self::message::{Chunks, Login, Manner, Mechanism, Message};
use self::transfer::Transfer;
use crate::clock::SimClock;
use crate::ledger::{Answer, Ledger, Sent};
use crate::net::Net;
use crate::trace::{Trace, note};
use crate::wire::Wire;

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

/// What a server says that it can do.
struct Offers {
    pipelining: bool,
    chunking: bool,
}

impl Client {
    /// Sends a message once, and notes what was answered.
    pub(crate) async fn send(&self, message: Message, at: SocketAddr) {
        let began = self.clock.elapsed();
        let (to, answer) = self.attempt(&message, at).await;
        let ended = self.clock.elapsed();
        note!(self.trace, "client {} to {to:?}: {answer:?}", message.token);
        self.ledger.sent(Sent { message, to, answer, began, ended });
    }

    /// Whom the server took the recipients for that it is to be sent to, and what it said of the message.
    pub(crate) async fn attempt(&self, message: &Message, at: SocketAddr) -> (Vec<String>, Answer) {
        let Ok(Some((wire, offers))) = self.begin(message, at).await else {
            return (Vec::new(), Answer::Refused);
        };
        let mut transfer = Transfer::new(self, message, wire);
        let answer = match transfer.run(&offers).await {
            Ok(true) => Answer::Taken,
            // What is lost without its end is never delivered, but who knows what was lost?
            Err(_) if transfer.is_whole => Answer::None,
            Ok(false) | Err(_) => Answer::Refused,
        };
        let Transfer { mut wire, to, .. } = transfer;
        let _ = wire.send("QUIT\r\n").await;
        let _ = timeout(PATIENCE, wire.reply()).await;
        (to, answer)
    }

    /// Comes to the point where mail may follow; not, if the server does not want it.
    async fn begin(&self, message: &Message, at: SocketAddr) -> io::Result<Option<(Wire, Offers)>> {
        let io = timeout(PATIENCE, self.net.connect(self.host, at)).await??;
        let mut wire = Wire::new(io);
        if timeout(PATIENCE, wire.reply()).await?? != 220 {
            return Ok(None);
        }
        wire.send("EHLO client.example\r\n").await?;
        let (code, lines) = timeout(PATIENCE, wire.reply_lines()).await??;
        if code != 250 {
            return Ok(None);
        }
        let has = |keyword: &str| lines.iter().any(|line| line == keyword);
        let offers = Offers { pipelining: has("PIPELINING"), chunking: has("CHUNKING") };
        if let Some(login) = &message.login
            && !self.login(login, &mut wire).await?
        {
            return Ok(None);
        }
        Ok(Some((wire, offers)))
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
}

async fn ask(wire: &mut Wire, command: &str) -> io::Result<u16> {
    wire.send(&format!("{command}\r\n")).await?;
    timeout(PATIENCE, wire.reply()).await?
}
