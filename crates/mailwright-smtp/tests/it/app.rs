//! An application for transcripts: takes everything unless it was told otherwise.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailwright_core::testing::{App, Bench, Note, Settings};
use mailwright_core::{ForwardPath, Stale, Ticket, TlsInfo};
use mailwright_smtp::server::{Etrn, Extensions, FutureRelease, Limits, Protocol, Question, Timeouts, ask};
use mailwright_smtp::{Accepted, AuthStep, Config, DateTime, Event, Rejection, Server};

/// Orders (`A< ...`): `refuse CODE X.Y.Z text` for the next question, `hold` to keep the next ticket,
/// `late` to answer the kept one; `text ...`, `line ...` and `delay SECONDS` (from the
/// start of the session) for the reply to the next question.
pub(crate) struct TestApp {
    start: Instant,
    orders: VecDeque<Order>,
    held: Option<Held>,
}

enum Order {
    Refuse(Rejection),
    Hold,
    Text(String),
    Line(String),
    Delay(Duration),
}

enum Held {
    Connect(Ticket<ask::Connect>),
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
    limits.transactions = number("transactions").map_or(100, |n| u32::try_from(n).unwrap());
    let config = Config {
        hostname: "mx.example.org".to_owned(),
        start_tls: on("starttls"),
        auth_mechanisms: settings.get("auth").map_or(vec![], |m| m.split(' ').map(str::to_owned).collect()),
        auth_without_tls: on("auth-without-tls"),
        auth_required: on("auth-required"),
        protocol: if on("lmtp") { Protocol::Lmtp } else { Protocol::Smtp },
        refuse_early_input: !on("take-early-input"),
        extensions: extensions(settings),
        limits,
        timeouts: Timeouts { body_grace: Duration::from_secs(60), body_min_rate: 1, ..Timeouts::default() },
    };
    let config = Arc::new(config);
    let server = match settings.get("turn-away") {
        Some(_) => Server::turn_away(config, &Rejection::too_many_connections()),
        None => {
            let moment = DateTime::new("2027-01-01T00:00:00Z").unwrap();
            let server = Server::new(config, on("tls").then(TlsInfo::default)).holding_until(moment);
            if on("trusted") { server.trusting() } else { server }
        }
    };
    let start = TestBench::start();
    let mut app = TestApp { start, orders: VecDeque::new(), held: None };
    for order in settings.get("first").into_iter().flat_map(|orders| orders.split(" / ")) {
        app.order(order).unwrap();
    }
    Bench::new(server, app, start)
}

/// Those of the setting `extensions` are offered, beside those that are by default; of the setting `without`, not.
fn extensions(settings: &Settings) -> Extensions {
    let mut offered = Extensions::default();
    let lists = [("extensions", true), ("without", false)];
    let words = lists.iter().flat_map(|(name, on)| {
        settings.get(*name).into_iter().flat_map(|list| list.split(' ')).map(|word| (word, *on))
    });
    for (word, on) in words {
        let text = |text: &str| on.then(|| text.to_owned());
        match word {
            "PIPELINING" => offered.pipelining = on,
            "SIZE" => offered.size = on,
            "8BITMIME" => offered.eight_bit_mime = on,
            "ENHANCEDSTATUSCODES" => offered.enhanced_status_codes = on,
            "CHUNKING" => offered.chunking = on,
            "BINARYMIME" => offered.binary_mime = on,
            "SMTPUTF8" => offered.smtp_utf8 = on,
            "DSN" => offered.dsn = on,
            "REQUIRETLS" => offered.require_tls = on,
            "LIMITS" => offered.limits = on,
            "FUTURERELEASE" => {
                offered.future_release = Some(FutureRelease { max_interval: Duration::from_secs(86_400) });
            }
            "DELIVERBY" => offered.deliver_by = Some(Duration::from_secs(60)),
            "MT-PRIORITY" => offered.mt_priority = text("MIXER"),
            "RRVS" => offered.rrvs = on,
            "NO-SOLICITING" => offered.no_soliciting = text("org.example:ADV"),
            "BURL" => offered.burl = text("imap"),
            "ETRN" => offered.etrn = on,
            "VRFY" => offered.vrfy = on,
            "EXPN" => offered.expn = on,
            other => panic!("no such extension: {other}"),
        }
    }
    offered
}

impl TestApp {
    /// Answers as the next orders say, else with `yes`.
    fn answer<Q: Question<Answer = Result<T, Rejection>>, T>(
        &mut self,
        server: &mut Server,
        ticket: Ticket<Q>,
        yes: T,
    ) {
        let answer = loop {
            match self.orders.pop_front() {
                Some(Order::Refuse(rejection)) => break Err(rejection),
                Some(Order::Hold) => panic!("this question cannot be held"),
                Some(Order::Text(text)) => server.set_text(&ticket, text).unwrap(),
                Some(Order::Line(line)) => server.add_line(&ticket, line).unwrap(),
                Some(Order::Delay(time)) => server.delay(&ticket, self.start + time).unwrap(),
                None => break Ok(yes),
            }
        };
        server.answer(ticket, answer).unwrap();
    }

