//! The machine: what it is made of, and how it is driven. Its transitions are in `speaking` and `hearing`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mailwright_core::{Desk, Machine, Output, Progress, Stale, Ticket, Timers, TlsInfo, Upgrade, Upgraded};

use super::capabilities::Capabilities;
use super::config::Config;
use super::error::Error;
use super::event::{AuthFailure, Event, GivenUp, Work, ask};
use super::outcome::{Failure, Outcome};
use super::question::{Given, Question};
use super::reply::{Reply, ReplyReader};
use super::stage::Stage;
use super::state::{Say, State};

/// The client's side of an SMTP or LMTP session (RFC 5321, RFC 2033).
///
/// Drive it as [`Machine`] says; answer its questions with [`answer`](Self::answer), and give it content with
/// [`body`](Self::body).
pub struct Client {
    pub(super) config: Arc<Config>,
    pub(super) output: Output,
    pub(super) replies: ReplyReader,
    pub(super) desk: Desk,
    pub(super) timers: Timers<Timer>,
    pub(super) state: State,
    pub(super) session: Session,
    /// What the application has not been told yet.
    pub(super) events: VecDeque<Event>,
    /// Since when the stage waits for the peer.
    pub(super) since: Option<Instant>,
    /// Octets that waited to be written when they were last counted.
    unwritten: usize,
    /// Octets that the peer has read since it has had its time.
    read: usize,
    /// The peer will send no more.
    pub(super) eof: bool,
    /// The application wants to close.
    pub(super) shutdown: bool,
}

/// Without the output, in which a password may stand.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("stage", &self.stage())
            .field("capabilities", &self.session.capabilities)
            .finish_non_exhaustive()
    }
}

/// What is known of the server. TLS makes us forget it (RFC 3207 §4.2).
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) tls: Option<TlsInfo>,
    pub(super) capabilities: Capabilities,
    pub(super) authenticated: bool,
    /// Transactions that were begun.
    pub(super) transactions: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// What the peer is to do: read, or answer.
    Peer,
    /// What the application is to do.
    Application,
}

impl Client {
    /// Waits for a greeting; `tls` if TLS is on already (RFC 8314 §3.3).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        Self {
            output: Output::new(config.limits.output),
            config,
            replies: ReplyReader::default(),
            desk: Desk::new(),
            timers: Timers::new(),
            state: State::Greeting,
            session: Session { tls, ..Session::default() },
            events: VecDeque::new(),
            since: None,
            unwritten: 0,
            read: 0,
            eof: false,
            shutdown: false,
        }
    }

    /// Answers a question. What follows from it is said at the next poll.
    ///
    /// # Errors
    /// [`Stale`] if the question was withdrawn, because the answer took too long or the session has ended, or was
    /// asked by another machine. Nothing is changed then.
    pub fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.timers.clear(Timer::Application);
        match Q::given(answer) {
            Given::Work(work) => self.state = State::Saying(Say::Work(work)),
            Given::Challenge(response) => {
                let response = response.map_err(|GivenUp| AuthFailure::Cancelled);
                self.state = State::Saying(Say::Response(response));
            }
            Given::Body(end) => self.end_body(end.map_err(|GivenUp| Error::Abandoned)),
        }
        Ok(())
    }

    /// Gives the next piece of the content: lines that end in CRLF, or any octets if it is
    /// [`BinaryMime`](crate::Body::BinaryMime). Takes from the front of `piece` what there is
    /// room for; give the rest when polling says [`NeedReply`](Progress::NeedReply) again.
    ///
    /// In lines, a bare CR, a bare LF or a NUL ends the session before the message has an end, see [`Error::Content`].
    ///
    /// # Errors
    /// [`Stale`] if no content is wanted any more: the server has refused it, or the session has ended.
    pub fn body(&mut self, ticket: &Ticket<ask::Body>, piece: &mut Bytes) -> Result<(), Stale> {
        self.desk.check(ticket)?;
        self.count_written();
        let State::Body(message) = &mut self.state else { return Err(Stale) };
        self.timers.clear(Timer::Application);
        let written = message.content.write(piece, &mut self.output);
        self.output.release();
        self.unwritten = self.output.len();
        if let Err(fault) = written {
            self.desk.withdraw();
            self.end_body(Err(Error::Content(fault)));
        }
        Ok(())
    }

    /// What the server offers, since TLS if that came later.
    pub fn capabilities(&self) -> &Capabilities {
        &self.session.capabilities
    }

    /// What was negotiated, if TLS is on.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.session.tls.as_ref()
    }

    /// Whether we have authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.session.authenticated
    }

    /// Where the session stands.
    pub fn stage(&self) -> Stage {
        self.state.stage()
    }

    fn end_body(&mut self, how: Result<(), Error>) {
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Body(message) => State::Ending(message, how),
            other => other,
        };
    }

    /// How long the stage has waited for the peer, which it does no longer.
    pub(super) fn waited(&mut self, now: Instant) -> Duration {
        self.timers.clear(Timer::Peer);
        self.since.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(super) fn settle(
        &mut self,
        recipients: impl IntoIterator<Item = usize>,
        stage: Stage,
        took: Duration,
        result: &Result<Reply, Failure>,
    ) {
        let outcome = |recipient| Outcome { recipient, stage, took, result: result.clone() };
        self.events.extend(recipients.into_iter().map(outcome).map(Event::Outcome));
    }

    /// The session ends badly. What was not written must not be: it may be the end of a message.
    pub(super) fn fail(&mut self, error: Error, took: Duration) {
        let stage = self.stage();
        let is_written = self.output.is_empty();
        self.output = Output::new(self.config.limits.output);
        self.desk.withdraw();
        self.timers.clear_all();
        let (recipients, failure) = match std::mem::replace(&mut self.state, State::Failed(error.clone())) {
            State::Saying(Say::Work(Work::Send(transaction))) => {
                ((0..transaction.recipients.len()).collect(), Failure::NotSent(error))
            }
            State::Envelope(envelope) => (envelope.unsettled(), Failure::NotSent(error)),
            State::Body(message) | State::Ending(message, _) => (message.recipients, Failure::NotSent(error)),
            State::BodyEnd(answers) if is_written => (answers.recipients.into(), Failure::AnswerLost(error)),
            State::BodyEnd(answers) => (answers.recipients.into(), Failure::NotSent(error)),
            _ => return,
        };
        self.settle(recipients, stage, took, &Err(failure));
    }

    /// The session ends badly, and we say goodbye.
    pub(super) fn leave(&mut self, error: Error, took: Duration) {
        self.fail(error, took);
        self.put("QUIT");
    }

    fn count_written(&mut self) {
        if self.has_progressed() {
            self.timers.clear(Timer::Peer);
        }
    }

    /// Whether the peer has read enough to be given time again.
    fn has_progressed(&mut self) -> bool {
        let left = self.output.len();
        let read = self.unwritten.saturating_sub(left);
        self.unwritten = left;
        self.read = self.read.saturating_add(read);
        read > 0 && (left == 0 || self.read >= self.config.limits.progress)
    }

    /// Why nothing happens.
    fn reason(&self) -> Progress<Event> {
        match &self.state {
            _ if self.output.room() == 0 => Progress::NeedDrain,
            State::Body(message) if message.content.is_blocked() => Progress::NeedInput,
            State::Idle | State::Challenged | State::Body(_) => Progress::NeedReply,
            _ => Progress::NeedInput,
        }
    }

    fn wait(&mut self, progress: &Progress<Event>, now: Instant) {
        self.unwritten = self.output.len();
        let is_written = self.output.is_empty();
        let waits_for_peer = match &self.state {
            State::Closed | State::Failed(_) | State::Upgrading => return self.timers.clear_all(),
            State::Idle | State::Challenged => !is_written,
            State::Body(message) => !is_written || message.content.unanswered() > 0,
            _ => true,
        };
        let (stage, timeouts) = (self.stage(), &self.config.timeouts);
        if !waits_for_peer {
            self.timers.clear(Timer::Peer);
        } else if !self.timers.is_set(Timer::Peer) {
            self.since.get_or_insert(now);
            self.timers.set(Timer::Peer, now + timeouts.of(stage));
            self.read = 0;
        }
        if !matches!(progress, Progress::NeedReply) {
            self.timers.clear(Timer::Application);
        } else if !self.timers.is_set(Timer::Application) {
            let limit = if stage == Stage::Idle { timeouts.idle } else { timeouts.answer };
            self.timers.set(Timer::Application, now + limit);
        }
    }

    /// The application took too long.
    fn withdraw(&mut self, now: Instant) {
        self.desk.withdraw();
        match &self.state {
            State::Idle => self.state = State::Saying(Say::Quit),
            State::Challenged => self.state = State::Saying(Say::Response(Err(AuthFailure::Cancelled))),
            State::Body(_) => {
                let took = self.waited(now);
                self.fail(Error::Stalled, took);
            }
            _ => {}
        }
    }
}

