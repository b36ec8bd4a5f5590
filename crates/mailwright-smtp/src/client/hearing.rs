//! What the server says, and what follows from it.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use mailwright_core::ReplyCode;

use super::capabilities::Capabilities;
use super::config::StartTls;
use super::content::Content;
use super::error::Error;
use super::event::{AuthFailure, Event};
use super::machine::Client;
use super::outcome::Failure;
use super::reply::Reply;
use super::stage::Stage;
use super::state::{Auth, Say, State, Verb};
use crate::protocol::Protocol;

impl Client {
    /// Takes a reply, or the end of the input, if either has come.
    pub(super) fn listen(&mut self, input: &mut BytesMut, now: Instant) -> bool {
        let error = match self.replies.read(input, &self.config.limits) {
            Ok(Some(reply)) => {
                let took = self.waited(now);
                self.hear(reply, input, took);
                return true;
            }
            Ok(None) if !self.eof => return false,
            Ok(None) => Error::Disconnected(self.stage()),
            Err(fault) => Error::BadReply { stage: self.stage(), fault },
        };
        let took = self.waited(now);
        match self.state {
            // What becomes of QUIT is of no consequence.
            State::Quit => self.state = State::Closed,
            _ => self.fail(error, took),
        }
        true
    }

    /// There is input where none is due.
    pub(super) fn unasked(&mut self, input: &mut BytesMut, now: Instant) {
        let stage = self.stage();
        let error = match self.replies.read(input, &self.config.limits) {
            Ok(Some(reply)) if is_closing(&reply) => Error::Closing { stage, reply: self.shortened(reply) },
            _ => Error::Unasked(stage),
        };
        let took = self.waited(now);
        self.fail(error, took);
    }

    fn hear(&mut self, reply: Reply, input: &BytesMut, took: Duration) {
        let (stage, code) = (self.stage(), reply.code);
        // RFC 5321 §3.8. To content, and to QUIT, it is an answer as any other.
        if is_closing(&reply) && !matches!(self.state, State::BodyEnd(_) | State::Quit) {
            let reply = self.shortened(reply);
            return self.fail(Error::Closing { stage, reply }, took);
        }
        match &mut self.state {
            State::Greeting if is_done(code) => self.state = State::Saying(Say::Hello(self.verb())),
            State::Greeting if is_refusal(code) => self.unwelcome(reply, took),
            State::Hello(verb) => {
                let verb = *verb;
                self.hear_hello(verb, reply, took);
            }
            State::StartTls => self.hear_start_tls(reply, input, took),
            State::Auth(_) => self.hear_auth(reply, took),
            State::Envelope(_) => self.hear_envelope(reply, took),
            State::Body(_) | State::Ending(..) => self.hear_early(reply, took),
            State::BodyEnd(_) => self.hear_body_end(reply, took),
            State::NobodyLeft | State::Discarded(1) => self.reset(),
            State::Discarded(left) => *left -= 1,
            State::Reset if is_done(code) => self.ready(),
            State::Quit => self.state = State::Closed,
            State::Idle | State::Challenged => self.fail(Error::Unasked(stage), took),
            _ => self.unexpected(reply, took),
        }
    }

    pub(super) fn verb(&self) -> Verb {
        match self.config.protocol {
            Protocol::Smtp => Verb::Ehlo,
            Protocol::Lmtp => Verb::Lhlo,
        }
    }

    fn hear_hello(&mut self, verb: Verb, reply: Reply, took: Duration) {
        let code = reply.code;
        if is_done(code) {
            if verb != Verb::Helo {
                self.session.capabilities = Capabilities::parse(&reply.text);
            }
            self.greeted(took);
        } else if verb == Verb::Ehlo && self.may_fall_back(code) {
            self.state = State::Saying(Say::Hello(Verb::Helo));
        } else if is_refusal(code) {
            self.unwelcome(reply, took);
        } else {
            self.unexpected(reply, took);
        }
    }

    /// Whether a refusal of EHLO is one of the command, and not of us: 500 to 504 (RFC 5321 §3.2, §4.2.2). With
    /// HELO there is no STARTTLS.
    fn may_fall_back(&self, code: ReplyCode) -> bool {
        let needs_tls = self.config.start_tls == StartTls::Required && self.session.tls.is_none();
        (500..=504).contains(&code.get()) && !needs_tls
    }

