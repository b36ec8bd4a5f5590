//! The machine. All transitions of a session are in this file.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use mailwright_core::framing::{CommandFrame, CommandFramer, LineFramer, Literal, OctetReader};
use mailwright_core::{
    Desk, Machine, ModSeq, Output, Progress, Stale, Ticket, Timers, TlsInfo, UidSet, Upgrade, Upgraded,
};

use super::config::Config;
use super::error::{Error, Waiting, WrongProtocol};
use super::event::Event;
use super::question::Question;
use super::reply::{self, Enabled, Told};
use super::selected::Selected;
use super::state::{Append, Asked, Code, Completion, Refused, Reply, State, Syncing, Then};
use crate::command::{Announced, CommandError, CommandLine, Grammar, append_head};
use crate::rejection::{Rejection, ResponseCode};
use crate::wire;

/// The server's side of an IMAP session (RFC 9051, RFC 3501).
///
/// Drive it as [`Machine`] says; answer its questions with [`answer`](Self::answer), and call
/// [`changed`](Self::changed) when something may have changed in the mailbox that the client sees.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Arc<Config>,
    pub(super) output: Output,
    pub(super) framer: CommandFramer,
    pub(super) lines: LineFramer,
    pub(super) desk: Desk,
    pub(super) timers: Timers<Timer>,
    pub(super) state: State,
    pub(super) session: Session,
    pub(super) enabled: Enabled,
    pub(super) selected: Option<Box<Selected>>,
    /// An event that comes after another, or that a call other than `poll_event` gave rise to.
    pub(super) pending: Option<Box<Event>>,
    /// The peer will send no more.
    pub(super) eof: bool,
    /// The application wants to close.
    pub(super) shutdown: bool,
}

/// What is known of the client. TLS makes us forget it.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) tls: Option<TlsInfo>,
    pub(super) logged_in: bool,
    /// A command has come; before that, a peer that speaks another protocol is told so.
    pub(super) has_spoken: bool,
    pub(super) failed_logins: u32,
    pub(super) errors: u32,
    /// Octets of refused literals.
    pub(super) swallowed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// What the peer is to do.
    Peer,
    /// What the application is to do.
    Application,
    /// The application is asked for changes, though it did not say that there are any.
    Sync,
}

impl Server {
    /// Greets a client; `tls` if TLS is on already (RFC 8314 §3.2).
    pub fn new(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut server = Self::silent(config, tls);
        server.output.put(b"* OK [");
        reply::capability(&mut server.output, &told(&server.config, &server.session, None));
        server.output.put(b"] ");
        wire::text(&mut server.output, &server.config.hostname);
        server.output.put(b" IMAP4 server ready\r\n");
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
        reply::bye(&mut server.output, rejection);
        server.output.release();
        server.state = State::Closing;
        server
    }

    fn silent(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        Self {
            output: Output::new(config.limits.output.max(1)),
            config,
            framer: CommandFramer::new(),
            lines: LineFramer::new(),
            desk: Desk::new(),
            timers: Timers::new(),
            state: State::Command,
            session: Session { tls, ..Session::default() },
            enabled: Enabled::default(),
            selected: None,
            pending: None,
            eof: false,
            shutdown: false,
        }
    }

