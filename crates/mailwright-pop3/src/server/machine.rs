//! The machine. All transitions of a session are in this file.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, Bytes, BytesMut};
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::{
    Desk, Machine, Output, Progress, Secret, Stale, Ticket, Timers, TlsInfo, Upgrade, Upgraded, mechanisms_on,
};
use thiserror::Error as ThisError;

use super::config::{Config, Expire};
use super::event::{AuthStep, Event, ask};
use super::maildrop::{Maildrop, Message, Open};
use super::question::{Given, Question};
use super::reply;
use super::sending::{Flow, Sending};
use crate::command::Command;
use crate::rejection::{Rejection, ResponseCode};

/// The server's side of a POP3 session (RFC 1939).
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
    /// An event that comes after another, or that a call other than `poll_event` gave rise to.
    pending: Option<Event>,
    /// The peer will send no more.
    eof: bool,
    /// The application wants to close.
    shutdown: bool,
}

/// What is known of the client. TLS makes us forget it (RFC 2595 §4).
#[derive(Debug, Default)]
struct Session {
    tls: Option<TlsInfo>,
    /// USER was the last command (RFC 1939 §7).
    user: Option<String>,
    /// We are in the TRANSACTION state (RFC 1939 §5).
    maildrop: Option<Open>,
    /// A line has come; before that, a peer that speaks another protocol is told so.
    has_spoken: bool,
    failed_logins: u32,
    errors: u32,
    idle_commands: u32,
}

#[derive(Debug)]
enum State {
    /// A command is to come.
    Command,
    /// The response to a challenge is to come.
    AuthLine,
    /// The application has been asked; its ticket is open.
    Asked(Asked),
    /// A listing is being written.
    Listing(Listing),
    /// +OK is said; TLS is to come.
    Upgrading,
    /// The last word is said.
    Closing,
    /// The last word is said, and it was a bad one.
    Failed(Error),
}

/// What the application was asked, with what its answer decides on.
#[derive(Debug)]
enum Asked {
    Login,
    Auth,
    Retrieve(Sending),
    Commit { left: usize },
}

/// LIST or UIDL without an argument.
#[derive(Debug, Clone, Copy)]
struct Listing {
    of: Listed,
    /// The first message that is not written yet.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
enum Listed {
    Size,
    UniqueId,
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
}

/// What the peer speaks instead of POP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongProtocol {
    /// TLS, on a port that begins in plain text.
    Tls,
    /// HTTP.
    Http,
}

/// Why a message could not be sent whole. All are the application's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incomplete {
    /// The application said so.
    Failed,
    /// It was shorter than the maildrop says.
    Short,
    /// The application took too long.
    Late,
}

/// Why a session ended otherwise than by QUIT or by the end of the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The peer took too long.
    #[error("timed out: {}", match .0 {
        Waiting::Command => "no command came",
        Waiting::Auth => "no answer to the challenge came",
    })]
    Timeout(Waiting),
    /// Too many of its logins failed.
    #[error("too many failed logins")]
    TooManyLogins,
    /// Too many of its commands were refused.
    #[error("too many errors")]
    TooManyErrors,
    /// Too many of its commands led nowhere.
    #[error("too many commands that lead nowhere")]
    TooManyIdleCommands,
    /// There was plain text behind STLS: somebody may have put it there (RFC 2595 §4, CVE-2011-0411).
    #[error("plain text behind STLS")]
    PlaintextBehindStartTls,
    /// A line had no end.
    #[error("a line without end")]
    EndlessLine,
    /// This is not POP3.
    #[error("the peer speaks {}", match .0 {
        WrongProtocol::Tls => "TLS on a port that begins in plain text",
        WrongProtocol::Http => "HTTP",
    })]
    WrongProtocol(WrongProtocol),
    /// The application gave a part of a message, and not the rest. The connection has to be closed, for that is
    /// all that tells the peer.
    #[error("a message was not sent whole: {}", match .0 {
        Incomplete::Failed => "it cannot be read",
        Incomplete::Short => "it is shorter than its size",
        Incomplete::Late => "the next piece did not come in time",
    })]
    Incomplete(Incomplete),
    /// The application's rejection closes.
    #[error("turned away")]
    TurnedAway,
}