    /// EHLO was answered: on to TLS, or to work.
    fn greeted(&mut self, took: Duration) {
        let wants_tls = self.config.start_tls != StartTls::Never && self.session.tls.is_none();
        if self.shutdown || !wants_tls {
            self.ready();
        } else if self.session.capabilities.start_tls {
            self.state = State::Saying(Say::StartTls);
        } else {
            self.without_tls(None, took);
        }
    }

    /// There will be no TLS.
    fn without_tls(&mut self, reply: Option<Reply>, took: Duration) {
        match self.config.start_tls {
            StartTls::Required => self.leave(Error::NoTls(reply), took),
            StartTls::Opportunistic | StartTls::Never => self.ready(),
        }
    }

    fn hear_start_tls(&mut self, reply: Reply, input: &BytesMut, took: Duration) {
        match reply.code.get() {
            220 if !input.is_empty() => self.fail(Error::PlaintextBehindStartTls, took),
            220 => self.state = State::Upgrading,
            400..=599 => {
                let reply = self.shortened(reply);
                self.without_tls(Some(reply), took);
            }
            _ => self.unexpected(reply, took),
        }
    }

    fn hear_auth(&mut self, reply: Reply, took: Duration) {
        let State::Auth(auth) = std::mem::replace(&mut self.state, State::Closed) else { return };
        match (auth, reply.code.get()) {
            (Auth::Cancelled(why), 400..=599) => self.auth_ended(Err(why)),
            (Auth::Open { .. }, 400..=599) => {
                let reply = self.shortened(reply);
                self.auth_ended(Err(AuthFailure::Refused(reply)));
            }
            (Auth::Open { .. }, 200..=299) => self.auth_ended(Ok(())),
            // RFC 4422 §5.1: asked for what it would have said at once.
            (Auth::Open { withheld: Some(initial) }, 334) => {
                self.state = State::Saying(Say::Response(Ok(initial)));
            }
            (Auth::Open { withheld: None }, 334) => match BASE64.decode(&reply.text) {
                Ok(challenge) => {
                    self.state = State::Challenged;
                    let ticket = self.desk.open();
                    self.events.push_back(Event::Challenge { challenge, ticket });
                }
                Err(_) => self.state = State::Saying(Say::Response(Err(AuthFailure::BadChallenge))),
            },
            (auth, _) => {
                self.state = State::Auth(auth);
                self.unexpected(reply, took);
            }
        }
    }

    fn hear_envelope(&mut self, reply: Reply, took: Duration) {
        let reply = self.shortened(reply);
        let State::Envelope(envelope) = &mut self.state else { return };
        let (stage, code) = (envelope.stage(), reply.code);
        let recipient = envelope.recipient();
        if !envelope.waits() {
            return self.fail(Error::Unasked(stage), took);
        }
        if !is_done(code) && !is_refusal(code) && stage != Stage::Data {
            return self.unexpected(reply, took);
        }
        envelope.answered += 1;
        match recipient {
            // The group goes on, and so do its answers; but all is settled.
            _ if envelope.is_refused && stage != Stage::Data => {}
            None if stage == Stage::Data => return self.hear_data(reply, took),
            None if is_refusal(code) => {
                envelope.is_refused = true;
                let all = envelope.asked.clone();
                self.settle(all, stage, took, &Err(Failure::Refused(reply)));
            }
            None => {}
            Some(recipient) if is_done(code) => envelope.accepted.push(recipient),
            Some(recipient) => self.settle([recipient], stage, took, &Err(Failure::Refused(reply))),
        }
        self.end_envelope();
    }

    /// If there is nothing more to be said or heard of the envelope, goes on without DATA.
    fn end_envelope(&mut self) {
        let State::Envelope(envelope) = &mut self.state else { return };
        if envelope.waits() || envelope.next().is_some() {
            return;
        }
        let accepted = std::mem::take(&mut envelope.accepted);
        let is_binary = envelope.transaction.is_binary();
        if envelope.is_refused {
            self.ready();
        } else if accepted.is_empty() {
            self.reset();
        } else {
            let limits = &self.config.limits;
            let ahead = if self.is_grouped() { limits.chunks_ahead } else { 1 };
            let content = match is_binary {
                true => Content::binary(limits.chunk, ahead),
                false => Content::chunked(limits.chunk, ahead),
            };
            self.begin_body(accepted, content);
        }
    }

