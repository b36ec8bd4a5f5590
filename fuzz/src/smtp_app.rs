//! An application that answers as the input has it, and watches what it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use mailwright_core::{Machine, Ticket};
use mailwright_smtp::server::{Aborted, Etrn, Question, ask};
use mailwright_smtp::{Accepted, AuthStep, Body, Config, Event, Rejection, Server};

use crate::machine::{App, Note, Replies, Said, check_lines, text};
use crate::smtp_model::Message;

#[derive(Default)]
pub(crate) struct Application {
    pub(crate) config: Arc<Config>,
    pub(crate) answers: VecDeque<u8>,
    pub(crate) may_hold: bool,
    /// An answer was held back.
    pub(crate) waits: bool,
    held: Option<Held>,
    /// Recipients, if a transaction is open, and whether its content is of lines.
    transaction: Option<(usize, bool)>,
    /// The content that is coming.
    content: Option<Content>,
    /// What it has taken responsibility for.
    pub(crate) taken: Vec<Message>,
}

#[derive(Default)]
struct Content {
    octets: Vec<u8>,
    /// Octets, with those that are elsewhere.
    size: u64,
    /// The first octet behind what is elsewhere, if something is.
    elsewhere: Option<usize>,
}

enum Held {
    Connect(Ticket<ask::Connect>),
    Hello(Ticket<ask::Hello>),
    Auth(Ticket<ask::Auth>),
    XClient(Ticket<ask::XClient>),
    Mail(Ticket<ask::Mail>, bool),
    Rcpt(Ticket<ask::Rcpt>),
    Data(Ticket<ask::Data>),
    Burl(Ticket<ask::Burl>),
    Message(Ticket<ask::Message>, Content),
    Vrfy(Ticket<ask::Vrfy>),
    Expn(Ticket<ask::Expn>),
    Etrn(Ticket<ask::Etrn>),
}

/// What is decided: yes, no, or later.
enum Choice<Q> {
    Yes,
    No,
    Later(Ticket<Q>),
}

impl Application {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self { config, ..Self::default() }
    }

    fn choose(&mut self) -> u8 {
        self.answers.pop_front().unwrap_or(0)
    }

    /// Answers, or gives the ticket back to be held.
    fn answer<Q, T>(
        &mut self,
        server: &mut Server,
        replies: &mut Replies,
        ticket: Ticket<Q>,
        (yes, code): (T, Option<&'static str>),
    ) -> Choice<Q>
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        let choice = self.choose();
        if self.may_hold && choice & 7 == 4 {
            self.waits = true;
            return Choice::Later(ticket);
        }
        if choice & 0xC0 == 0xC0 {
            server.add_line(&ticket, text(choice / 8)).expect("in time");
        }
        if choice & 0xE0 == 0x80 {
            server.set_text(&ticket, text(choice / 8)).expect("in time");
        }
        let Some(rejection) = rejection(choice) else {
            code.into_iter().for_each(|code| replies.next(Said::This(code)));
            server.answer(ticket, Ok(yes)).expect("in time");
            return Choice::Yes;
        };
        replies.next(Said::Not("2"));
        replies.next(Said::Not("3"));
        server.answer(ticket, Err(rejection)).expect("in time");
        Choice::No
    }

    /// Answers, and holds back what is not answered.
    fn settle<Q, T>(
        &mut self,
        server: &mut Server,
        replies: &mut Replies,
        ticket: Ticket<Q>,
        hold: impl FnOnce(Ticket<Q>) -> Held,
        yes: (T, Option<&'static str>),
    ) -> bool
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        match self.answer(server, replies, ticket, yes) {
            Choice::Yes => true,
            Choice::No => false,
            Choice::Later(ticket) => {
                self.held = Some(hold(ticket));
                false
            }
        }
    }

    /// An answer for each recipient, or for some of them.
    fn deliver(
        &mut self,
        server: &mut Server,
        ticket: Ticket<ask::Deliveries>,
        content: Content,
        recipients: usize,
    ) {
        let mut answers = Vec::new();
        for _ in 0..recipients {
            let choice = self.choose();
            if choice & 7 == 4 {
                break;
            }
            answers.push(rejection(choice).map_or_else(|| Ok(Accepted::new(text(choice / 8))), Err));
        }
        let missing = recipients - answers.len();
        let taken = answers.iter().map(Result::is_ok).chain(std::iter::repeat_n(false, missing)).collect();
        self.take(content, taken);
        server.answer(ticket, answers).expect("in time");
    }

    fn take(&mut self, content: Content, taken: Vec<bool>) {
        if taken.contains(&true) {
            let content = content.elsewhere.is_none().then_some(content.octets);
            self.taken.push(Message { content, taken });
        }
    }

    /// A piece of the content: of lines, unless it is binary.
    fn piece(&mut self, piece: &[u8]) {
        let (_, is_of_lines) = self.transaction.expect("a transaction");
        let content = self.content.as_mut().expect("DATA was granted, and nothing aborted");
        let is_cr_open =
            content.octets.get(content.elsewhere.unwrap_or(0)..).is_some_and(|it| it.ends_with(b"\r"));
        content.octets.extend_from_slice(piece);
        content.size += piece.len() as u64;
        assert!(!piece.is_empty() && content.size <= self.config.limits.message_size);
        if is_of_lines {
            let piece = [if is_cr_open { &b"\r"[..] } else { b"" }, piece].concat();
            assert!(
                is_made_of_lines(piece.strip_suffix(b"\r").unwrap_or(&piece)),
                "{}",
                piece.escape_ascii()
            );
        }
    }

    /// The content has come to an end: its last line, too.
    fn end(&mut self, size: u64) -> Content {
        let (recipients, is_of_lines) = self.transaction.take().expect("a transaction");
        let content = self.content.take().expect("DATA was granted, and nothing aborted");
        assert!(recipients > 0 && content.size == size, "{recipients} recipients, {size} octets");
        assert!(!is_of_lines || !content.octets.ends_with(b"\r"), "a bare CR");
        content
    }
}