impl Server {
    /// Greets a client; `tls` if TLS is on already (RFC 8314 §3.2).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut server = Self::silent(config, tls);
        let greeting = format!("{} POP3 server ready", server.config.hostname);
        server.ok(&greeting);
        server.output.release();
        server
    }

    /// What was negotiated, if TLS is on.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.session.tls.as_ref()
    }

    /// Tells a client with which nobody wants to speak why, and closes.
    pub fn turn_away(config: Arc<Config>, rejection: &Rejection) -> Self {
        let mut server = Self::silent(config, None);
        server.tell(rejection);
        server.output.release();
        server.state = State::Closing;
        server
    }

    fn silent(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        Self {
            output: Output::new(config.limits.output.max(1)),
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

    /// Answers a question. A [`Rejection`] that is [`closing`](Rejection::closing) also closes.
    ///
    /// # Errors
    /// [`Stale`] if the question was withdrawn because the answer took too long, or was asked by another
    /// machine. Nothing is changed then.
    pub fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.timers.clear(Timer::Application);
        match Q::given(answer) {
            Given::Login(answer) => self.settle_login(answer),
            Given::Auth(answer) => self.settle_auth(answer),
            Given::Retrieve(answer) => self.settle_retrieve(answer),
            Given::Commit(answer) => self.settle_commit(answer),
        }
        Ok(())
    }

    /// Gives a piece of the message that [`Event::Retrieve`] asks for, as it is stored: dots are doubled, line
    /// ends made whole and lines counted here. Large pieces are not copied.
    ///
    /// A producer waits for [`Output::room`] before it gives the next one. Then, or when it is told
    /// [`Flow::Enough`], it gives the ticket to [`answer`](Self::answer).
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn retrieve(&mut self, ticket: &Ticket<ask::Retrieve>, piece: Bytes) -> Result<Flow, Stale> {
        self.desk.check(ticket)?;
        let State::Asked(Asked::Retrieve(sending)) = &mut self.state else { return Err(Stale) };
        let flow = sending.write(&piece, &mut self.output);
        self.timers.clear(Timer::Application);
        self.output.release();
        Ok(flow)
    }

    // What the peer says.

    fn poll_command(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        if let Some(wrong) = self.wrong_protocol(input) {
            return Some(self.hint(wrong));
        }
        if self.shutdown {
            self.close_with(&Rejection::shutting_down());
            return None;
        }
        let event = match self.lines.frame(input, self.line_limits()) {
            Line::NeedMore if self.eof => {
                self.close();
                None
            }
            Line::NeedMore => return Some(Progress::NeedInput),
            Line::Complete { len } => {
                self.timers.clear(Timer::Peer);
                self.session.has_spoken = true;
                // The line is parsed where it lies, and overwritten after: it may hold a password.
                let (line, behind) = input.split_at_mut_checked(len).unwrap_or_default();
                let last = behind.is_empty();
                let event = if len <= self.config.limits.line.max || Command::has_credentials(line) {
                    self.command(line.strip_suffix(b"\r\n").unwrap_or(line), last)
                } else {
                    self.refuse(plain("line too long"))
                };
                line.fill(0);
                input.advance(len);
                event
            }
            Line::BareLf => {
                self.session.user = None;
                self.refuse(bare_lf())
            }
            Line::TooLong => {
                self.session.user = None;
                self.refuse(plain("line too long"))
            }
            Line::Endless => {
                self.fail(Error::EndlessLine, Some(&plain("line too long")));
                None
            }
        };
        event.map(Progress::Event)
    }

    /// Before the login, names, passwords and SASL responses make lines longer.
    fn line_limits(&self) -> LineLimits {
        let limits = &self.config.limits;
        if self.session.maildrop.is_some() {
            return limits.line;
        }
        LineLimits {
            max: limits.line.max.max(limits.auth_line.max),
            discard: limits.line.discard.max(limits.auth_line.discard),
        }
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
        let rejection = match wrong {
            WrongProtocol::Tls => plain(format!("this port begins in plain text: {}", self.tls_hint())),
            WrongProtocol::Http => plain("this is POP3, not HTTP"),
        };
        self.fail(Error::WrongProtocol(wrong), Some(&rejection));
        Progress::Event(Event::Refused(rejection))
    }

    fn command(&mut self, line: &[u8], last: bool) -> Option<Event> {
        // RFC 1939 §7: PASS comes immediately after USER.
        let user = self.session.user.take();
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => return self.refuse(plain(error.to_string())),
        };
        match command {
            Command::Quit => self.quit(),
            Command::Capa => {
                self.capa();
                self.idle()
            }
            Command::User(_) | Command::Pass(_) | Command::Auth { .. } | Command::Stls
                if self.session.maildrop.is_some() =>
            {
                self.refuse(plain("not now: you are logged in"))
            }
            Command::User(name) => match self.may_user_pass() {
                Ok(()) => {
                    // Whether there is such a user is not told (RFC 1939 §13).
                    self.session.user = Some(name.to_owned());
                    self.ok("send PASS");
                    self.idle()
                }
                Err(refusal) => self.refuse(refusal),
            },
            Command::Pass(password) => match (self.may_user_pass(), user) {
                (Err(refusal), _) => self.refuse(refusal),
                (Ok(()), None) => self.refuse(plain("USER first")),
                (Ok(()), Some(user)) => {
                    let (password, ticket) = (Secret::from(password.0), self.ask(Asked::Login));
                    Some(Event::Login { user, password, ticket })
                }
            },
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial.map(|initial| initial.0)),
            Command::Stls => self.start_tls(last),
            _ => match &mut self.session.maildrop {
                None => self.refuse(plain("log in first")),
                Some(open) => match transaction(&command, open) {
                    Ok(Transacted::Done(text)) => {
                        self.ok(&text);
                        self.busy()
                    }
                    Ok(Transacted::Idled(text)) => {
                        self.ok(&text);
                        self.idle()
                    }
                    Ok(Transacted::Listing(text, of)) => {
                        self.ok(&text);
                        self.state = State::Listing(Listing { of, next: 0 });
                        self.busy()
                    }
                    Ok(Transacted::Retrieve(message, lines)) => {
                        self.busy();
                        let ticket = self.ask(Asked::Retrieve(Sending::new(message, lines)));
                        Some(Event::Retrieve { message, lines, ticket })
                    }
                    Err(refusal) => self.refuse(refusal),
                },
            },
        }
    }

    fn ask<Q: Question>(&mut self, asked: Asked) -> Ticket<Q> {
        self.state = State::Asked(asked);
        self.desk.open()
    }

    /// RFC 2449 §5: what is there before the login is also told after it, but for STLS (RFC 2595 §4).
    fn capa(&mut self) {
        let config = Arc::clone(&self.config);
        let is_private = self.session.tls.is_some() || config.login_without_tls;
        self.ok("capabilities follow");
        for capability in ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"] {
            reply::write_line(&mut self.output, capability);
        }
        if config.start_tls && self.session.tls.is_none() && self.session.maildrop.is_none() {
            reply::write_line(&mut self.output, "STLS");
        }
        if config.user_pass && is_private {
            reply::write_line(&mut self.output, "USER");
        }
        let mechanisms: Vec<&str> =
            mechanisms_on(self.session.tls.as_ref(), &config.auth_mechanisms).collect();
        if !mechanisms.is_empty() && is_private {
            reply::write_line(&mut self.output, &format!("SASL {}", mechanisms.join(" ")));
        }
        if let Some(delay) = config.login_delay {
            reply::write_line(&mut self.output, &format!("LOGIN-DELAY {}", delay.as_secs()));
        }
        match config.expire {
            None => {}
            Some(Expire::Never) => reply::write_line(&mut self.output, "EXPIRE NEVER"),
            Some(Expire::Days(days)) => reply::write_line(&mut self.output, &format!("EXPIRE {days}")),
        }
        if !config.implementation.is_empty() {
            reply::write_line(&mut self.output, &format!("IMPLEMENTATION {}", config.implementation));
        }
        reply::write_line(&mut self.output, ".");
    }

    fn start_tls(&mut self, last: bool) -> Option<Event> {
        if !self.config.start_tls {
            return self.refuse(plain("STLS is not offered"));
        }
        if self.session.tls.is_some() {
            return self.refuse(plain("TLS is on already"));
        }
        if !last {
            let rejection = plain("nothing may follow STLS before TLS");
            self.fail(Error::PlaintextBehindStartTls, Some(&rejection));
            return Some(Event::Refused(rejection));
        }
        self.ok("begin TLS");
        self.state = State::Upgrading;
        None
    }

    fn may_user_pass(&self) -> Result<(), Rejection> {
        if !self.config.user_pass {
            return Err(plain("USER and PASS are not offered"));
        }
        self.may_send_password()
    }

    fn may_send_password(&self) -> Result<(), Rejection> {
        if self.session.tls.is_some() || self.config.login_without_tls {
            return Ok(());
        }
        Err(Rejection::new(
            ResponseCode::Auth,
            format!("passwords are not taken without TLS: {}", self.tls_hint()),
        ))
    }

    fn tls_hint(&self) -> &'static str {
        if self.config.start_tls { "use STLS first, or the port for TLS" } else { "use the port for TLS" }
    }

    /// The mechanisms that can be had on this connection.
    fn mechanisms(&self) -> impl Iterator<Item = &str> {
        mechanisms_on(self.session.tls.as_ref(), &self.config.auth_mechanisms)
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Option<Event> {
        if self.mechanisms().next().is_none() {
            return self.refuse(plain("AUTH is not offered"));
        }
        if let Err(refusal) = self.may_send_password() {
            return self.refuse(refusal);
        }
        let found = self.mechanisms().find(|offered| offered.eq_ignore_ascii_case(mechanism));
        let Some(mechanism) = found.map(str::to_owned) else {
            let offered: Vec<&str> = self.mechanisms().collect();
            let text = format!("that mechanism is not offered; use one of {}", offered.join(" "));
            return self.refuse(plain(text));
        };
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
            self.close_with(&Rejection::shutting_down());
            return None;
        }
        let refusal = match self.lines.frame(input, self.config.limits.auth_line) {
            Line::NeedMore if self.eof => {
                self.close();
                return None;
            }
            Line::NeedMore => return Some(Progress::NeedInput),
            Line::Endless => {
                self.fail(Error::EndlessLine, Some(&plain("the response is too long")));
                return None;
            }
            Line::TooLong => plain("the response is too long"),
            Line::BareLf => bare_lf(),
            Line::Complete { len } => {
                let line = input.get_mut(..len).unwrap_or_default();
                let text = line.strip_suffix(b"\r\n").unwrap_or_default();
                let response =
                    if text == b"*" { Err(plain("cancelled")) } else { decode(text).ok_or_else(not_base64) };
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

    /// Writes as many lines as there is room for.
    fn poll_listing(&mut self, Listing { of, mut next }: Listing) {
        let maildrop = self.session.maildrop.as_ref();
        while self.output.room() > 0 {
            let Some(item) =
                maildrop.and_then(|open| open.next(next).map(|message| Item { of, message, open }))
            else {
                reply::write_line(&mut self.output, ".");
                self.state = State::Command;
                return;
            };
            reply::write_item(&mut self.output, &item);
            next = item.message.index + 1;
        }
        self.state = State::Listing(Listing { of, next });
    }

    fn quit(&mut self) -> Option<Event> {
        let Some(open) = self.session.maildrop.take() else {
            self.goodbye(None);
            return None;
        };
        let (left, _) = open.count();
        let deleted = open.into_deleted();
        Some(Event::Commit { deleted, ticket: self.ask(Asked::Commit { left }) })
    }

    fn goodbye(&mut self, left: Option<usize>) {
        let hostname = &self.config.hostname;
        let text = match left {
            None => format!("{hostname} signing off"),
            Some(0) => format!("{hostname} signing off (maildrop empty)"),
            Some(left) => format!("{hostname} signing off ({} left)", messages(left)),
        };
        self.ok(&text);
        self.state = State::Closing;
    }

    // What the application says.

    fn settle_login(&mut self, answer: Result<Maildrop, Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(maildrop) => self.open(maildrop),
            Err(rejection) => self.reject_login(&rejection),
        }
    }

    fn settle_auth(&mut self, answer: Result<AuthStep, Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(AuthStep::Challenge(challenge)) => {
                // Not limited in length (RFC 5034 §4), and nothing but the challenge.
                self.output.put(format!("+ {}\r\n", BASE64.encode(challenge)).as_bytes());
                self.state = State::AuthLine;
            }
            Ok(AuthStep::Done(maildrop)) => self.open(maildrop),
            Err(rejection) => self.reject_login(&rejection),
        }
    }

    fn open(&mut self, maildrop: Maildrop) {
        let open = Open::new(maildrop);
        self.ok(&contents(&open));
        self.session.maildrop = Some(open);
        self.session.idle_commands = 0;
    }

    fn settle_retrieve(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Retrieve(sending)) = std::mem::replace(&mut self.state, State::Command)
        else {
            return;
        };
        match answer {
            Ok(()) if sending.is_whole() => sending.finish(&mut self.output),
            Ok(()) if !sending.has_started() => {
                let rejection = Rejection::local_error().with_text("the message cannot be read");
                self.tell(&rejection);
                self.pending = Some(Event::Refused(rejection));
            }
            Err(rejection) if !sending.has_started() => self.reject(&rejection),
            // Nothing more may be said: it would be taken for a part of the message.
            Ok(()) => self.fail(Error::Incomplete(Incomplete::Short), None),
            Err(_) => self.fail(Error::Incomplete(Incomplete::Failed), None),
        }
    }

    fn settle_commit(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Commit { left }) = std::mem::replace(&mut self.state, State::Closing) else {
            return;
        };
        match answer {
            Ok(()) => self.goodbye(Some(left)),
            // RFC 1939 §6: whether or not they are removed, the connection is closed.
            Err(rejection) => {
                let text = format!("some deleted messages not removed: {}", rejection.text());
                self.tell(&rejection.with_text(text));
            }
        }
    }

    /// The application took too long: the client is to try again.
    fn withdraw(&mut self) {
        let State::Asked(asked) = &self.state else { return };
        self.desk.withdraw();
        let late = Rejection::local_error().with_text("no answer in time, try again later");
        match asked {
            Asked::Login => self.settle_login(Err(Rejection::auth_unavailable())),
            Asked::Auth => self.settle_auth(Err(Rejection::auth_unavailable())),
            Asked::Retrieve(sending) if sending.has_started() => {
                self.fail(Error::Incomplete(Incomplete::Late), None);
            }
            Asked::Retrieve(_) => self.settle_retrieve(Err(late)),
            Asked::Commit { .. } => self.settle_commit(Err(late)),
        }
    }

    // What the peer is told. Replies are held until we wait, so that those to pipelined commands leave
    // together (RFC 2449 §6.6).

    fn ok(&mut self, text: &str) {
        reply::write_ok(&mut self.output, text);
    }

    fn tell(&mut self, rejection: &Rejection) {
        reply::write_rejection(&mut self.output, rejection);
    }

    /// The machine refuses a command.
    fn refuse(&mut self, rejection: Rejection) -> Option<Event> {
        self.session.errors += 1;
        if self.session.errors > self.config.limits.errors {
            return self.refuse_last(Error::TooManyErrors, rejection);
        }
        self.tell(&rejection);
        Some(Event::Refused(rejection))
    }

    /// The machine refuses a command, and any other. Each command has one reply, so it says both.
    fn refuse_last(&mut self, error: Error, rejection: Rejection) -> Option<Event> {
        let text = format!("{}; {error}", rejection.text());
        let rejection = rejection.with_text(text);
        self.fail(error, Some(&rejection));
        Some(Event::Refused(rejection))
    }

    /// The application has refused something.
    fn reject(&mut self, rejection: &Rejection) {
        if rejection.closes() {
            self.fail(Error::TurnedAway, Some(rejection));
        } else {
            self.tell(rejection);
        }
    }

    /// The application has refused a login. Any reason counts, so that none can be tried without end.
    fn reject_login(&mut self, rejection: &Rejection) {
        self.session.failed_logins += 1;
        if self.session.failed_logins >= self.config.limits.failed_logins && !rejection.closes() {
            self.fail(Error::TooManyLogins, Some(rejection));
        } else {
            self.reject(rejection);
        }
    }

    /// A command that gets the client somewhere.
    fn busy(&mut self) -> Option<Event> {
        self.session.idle_commands = 0;
        None
    }

    /// A command that does not.
    fn idle(&mut self) -> Option<Event> {
        self.session.idle_commands += 1;
        if self.session.idle_commands > self.config.limits.idle_commands {
            self.fail(Error::TooManyIdleCommands, None);
        }
        None
    }

    /// The session ends badly.
    fn fail(&mut self, error: Error, rejection: Option<&Rejection>) {
        if let Some(rejection) = rejection {
            self.tell(rejection);
        }
        self.close();
        self.state = State::Failed(error);
    }

    fn close_with(&mut self, rejection: &Rejection) {
        self.tell(rejection);
        self.close();
    }

    /// The session ends without QUIT.
    fn close(&mut self) {
        self.state = State::Closing;
        self.desk.withdraw();
        if self.session.maildrop.take().is_some() {
            self.pending = Some(Event::Abandoned);
        }
    }

    fn wait(&mut self, progress: Progress<Event>, now: Instant) -> Progress<Event> {
        let timeouts = &self.config.timeouts;
        let (timer, limit) = match (&progress, &self.state) {
            (Progress::NeedInput, State::Command) => (Timer::Peer, timeouts.command),
            (Progress::NeedInput, State::AuthLine) => (Timer::Peer, timeouts.auth),
            (Progress::NeedReply, State::Asked(Asked::Commit { .. })) => {
                (Timer::Application, timeouts.commit_answer)
            }
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
                State::Failed(error) => {
                    self.output.release();
                    return Err(error.clone());
                }
                State::Closing => Some(Progress::Closed),
                State::Upgrading => Some(Progress::Upgrade(Upgrade::Tls)),
                _ if self.output.room() == 0 => Some(Progress::NeedDrain),
                State::Asked(_) => Some(Progress::NeedReply),
                State::Command => self.poll_command(input),
                State::AuthLine => self.poll_auth_line(input),
                State::Listing(listing) => {
                    let listing = *listing;
                    self.poll_listing(listing);
                    None
                }
            };
            match progress {
                None => {}
                Some(Progress::Event(event)) => return Ok(Progress::Event(event)),
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
            let Session { failed_logins, errors, idle_commands, .. } = self.session;
            let tls = Some(tls);
            self.session = Session { tls, failed_logins, errors, idle_commands, ..Session::default() };
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
            match (timer, &self.state) {
                // It is the peer that is slow: the application waits for room.
                (Timer::Application, State::Asked(Asked::Retrieve(_))) if !self.output.is_empty() => {
                    self.timers.set(timer, now + self.config.timeouts.answer);
                    return;
                }
                (Timer::Application, _) => self.withdraw(),
                // RFC 1939 §3: without a word.
                (Timer::Peer, State::AuthLine) => self.fail(Error::Timeout(Waiting::Auth), None),
                (Timer::Peer, _) => self.fail(Error::Timeout(Waiting::Command), None),
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// What a command of the TRANSACTION state comes to.
enum Transacted {
    /// This is said.
    Done(String),
    /// This is said, and the client is no further than before.
    Idled(String),
    /// This is said, and then a listing.
    Listing(String, Listed),
    /// The application is asked for a message.
    Retrieve(Message, Option<u64>),
}

/// The commands of the TRANSACTION state, as far as they concern the maildrop (RFC 1939 §5).
fn transaction(command: &Command<'_>, open: &mut Open) -> Result<Transacted, Rejection> {
    let message = |number| open.message(number).map_err(|error| plain(error.to_string()));
    let item = |of, number| message(number).map(|message| Item { of, message, open }.to_string());
    Ok(match *command {
        Command::Stat => {
            let (count, octets) = open.count();
            Transacted::Idled(format!("{count} {octets}"))
        }
        Command::List(None) => Transacted::Listing(contents(open), Listed::Size),
        Command::Uidl(None) => Transacted::Listing("unique ids follow".to_owned(), Listed::UniqueId),
        Command::List(Some(number)) => Transacted::Done(item(Listed::Size, number)?),
        Command::Uidl(Some(number)) => Transacted::Done(item(Listed::UniqueId, number)?),
        Command::Retr(number) => Transacted::Retrieve(message(number)?, None),
        Command::Top(number, lines) => Transacted::Retrieve(message(number)?, Some(lines)),
        Command::Dele(number) => {
            let message = message(number)?;
            open.delete(message);
            Transacted::Done(format!("message {number} deleted"))
        }
        Command::Rset => {
            open.reset();
            Transacted::Idled(contents(open))
        }
        _ => Transacted::Idled("nothing done".to_owned()),
    })
}

/// A scan listing or a unique-id listing (RFC 1939 §5, §7).
struct Item<'a> {
    of: Listed,
    message: Message,
    open: &'a Open,
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.message.index + 1)?;
        match self.of {
            Listed::Size => self.message.size.fmt(f),
            Listed::UniqueId => match self.open.maildrop().unique_id(self.message.index) {
                Some(unique_id) => unique_id.fmt(f),
                None => Ok(()),
            },
        }
    }
}

fn contents(open: &Open) -> String {
    let (count, octets) = open.count();
    format!("{} ({octets} octets)", messages(count))
}

fn messages(count: usize) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// A rejection without a code.
fn plain(text: impl Into<Cow<'static, str>>) -> Rejection {
    Rejection::new(None, text)
}

fn bare_lf() -> Rejection {
    plain("lines end in CRLF, not in LF alone")
}

fn not_base64() -> Rejection {
    plain("that is not base64")
}

fn decode(text: &[u8]) -> Option<Secret> {
    BASE64.decode(text).ok().map(Secret::new)
}