    fn hear_data(&mut self, reply: Reply, took: Duration) {
        let State::Envelope(envelope) = &mut self.state else { return };
        let accepted = std::mem::take(&mut envelope.accepted);
        let is_refused = envelope.is_refused;
        match reply.code.get() {
            354 if !is_refused && !accepted.is_empty() => self.begin_body(accepted, Content::dotted()),
            // RFC 2920 §3.1: there is nobody to send to, and content is waited for. An LMTP server cannot say so
            // (RFC 2033 §4.2), nor can one that has refused MAIL.
            354 if !is_refused && self.config.protocol == Protocol::Smtp => {
                self.put(".");
                self.state = State::NobodyLeft;
            }
            400..=599 => {
                if !is_refused {
                    self.settle(accepted, Stage::Data, took, &Err(Failure::Refused(reply)));
                    self.reset();
                } else {
                    self.ready();
                }
            }
            _ => {
                envelope.accepted = accepted;
                self.unexpected(reply, took);
            }
        }
    }

    /// A reply before the end of the content: the answer to a chunk, or the server wants no more of it.
    fn hear_early(&mut self, reply: Reply, took: Duration) {
        let reply = self.shortened(reply);
        let (State::Body(message) | State::Ending(message, _)) = &mut self.state else { return };
        let is_of_chunk = (is_done(reply.code) || is_refusal(reply.code)) && message.content.answered();
        if is_of_chunk && is_done(reply.code) {
            return;
        }
        if !is_refusal(reply.code) {
            return self.unexpected(reply, took);
        }
        let recipients = std::mem::take(&mut message.recipients);
        let left = message.content.unanswered();
        self.settle(recipients, Stage::Body, took, &Err(Failure::Refused(reply.clone())));
        if !is_of_chunk {
            return self.unexpected(reply, took);
        }
        self.desk.withdraw();
        self.timers.clear_all();
        if left == 0 {
            self.reset();
        } else {
            self.state = State::Discarded(left);
        }
    }

    fn hear_body_end(&mut self, reply: Reply, took: Duration) {
        let reply = self.shortened(reply);
        let State::BodyEnd(answers) = &mut self.state else { return };
        let result = match reply.code {
            code if is_done(code) => Ok(reply.clone()),
            code if is_refusal(code) => Err(Failure::Refused(reply.clone())),
            _ => return self.unexpected(reply, took),
        };
        answers.needs_reset |= result.is_err() && answers.by_chunks;
        // RFC 2033 §4.2: LMTP answers for each recipient.
        let answered = match self.config.protocol {
            Protocol::Smtp => answers.recipients.len(),
            Protocol::Lmtp => answers.recipients.len().min(1),
        };
        let recipients: Vec<usize> = answers.recipients.drain(..answered).collect();
        let (is_last, needs_reset) = (answers.recipients.is_empty(), answers.needs_reset);
        self.settle(recipients, Stage::BodyEnd, took, &result);
        if is_closing(&reply) {
            self.fail(Error::Closing { stage: Stage::BodyEnd, reply }, took);
        } else if is_last && needs_reset {
            self.reset();
        } else if is_last {
            self.ready();
        }
    }

    fn unwelcome(&mut self, reply: Reply, took: Duration) {
        let reply = self.shortened(reply);
        self.leave(Error::Unwelcome { stage: self.stage(), reply }, took);
    }

    fn unexpected(&mut self, reply: Reply, took: Duration) {
        let reply = self.shortened(reply);
        self.fail(Error::Unexpected { stage: self.stage(), reply }, took);
    }

    fn shortened(&self, reply: Reply) -> Reply {
        reply.shortened(self.config.limits.reply_text)
    }
}

/// 2yz.
fn is_done(code: ReplyCode) -> bool {
    code.get() / 100 == 2
}

/// 4yz and 5yz.
fn is_refusal(code: ReplyCode) -> bool {
    code.is_transient() || code.is_permanent()
}

fn is_closing(reply: &Reply) -> bool {
    reply.code.get() == 421
}
