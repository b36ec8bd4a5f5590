//! What the client says.

use std::fmt::Display;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use mailwright_core::Secret;

use super::content::Content;
use super::error::Error;
use super::event::{AuthFailure, Event, Work};
use super::machine::{Client, Session, Timer};
use super::outcome::Failure;
use super::stage::Stage;
use super::state::{Answers, Auth, Envelope, Message, Say, State, Step, Verb};
use super::transaction::Transaction;

/// Octets of a command, CRLF included (RFC 5321 §4.5.3.1.4), above which a SASL mechanism's first word waits to
/// be asked for (RFC 4954 §4).
const COMMAND_MAX: usize = 512;

impl Client {
    pub(super) fn put(&mut self, command: impl Display) {
        use std::fmt::Write as _;
        // Writing to an `Output` cannot fail.
        let _ = write!(self.output, "{command}\r\n");
    }

    pub(super) fn say(&mut self, input: &mut BytesMut, now: Instant) {
        let State::Saying(say) = std::mem::replace(&mut self.state, State::Closed) else { return };
        if !matches!(say, Say::Quit) && !self.replies.is_at_start(input) {
            self.state = State::Saying(say);
            return self.unasked(input, now);
        }
        self.since = None;
        self.timers.clear(Timer::Peer);
        match say {
            Say::Hello(verb) => self.say_hello(verb),
            Say::StartTls => {
                self.put("STARTTLS");
                self.state = State::StartTls;
            }
            Say::Work(Work::Send(transaction)) => self.send(transaction),
            Say::Work(Work::Auth { mechanism, initial }) => self.auth(&mechanism, initial),
            Say::Response(Ok(response)) => {
                self.put_secret("", &response);
                self.state = State::Auth(Auth::Open { withheld: None });
            }
            Say::Response(Err(why)) => {
                self.put("*");
                self.state = State::Auth(Auth::Cancelled(why));
            }
            Say::Work(Work::Reset) | Say::Reset => {
                self.put("RSET");
                self.state = State::Reset;
            }
            Say::Work(Work::Quit) | Say::Quit => {
                self.put("QUIT");
                self.state = State::Quit;
            }
        }
    }

    fn say_hello(&mut self, verb: Verb) {
        let word = match verb {
            Verb::Ehlo => "EHLO",
            Verb::Helo => "HELO",
            Verb::Lhlo => "LHLO",
        };
        let name = self.config.name.clone();
        self.put(format_args!("{word} {name}"));
        self.state = State::Hello(verb);
    }

    fn put_secret(&mut self, before: &str, secret: &Secret) {
        let text = Secret::new(BASE64.encode(secret.expose()).into_bytes());
        self.output.put(before.as_bytes());
        self.output.put(text.expose());
        self.output.put(b"\r\n");
    }

    fn auth(&mut self, mechanism: &str, initial: Option<Secret>) {
        let offered = self.session.capabilities.auth.iter();
        let Some(mechanism) = offered.clone().find(|name| name.eq_ignore_ascii_case(mechanism)) else {
            return self.auth_ended(Err(AuthFailure::NotOffered));
        };
        if self.session.tls.is_none() && !self.config.auth_without_tls {
            return self.auth_ended(Err(AuthFailure::NoTls));
        }
        let command = format!("AUTH {mechanism}");
        let withheld = match initial {
            None => {
                self.put(command);
                None
            }
            Some(initial) if initial.expose().is_empty() => {
                self.put(format_args!("{command} ="));
                None
            }
            Some(initial) if command.len() + initial.expose().len().div_ceil(3) * 4 + 3 > COMMAND_MAX => {
                self.put(command);
                Some(initial)
            }
            Some(initial) => {
                self.put_secret(&format!("{command} "), &initial);
                None
            }
        };
        self.state = State::Auth(Auth::Open { withheld });
    }

    pub(super) fn auth_ended(&mut self, how: Result<(), AuthFailure>) {
        self.session.authenticated = how.is_ok();
        self.events.push_back(Event::Auth(how));
        self.ready();
    }

