//! Servers at the other end: our own machine, and a small one that takes chunks and speaks LMTP.

use std::sync::Arc;

use mailwright_core::Machine as _;
use mailwright_core::testing::{App, Bench, Note, Seen};
use mailwright_smtp::server::{self, Server};
use mailwright_smtp::{Accepted, Rejection};

/// A message as it was taken, for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) to: String,
    pub(crate) content: Vec<u8>,
}

/// The other end of the wire.
pub(crate) trait Peer {
    /// Takes what the client has sent, and answers.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// The client has gone.
    fn hang_up(&mut self);

    fn delivered(&self) -> &[Delivered];
}

/// Our own server. It knows all but `<nobody@...>`.
pub(crate) struct OurServer(Bench<Server, Inbox>);

#[derive(Default)]
struct Inbox {
    to: Vec<String>,
    content: Vec<u8>,
    delivered: Vec<Delivered>,
}

impl OurServer {
    pub(crate) fn new() -> Self {
        let config = server::Config { hostname: "mx.example.org".to_owned(), ..server::Config::default() };
        let server = Server::new(Arc::new(config), None);
        Self(Bench::new(server, Inbox::default(), Bench::<Server, Inbox>::start()))
    }
}

impl Peer for OurServer {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let seen = self.0.feed(bytes);
        seen.into_iter()
            .filter_map(|seen| if let Seen::Output(bytes) = seen { Some(bytes) } else { None })
            .flatten()
            .collect()
    }

    fn hang_up(&mut self) {
        self.0.machine.handle_eof();
        self.0.settle();
    }

    fn delivered(&self) -> &[Delivered] {
        &self.0.app.delivered
    }
}

impl App<Server> for Inbox {
    fn event(&mut self, server: &mut Server, event: server::Event) -> Note {
        use server::Event;
        match event {
            Event::Connect { ticket } => server.answer(ticket, Ok(())).unwrap(),
            Event::Hello { ticket, .. } => server.answer(ticket, Ok(())).unwrap(),
            Event::Mail { ticket, .. } => {
                (self.to, self.content) = (vec![], vec![]);
                server.answer(ticket, Ok(())).unwrap();
            }
            Event::Rcpt { to, ticket, .. } => {
                let known = to.address().is_none_or(|to| to.local() != "nobody");
                if known {
                    self.to.push(to.to_string());
                }
                server.answer(ticket, if known { Ok(()) } else { Err(Rejection::no_such_user()) }).unwrap();
            }
            Event::Data { ticket } => server.answer(ticket, Ok(())).unwrap(),
            Event::Body(chunk) => self.content.extend_from_slice(&chunk),
            Event::BodyEnd { ticket, .. } => {
                let content = std::mem::take(&mut self.content);
                let deliver = |to| Delivered { to, content: content.clone() };
                self.delivered.extend(std::mem::take(&mut self.to).into_iter().map(deliver));
                server.answer(ticket, Ok(Accepted::default())).unwrap();
            }
            Event::BodyAborted(_) | Event::Reset => (self.to, self.content) = (vec![], vec![]),
            // DATA without recipients, in a group.
            Event::Refused(_) => {}
            other => panic!("{other:?}"),
        }
        Note::Line(String::new())
    }
}

/// A server that takes chunks, and as an LMTP server delivers to each recipient but `<full@...>`.
pub(crate) struct Model {
    is_lmtp: bool,
    offers: &'static str,
    input: Vec<u8>,
    state: Expects,
    to: Vec<String>,
    content: Vec<u8>,
    delivered: Vec<Delivered>,
    has_greeted: bool,
}

#[derive(Clone, Copy)]
enum Expects {
    Command,
    Content,
    Chunk { size: usize, is_last: bool },
}

impl Model {
    /// `offers` are the last lines of the EHLO reply.
    pub(crate) fn new(is_lmtp: bool, offers: &'static str) -> Self {
        Self {
            is_lmtp,
            offers,
            input: vec![],
            state: Expects::Command,
            to: vec![],
            content: vec![],
            delivered: vec![],
            has_greeted: false,
        }
    }

    fn step(&mut self) -> Option<String> {
        match self.state {
            Expects::Command => {
                let line = self.take_until(b"\r\n")?;
                Some(self.command(&String::from_utf8(line).unwrap()))
            }
            Expects::Content => {
                if self.input.starts_with(b".\r\n") {
                    self.input.drain(..3);
                    self.state = Expects::Command;
                    return Some(self.deliver());
                }
                let line = self.take_until(b"\r\n")?;
                self.content.extend(line.strip_prefix(b".").unwrap_or(&line));
                self.content.extend(b"\r\n");
                Some(String::new())
            }
            Expects::Chunk { size, .. } if self.input.len() < size => None,
            Expects::Chunk { size, is_last } => {
                self.content.extend(self.input.drain(..size));
                self.state = Expects::Command;
                Some(if is_last { self.deliver() } else { "250 chunk\r\n".to_owned() })
            }
        }
    }

    fn take_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let at = self.input.windows(end.len()).position(|window| window == end)?;
        let line = self.input.drain(..at).collect();
        self.input.drain(..end.len());
        Some(line)
    }

    fn command(&mut self, line: &str) -> String {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["EHLO" | "LHLO", _] => format!("250-model\r\n{}", self.offers),
            ["MAIL", ..] | ["RSET"] => {
                (self.to, self.content) = (vec![], vec![]);
                "250 ok\r\n".to_owned()
            }
            ["RCPT", to] if to.contains("nobody") => "550 5.1.1 nobody\r\n".to_owned(),
            ["RCPT", to] => {
                self.to.push(to.strip_prefix("TO:").unwrap().to_owned());
                "250 ok\r\n".to_owned()
            }
            ["DATA"] if self.to.is_empty() => "503 nobody\r\n".to_owned(),
            ["DATA"] => {
                self.state = Expects::Content;
                "354 go\r\n".to_owned()
            }
            ["BDAT", size, ref last @ ..] => {
                let is_last = matches!(last, ["LAST"]);
                self.state = Expects::Chunk { size: size.parse().unwrap(), is_last };
                String::new()
            }
            ["QUIT"] => "221 bye\r\n".to_owned(),
            _ => panic!("no command: {line}"),
        }
    }

    fn deliver(&mut self) -> String {
        let content = std::mem::take(&mut self.content);
        let mut replies = String::new();
        for to in std::mem::take(&mut self.to) {
            let is_full = self.is_lmtp && to.contains("full");
            replies += if is_full { "452 4.2.2 full\r\n" } else { "250 2.0.0 delivered\r\n" };
            if !is_full {
                self.delivered.push(Delivered { to, content: content.clone() });
            }
        }
        if self.is_lmtp { replies } else { "250 2.0.0 delivered\r\n".to_owned() }
    }
}

impl Peer for Model {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut replies = String::new();
        if !self.has_greeted {
            self.has_greeted = true;
            replies += "220 model\r\n";
        }
        self.input.extend(bytes);
        while let Some(reply) = self.step() {
            replies += &reply;
        }
        replies.into()
    }

    fn hang_up(&mut self) {}

    fn delivered(&self) -> &[Delivered] {
        &self.delivered
    }
}