impl Machine for Client {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        self.count_written();
        loop {
            if let Some(event) = self.events.pop_front() {
                self.output.release();
                return Ok(Progress::Event(event));
            }
            let progress = match &self.state {
                State::Failed(error) => {
                    self.output.release();
                    return Err(error.clone());
                }
                State::Closed => Progress::Closed,
                // A server says nothing in TLS before the client does.
                State::Upgrading if !input.is_empty() => {
                    self.fail(Error::PlaintextBehindStartTls, Duration::ZERO);
                    continue;
                }
                State::Upgrading => Progress::Upgrade(Upgrade::Tls),
                State::Saying(_) => {
                    self.say(input, now);
                    continue;
                }
                _ => {
                    if self.go_on(input, now) || self.listen(input, now) {
                        continue;
                    }
                    self.reason()
                }
            };
            self.output.release();
            self.wait(&progress, now);
            return Ok(progress);
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }

    fn handle_upgrade(&mut self, done: Upgraded, _now: Instant) {
        if let (State::Upgrading, Upgraded::Tls(tls)) = (&self.state, done) {
            self.session = Session { tls: Some(tls), ..Session::default() };
            self.state = State::Saying(Say::Hello(self.verb()));
        }
    }

    fn handle_shutdown(&mut self) {
        self.shutdown = true;
        match &self.state {
            State::Idle => {
                self.desk.withdraw();
                self.timers.clear_all();
                self.events.retain(|event| !matches!(event, Event::Ready { .. }));
                self.state = State::Saying(Say::Quit);
            }
            State::Upgrading => self.state = State::Closed,
            _ => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Closed | State::Failed(_) => None,
            _ => self.timers.next(),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none() {
            return;
        }
        while let Some(timer) = self.timers.expired(now) {
            let (stage, has_progressed) = (self.stage(), self.has_progressed());
            match (timer, &self.state) {
                (Timer::Application, _) => self.withdraw(now),
                // The peer has read since the deadline was set.
                (Timer::Peer, _) if has_progressed => {
                    self.read = 0;
                    self.timers.set(Timer::Peer, now + self.config.timeouts.of(stage));
                }
                (Timer::Peer, State::Quit) => self.state = State::Closed,
                (Timer::Peer, _) => {
                    let took = self.waited(now);
                    self.fail(Error::Timeout(stage), took);
                }
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}