    /// Answers the question that was held.
    fn late(&mut self, server: &mut Server) -> Result<(), Stale> {
        match self.held.take().unwrap() {
            Held::Connect(ticket) => server.answer(ticket, Ok(())),
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
            Event::Connect { ticket } => {
                if self.holds() {
                    self.held = Some(Held::Connect(ticket));
                } else {
                    self.answer(server, ticket, ());
                }
                "connect".to_owned()
            }
            Event::XClient { told, ticket } => {
                self.answer(server, ticket, ());
                format!("xclient {told:?}")
            }
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
                format!("mail {from}{params}")
            }
            Event::Rcpt { to, params, ticket } => {
                if to.address().is_some_and(|to| to.local() == "nobody") {
                    self.orders.push_front(Order::Refuse(Rejection::no_such_user()));
                }
                self.answer(server, ticket, ());
                match to {
                    ForwardPath::Postmaster => format!("rcpt postmaster{params}"),
                    ForwardPath::Address(to) => format!("rcpt {to:?}{params}"),
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
            Event::Burl { url, ticket } => {
                // There is one message to be had.
                let known = url == "imap://x/INBOX;UID=1";
                if !known {
                    let no = Rejection::new(554, (5, 6, 6), "IMAP URL resolution failed").unwrap();
                    self.orders.push_front(Order::Refuse(no));
                }
                self.answer(server, ticket, 100);
                format!("burl {url}")
            }
            Event::LmtpBodyEnd { size, recipients, ticket } => {
                // For the first, and for the others as it is ordered.
                let mut answers = vec![Ok(Accepted::new("delivered"))];
                while let Some(Order::Refuse(rejection)) = self.orders.pop_front() {
                    answers.push(Err(rejection));
                }
                server.answer(ticket, answers).unwrap();
                format!("body end, {size} octets for {recipients}")
            }
            Event::Vrfy { name, ticket } => {
                self.answer(server, ticket, vec![format!("Ann <{name}@example.org>")]);
                format!("vrfy {name}")
            }
            Event::Expn { name, ticket } => {
                let members = ["Ann <ann@example.org>", "Bob <bob@example.org>"];
                self.answer(server, ticket, members.map(str::to_owned).to_vec());
                format!("expn {name}")
            }
            Event::Etrn { node, ticket } => {
                let waiting = match &node[..] {
                    "nothing.example" => Etrn::Nothing,
                    "few.example" => Etrn::Pending(3),
                    _ => Etrn::Started,
                };
                self.answer(server, ticket, waiting);
                format!("etrn {node}")
            }
            Event::BodyAborted(why) => format!("body aborted: {why}"),
            Event::Reset => "reset".to_owned(),
            Event::Refused(rejection) => format!("refused {}, {}", rejection.code(), rejection.reason()),
            other => panic!("{other:?}"),
        })
    }

    fn tell(&mut self, server: &mut Server, line: &str) -> Result<(), String> {
        match line {
            "late" => self.late(server).map_err(|stale| stale.to_string()),
            "too late" => {
                self.late(server).err().map(|_| ()).ok_or_else(|| "the answer was taken".to_owned())
            }
            order => self.order(order),
        }
    }
}

impl TestApp {
    fn order(&mut self, line: &str) -> Result<(), String> {
        let order = match line.split_once(' ').unwrap_or((line, "")) {
            ("hold", "") => Order::Hold,
            ("text", text) => Order::Text(text.to_owned()),
            ("line", line) => Order::Line(line.to_owned()),
            ("delay", seconds) => {
                Order::Delay(Duration::from_secs(seconds.parse().map_err(|_| "no number")?))
            }
            ("refuse", how) => {
                let [code, enhanced, text] = how.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                    return Err("refuse CODE X.Y.Z text".to_owned());
                };
                let parts: Vec<u16> = enhanced.split('.').map(|part| part.parse().unwrap()).collect();
                let [class, subject, detail] = parts.try_into().map_err(|_| "not X.Y.Z")?;
                let enhanced = (u8::try_from(class).unwrap(), subject, detail);
                let rejection = Rejection::new(code.parse().unwrap(), enhanced, text.to_owned());
                Order::Refuse(rejection.map_err(|error| error.to_string())?)
            }
            _ => return Err(format!("unknown order: {line}")),
        };
        self.orders.push_back(order);
        Ok(())
    }
}