/// No NUL, no CR without LF, and no LF without CR.
fn is_made_of_lines(text: &[u8]) -> bool {
    let is_sound = |at: usize| match text[at] {
        0 => false,
        b'\r' => text.get(at + 1) == Some(&b'\n'),
        b'\n' => at > 0 && text[at - 1] == b'\r',
        _ => true,
    };
    (0..text.len()).all(is_sound)
}

fn rejection(choice: u8) -> Option<Rejection> {
    let (code, enhanced) = match choice & 7 {
        0..=3 => return None,
        4 | 5 => (451, (4, 3, 0)),
        6 => (550, (5, 7, 1)),
        _ => (421, (4, 3, 2)),
    };
    Some(Rejection::new(code, enhanced, text(choice / 8)).expect("a rejection"))
}

impl App<Server> for Application {
    fn event(&mut self, server: &mut Server, event: Event, replies: &mut Replies) -> Note {
        Note::Line(match event {
            Event::Connect { ticket } => {
                self.settle(server, replies, ticket, Held::Connect, ((), Some("220")));
                "connect".to_owned()
            }
            Event::Hello { hello, ticket } => {
                self.transaction = None;
                self.settle(server, replies, ticket, Held::Hello, ((), Some("250")));
                format!("{hello:?}")
            }
            Event::Auth { mechanism, initial, ticket } => {
                assert!(self.config.auth_mechanisms.contains(&mechanism));
                assert!(self.config.auth_without_tls || server.tls().is_some());
                let step = match &initial {
                    None => (AuthStep::Challenge(b"User Name\0".to_vec()), Some("334 ")),
                    Some(_) => (AuthStep::Done, Some("235")),
                };
                self.settle(server, replies, ticket, Held::Auth, step);
                format!("auth {mechanism} {:?}", initial.map(|initial| initial.expose().to_vec()))
            }
            Event::AuthResponse { response, ticket } => {
                let step = match response.expose() {
                    b"more" => (AuthStep::Challenge(vec![]), Some("334 ")),
                    _ => (AuthStep::Done, Some("235")),
                };
                self.settle(server, replies, ticket, Held::Auth, step);
                format!("response {:?}", response.expose())
            }
            Event::XClient { told, ticket } => {
                assert!(self.transaction.is_none());
                self.settle(server, replies, ticket, Held::XClient, ((), Some("220")));
                format!("{told:?}")
            }
            Event::Mail { from, params, ticket } => {
                assert!(!self.config.auth_required || server.is_authenticated());
                assert!(self.transaction.is_none());
                assert!(params.smtp_utf8 || from.address().is_none_or(|from| from.is_ascii()));
                let is_of_lines = params.body != Some(Body::BinaryMime);
                let hold = |ticket| Held::Mail(ticket, is_of_lines);
                if self.settle(server, replies, ticket, hold, ((), Some("250"))) {
                    self.transaction = Some((0, is_of_lines));
                }
                format!("mail {from}{params}")
            }
            Event::Rcpt { to, params, ticket } => {
                assert!(self.content.is_none());
                if self.settle(server, replies, ticket, Held::Rcpt, ((), Some("250"))) {
                    self.transaction.as_mut().expect("a transaction").0 += 1;
                }
                format!("rcpt {to}{params}")
            }
            Event::Data { ticket } => {
                assert!(
                    self.transaction.is_some_and(|(recipients, _)| recipients > 0) && self.content.is_none()
                );
                if self.settle(server, replies, ticket, Held::Data, ((), None)) {
                    self.content = Some(Content::default());
                }
                "data".to_owned()
            }
            Event::Body(piece) => {
                self.piece(&piece);
                return Note::Body(piece.to_vec());
            }
            Event::Burl { url, ticket } => {
                assert!(server.is_authenticated());
                let size = u64::from(self.choose()) * 4;
                let content = self.content.as_mut().expect("DATA was granted");
                content.elsewhere = Some(content.octets.len());
                assert!(!self.transaction.expect("a transaction").1 || !content.octets.ends_with(b"\r"));
                content.size += size;
                self.settle(server, replies, ticket, Held::Burl, (size, None));
                format!("burl {url}")
            }
            Event::BodyEnd { size, ticket } => {
                let content = self.end(size);
                let accepted = Accepted::new(text(self.answers.front().copied().unwrap_or(0) / 8));
                match self.answer(server, replies, ticket, (accepted, Some("250"))) {
                    Choice::Yes => self.take(content, vec![true]),
                    Choice::No => {}
                    Choice::Later(ticket) => self.held = Some(Held::Message(ticket, content)),
                }
                format!("end {size}")
            }
            Event::LmtpBodyEnd { size, recipients, ticket } => {
                assert_eq!(self.transaction.map(|(recipients, _)| recipients), Some(recipients));
                let content = self.end(size);
                self.deliver(server, ticket, content, recipients);
                format!("end {size} for {recipients}")
            }
            Event::BodyAborted(why) => {
                assert!(self.content.take().is_some(), "aborted twice, or before it began");
                self.transaction = None;
                if let Aborted::Fault(_) = why {
                    // Whatever comes next, it is not that the message was accepted.
                    replies.next(Said::Not("2"));
                }
                format!("aborted: {why}")
            }
            Event::Reset => {
                assert!(self.content.is_none() && self.transaction.take().is_some(), "nothing to forget");
                "reset".to_owned()
            }
            Event::Vrfy { name, ticket } => {
                let found = if name.len() % 2 == 0 { vec![] } else { vec![text(1), text(3)] };
                self.settle(server, replies, ticket, Held::Vrfy, (found, None));
                format!("vrfy {name}")
            }
            Event::Expn { name, ticket } => {
                self.settle(server, replies, ticket, Held::Expn, (vec![text(2), text(4)], None));
                format!("expn {name}")
            }
            Event::Etrn { node, ticket } => {
                let is = [Etrn::Started, Etrn::Nothing, Etrn::Pending(u64::MAX)][node.len() % 3];
                self.settle(server, replies, ticket, Held::Etrn, (is, Some("25")));
                format!("etrn {node}")
            }
            Event::Refused(rejection) => format!("refused {rejection}"),
            other => panic!("{other:?}"),
        })
    }

