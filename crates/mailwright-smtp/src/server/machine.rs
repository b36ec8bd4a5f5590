//! The machine. All transitions of a session are in this file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::framing::{DotReader, DotStep, Line, LineFramer};
use mailwright_core::{
    Desk, Machine, Output, Progress, ReplyCode, Secret, Stale, Ticket, Timers, TlsInfo, Upgrade, Upgraded,
};
use thiserror::Error as ThisError;

use super::config::{Config, Timeouts};
use super::event::{Aborted, Accepted, AuthStep, Event, Hello};
use super::question::{Given, Question};
use crate::command::{Command, CommandError, MailParams};
use crate::rejection::Rejection;
use crate::reply;

/// The server's side of an SMTP session (RFC 5321).
///
/// Drive it as [`Machine`] says; answer its questions with [`answer`](Self::answer).
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    output: Output,
    lines: LineFramer,
    desk: Desk,
    timers: Timers<Timer>,
    state: State,
    session: Session,
    /// An event that a call other than `poll_event` gave rise to.
    pending: Option<Event>,
    /// The peer will send no more.
    eof: bool,
    /// The application wants to close.
    shutdown: bool,
}

/// What is known of the client. TLS makes us forget it (RFC 3207 §4.2).
#[derive(Debug, Default)]
struct Session {
    tls: Option<TlsInfo>,
    hello: Option<Hello>,
    authenticated: bool,
    transaction: Option<Transaction>,
    /// A line has come; before that, a peer that speaks another protocol is told so.
    has_spoken: bool,
    errors: u32,
    idle_commands: u32,
}

/// Between MAIL and the end of the content.
#[derive(Debug, Default)]
struct Transaction {
    recipients: usize,
}

#[derive(Debug)]
enum State {
    /// A command is to come.
    Command,
    /// The response to a challenge is to come.
    AuthLine,
    /// The application has been asked; its ticket is open.
    Asked(Asked),
    /// The content is coming.
    Body(Body),
    /// 220 is said; TLS is to come.
    Upgrading,
    /// The last word is said.
    Closing,
    /// The last word is said, and it was a bad one.
    Failed(Error),
}

/// What the application was asked, with what its answer decides on.
#[derive(Debug)]
enum Asked {
    Hello(Hello),
    Auth,
    Mail,
    Rcpt,
    Data,
    Message,
}

#[derive(Debug)]
struct Body {
    reader: DotReader,
    size: u64,
    /// When the content was asked for; `None` until the next poll tells the time.
    since: Option<Instant>,
    /// The application has been told that it is worthless; the rest is thrown away.
    aborted: Option<Aborted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// What the peer is to do.
    Peer,
    /// What the application is to do.
    Application,
}

/// What the peer was to do when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// Send a command.
    Command,
    /// Answer a challenge.
    Auth,
    /// Send the content.
    Body,
}

/// What the peer speaks instead of SMTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongProtocol {
    /// TLS, on a port that begins in plain text.
    Tls,
    /// HTTP.
    Http,
}

/// Why a session ended otherwise than by QUIT or by the end of the input. All are the peer's doing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// It took too long.
    #[error("timed out: {}", match .0 {
        Waiting::Command => "no command came",
        Waiting::Auth => "no answer to the challenge came",
        Waiting::Body => "the message came too slowly",
    })]
    Timeout(Waiting),
    /// Too many commands were refused.
    #[error("too many errors")]
    TooManyErrors,
    /// Too many commands led nowhere.
    #[error("too many commands without a message")]
    TooManyIdleCommands,
    /// There was plain text behind STARTTLS: somebody may have put it there (RFC 3207, CVE-2011-0411).
    #[error("plain text behind STARTTLS")]
    PlaintextBehindStartTls,
    /// A line had no end.
    #[error("a line without end")]
    EndlessLine,
    /// A message far over the limit had no end.
    #[error("a message without end")]
    EndlessBody,
    /// This is not SMTP.
    #[error("the peer speaks {}", match .0 {
        WrongProtocol::Tls => "TLS on a port that begins in plain text",
        WrongProtocol::Http => "HTTP",
    })]
    WrongProtocol(WrongProtocol),
    /// The application said 421.
    #[error("turned away: {0}")]
    TurnedAway(ReplyCode),
}

