//! An application for transcripts: the maildrop of `ann`, whose password is `right`.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::testing::{App, Bench, Note, Settings};
use mailwright_core::{Stale, Ticket, TlsInfo, Uid, UidValidity};
use mailwright_pop3::server::{Expire, Limits, ask};
use mailwright_pop3::{
    AuthStep, Config, Deleted, Event, Flow, Maildrop, Message, Rejection, ResponseCode, Server,
};

/// What is in it: the second message has lines to count and dots to double, the third a unique id of its own.
const MAILS: [&str; 3] = [
    "Subject: one\r\n\r\nHello\r\n",
    "Subject: two\r\n.header: dot\r\n\r\n1\r\n.2\r\n\r\n4\r\n.\r\n6\r\n",
    "Subject: three\r\n\r\nno line end",
];

/// Orders (`A< ...`): for the next question `refuse [CODE] text`, `refuse-and-close [CODE] text`, `fail`,
/// `empty` (a maildrop without messages), `cut N` (give only so many octets of a message), `break N` (and then
/// fail), or `hold` to keep its ticket. Then `give N` the first octets of the message, `late` to answer, or
/// `too late` if the answer is to be stale.
#[derive(Default)]
pub(crate) struct TestApp {
    orders: VecDeque<Order>,
    held: Option<Held>,
}

enum Order {
    Refuse(Rejection),
    Empty,
    Cut(usize),
    Break(usize),
    Hold,
}

enum Held {
    Login(Ticket<ask::Login>),
    Auth(Ticket<ask::Auth>),
    Retrieve(Message, Ticket<ask::Retrieve>),
    Commit(Ticket<ask::Commit>),
}

pub(crate) type TestBench = Bench<Server, TestApp>;

pub(crate) fn bench(settings: &Settings) -> TestBench {
    let on = |name: &str| settings.get(name).is_some_and(|value| value == "on");
    let number = |name: &str| settings.get(name).map(|value| value.parse::<u32>().unwrap());
    let mut limits = Limits::default();
    limits.line.discard = 2000;
    limits.auth_line.max = 600;
    limits.auth_line.discard = 2000;
    limits.failed_logins = number("failed-logins").unwrap_or(limits.failed_logins);
    limits.errors = number("errors").unwrap_or(limits.errors);
    limits.idle_commands = number("idle-commands").unwrap_or(limits.idle_commands);
    limits.output = number("output").map_or(limits.output, |n| usize::try_from(n).unwrap());
    let config = Config {
        hostname: "pop.example.org".to_owned(),
        start_tls: on("starttls"),
        user_pass: settings.get("user-pass").is_none_or(|value| value == "on"),
        auth_mechanisms: settings.get("auth").map_or(vec![], |m| m.split(' ').map(str::to_owned).collect()),
        login_without_tls: on("login-without-tls"),
        expire: settings.get("expire").map(|days| days.parse().map_or(Expire::Never, Expire::Days)),
        login_delay: number("login-delay").map(|seconds| Duration::from_secs(seconds.into())),
        implementation: settings.get("implementation").cloned().unwrap_or_default(),
        limits,
        ..Config::default()
    };
    let config = Arc::new(config);
    let server = match settings.get("turn-away") {
        Some(_) => Server::turn_away(config, &Rejection::too_many_connections()),
        None => Server::new(config, on("tls").then(TlsInfo::default)),
    };
    Bench::new(server, TestApp::default(), TestBench::start())
}

pub(crate) fn maildrop() -> Maildrop {
    let mut maildrop = Maildrop::new(UidValidity::new(17).unwrap());
    let [one, two, three] = MAILS.map(|mail| mail.len() as u64);
    maildrop.push(one, Uid::new(4).unwrap());
    maildrop.push(two, Uid::new(4_294_967_295).unwrap());
    maildrop.push_named(three, "QhdPYR:00WBw1Ph7x7").unwrap();
    maildrop
}

/// Gives the first octets of a message, in pieces; stops when it is told.
fn give(
    server: &mut Server,
    message: Message,
    ticket: &Ticket<ask::Retrieve>,
    octets: usize,
) -> Result<Flow, Stale> {
    let mail = MAILS.get(message.index).unwrap().as_bytes();
    for piece in mail.get(..octets).unwrap_or(mail).chunks(7) {
        if server.retrieve(ticket, Bytes::from_static(piece))? == Flow::Enough {
            return Ok(Flow::Enough);
        }
    }
    Ok(Flow::More)
}

fn shown(deleted: &Deleted) -> String {
    let ids = deleted.messages().map(|message| match message.uid {
        Some(uid) => uid.to_string(),
        None => deleted.maildrop().unique_id(message.index).unwrap().to_string(),
    });
    ids.collect::<Vec<_>>().join(" ")
}

impl TestApp {
    fn holds(&mut self) -> bool {
        let holds = matches!(self.orders.front(), Some(Order::Hold));
        if holds {
            self.orders.pop_front();
        }
        holds
    }

    fn next<T>(&mut self, yes: T) -> Result<T, Rejection> {
        match self.orders.pop_front() {
            Some(Order::Refuse(rejection)) => Err(rejection),
            None => Ok(yes),
            Some(_) => panic!("an order for another question"),
        }
    }

    fn login(&mut self, right: bool) -> Result<Maildrop, Rejection> {
        match self.orders.pop_front() {
            Some(Order::Refuse(rejection)) => Err(rejection),
            Some(Order::Empty) => Ok(Maildrop::default()),
            None if right => Ok(maildrop()),
            None => Err(Rejection::auth_failed()),
            Some(_) => panic!("an order for another question"),
        }
    }