    fn late(&mut self, server: &mut Server, _: &mut Replies) {
        let queued = server.output().len();
        let is_taken = match self.held.take() {
            None => return,
            Some(Held::Connect(ticket)) => server.answer(ticket, Ok(())).is_ok(),
            Some(Held::Hello(ticket)) => server.answer(ticket, Ok(())).is_ok(),
            Some(Held::Auth(ticket)) => server.answer(ticket, Ok(AuthStep::Done)).is_ok(),
            Some(Held::XClient(ticket)) => server.answer(ticket, Ok(())).is_ok(),
            Some(Held::Mail(ticket, is_of_lines)) => {
                let is_taken = server.answer(ticket, Ok(())).is_ok();
                if is_taken {
                    self.transaction = Some((0, is_of_lines));
                }
                is_taken
            }
            Some(Held::Rcpt(ticket)) => {
                let is_taken = server.answer(ticket, Ok(())).is_ok();
                if is_taken {
                    self.transaction.as_mut().expect("a transaction").0 += 1;
                }
                is_taken
            }
            Some(Held::Data(ticket)) => {
                // A chunk is answered behind its end.
                if server.answer(ticket, Ok(())).is_ok() {
                    self.content = Some(Content::default());
                }
                return;
            }
            Some(Held::Burl(ticket)) => {
                let _ = server.answer(ticket, Err(Rejection::local_error()));
                return;
            }
            Some(Held::Message(ticket, content)) => {
                let is_taken = server.answer(ticket, Ok(Accepted::default())).is_ok();
                if is_taken {
                    self.take(content, vec![true]);
                }
                is_taken
            }
            Some(Held::Vrfy(ticket)) => server.answer(ticket, Ok(vec![])).is_ok(),
            Some(Held::Expn(ticket)) => server.answer(ticket, Ok(vec!["Ann".to_owned()])).is_ok(),
            Some(Held::Etrn(ticket)) => server.answer(ticket, Ok(Etrn::Nothing)).is_ok(),
        };
        let says = server.output().len() > queued;
        assert_eq!(is_taken, says, "a stale answer changes nothing, another is told");
    }

    fn input_max(&self) -> usize {
        self.config.limits.auth_line.max
    }

    fn output_max(&self) -> usize {
        // And one reply for each recipient.
        self.config.limits.output + 3 * 2048
    }

    fn check_sent(&self, sent: &[u8], _: Option<&str>) {
        check_lines(sent);
        for line in sent.split_inclusive(|&octet| octet == b'\n') {
            assert!(matches!(line, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]));
        }
    }
}
