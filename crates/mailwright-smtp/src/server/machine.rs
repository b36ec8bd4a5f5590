//! The machine: what it is made of, and how it is driven. Its transitions are in `hearing` (commands), `content` and
//! `answers`.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use mailwright_core::framing::LineFramer;
use mailwright_core::{Desk, Machine, Output, Progress, Stale, Ticket, Timers, TlsInfo, Upgrade, Upgraded};

use super::config::Config;
use super::error::{Error, Waiting};
use super::event::Event;
use super::question::{Given, Question};
use super::refusal;
use super::state::{Asked, Remark, Session, State, Timer};
use crate::params::DateTime;
use crate::rejection::Rejection;

/// The server's side of an SMTP or LMTP session (RFC 5321, RFC 2033).
///
/// Drive it as [`Machine`] says; answer its questions with [`answer`](Self::answer). Before that, the reply can be given
/// [another text](Self::set_text), [more lines](Self::add_line), and [a later time](Self::delay).
#[derive(Debug)]
pub struct Server {
    pub(super) config: Arc<Config>,
    pub(super) output: Output,
    pub(super) lines: LineFramer,
    pub(super) desk: Desk,
    pub(super) timers: Timers<Timer>,
    pub(super) state: State,
    pub(super) session: Session,
    /// An event that a call other than `poll_event` gave rise to, or the second of two.
    pub(super) pending: Option<Event>,
    /// What the application wants of the reply, besides its answer.
    pub(super) remark: Option<Box<Remark>>,
    /// The answer, until its time has come.
    delayed: Option<Box<Given>>,
    /// The peer is a proxy that may tell of its clients.
    pub(super) trusted: bool,
    /// Until when messages may be held.
    pub(super) max_until: Option<DateTime>,
    /// The peer will send no more.
    pub(super) eof: bool,
    /// The application wants to close.
    pub(super) shutdown: bool,
}

impl Server {
    /// For a client that has connected; `tls` if TLS is on already (RFC 8314 §3.3).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut server = Self::silent(config, tls);
        let ticket = server.ask(Asked::Connect);
        server.pending = Some(Event::Connect { ticket });
        server
    }

    /// Tells a client with which nobody wants to speak why (RFC 5321 §3.1), and closes.
    pub fn turn_away(config: Arc<Config>, rejection: &Rejection) -> Self {
        let mut server = Self::silent(config, None);
        server.hold_text(rejection.code().get(), None, rejection.text());
        server.state = State::Closing;
        server
    }

    /// The peer is a proxy: XCLIENT is offered to it, by which it tells who its client is, and that it has logged in.
    /// **Whoever is trusted can pretend to be anybody.**
    #[must_use]
    pub fn trusting(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Messages may be held until then, `2027-01-01T00:00:00Z` say: what is told to the client besides
    /// [`max_interval`](super::FutureRelease::max_interval). It is no part of the configuration because it moves on with
    /// the calendar, which the machine does not have.
    #[must_use]
    pub fn holding_until(mut self, max_until: DateTime) -> Self {
        self.max_until = Some(max_until);
        self
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
            remark: None,
            delayed: None,
            trusted: false,
            max_until: None,
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
        let given = Q::given(answer);
        match self.remark.as_ref().and_then(|remark| remark.until) {
            Some(until) => {
                self.delayed = Some(Box::new(given));
                self.timers.set(Timer::Delay, until);
            }
            None => self.settle(given),
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

    pub(super) fn ask<Q: Question>(&mut self, asked: Asked) -> Ticket<Q> {
        self.state = State::Asked(asked);
        self.desk.open()
    }

    /// The application took too long: the client is to try again.
    fn withdraw(&mut self) {
        let State::Asked(asked) = &self.state else { return };
        self.desk.withdraw();
        self.remark = None;
        let late = Rejection::local_error().with_text("no answer in time, try again later");
        let given = match asked {
            Asked::Connect => Given::Connect(Err(late)),
            Asked::Hello(_) => Given::Hello(Err(late)),
            Asked::Auth => Given::Auth(Err(Rejection::auth_unavailable())),
            Asked::XClient { .. } => Given::XClient(Err(late)),
            Asked::Mail { .. } => Given::Mail(Err(late)),
            Asked::Rcpt => Given::Rcpt(Err(late)),
            Asked::Data(_) => Given::Data(Err(late)),
            Asked::Burl { .. } => Given::Burl(Err(late)),
            Asked::Message => Given::Message(Err(late)),
            Asked::Deliveries { recipients } => Given::Deliveries(vec![Err(late); *recipients]),
            Asked::Vrfy => Given::Vrfy(Err(late)),
            Asked::Expn => Given::Expn(Err(late)),
            Asked::Etrn => Given::Etrn(Err(late)),
        };
        self.settle(given);
    }

    fn wait(&mut self, progress: Progress<Event>, now: Instant) -> Progress<Event> {
        let timeouts = &self.config.timeouts;
        let (timer, limit) = match (&progress, &self.state) {
            (Progress::NeedInput, State::Command) => (Timer::Peer, timeouts.command),
            (Progress::NeedInput, State::AuthLine) => (Timer::Peer, timeouts.auth),
            (Progress::NeedReply, _) if self.delayed.is_some() => return progress,
            (
                Progress::NeedReply,
                State::Asked(Asked::Message | Asked::Deliveries { .. } | Asked::Burl { .. }),
            ) => (Timer::Application, timeouts.body_answer),
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
                State::Asked(Asked::Connect) if !input.is_empty() => self.heard_before_greeting(input),
                State::Asked(_) => Some(Progress::NeedReply),
                State::Command => self.poll_command(input),
                State::AuthLine => self.poll_auth_line(input),
                State::Body(_) => self.poll_body(input, now),
                State::Chunk(_) => self.poll_chunk(input, now),
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
            let Session { errors, transactions, .. } = self.session;
            self.session = Session { tls: Some(tls), errors, transactions, ..Session::default() };
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
            if let Some(due) = self.content_due().filter(|&due| due > now) {
                self.timers.set(Timer::Peer, due);
                continue;
            }
            let waiting = match (timer, &self.state) {
                (Timer::Application, _) => {
                    self.withdraw();
                    continue;
                }
                (Timer::Delay, _) => {
                    if let Some(given) = self.delayed.take() {
                        self.settle(*given);
                    }
                    continue;
                }
                (Timer::Peer, State::AuthLine) => Waiting::Auth,
                (Timer::Peer, State::Body(_) | State::Chunk(_)) => Waiting::Body,
                (Timer::Peer, _) => Waiting::Command,
            };
            let error = Error::Timeout(waiting);
            let rejection = refusal::timeout(&self.config.hostname, &error);
            self.pending = self.fail(error, &rejection);
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}
