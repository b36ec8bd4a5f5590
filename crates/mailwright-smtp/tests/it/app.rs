//! An application for transcripts: takes everything unless it was told otherwise.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::testing::{App, Bench, Note, Settings};
use mailwright_core::{ForwardPath, Stale, Ticket, TlsInfo};
use mailwright_smtp::server::{Limits, Question, Timeouts, ask};
use mailwright_smtp::{Accepted, AuthStep, Config, Event, Rejection, Server};

/// Orders (`A< ...`): `refuse CODE X.Y.Z text` for the next question, `hold` to keep the next ticket,
/// `late` to answer the kept one.
#[derive(Default)]
pub(crate) struct TestApp {
    orders: VecDeque<Order>,
    held: Option<Held>,
}

enum Order {
    Refuse(Rejection),
    Hold,
}

enum Held {
    Mail(Ticket<ask::Mail>),
    Message(Ticket<ask::Message>),
}

pub(crate) type TestBench = Bench<Server, TestApp>;

pub(crate) fn bench(settings: &Settings) -> TestBench {
    let on = |name: &str| settings.get(name).is_some_and(|value| value == "on");
    let number = |name: &str| settings.get(name).map(|value| value.parse::<u64>().unwrap());
    let mut limits = Limits { message_size: 1000, message_discard: 500, ..Limits::default() };
    limits.line.max = 512;
    limits.line.discard = 2000;
    limits.auth_line.max = 600;
    limits.auth_line.discard = 2000;
    limits.recipients = number("recipients").map_or(3, |n| usize::try_from(n).unwrap());
    limits.errors = number("errors").map_or(20, |n| u32::try_from(n).unwrap());
    limits.idle_commands = number("idle-commands").map_or(100, |n| u32::try_from(n).unwrap());
    let config = Config {
        hostname: "mx.example.org".to_owned(),
        start_tls: on("starttls"),
        auth_mechanisms: settings.get("auth").map_or(vec![], |m| m.split(' ').map(str::to_owned).collect()),
        auth_without_tls: on("auth-without-tls"),
        auth_required: on("auth-required"),
        limits,
        timeouts: Timeouts { body_grace: Duration::from_secs(60), body_min_rate: 1, ..Timeouts::default() },
    };
    let config = Arc::new(config);
    let server = match settings.get("turn-away") {
        Some(_) => Server::turn_away(config, &Rejection::too_many_connections()),
        None => Server::new(config, on("tls").then(TlsInfo::default)),
    };
    Bench::new(server, TestApp::default(), TestBench::start())
}

impl TestApp {
    /// Answers as the next order says, else with `yes`.
    fn answer<Q: Question<Answer = Result<T, Rejection>>, T>(
        &mut self,
        server: &mut Server,
        ticket: Ticket<Q>,
        yes: T,
    ) {
        let answer = match self.orders.pop_front() {
            Some(Order::Refuse(rejection)) => Err(rejection),
            Some(Order::Hold) => panic!("this question cannot be held"),
            None => Ok(yes),
        };
        server.answer(ticket, answer).unwrap();
    }

    /// Answers the question that was held.
    fn late(&mut self, server: &mut Server) -> Result<(), Stale> {
        match self.held.take().unwrap() {
            Held::Mail(ticket) => server.answer(ticket, Ok(())),
            Held::Message(ticket) => server.answer(ticket, Ok(Accepted::new("late"))),
        }
    }

    fn holds(&mut self) -> bool {
        let holds = matches!(self.orders.front(), Some(Order::Hold));
        if holds {
            self.orders.pop_front();
        }
        holds
    }
}

impl App<Server> for TestApp {
    fn event(&mut self, server: &mut Server, event: Event) -> Note {
        Note::Line(match event {
            Event::Hello { hello, ticket } => {
                self.answer(server, ticket, ());
                format!("hello {} esmtp={}", hello.name, hello.esmtp)
            }
            Event::Auth { mechanism, initial, ticket } => {
                // An exchange of one response, which is right if it is the text "right".
                let step = match initial.as_ref().map(|initial| initial.expose()) {
                    None => Ok(AuthStep::Challenge(vec![])),
                    Some(b"right") => Ok(AuthStep::Done),
                    Some(_) => Err(Rejection::auth_failed()),
                };
                server.answer(ticket, step).unwrap();
                format!(
                    "auth {mechanism} initial={:?}",
                    initial.map(|i| i.expose().escape_ascii().to_string())
                )
            }
            Event::AuthResponse { response, ticket } => {
                let right = response.expose() == b"right";
                let step = if right { Ok(AuthStep::Done) } else { Err(Rejection::auth_failed()) };
                server.answer(ticket, step).unwrap();
                format!("auth response {}", response.expose().escape_ascii())
            }
            Event::Mail { from, params, ticket } => {
                if self.holds() {
                    self.held = Some(Held::Mail(ticket));
                } else {
                    self.answer(server, ticket, ());
                }
                format!("mail {from} {params:?}")
            }
            Event::Rcpt { to, ticket, .. } => {
                if to.address().is_some_and(|to| to.local() == "nobody") {
                    self.orders.push_front(Order::Refuse(Rejection::no_such_user()));
                }
                self.answer(server, ticket, ());
                match to {
                    ForwardPath::Postmaster => "rcpt postmaster".to_owned(),
                    ForwardPath::Address(to) => format!("rcpt {to:?}"),
                }
            }
            Event::Data { ticket } => {
                self.answer(server, ticket, ());
                "data".to_owned()
            }
            Event::Body(chunk) => return Note::Body(chunk),
            Event::BodyEnd { size, ticket } => {
                if self.holds() {
                    self.held = Some(Held::Message(ticket));
                } else {
                    self.answer(server, ticket, Accepted::new("accepted as 7Q3F"));
                }
                format!("body end, {size} octets")
            }
            Event::BodyAborted(why) => format!("body aborted: {why}"),
            Event::Reset => "reset".to_owned(),
            Event::Refused(rejection) => format!("refused {}", rejection.code()),
            other => panic!("{other:?}"),
        })
    }

    fn tell(&mut self, server: &mut Server, line: &str) -> Result<(), String> {
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["hold"] => self.orders.push_back(Order::Hold),
            ["late"] => return self.late(server).map_err(|stale| stale.to_string()),
            ["too", "late"] => {
                return self.late(server).err().map(|_| ()).ok_or_else(|| "the answer was taken".to_owned());
            }
            ["refuse", code, enhanced, text] => {
                let parts: Vec<u16> = enhanced.split('.').map(|part| part.parse().unwrap()).collect();
                let [class, subject, detail] = parts.try_into().map_err(|_| "not X.Y.Z")?;
                let enhanced = (u8::try_from(class).unwrap(), subject, detail);
                let rejection = Rejection::new(code.parse().unwrap(), enhanced, text.to_owned());
                self.orders.push_back(Order::Refuse(rejection.map_err(|error| error.to_string())?));
            }
            _ => return Err(format!("unknown order: {line}")),
        }
        Ok(())
    }
}