    /// Answers a question. A [`Rejection`] that is [`closing`](Rejection::closing) also closes.
    ///
    /// # Errors
    /// [`Stale`] if the question was withdrawn because the answer took too long, or was asked by another machine.
    /// Nothing is changed then.
    pub fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        self.settle(Q::given(answer));
        Ok(())
    }

    /// Something may have changed in the mailbox that the client sees: the machine will ask what, as soon as the
    /// client may be told. Costs nothing if it is said too often.
    pub fn changed(&mut self) {
        if let Some(selected) = &mut self.selected {
            selected.changed = true;
        }
    }

    /// Whether the client waits for changes in the mailbox that it sees.
    pub fn is_idling(&self) -> bool {
        matches!(self.state, State::Idle { .. })
    }

    /// Checks a ticket to which a part of the answer is given.
    pub(super) fn told<Q>(&mut self, ticket: &Ticket<Q>) -> Result<(), Stale> {
        self.desk.check(ticket)?;
        self.timers.clear(Timer::Application);
        Ok(())
    }

    // What the peer says.

    fn poll_command(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        if !self.session.has_spoken
            && let Some(wrong) = wrong_protocol(input, self.session.tls.is_some())
        {
            return Some(Progress::Event(self.hint(wrong)));
        }
        if self.shutdown {
            self.close_with(&Rejection::shutting_down());
            return None;
        }
        let max = self.command_max();
        match self.framer.frame(input, max) {
            CommandFrame::NeedMore if self.eof => {
                self.state = State::Closing;
                None
            }
            CommandFrame::NeedMore => self.wait_for_command(input),
            CommandFrame::TooLong => {
                let rejection = Rejection::new(ResponseCode::TooBig, "the command is too long");
                Some(Progress::Event(self.fail(Error::CommandTooLong, rejection)))
            }
            CommandFrame::Malformed { len } => {
                self.take_off(input, len);
                self.refuse(
                    None,
                    Reply::Bad("a line ends in CRLF, and a literal begins with its size".to_owned()),
                )
            }
            CommandFrame::Prefix { len, literal } => self.literal(input, len, literal, max),
            CommandFrame::Complete { len } => {
                let line = CommandLine::parse(input.get(..len).unwrap_or_default(), &self.grammar());
                let last = input.len() == len;
                self.take_off(input, len);
                match line {
                    Ok(CommandLine { tag, command: Ok(command) }) => self.command(tag, command, last),
                    Ok(CommandLine { tag, command: Err(error) }) => self.refuse(Some(tag), reply_to(error)),
                    Err(error) => self.refuse(None, reply_to(error)),
                }
            }
        }
    }

    /// Between commands the client is told what is new, but not what has vanished (RFC 9051 §7.5.1).
    fn wait_for_command(&mut self, input: &BytesMut) -> Option<Progress<Event>> {
        if input.is_empty() && self.selected.as_ref().is_some_and(|selected| selected.is_behind(false)) {
            return self.sync(false, Then::Command);
        }
        Some(Progress::NeedInput)
    }

    pub(super) fn command_max(&self) -> usize {
        let limits = &self.config.limits;
        if self.session.logged_in { limits.command } else { limits.command_before_login }
    }

    pub(super) fn grammar(&self) -> Grammar {
        Grammar { utf8: self.enabled.utf8(), ..Grammar::default() }
    }

    /// A command is taken off the input, and overwritten: it may hold a password.
    pub(super) fn take_off(&mut self, input: &mut BytesMut, len: usize) {
        self.timers.clear(Timer::Peer);
        self.session.has_spoken = true;
        self.framer.reset();
        if let Some(octets) = input.get_mut(..len).filter(|_| !self.session.logged_in) {
            octets.fill(0);
        }
        input.advance(len);
    }

    /// A command has come up to the announcement of a literal.
    fn literal(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        literal: Literal,
        max: usize,
    ) -> Option<Progress<Event>> {
        let prefix = input.get(..len).unwrap_or_default();
        match append_head(prefix, &self.grammar()) {
            Announced::Argument => {
                let whole = u64::try_from(len).unwrap_or(u64::MAX).saturating_add(literal.size);
                if whole <= max as u64 {
                    self.framer.inline(literal);
                    if !literal.non_sync {
                        self.go_on();
                    }
                    return None;
                }
                let tag = CommandLine::parse(prefix, &self.grammar()).ok().map(|line| line.tag);
                self.take_off(input, len);
                let reply = Reply::Bad("[TOOBIG] the command is too long".to_owned());
                self.refuse_literal(tag, reply, literal)
            }
            Announced::Invalid { tag, error } => {
                self.take_off(input, len);
                self.refuse_literal(tag, reply_to(error), literal)
            }
            Announced::Message { tag, head } => {
                self.take_off(input, len);
                if !self.session.logged_in {
                    return self.refuse_literal(Some(tag), Reply::Bad("log in first".to_owned()), literal);
                }
                let append = Append { tag, told: false, messages: 0, utf8: head.utf8 };
                self.announced(append, literal, head)
            }
        }
    }

    pub(super) fn go_on(&mut self) {
        self.output.put(b"+ go on\r\n");
        self.output.release();
    }

    /// A command is refused that is not at its end. Who waits to send the literal will not; who does not wait sends
    /// it all the same.
    pub(super) fn refuse_literal(
        &mut self,
        tag: Option<String>,
        reply: Reply,
        literal: Literal,
    ) -> Option<Progress<Event>> {
        if !literal.non_sync {
            return self.refuse(tag, reply);
        }
        self.session.swallowed = self.session.swallowed.saturating_add(literal.size);
        if self.session.swallowed > self.config.limits.swallow {
            let rejection = Rejection::too_big();
            return Some(Progress::Event(self.fail(Error::TooMuchRefused, rejection)));
        }
        self.state = State::Refused(Refused { tag, reply, octets: OctetReader::new(literal.size) });
        None
    }

    fn poll_refused(&mut self, mut refused: Refused, input: &mut BytesMut) -> Option<Progress<Event>> {
        while refused.octets.next(input).is_some() {
            self.timers.clear(Timer::Peer);
        }
        if refused.octets.left() > 0 {
            return self.wait_for_rest(State::Refused(refused));
        }
        // What follows the literal is of the same command.
        match self.framer.frame(input, self.command_max()) {
            CommandFrame::NeedMore => self.wait_for_rest(State::Refused(refused)),
            CommandFrame::TooLong => {
                let rejection = Rejection::new(ResponseCode::TooBig, "the command is too long");
                Some(Progress::Event(self.fail(Error::CommandTooLong, rejection)))
            }
            CommandFrame::Complete { len } | CommandFrame::Malformed { len } => {
                self.take_off(input, len);
                self.refuse(refused.tag, refused.reply)
            }
            CommandFrame::Prefix { len, literal } => {
                self.take_off(input, len);
                self.refuse_literal(refused.tag, refused.reply, literal)
            }
        }
    }

    /// The middle of a command is no place to be told anything.
    pub(super) fn wait_for_rest(&mut self, state: State) -> Option<Progress<Event>> {
        if self.eof {
            let was_told = matches!(&state, State::AppendBody(..) | State::AppendNext(_));
            self.state = State::Closing;
            return was_told.then_some(Progress::Event(Event::AppendAborted));
        }
        self.state = state;
        Some(Progress::NeedInput)
    }

    // What the peer is told.

    /// A command is done, and expunges may be told with it.
    pub(super) fn done(&mut self, tag: String, text: &'static str) -> Option<Progress<Event>> {
        self.finish(tag, Reply::Ok(Code::None, text), true)
    }

    pub(super) fn finish(
        &mut self,
        tag: String,
        reply: Reply,
        expunge_allowed: bool,
    ) -> Option<Progress<Event>> {
        self.complete(tag, reply, expunge_allowed);
        None
    }

    /// Ends a command, after the client was told what has changed meanwhile.
    pub(super) fn complete(&mut self, tag: String, reply: Reply, expunge_allowed: bool) {
        let completion = Completion { tag, reply, expunge_allowed, synced: false };
        self.state = State::Finishing(completion);
    }

    fn poll_finishing(&mut self, completion: Completion) -> Option<Progress<Event>> {
        let Completion { tag, reply, expunge_allowed, synced } = completion;
        let is_behind = |selected: &Selected| selected.later || selected.is_behind(expunge_allowed);
        if !synced && self.selected.as_deref().is_some_and(is_behind) {
            let completion = Completion { tag, reply, expunge_allowed, synced };
            return self.sync(expunge_allowed, Then::Finish(completion));
        }
        self.state = State::Command;
        self.write_reply(Some(&tag), &reply);
        None
    }

    pub(super) fn sync(&mut self, expunge_allowed: bool, then: Then) -> Option<Progress<Event>> {
        let selected = self.selected.as_mut()?;
        // What changes from now on is asked for again.
        selected.changed = false;
        selected.later = false;
        let (rows_since, vanished_since) = (selected.rows_since, selected.vanished_since);
        self.timers.clear(Timer::Sync);
        let ticket = self.ask(Asked::Sync(Syncing { expunge_allowed, arrived: UidSet::new(), then }));
        Some(Progress::Event(Event::Sync { rows_since, vanished_since, expunge_allowed, ticket }))
    }

    pub(super) fn write_reply(&mut self, tag: Option<&str>, reply: &Reply) {
        let modseq = self.selected.as_ref().filter(|selected| self.enabled.condstore && selected.has_modseqs);
        let modseq = modseq.map(|selected| selected.told());
        reply::tagged(&mut self.output, tag, reply, &told(&self.config, &self.session, modseq));
    }

    /// The application has refused something.
    pub(super) fn reject(&mut self, tag: String, rejection: Rejection, expunge_allowed: bool) {
        if rejection.closes() {
            self.write_reply(Some(&tag), &Reply::No(rejection.clone()));
            self.end(Error::TurnedAway, &rejection);
        } else {
            self.complete(tag, Reply::No(rejection), expunge_allowed);
        }
    }

    /// The machine refuses a command.
    pub(super) fn refuse(&mut self, tag: Option<String>, reply: Reply) -> Option<Progress<Event>> {
        self.state = State::Command;
        // Who is logged in may ask for what cannot be.
        if !self.session.logged_in || matches!(reply, Reply::Bad(_)) {
            self.session.errors += 1;
        }
        self.write_reply(tag.as_deref(), &reply);
        let limits = &self.config.limits;
        let most = if self.session.logged_in { limits.errors } else { limits.errors_before_login };
        let rejection = match reply {
            Reply::No(rejection) => rejection,
            Reply::Bad(text) => Rejection::new(None, text),
            Reply::Ok(_, text) => Rejection::new(None, text),
        };
        if self.session.errors > most {
            self.end(Error::TooManyErrors, &Rejection::new(None, "too many errors"));
        }
        Some(Progress::Event(Event::Refused(rejection)))
    }

    /// The session ends badly.
    pub(super) fn fail(&mut self, error: Error, rejection: Rejection) -> Event {
        self.end(error, &rejection);
        Event::Refused(rejection)
    }

    pub(super) fn end(&mut self, error: Error, rejection: &Rejection) {
        reply::bye(&mut self.output, rejection);
        self.desk.withdraw();
        self.state = State::Failed(error);
    }

    pub(super) fn close_with(&mut self, rejection: &Rejection) {
        reply::bye(&mut self.output, rejection);
        self.desk.withdraw();
        self.state = State::Closing;
    }

    fn wait(&mut self, progress: Progress<Event>, now: Instant) -> Progress<Event> {
        let timeouts = &self.config.timeouts;
        let (timer, limit) = match (&progress, &self.state) {
            (Progress::NeedInput, State::Command) if self.session.logged_in => {
                (Timer::Peer, timeouts.command)
            }
            (Progress::NeedInput, State::Command) => (Timer::Peer, timeouts.before_login),
            (Progress::NeedInput, State::AuthLine { .. }) => (Timer::Peer, timeouts.auth),
            (Progress::NeedInput, State::Idle { .. }) => {
                if self.selected.is_some() && !self.timers.is_set(Timer::Sync) {
                    self.timers.set(Timer::Sync, now + timeouts.idle_sync);
                }
                (Timer::Peer, timeouts.idle)
            }
            (Progress::NeedInput, _) => (Timer::Peer, timeouts.literal),
            (
                Progress::NeedReply,
                State::Asked(
                    Asked::AppendCommit { .. }
                    | Asked::Done { .. }
                    | Asked::Move { .. }
                    | Asked::Copy { .. }
                    | Asked::Store(_),
                ),
            ) => (Timer::Application, timeouts.commit_answer),
            (Progress::NeedReply, _) => (Timer::Application, timeouts.answer),
            _ => return progress,
        };
        if !self.timers.is_set(timer) {
            self.timers.set(timer, now + limit);
        }
        progress
    }

    /// One step of what the session is doing; `None` to look again.
    fn step(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        match std::mem::replace(&mut self.state, State::Command) {
            State::Command => self.poll_command(input),
            State::AuthLine { tag } => self.poll_auth_line(tag, input),
            State::Finishing(completion) => self.poll_finishing(completion),
            State::Idle { tag } => self.poll_idle(tag, input),
            State::Refused(refused) => self.poll_refused(refused, input),
            State::AppendAnnounced(append, literal, head) => Some(self.poll_announced(append, literal, head)),
            State::AppendBody(append, octets) => self.poll_body(append, octets, input),
            State::AppendNext(append) => self.poll_next_message(append, input),
            // The others are seen to before.
            state => {
                self.state = state;
                Some(Progress::Closed)
            }
        }
    }
}

