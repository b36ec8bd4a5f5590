//! What the application says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::event::{Aborted, Accepted, AuthStep, Etrn, Event};
use super::machine::Server;
use super::question::Given;
use super::state::{Asked, Body, Part, Refused, Session, State, Transaction};
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::reply::fixed;

impl Server {
    #[inline]
    pub(super) fn settle(&mut self, given: Given) {
        match given {
            Given::Connect(answer) => self.settle_connect(answer),
            Given::Hello(answer) => self.settle_hello(answer),
            Given::Auth(answer) => self.settle_auth(answer),
            Given::XClient(answer) => self.settle_x_client(answer),
            Given::Mail(answer) => self.settle_mail(answer),
            Given::Rcpt(answer) => self.settle_rcpt(answer),
            Given::Data(answer) => self.settle_data(answer),
            Given::Burl(answer) => self.settle_burl(answer),
            Given::Message(answer) => self.settle_message(answer),
            Given::Deliveries(answers) => self.settle_deliveries(answers),
            Given::Vrfy(answer) | Given::Expn(answer) => self.settle_look_up(answer),
            Given::Etrn(answer) => self.settle_etrn(answer),
        }
        self.remark = None;
    }

    fn settle_connect(&mut self, answer: Result<(), Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(()) => {
                let protocol = match self.config.protocol {
                    Protocol::Smtp => " ESMTP ",
                    Protocol::Lmtp => " LMTP ",
                };
                let text = self.wanted();
                self.say_name(220, None, [protocol, text.as_deref().unwrap_or("mailwright")]);
            }
            Err(rejection) => {
                let rejection = rejection.into_greeting();
                // RFC 5321 §3.1: who is not welcome may say QUIT; 421 closes.
                self.session.is_unwelcome = true;
                self.reject_now(&rejection);
            }
        }
    }

    fn settle_hello(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Hello(hello)) = std::mem::replace(&mut self.state, State::Command) else {
            return;
        };
        if let Err(rejection) = answer {
            return self.reject_now(&rejection);
        }
        match hello.esmtp {
            true => self.offer(),
            false => self.say_name(250, None, [""; 2]),
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
                self.grant_now(fixed!(235, (2, 7, 0), "authenticated"));
            }
            Err(rejection) => self.reject_now(&rejection),
        }
    }

    fn settle_x_client(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::XClient { is_logged_in }) =
            std::mem::replace(&mut self.state, State::Command)
        else {
            return;
        };
        if answer.is_ok() {
            let Session { tls, errors, has_spoken, transactions, .. } = std::mem::take(&mut self.session);
            let authenticated = is_logged_in;
            self.session =
                Session { tls, errors, has_spoken, transactions, authenticated, ..Session::default() };
        }
        // As if the client had just connected.
        self.settle_connect(answer);
    }

    fn settle_mail(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Mail { smtp_utf8, is_binary }) =
            std::mem::replace(&mut self.state, State::Command)
        else {
            return;
        };
        match answer {
            Ok(()) => {
                self.session.transactions += 1;
                self.session.transaction =
                    Some(Transaction { recipients: 0, smtp_utf8, is_binary, content: None });
                self.grant(fixed!(250, (2, 1, 0), "sender ok"));
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
                self.grant(fixed!(250, (2, 1, 5), "recipient ok"));
            }
            Err(rejection) => self.reject(&rejection),
        }
    }

    fn settle_data(&mut self, answer: Result<(), Rejection>) {
        let State::Asked(Asked::Data(part)) = std::mem::replace(&mut self.state, State::Command) else {
            return;
        };
        match (answer, part) {
            (Ok(()), Part::All) => {
                self.say(fixed!(354, "send the message, end with a line with a single dot"));
                self.state = State::Body(Body::new());
            }
            (Ok(()), Part::Chunk { size, last }) => self.begin_chunk(size, last),
            (Ok(()), Part::Url { url, last }) => {
                self.begin_content();
                let ticket = self.ask(Asked::Burl { last });
                self.pending = Some(Event::Burl { url, ticket });
            }
            (Err(rejection), Part::Chunk { size, last }) if rejection.code().get() != 421 => {
                let replies = self.replies_due(last);
                // No other chunk may be taken for the first one.
                self.pending = self.abandon(Aborted::GivenUp);
                self.swallow(size, Refused { rejection, replies });
            }
            (Err(rejection), _) => self.reject_now(&rejection),
        }
    }

    fn settle_burl(&mut self, answer: Result<u64, Rejection>) {
        let State::Asked(Asked::Burl { last }) = std::mem::replace(&mut self.state, State::Command) else {
            return;
        };
        match answer {
            Ok(size) => self.fetched(size, last),
            Err(rejection) => {
                self.pending = self.abandon(Aborted::Unavailable);
                self.reject_now(&rejection);
            }
        }
    }

    fn settle_message(&mut self, answer: Result<Accepted, Rejection>) {
        self.end_transaction(&[answer]);
    }

    fn settle_deliveries(&mut self, answers: Vec<Result<Accepted, Rejection>>) {
        let State::Asked(Asked::Deliveries { recipients }) = &self.state else { return };
        let missing = std::iter::repeat_with(|| Err(Rejection::local_error()));
        let answers: Vec<_> = answers.into_iter().chain(missing).take(*recipients).collect();
        self.end_transaction(&answers);
    }

    fn end_transaction(&mut self, answers: &[Result<Accepted, Rejection>]) {
        self.state = State::Command;
        self.session.transaction = None;
        for answer in answers {
            match answer {
                Ok(Accepted { text }) => {
                    self.session.idle_commands = 0;
                    match self.wanted().as_deref().unwrap_or(text) {
                        "" => self.hold(fixed!(250, (2, 0, 0), "accepted")),
                        text => self.hold_text(250, Some((2, 0, 0)), text),
                    }
                }
                Err(rejection) => self.write_rejection(rejection),
            }
        }
        // Behind the last of them: a client that is not told of a recipient delivers to it again.
        for rejection in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            if matches!(self.state, State::Command) {
                self.weigh(rejection);
            }
        }
        self.output.release();
    }

    fn settle_look_up(&mut self, answer: Result<Vec<String>, Rejection>) {
        self.state = State::Command;
        self.idle();
        if !matches!(self.state, State::Command) {
            return;
        }
        match answer {
            Ok(found) if found.is_empty() => {
                self.grant_now(fixed!(252, (2, 1, 5), "send some mail, I will try my best"));
            }
            Ok(found) => {
                // One line each, and no more.
                let found: Vec<_> = found.iter().map(|name| name.replace(['\r', '\n'], " ")).collect();
                self.hold_text(250, Some((2, 1, 5)), &found.join("\n"));
                self.output.release();
            }
            Err(rejection) => self.reject_now(&rejection),
        }
    }

    fn settle_etrn(&mut self, answer: Result<Etrn, Rejection>) {
        self.state = State::Command;
        match answer {
            Ok(Etrn::Started) => self.grant_now(fixed!(250, (2, 0, 0), "queuing started")),
            Ok(Etrn::Nothing) => self.grant_now(fixed!(251, (2, 0, 0), "no messages waiting")),
            Ok(Etrn::Pending(count)) => {
                let text = self.wanted().unwrap_or_else(|| format!("{count} pending messages started"));
                self.hold_text(253, Some((2, 0, 0)), &text);
                self.output.release();
            }
            Err(rejection) => self.reject_now(&rejection),
        }
    }
}
