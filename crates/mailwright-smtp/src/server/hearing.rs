//! What the peer says: commands, and whether it is their turn.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, BytesMut};
use mailwright_core::framing::Line;
use mailwright_core::{ForwardPath, Progress, ReversePath, Secret};

use super::error::{Error, WrongProtocol};
use super::event::{Aborted, Event, Hello};
use super::machine::Server;
use super::refusal;
use super::state::{Asked, Part, State, Timer};
use crate::command::Command;
use crate::grammar::CommandError;
use crate::params::{Body, Extension, Hold, Late, MailParams, RcptParams};
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::reply::{Fixed, fixed};
use crate::xclient::{Told, XClient};

impl Server {
    pub(super) fn poll_command(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
        if let Some(wrong) = self.wrong_protocol(input) {
            return Some(self.hint(wrong));
        }
        if self.shutdown {
            return Some(self.close_with(&Rejection::shutting_down()));
        }
        let event = match self.lines.frame(input, self.config.limits.line) {
            Line::NeedMore if self.eof => {
                let aborted = self.abandon(Aborted::Disconnected);
                self.state = State::Closing;
                aborted.filter(|event| matches!(event, Event::BodyAborted(_)))
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
            Line::BareLf => self.refuse(refusal::bare_lf()),
            Line::TooLong => self.refuse(refusal::line_too_long()),
            Line::Endless => self.fail(Error::EndlessLine, &refusal::line_too_long()),
        };
        event.map(Progress::Event)
    }

    /// The peer does not wait for the greeting.
    pub(super) fn heard_before_greeting(&mut self, input: &BytesMut) -> Option<Progress<Event>> {
        if let Some(wrong) = self.wrong_protocol(input) {
            return Some(self.hint(wrong));
        }
        if !self.config.refuse_early_input {
            return Some(Progress::NeedReply);
        }
        self.early_input().map(Progress::Event)
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
        self.desk.withdraw();
        let rejection = refusal::wrong_protocol(wrong);
        self.fail(Error::WrongProtocol(wrong), &rejection);
        Progress::Event(Event::Refused(rejection))
    }

    fn early_input(&mut self) -> Option<Event> {
        self.desk.withdraw();
        let rejection = refusal::early_input();
        self.pending = self.fail(Error::EarlyInput, &rejection);
        Some(Event::Refused(rejection))
    }

    fn command(&mut self, line: &[u8], last: bool) -> Option<Event> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error @ CommandError::ChunkSize) => {
                let rejection = refusal::command(error);
                self.pending = self.fail(Error::ChunkSize, &rejection);
                return Some(Event::Refused(rejection));
            }
            Err(error) => return self.refuse(refusal::command(error)),
        };
        if !last && self.config.refuse_early_input && ends_group(&command) {
            return self.early_input();
        }
        // RFC 5321 §3.1. The octets of a chunk are no commands here either: without a transaction it is refused.
        if self.session.is_unwelcome && !matches!(command, Command::Quit | Command::Bdat { .. }) {
            return self.refuse(refusal::sequence("you were not let in: there is only QUIT"));
        }
        match command {
            Command::Mail(from, params) => self.mail(from, params),
            Command::Rcpt(to, params) => self.rcpt(to, params),
            Command::Data => match self.may_begin_content(true) {
                Ok(()) => Some(Event::Data { ticket: self.ask(Asked::Data(Part::All)) }),
                Err(refusal) => self.refuse(refusal),
            },
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::Burl { url, last } => self.burl(url, last),
            Command::Ehlo(name) => self.hello(name, Protocol::Smtp, true),
            Command::Helo(name) => self.hello(name, Protocol::Smtp, false),
            Command::Lhlo(name) => self.hello(name, Protocol::Lmtp, true),
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial.map(|initial| initial.0)),
            Command::StartTls => self.start_tls(last),
            Command::XClient(told) => self.x_client(told),
            Command::Rset => {
                self.hold(fixed!(250, (2, 0, 0), "reset"));
                self.idle();
                self.abandon(Aborted::GivenUp)
            }
            Command::Noop => self.pastime(fixed!(250, (2, 0, 0), "ok")),
            Command::Help => self.pastime(fixed!(214, (2, 0, 0), "see RFC 5321")),
            Command::Vrfy(name) if self.config.extensions.vrfy => {
                let ticket = self.ask(Asked::Vrfy);
                Some(Event::Vrfy { name: name.to_owned(), ticket })
            }
            // RFC 5321 §3.5.3: to say neither yes nor no is in order, and tells spammers nothing.
            Command::Vrfy(_) => {
                self.say(fixed!(252, (2, 1, 5), "send some mail, I will try my best"));
                self.idle();
                None
            }
            Command::Expn(name) if self.config.extensions.expn => {
                let ticket = self.ask(Asked::Expn);
                Some(Event::Expn { name: name.to_owned(), ticket })
            }
            Command::Expn(_) => self.refuse(refusal::not_offered("EXPN is not implemented")),
            Command::Etrn(node) => self.etrn(node),
            Command::Quit => {
                self.say_name(221, Some((2, 0, 0)), [" closing", ""]);
                let aborted = self.abandon(Aborted::GivenUp);
                self.state = State::Closing;
                aborted.filter(|event| matches!(event, Event::BodyAborted(_)))
            }
        }
    }

    fn pastime(&mut self, reply: Fixed) -> Option<Event> {
        self.say(reply);
        self.idle();
        None
    }

    fn hello(&mut self, name: &str, protocol: Protocol, esmtp: bool) -> Option<Event> {
        if protocol != self.config.protocol {
            return self.refuse(match protocol {
                Protocol::Smtp => refusal::this_is_lmtp(),
                Protocol::Lmtp => refusal::unknown_command(),
            });
        }
        // RFC 5321 §4.1.4: also a RSET.
        let aborted = self.abandon(Aborted::GivenUp);
        let hello = Hello { name: name.to_owned(), esmtp };
        let ticket = self.ask(Asked::Hello(hello.clone()));
        let event = Event::Hello { hello, ticket };
        match aborted {
            Some(aborted @ Event::BodyAborted(_)) => {
                self.pending = Some(event);
                Some(aborted)
            }
            _ => Some(event),
        }
    }

    fn mail(&mut self, from: ReversePath, mut params: Box<MailParams>) -> Option<Event> {
        if self.session.transactions >= self.config.limits.transactions {
            let rejection = refusal::too_many_messages();
            self.tell(&rejection);
            self.state = State::Closing;
            return Some(Event::Refused(rejection));
        }
        if let Err(refusal) = self.may_mail(&from, &params) {
            return self.refuse(refusal);
        }
        if !self.session.authenticated && params.auth.is_some() {
            // RFC 4954 §5: what a stranger says of others counts as nothing said.
            params.auth = Some(ReversePath::Null);
        }
        let is_binary = params.body == Some(Body::BinaryMime);
        let ticket = self.ask(Asked::Mail { smtp_utf8: params.smtp_utf8, is_binary });
        Some(Event::Mail { from, params, ticket })
    }

    fn may_mail(&self, from: &ReversePath, params: &MailParams) -> Result<(), Rejection> {
        let extensions = &self.config.extensions;
        if self.session.hello.is_none() {
            return Err(refusal::sequence("say EHLO first"));
        }
        if self.session.transaction.is_some() {
            return Err(refusal::sequence("a transaction is open: RSET first"));
        }
        if self.config.auth_required && !self.session.authenticated {
            return Err(refusal::auth_required());
        }
        self.offers_all(params.extensions())?;
        if params.size.is_some() && !extensions.size {
            return Err(refusal::hint_not_offered("SIZE"));
        }
        if params.auth.is_some() && self.mechanisms().next().is_none() {
            return Err(refusal::hint_not_offered("AUTH"));
        }
        if !params.smtp_utf8 && from.address().is_some_and(|from| !from.is_ascii()) {
            return Err(refusal::utf8_address());
        }
        if let (Some(Hold::For(seconds)), Some(offered)) = (&params.hold, &extensions.future_release)
            && u64::from(*seconds) > offered.max_interval.as_secs()
        {
            return Err(refusal::held_too_long(offered.max_interval.as_secs()));
        }
        // RFC 4865 §5.2.2: it would be released when its time is over.
        if let (Some(Hold::For(held)), Some(by)) = (&params.hold, params.by)
            && i64::from(*held) > i64::from(by.seconds)
        {
            return Err(refusal::held_beyond_its_time());
        }
        if let (Some(by), Some(min)) = (params.by, extensions.deliver_by)
            && by.late == Late::Return
            && u64::from(by.seconds.unsigned_abs()) < min.as_secs()
        {
            return Err(refusal::too_soon(min.as_secs()));
        }
        if params.size.is_some_and(|size| size > self.config.limits.message_size) {
            return Err(refusal::too_big(self.config.limits.message_size));
        }
        Ok(())
    }

    fn offers_all(
        &self,
        mut needed: impl Iterator<Item = (Extension, &'static str)>,
    ) -> Result<(), Rejection> {
        match needed.find(|&(extension, _)| !self.offers(extension)) {
            Some((extension, parameter)) => Err(refusal::extension(extension, parameter)),
            None => Ok(()),
        }
    }

    fn rcpt(&mut self, to: ForwardPath, params: RcptParams) -> Option<Event> {
        match self.may_rcpt(&to, &params) {
            Ok(()) => Some(Event::Rcpt { to, params, ticket: self.ask(Asked::Rcpt) }),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn may_rcpt(&self, to: &ForwardPath, params: &RcptParams) -> Result<(), Rejection> {
        let Some(transaction) = &self.session.transaction else {
            return Err(refusal::sequence("MAIL first"));
        };
        if transaction.content.is_some() {
            return Err(refusal::sequence("the message has begun"));
        }
        self.offers_all(params.extensions())?;
        if !transaction.smtp_utf8 && to.address().is_some_and(|to| !to.is_ascii()) {
            return Err(refusal::utf8_address());
        }
        if transaction.recipients >= self.config.limits.recipients {
            return Err(Rejection::too_many_recipients());
        }
        Ok(())
    }

    fn start_tls(&mut self, last: bool) -> Option<Event> {
        if !self.config.start_tls {
            return self.refuse(refusal::not_offered("STARTTLS is not offered"));
        }
        if self.session.tls.is_some() {
            return self.refuse(refusal::sequence("TLS is on already"));
        }
        if !last {
            let rejection = refusal::plaintext_behind_start_tls();
            self.pending = self.fail(Error::PlaintextBehindStartTls, &rejection);
            return Some(Event::Refused(rejection));
        }
        self.say(fixed!(220, (2, 0, 0), "begin TLS"));
        let aborted = self.abandon(Aborted::GivenUp);
        self.state = State::Upgrading;
        aborted
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Option<Event> {
        if self.config.auth_mechanisms.is_empty() {
            return self.refuse(refusal::not_offered("AUTH is not offered"));
        }
        if self.session.hello.is_none() {
            return self.refuse(refusal::sequence("say EHLO first"));
        }
        if self.session.authenticated || self.session.transaction.is_some() {
            return self.refuse(refusal::sequence("not now: you are authenticated, or in a transaction"));
        }
        if !self.offers_auth() {
            return self.refuse(match self.session.tls {
                None => refusal::encryption_required(),
                // All that there are bind, and this TLS has nothing to bind to.
                Some(_) => refusal::not_offered("AUTH is not offered"),
            });
        }
        let found = self.mechanisms().find(|offered| offered.eq_ignore_ascii_case(mechanism));
        let Some(mechanism) = found.map(str::to_owned) else {
            let offered: Vec<&str> = self.mechanisms().collect();
            return self.refuse(refusal::unknown_mechanism(&offered));
        };
        let initial = match initial {
            None => None,
            Some(b"=") => Some(Secret::default()),
            Some(text) => match decode(text) {
                Some(initial) => Some(initial),
                None => return self.refuse(refusal::not_base64()),
            },
        };
        Some(Event::Auth { mechanism, initial, ticket: self.ask(Asked::Auth) })
    }

    pub(super) fn poll_auth_line(&mut self, input: &mut BytesMut) -> Option<Progress<Event>> {
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
                return self.fail(Error::EndlessLine, &refusal::response_too_long()).map(Progress::Event);
            }
            Line::TooLong => refusal::response_too_long(),
            Line::BareLf => refusal::bare_lf(),
            Line::Complete { len } => {
                let line = input.get_mut(..len).unwrap_or_default();
                let text = line.strip_suffix(b"\r\n").unwrap_or_default();
                let response = if text == b"*" {
                    Err(refusal::cancelled())
                } else {
                    decode(text).ok_or_else(refusal::not_base64)
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

    fn x_client(&mut self, told: Box<XClient>) -> Option<Event> {
        if !self.trusted {
            return self.refuse(refusal::not_offered("XCLIENT is not offered"));
        }
        if self.session.transaction.is_some() {
            return self.refuse(refusal::sequence("a transaction is open: RSET first"));
        }
        let is_logged_in = matches!(told.login, Some(Told::Is(_)));
        let ticket = self.ask(Asked::XClient { is_logged_in });
        Some(Event::XClient { told, ticket })
    }

    fn etrn(&mut self, node: &str) -> Option<Event> {
        if !self.config.extensions.etrn {
            return self.refuse(refusal::not_offered("ETRN is not offered"));
        }
        if self.session.hello.is_none() || self.session.transaction.is_some() {
            return self.refuse(refusal::sequence("not now: EHLO first, or RSET"));
        }
        let ticket = self.ask(Asked::Etrn);
        Some(Event::Etrn { node: node.to_owned(), ticket })
    }
}

/// Whether a client has to wait for the answer before it goes on (RFC 2920 §3.1). STARTTLS has a refusal of its own.
fn ends_group(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Lhlo(_)
            | Command::Data
            | Command::Auth { .. }
            | Command::XClient(_)
            | Command::Vrfy(_)
            | Command::Expn(_)
            | Command::Etrn(_)
            | Command::Noop
    )
}

fn decode(text: &[u8]) -> Option<Secret> {
    BASE64.decode(text).ok().map(Secret::new)
}