impl Machine for Server {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, now: Instant) -> Result<Progress<Event>, Error> {
        loop {
            if let Some(event) = self.pending.take() {
                return Ok(Progress::Event(*event));
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
                _ => self.step(input),
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
            let Session { failed_logins, errors, .. } = self.session;
            self.session = Session { tls: Some(tls), failed_logins, errors, ..Session::default() };
            self.enabled = Enabled::default();
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
            let waiting = match (timer, &self.state) {
                (Timer::Sync, _) => {
                    self.changed();
                    continue;
                }
                // It is the peer that is slow: the application waits for room.
                (Timer::Application, State::Asked(_)) if self.output.room() == 0 => {
                    self.timers.set(timer, now + self.config.timeouts.answer);
                    return;
                }
                (Timer::Application, _) => {
                    self.withdraw();
                    continue;
                }
                (Timer::Peer, State::AuthLine { .. }) => Waiting::Auth,
                (Timer::Peer, State::Idle { .. }) => Waiting::Idle,
                (Timer::Peer, State::Asked(Asked::Sync(Syncing { then: Then::Idle { .. }, .. }))) => {
                    Waiting::Idle
                }
                (Timer::Peer, State::Command | State::Asked(Asked::Sync(_))) => Waiting::Command,
                (Timer::Peer, State::AppendBody(..) | State::AppendNext(_)) => {
                    self.pending = Some(Box::new(Event::AppendAborted));
                    Waiting::Literal
                }
                (Timer::Peer, _) => Waiting::Literal,
            };
            // RFC 9051 §5.4: the autologout is told.
            self.end(Error::Timeout(waiting), &Rejection::new(None, "you took too long"));
        }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

pub(super) fn told<'a>(config: &'a Config, session: &'a Session, modseq: Option<ModSeq>) -> Told<'a> {
    Told { config, tls: session.tls.as_ref(), logged_in: session.logged_in, modseq }
}

pub(super) fn reply_to(error: CommandError) -> Reply {
    match error {
        // A name that is none is that of no mailbox.
        CommandError::InvalidMailbox(_) => Reply::No(Rejection::new(ResponseCode::Cannot, error.to_string())),
        CommandError::BadCharset => Reply::No(Rejection::new(ResponseCode::BadCharset, error.to_string())),
        _ => Reply::Bad(error.to_string()),
    }
}

fn wrong_protocol(input: &BytesMut, has_tls: bool) -> Option<WrongProtocol> {
    // A TLS record of the handshake, version 3.x (RFC 8446 §5.1).
    if input.starts_with(&[0x16, 0x03]) && !has_tls {
        return Some(WrongProtocol::Tls);
    }
    let is_http = [&b"GET "[..], b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT "]
        .iter()
        .any(|method| input.starts_with(method));
    is_http.then_some(WrongProtocol::Http)
}