    fn auth(&mut self, server: &mut Server, response: Option<&[u8]>, ticket: Ticket<ask::Auth>) {
        if self.holds() {
            self.held = Some(Held::Auth(ticket));
            return;
        }
        // An exchange of one response, or two if it is "more", which is right if it is the text "right".
        let step = match response {
            None => Ok(AuthStep::Challenge(vec![])),
            Some(b"more") => Ok(AuthStep::Challenge(b"go on".to_vec())),
            Some(response) => self.login(response == b"right").map(AuthStep::Done),
        };
        server.answer(ticket, step).unwrap();
    }

    fn retrieve(&mut self, server: &mut Server, message: Message, ticket: Ticket<ask::Retrieve>) {
        if self.holds() {
            self.held = Some(Held::Retrieve(message, ticket));
            return;
        }
        let (octets, answer) = match self.orders.pop_front() {
            Some(Order::Refuse(rejection)) => (0, Err(rejection)),
            Some(Order::Cut(octets)) => (octets, Ok(())),
            Some(Order::Break(octets)) => (octets, Err(io::Error::other("the disk is on fire").into())),
            None => (usize::MAX, Ok(())),
            Some(_) => panic!("an order for another question"),
        };
        let _ = give(server, message, &ticket, octets).unwrap();
        server.answer(ticket, answer).unwrap();
    }

    fn late(&mut self, server: &mut Server) -> Result<Result<(), Stale>, String> {
        Ok(match self.held.take().ok_or("nothing is held")? {
            Held::Login(ticket) => server.answer(ticket, Ok(maildrop())),
            Held::Auth(ticket) => server.answer(ticket, Ok(AuthStep::Done(maildrop()))),
            Held::Retrieve(_, ticket) => server.answer(ticket, Ok(())),
            Held::Commit(ticket) => server.answer(ticket, Ok(())),
        })
    }
}

impl App<Server> for TestApp {
    fn event(&mut self, server: &mut Server, event: Event) -> Note {
        let text = |secret: &[u8]| match secret.len() {
            ..100 => secret.escape_ascii().to_string(),
            len => format!("({len} octets)"),
        };
        Note::Line(match event {
            Event::Login { user, password, ticket } => {
                if self.holds() {
                    self.held = Some(Held::Login(ticket));
                } else {
                    let answer = self.login(user == "ann" && password.expose() == b"right");
                    server.answer(ticket, answer).unwrap();
                }
                format!("login {} {}", text(user.as_bytes()), text(password.expose()))
            }
            Event::Auth { mechanism, initial, ticket } => {
                let initial = initial.as_ref().map(|initial| initial.expose());
                self.auth(server, initial, ticket);
                format!("auth {mechanism} initial={:?}", initial.map(text))
            }
            Event::AuthResponse { response, ticket } => {
                self.auth(server, Some(response.expose()), ticket);
                format!("auth response {}", text(response.expose()))
            }
            Event::Retrieve { message, lines, ticket } => {
                self.retrieve(server, message, ticket);
                format!("retrieve {} lines={lines:?}", message.index)
            }
            Event::Commit { deleted, ticket } => {
                if self.holds() {
                    self.held = Some(Held::Commit(ticket));
                } else {
                    let answer = self.next(());
                    server.answer(ticket, answer).unwrap();
                }
                format!("commit {}: {}", deleted.len(), shown(&deleted))
            }
            Event::Abandoned => "abandoned".to_owned(),
            Event::Refused(rejection) => format!("refused: {rejection}"),
            other => panic!("{other:?}"),
        })
    }

    fn tell(&mut self, server: &mut Server, line: &str) -> Result<(), String> {
        let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
        match order {
            "refuse" => self.orders.push_back(Order::Refuse(rejection(rest))),
            "refuse-and-close" => self.orders.push_back(Order::Refuse(rejection(rest).closing())),
            "fail" => {
                let error = io::Error::other("the disk is on fire");
                self.orders.push_back(Order::Refuse(error.into()));
            }
            "empty" => self.orders.push_back(Order::Empty),
            "cut" => self.orders.push_back(Order::Cut(rest.parse().unwrap())),
            "break" => self.orders.push_back(Order::Break(rest.parse().unwrap())),
            "hold" => self.orders.push_back(Order::Hold),
            "give" => {
                let Some(Held::Retrieve(message, ticket)) = &self.held else {
                    return Err("nothing is held".into());
                };
                let _ = give(server, *message, ticket, rest.parse().unwrap())
                    .map_err(|stale| stale.to_string())?;
            }
            "late" => self.late(server)?.map_err(|stale| stale.to_string())?,
            "too" => {
                if self.late(server)?.is_ok() {
                    return Err("the answer was taken".to_owned());
                }
            }
            _ => return Err(format!("unknown order: {line}")),
        }
        Ok(())
    }
}

fn rejection(text: &str) -> Rejection {
    use ResponseCode::{Auth, InUse, LoginDelay, SysPerm, SysTemp};
    let codes = [Auth, InUse, LoginDelay, SysTemp, SysPerm];
    let found = codes.into_iter().find_map(|code| Some((code, text.strip_prefix(&format!("[{code}] "))?)));
    match found {
        Some((code, text)) => Rejection::new(code, text.to_owned()),
        None => Rejection::new(None, text.to_owned()),
    }
}