impl Server {
    /// Greets a client; `tls` if TLS is on already (RFC 8314 §3.3).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut server = Self::silent(config, tls);
        let greeting = format!("{} ESMTP mailwright", server.config.hostname);
        server.say(220, &greeting);
        server
    }

    /// Tells a client with which nobody wants to speak why (RFC 5321 §3.1), and closes.
    pub fn turn_away(config: Arc<Config>, rejection: &Rejection) -> Self {
        let mut server = Self::silent(config, None);
        reply::write(&mut server.output, rejection.code().get(), None, rejection.text());
        server.state = State::Closing;
        server
    }

    fn silent(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        Self {
            output: Output::new(config.limits.output),
            config,
            lines: LineFramer::new(),
            desk: Desk::new(),
            timers: Timers::new(),
            state: State::Command,
            session: Session { tls, ..Session::default() },
            pending: None,
            eof: false,
            shutdown: false,
        }
    }

    /// Answers a question. A [`Rejection`] with code 421 also closes.
    ///
    /// # Errors
    /// [`Stale`] if the question was withdrawn because the answer took too long, or was asked by another
    /// machine. Nothing is changed then.
    pub fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.timers.clear(Timer::Application);
        match Q::given(answer) {
            Given::Hello(answer) => self.settle_hello(answer),
            Given::Auth(answer) => self.settle_auth(answer),
            Given::Mail(answer) => self.settle_mail(answer),
            Given::Rcpt(answer) => self.settle_rcpt(answer),
            Given::Data(answer) => self.settle_data(answer),
            Given::Message(answer) => self.settle_message(answer),
        }
        Ok(())
    }

    /// What was negotiated, if TLS is on.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.session.tls.as_ref()
    }

    /// Whether the client has authenticated, since TLS if that came later.
    pub fn is_authenticated(&self) -> bool {
        self.session.authenticated
    }

    // What the peer says.

    fn poll_command(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        if let Some(wrong) = self.wrong_protocol(input) {
            return Some(self.hint(wrong));
        }
        if self.shutdown {
            return Some(self.close_with(&Rejection::shutting_down()));
        }
        let event = match self.lines.frame(input, self.config.limits.line) {
            Line::NeedMore if self.eof => {
                self.state = State::Closing;
                None
            }
            Line::NeedMore => return Some(Progress::NeedInput),
            Line::Complete { len } => {
                self.timers.clear(Timer::Peer);
                self.session.has_spoken = true;
                // The line is parsed where it lies, and overwritten after: it may hold a password.
                let (line, behind) = input.split_at_mut_checked(len).unwrap_or_default();
                let last = behind.is_empty();
                let event = self.command(line.strip_suffix(b"\r\n").unwrap_or(line), last);
                line.fill(0);
                input.advance(len);
                event
            }
            Line::BareLf => self.refuse(bare_lf()),
            Line::TooLong => self.refuse(fixed(500, (5, 5, 2), "line too long")),
            Line::Endless => self.fail(Error::EndlessLine, &fixed(500, (5, 5, 2), "line too long")),
        };
        event.map(Progress::Event)
    }

    fn wrong_protocol(&self, input: &BytesMut) -> Option<WrongProtocol> {
        // What stands in the middle of a line says nothing of the protocol.
        if self.session.has_spoken || self.lines.is_discarding() {
            return None;
        }
        // A TLS record of the handshake, version 3.x (RFC 8446 §5.1).
        if input.starts_with(&[0x16, 0x03]) && self.session.tls.is_none() {
            return Some(WrongProtocol::Tls);
        }
        let is_http = [&b"GET "[..], b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT "]
            .iter()
            .any(|method| input.starts_with(method));
        is_http.then_some(WrongProtocol::Http)
    }

    fn hint(&mut self, wrong: WrongProtocol) -> Progress<Event> {
        let text = match wrong {
            WrongProtocol::Tls => "this port begins in plain text: use STARTTLS, or the port for TLS",
            WrongProtocol::Http => "this is SMTP, not HTTP",
        };
        let rejection = fixed(500, (5, 5, 1), text);
        self.fail(Error::WrongProtocol(wrong), &rejection);
        Progress::Event(Event::Refused(rejection))
    }

    fn command(&mut self, line: &[u8], last: bool) -> Option<Event> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => return self.refuse(command_refusal(error)),
        };
        match command {
            Command::Mail(from, params) => match self.may_mail(&params) {
                Ok(()) => Some(Event::Mail { from, params, ticket: self.ask(Asked::Mail) }),
                Err(refusal) => self.refuse(refusal),
            },
            Command::Rcpt(to, params) => match self.may_rcpt() {
                Ok(()) => Some(Event::Rcpt { to, params, ticket: self.ask(Asked::Rcpt) }),
                Err(refusal) => self.refuse(refusal),
            },
            Command::Data => match self.may_data() {
                Ok(()) => Some(Event::Data { ticket: self.ask(Asked::Data) }),
                Err(refusal) => self.refuse(refusal),
            },
            Command::Ehlo(name) => Some(self.hello(name, true)),
            Command::Helo(name) => Some(self.hello(name, false)),
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial.map(|initial| initial.0)),
            Command::StartTls => self.start_tls(last),
            Command::Rset => {
                self.ok("reset");
                self.idle();
                self.session.transaction.take().map(|_| Event::Reset)
            }
            Command::Noop => self.pastime(250, "2.0.0 ok"),
            Command::Help => self.pastime(214, "2.0.0 see RFC 5321"),
            // RFC 5321 §3.5.3: to say neither yes nor no is in order, and tells spammers nothing.
            Command::Vrfy => self.pastime(252, "2.1.5 send some mail, I will try my best"),
            Command::Expn => self.refuse(fixed(502, (5, 5, 1), "EXPN is not implemented")),
            Command::Quit => {
                let text = format!("2.0.0 {} closing", self.config.hostname);
                self.say(221, &text);
                self.state = State::Closing;
                None
            }
        }
    }

    fn ask<Q: Question>(&mut self, asked: Asked) -> Ticket<Q> {
        self.state = State::Asked(asked);
        self.desk.open()
    }

    fn hello(&mut self, name: &str, esmtp: bool) -> Event {
        // RFC 5321 §4.1.4: also a RSET.
        self.session.transaction = None;
        let hello = Hello { name: name.to_owned(), esmtp };
        let ticket = self.ask(Asked::Hello(hello.clone()));
        Event::Hello { hello, ticket }
    }

    fn may_mail(&self, params: &MailParams) -> Result<(), Rejection> {
        if self.session.hello.is_none() {
            return Err(fixed(503, (5, 5, 1), "say EHLO first"));
        }
        if self.session.transaction.is_some() {
            return Err(fixed(503, (5, 5, 1), "a transaction is open: RSET first"));
        }
        if self.config.auth_required && !self.session.authenticated {
            return Err(fixed(530, (5, 7, 0), "authentication required"));
        }
        if params.size.is_some_and(|size| size > self.config.limits.message_size) {
            return Err(self.too_big());
        }
        Ok(())
    }

    fn may_rcpt(&self) -> Result<(), Rejection> {
        match &self.session.transaction {
            None => Err(fixed(503, (5, 5, 1), "MAIL first")),
            Some(transaction) if transaction.recipients >= self.config.limits.recipients => {
                Err(Rejection::too_many_recipients())
            }
            Some(_) => Ok(()),
        }
    }

    fn may_data(&self) -> Result<(), Rejection> {
        match &self.session.transaction {
            None => Err(fixed(503, (5, 5, 1), "MAIL first")),
            Some(Transaction { recipients: 0 }) => Err(fixed(554, (5, 5, 1), "no valid recipients")),
            Some(_) => Ok(()),
        }
    }

    fn too_big(&self) -> Rejection {
        let limit = self.config.limits.message_size;
        Rejection::too_big()
            .with_text(format!("the message is larger than this server takes: {limit} octets"))
    }

    fn start_tls(&mut self, last: bool) -> Option<Event> {
        if !self.config.start_tls {
            return self.refuse(fixed(502, (5, 5, 1), "STARTTLS is not offered"));
        }
        if self.session.tls.is_some() {
            return self.refuse(fixed(503, (5, 5, 1), "TLS is on already"));
        }
        if !last {
            let rejection = fixed(501, (5, 5, 1), "nothing may follow STARTTLS before TLS");
            self.fail(Error::PlaintextBehindStartTls, &rejection);
            return Some(Event::Refused(rejection));
        }
        self.say(220, "2.0.0 begin TLS");
        self.state = State::Upgrading;
        self.session.transaction.take().map(|_| Event::Reset)
    }

    fn offers_auth(&self) -> bool {
        !self.config.auth_mechanisms.is_empty()
            && (self.session.tls.is_some() || self.config.auth_without_tls)
            && !self.session.authenticated
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Option<Event> {
        if self.config.auth_mechanisms.is_empty() {
            return self.refuse(fixed(502, (5, 5, 1), "AUTH is not offered"));
        }
        if self.session.hello.is_none() {
            return self.refuse(fixed(503, (5, 5, 1), "say EHLO first"));
        }
        if self.session.authenticated || self.session.transaction.is_some() {
            return self.refuse(fixed(503, (5, 5, 1), "not now: you are authenticated, or in a transaction"));
        }
        if !self.offers_auth() {
            return self.refuse(fixed(538, (5, 7, 11), "encryption required: use TLS first"));
        }
        let offered = self.config.auth_mechanisms.iter();
        let Some(mechanism) = offered.clone().find(|offered| offered.eq_ignore_ascii_case(mechanism)) else {
            let offered: Vec<&str> = offered.map(String::as_str).collect();
            let text = format!("that mechanism is not offered; use one of {}", offered.join(" "));
            return self.refuse(fixed(504, (5, 5, 4), text));
        };
        let mechanism = mechanism.clone();
        let initial = match initial {
            None => None,
            Some(b"=") => Some(Secret::default()),
            Some(text) => match decode(text) {
                Some(initial) => Some(initial),
                None => return self.refuse(not_base64()),
            },
        };
        Some(Event::Auth { mechanism, initial, ticket: self.ask(Asked::Auth) })
    }

    fn poll_auth_line(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        if self.shutdown {
            return Some(self.close_with(&Rejection::shutting_down()));
        }
        let refusal = match self.lines.frame(input, self.config.limits.auth_line) {
            Line::NeedMore if self.eof => {
                self.state = State::Closing;
                return None;
            }
            Line::NeedMore => return Some(Progress::NeedInput),
            Line::Endless => {
                let rejection = fixed(500, (5, 5, 6), "the response is too long");
                return self.fail(Error::EndlessLine, &rejection).map(Progress::Event);
            }
            Line::TooLong => fixed(500, (5, 5, 6), "the response is too long"),
            Line::BareLf => bare_lf(),
            Line::Complete { len } => {
                let line = input.get_mut(..len).unwrap_or_default();
                let text = line.strip_suffix(b"\r\n").unwrap_or_default();
                let response = if text == b"*" {
                    Err(fixed(501, (5, 7, 0), "cancelled"))
                } else {
                    decode(text).ok_or_else(not_base64)
                };
                line.fill(0);
                input.advance(len);
                match response {
                    Ok(response) => {
                        self.timers.clear(Timer::Peer);
                        let ticket = self.ask(Asked::Auth);
                        return Some(Progress::Event(Event::AuthResponse { response, ticket }));
                    }
                    Err(refusal) => refusal,
                }
            }
        };
        self.timers.clear(Timer::Peer);
        self.state = State::Command;
        self.refuse(refusal).map(Progress::Event)
    }

    fn poll_body(&mut self, input: &mut BytesMut, now: Instant) -> Option<Progress<Event>> {
        let State::Body(body) = &mut self.state else { return None };
        let since = *body.since.get_or_insert(now);
        match body.reader.next(input) {
            DotStep::Chunk(chunk) => self.body_chunk(chunk),
            DotStep::Fault(fault) => {
                body.size += 1;
                let event = self.abort_body(Aborted::Fault(fault));
                self.give_up_endless_body();
                event
            }
            DotStep::End => {
                self.timers.clear(Timer::Peer);
                Some(self.end_body())
            }
            DotStep::NeedMore if self.eof => {
                let event = self.abort_body(Aborted::Disconnected);
                self.state = State::Closing;
                event
            }
            DotStep::NeedMore => {
                let due = body_due(since, body.size, &self.config.timeouts);
                self.timers.set(Timer::Peer, due);
                return Some(Progress::NeedInput);
            }
        }
        .map(Progress::Event)
    }

    /// Passes on what is within the limit.
    fn body_chunk(&mut self, mut chunk: Bytes) -> Option<Event> {
        let State::Body(body) = &mut self.state else { return None };
        let room = self.config.limits.message_size.saturating_sub(body.size);
        body.size += chunk.len() as u64;
        if body.aborted.is_some() {
            self.give_up_endless_body();
            return None;
        }
        if chunk.len() as u64 <= room {
            return Some(Event::Body(chunk));
        }
        chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let aborted = self.abort_body(Aborted::TooBig);
        self.give_up_endless_body();
        if chunk.is_empty() {
            return aborted;
        }
        self.pending = aborted;
        Some(Event::Body(chunk))
    }

    fn give_up_endless_body(&mut self) {
        let State::Body(Body { size, .. }) = &self.state else { return };
        let limits = &self.config.limits;
        if *size > limits.message_size.saturating_add(limits.message_discard) {
            let rejection = self.too_big();
            self.pending = self.pending.take().or(self.fail(Error::EndlessBody, &rejection));
        }
    }

    /// Tells the application, once, that the content is worthless.
    fn abort_body(&mut self, why: Aborted) -> Option<Event> {
        let State::Body(body) = &mut self.state else { return None };
        if body.aborted.is_some() {
            return None;
        }
        body.aborted = Some(why);
        Some(Event::BodyAborted(why))
    }

    fn end_body(&mut self) -> Event {
        let State::Body(body) = std::mem::replace(&mut self.state, State::Command) else {
            return Event::Reset;
        };
        let Some(why) = body.aborted else {
            return Event::BodyEnd { size: body.size, ticket: self.ask(Asked::Message) };
        };
        self.session.transaction = None;
        let rejection = match why {
            Aborted::TooBig => self.too_big(),
            Aborted::Fault(_) => fixed(550, (5, 5, 2), format!("refused: {why}; lines end in CRLF")),
            Aborted::Disconnected => Rejection::local_error(),
        };
        self.count_error();
        self.tell(&rejection);
        Event::Refused(rejection)
    }

    // What the application says.

    fn settle_hello(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Hello(hello)) = std::mem::replace(&mut self.state, State::Command) else {
            return;
        };
        if let Err(rejection) = answer {
            return self.reject_now(&rejection);
        }
        let hostname = self.config.hostname.clone();
        if !hello.esmtp {
            self.say(250, &hostname);
        } else {
            let mut text = format!(
                "{hostname}\nPIPELINING\nSIZE {}\n8BITMIME\nENHANCEDSTATUSCODES",
                self.config.limits.message_size
            );
            if self.config.start_tls && self.session.tls.is_none() {
                text += "\nSTARTTLS";
            }
            if self.offers_auth() {
                text += "\nAUTH ";
                text += &self.config.auth_mechanisms.join(" ");
            }
            self.say(250, &text);
        }
        self.session.hello = Some(hello);
    }

    fn settle_auth(&mut self, answer: Result<AuthStep, Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(AuthStep::Challenge(challenge)) => {
                let text = BASE64.encode(challenge);
                self.output.put(format!("334 {text}\r\n").as_bytes());
                self.output.release();
                self.state = State::AuthLine;
            }
            Ok(AuthStep::Done) => {
                self.session.authenticated = true;
                self.say(235, "2.7.0 authenticated");
            }
            Err(rejection) => self.reject_now(&rejection),
        }
    }

    fn settle_mail(&mut self, answer: Result<(), Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(()) => {
                self.session.transaction = Some(Transaction::default());
                self.hold(250, "2.1.0 sender ok");
            }
            Err(rejection) => self.reject(&rejection),
        }
    }

    fn settle_rcpt(&mut self, answer: Result<(), Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(()) => {
                if let Some(transaction) = &mut self.session.transaction {
                    transaction.recipients += 1;
                }
                self.hold(250, "2.1.5 recipient ok");
            }
            Err(rejection) => self.reject(&rejection),
        }
    }

    fn settle_data(&mut self, answer: Result<(), Rejection>) {
        match answer {
            Ok(()) => {
                self.say(354, "send the message, end with a line with a single dot");
                self.state =
                    State::Body(Body { reader: DotReader::new(), size: 0, since: None, aborted: None });
            }
            Err(rejection) => {
                self.state = State::Command;
                self.reject_now(&rejection);
            }
        }
    }

    fn settle_message(&mut self, answer: Result<Accepted, Rejection>) {
        self.state = State::Command;
        self.session.transaction = None;
        match answer {
            Ok(Accepted { text }) => {
                self.session.idle_commands = 0;
                let text =
                    if text.is_empty() { "2.0.0 accepted".to_owned() } else { format!("2.0.0 {text}") };
                self.say(250, &text);
            }
            Err(rejection) => {
                self.reject_now(&rejection);
            }
        }
    }

    /// The application took too long: the client is to try again.
    fn withdraw(&mut self) {
        let State::Asked(asked) = &self.state else { return };
        self.desk.withdraw();
        let late = Rejection::local_error().with_text("no answer in time, try again later");
        match asked {
            Asked::Hello(_) => self.settle_hello(Err(late)),
            Asked::Auth => self.settle_auth(Err(Rejection::auth_unavailable())),
            Asked::Mail => self.settle_mail(Err(late)),
            Asked::Rcpt => self.settle_rcpt(Err(late)),
            Asked::Data => self.settle_data(Err(late)),
            Asked::Message => self.settle_message(Err(late)),
        }
    }

    // What the peer is told. Replies to MAIL, RCPT and RSET are held until something else is said, or we
    // wait; all others go out at once (RFC 2920 §3.2).

    fn hold(&mut self, code: u16, text: &str) {
        reply::write(&mut self.output, code, None, text);
    }

    fn say(&mut self, code: u16, text: &str) {
        self.hold(code, text);
        self.output.release();
    }

    fn ok(&mut self, text: &str) {
        self.hold(250, &format!("2.0.0 {text}"));
    }

    fn tell(&mut self, rejection: &Rejection) {
        reply::write_rejection(&mut self.output, rejection);
        self.output.release();
    }

    /// The machine refuses a command. What may be tried again, as recipients that are too many, is no error.
    fn refuse(&mut self, rejection: Rejection) -> Option<Event> {
        self.tell(&rejection);
        if rejection.code().is_permanent() {
            self.count_error();
        }
        Some(Event::Refused(rejection))
    }

    /// The application has refused something; held.
    fn reject(&mut self, rejection: &Rejection) {
        reply::write_rejection(&mut self.output, rejection);
        if rejection.code().get() == 421 {
            self.output.release();
            self.state = State::Failed(Error::TurnedAway(rejection.code()));
        } else if rejection.code().is_permanent() {
            self.count_error();
        }
    }

    fn reject_now(&mut self, rejection: &Rejection) {
        self.reject(rejection);
        self.output.release();
    }

    fn pastime(&mut self, code: u16, text: &str) -> Option<Event> {
        self.say(code, text);
        self.idle();
        None
    }

    fn idle(&mut self) {
        self.session.idle_commands += 1;
        if self.session.idle_commands > self.config.limits.idle_commands {
            self.fail(
                Error::TooManyIdleCommands,
                &fixed(421, (4, 7, 0), "too many commands without a message"),
            );
        }
    }

    fn count_error(&mut self) {
        self.session.errors += 1;
        if self.session.errors > self.config.limits.errors {
            self.fail(Error::TooManyErrors, &fixed(421, (4, 7, 0), "too many errors"));
        }
    }

    /// The session ends badly. An open body is aborted.
    fn fail(&mut self, error: Error, rejection: &Rejection) -> Option<Event> {
        self.tell(rejection);
        self.timers.clear_all();
        let aborted = match &self.state {
            State::Body(Body { aborted: None, .. }) => Some(Event::BodyAborted(Aborted::Disconnected)),
            _ => None,
        };
        self.state = State::Failed(error);
        aborted
    }

    fn close_with(&mut self, rejection: &Rejection) -> Progress<Event> {
        self.tell(rejection);
        self.state = State::Closing;
        Progress::Closed
    }

    fn wait(&mut self, progress: Progress<Event>, now: Instant) -> Progress<Event> {
        let timeouts = &self.config.timeouts;
        let (timer, limit) = match (&progress, &self.state) {
            (Progress::NeedInput, State::Command) => (Timer::Peer, timeouts.command),
            (Progress::NeedInput, State::AuthLine) => (Timer::Peer, timeouts.auth),
            (Progress::NeedReply, State::Asked(Asked::Message)) => (Timer::Application, timeouts.body_answer),
            (Progress::NeedReply, _) => (Timer::Application, timeouts.answer),
            _ => return progress,
        };
        if !self.timers.is_set(timer) {
            self.timers.set(timer, now + limit);
        }
        progress
    }
}