    fn send(&mut self, mut transaction: Transaction) {
        let Session { capabilities, tls, transactions, .. } = &self.session;
        transaction.leave_out_hints(capabilities);
        let verdicts = match transaction.check(capabilities, tls.is_some(), *transactions) {
            Ok(()) => transaction.check_recipients(capabilities),
            Err(why) => vec![Err(why); transaction.recipients.len()],
        };
        let mut asked = Vec::with_capacity(verdicts.len());
        for (place, verdict) in verdicts.into_iter().enumerate() {
            match verdict {
                Ok(()) => asked.push(place),
                Err(why) => {
                    self.settle([place], Stage::Mail, Duration::ZERO, &Err(Failure::Unsendable(why)));
                }
            }
        }
        if asked.is_empty() {
            return self.ready();
        }
        self.session.transactions = self.session.transactions.saturating_add(1);
        // RFC 3030 §3: there is no other way for what is binary.
        let may_chunk = self.config.chunking || transaction.is_binary();
        let by_chunks = may_chunk && self.session.capabilities.chunking;
        self.state = State::Envelope(Envelope::new(transaction, asked, by_chunks));
    }

    /// Nothing is under way.
    pub(super) fn ready(&mut self) {
        if self.shutdown {
            self.state = State::Saying(Say::Quit);
            return;
        }
        self.state = State::Idle;
        let ticket = self.desk.open();
        self.events.push_back(Event::Ready { ticket });
    }

    /// A transaction ended without a message, and the server is to forget it (RFC 5321 §4.1.1.5).
    pub(super) fn reset(&mut self) {
        self.state = State::Saying(if self.shutdown { Say::Quit } else { Say::Reset });
    }

    /// Says what may be said now, without an answer to what was said before. Says whether the state is another.
    pub(super) fn go_on(&mut self, input: &mut BytesMut, now: Instant) -> bool {
        match &self.state {
            State::Envelope(_) => return self.say_envelope(input, now),
            State::Ending(_, Err(error)) => {
                let (error, took) = (error.clone(), self.waited(now));
                self.fail(error, took);
            }
            State::Ending(message, Ok(())) if message.content.unanswered() == 0 => {
                match message.content.check_end() {
                    Err(fault) => {
                        let took = self.waited(now);
                        self.fail(Error::Content(fault), took);
                    }
                    Ok(()) if !self.replies.is_at_start(input) => self.unasked(input, now),
                    Ok(()) => self.finish_body(),
                }
            }
            _ => return false,
        }
        true
    }

    /// Says the next commands of an envelope: one, or a group (RFC 2920 §3.1).
    fn say_envelope(&mut self, input: &mut BytesMut, now: Instant) -> bool {
        let is_grouped = self.is_grouped();
        while let State::Envelope(envelope) = &mut self.state {
            if self.output.room() == 0 || envelope.waits() && !is_grouped {
                break;
            }
            let Some(step) = envelope.next() else { break };
            if !envelope.waits() && !self.replies.is_at_start(input) {
                self.unasked(input, now);
                return true;
            }
            let command = match step {
                Step::Mail(transaction) => transaction.to_string(),
                Step::Rcpt(recipient) => recipient.to_string(),
                Step::Data => "DATA".to_owned(),
            };
            envelope.said += 1;
            self.put(command);
        }
        false
    }

    /// Whether the peer takes commands ahead of their answers, and is to be given them.
    pub(super) fn is_grouped(&self) -> bool {
        self.config.pipelining && self.session.capabilities.pipelining
    }

    pub(super) fn begin_body(&mut self, recipients: Vec<usize>, content: Content) {
        self.state = State::Body(Message { recipients, content });
        let ticket = self.desk.open();
        self.events.push_back(Event::Body { ticket });
    }

    fn finish_body(&mut self) {
        let State::Ending(message, _) = std::mem::replace(&mut self.state, State::Closed) else { return };
        let by_chunks = message.content.is_chunked();
        message.content.finish(&mut self.output);
        self.since = None;
        self.timers.clear(Timer::Peer);
        let recipients = message.recipients.into();
        self.state = State::BodyEnd(Answers { recipients, needs_reset: false, by_chunks });
    }
}