impl Machine for Server {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        loop {
            if let Some(event) = self.pending.take() {
                return Ok(Progress::Event(event));
            }
            let progress = match &self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Closing => Some(Progress::Closed),
                State::Upgrading => Some(Progress::Upgrade(Upgrade::Tls)),
                _ if self.output.room() == 0 => Some(Progress::NeedDrain),
                State::Asked(_) => Some(Progress::NeedReply),
                State::Command => self.poll_command(input),
                State::AuthLine => self.poll_auth_line(input),
                State::Body(_) => self.poll_body(input, now),
            };
            match progress {
                None => {}
                Some(Progress::Event(event)) => return Ok(Progress::Event(event)),
                Some(progress @ Progress::NeedReply) => return Ok(self.wait(progress, now)),
                Some(progress) => {
                    self.output.release();
                    return Ok(self.wait(progress, now));
                }
            }
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }

    fn handle_upgrade(&mut self, done: Upgraded, _now: Instant) {
        if let (State::Upgrading, Upgraded::Tls(tls)) = (&self.state, done) {
            let errors = self.session.errors;
            self.session = Session { tls: Some(tls), errors, ..Session::default() };
            self.state = State::Command;
        }
    }

    fn handle_shutdown(&mut self) {
        self.shutdown = true;
        if let State::Upgrading = self.state {
            self.state = State::Closing;
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Closing | State::Failed(_) => None,
            _ => self.timers.next(),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none() {
            return;
        }
        while let Some(timer) = self.timers.expired(now) {
            // Octets that came while the application was busy have earned time since the deadline was set.
            if let State::Body(Body { since: Some(since), size, .. }) = &self.state
                && let due = body_due(*since, *size, &self.config.timeouts)
                && due > now
            {
                self.timers.set(Timer::Peer, due);
                continue;
            }
            let waiting = match (timer, &self.state) {
                (Timer::Application, _) => {
                    self.withdraw();
                    continue;
                }
                (Timer::Peer, State::AuthLine) => Waiting::Auth,
                (Timer::Peer, State::Body(_)) => Waiting::Body,
                (Timer::Peer, _) => Waiting::Command,
            };
            let error = Error::Timeout(waiting);
            let rejection = fixed(421, (4, 4, 2), format!("{} {error}", self.config.hostname));
            self.pending = self.fail(error, &rejection);
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// A rejection whose codes are written in this file, where a wrong one would be a local error.
fn fixed(code: u16, enhanced: (u8, u16, u16), text: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(code, enhanced, text).unwrap_or_else(|_| Rejection::local_error())
}

/// When a body must have ended, or more of it have come.
fn body_due(since: Instant, size: u64, timeouts: &Timeouts) -> Instant {
    since + timeouts.body_grace + Duration::from_secs(size / u64::from(timeouts.body_min_rate.max(1)))
}

fn bare_lf() -> Rejection {
    fixed(500, (5, 5, 2), "lines end in CRLF, not in LF alone")
}

fn not_base64() -> Rejection {
    fixed(501, (5, 5, 2), "that is not base64")
}

fn decode(text: &[u8]) -> Option<Secret> {
    BASE64.decode(text).ok().map(Secret::new)
}

fn command_refusal(error: CommandError) -> Rejection {
    use mailwright_core::InvalidAddress::NonAscii;
    let (code, enhanced) = match error {
        CommandError::Unknown => (500, (5, 5, 1)),
        CommandError::Sender(NonAscii) | CommandError::Recipient(NonAscii) => (553, (5, 6, 7)),
        CommandError::Sender(_) => (501, (5, 1, 7)),
        CommandError::Recipient(_) => (501, (5, 1, 3)),
        CommandError::UnknownParameter => (555, (5, 5, 4)),
        CommandError::Parameter(_) | CommandError::Syntax(_) => (501, (5, 5, 4)),
    };
    fixed(code, enhanced, error.to_string())
}
