use std::collections::VecDeque;
use std::sync::Arc;

use mailwright_core::{Ticket, TlsInfo};
use mailwright_smtp::server::{Limits, Question, ask};
use mailwright_smtp::{Accepted, AuthStep, Command, Config, Event, Rejection, Server};

use crate::machine::{App, Bench, Note, Replies, Said, Seen, bytes_only, check_lines, script, text};
use crate::pieces::splits;

/// Command lines: read or refused, and what is read does not depend on case or on blanks at the end.
pub fn smtp_command(data: &[u8]) {
    let parsed = Command::parse(data);
    let Ok(command) = parsed else { return };
    match &command {
        Command::Ehlo(name) | Command::Helo(name) => {
            assert!((1..=255).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_graphic()));
        }
        Command::Mail(from, params) => {
            let line = format!("MAIL FROM:{from}");
            let Ok(Command::Mail(again, _)) = Command::parse(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(&again, from);
            assert!(params.auth.as_ref().is_none_or(|auth| !auth.contains(char::is_control)));
        }
        Command::Rcpt(to, _) => {
            let line = format!("RCPT TO:{to}");
            assert_eq!(Command::parse(line.as_bytes()).as_ref(), Ok(&command), "{line}");
        }
        Command::Auth { mechanism, initial } => {
            assert!((1..=20).contains(&mechanism.len()));
            assert!(initial.is_none_or(|initial| !initial.0.is_empty() && !initial.0.contains(&b' ')));
            if let Some(initial) = initial {
                assert!(
                    !format!("{command:?}").contains(&initial.0.escape_ascii().to_string()[..])
                        || initial.0.len() < 20
                );
            }
        }
        _ => {}
    }
    let verb = data.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
    let other_case: Vec<u8> = data
        .iter()
        .enumerate()
        .map(|(at, octet)| if at >= verb { *octet } else { octet.to_ascii_lowercase() })
        .collect();
    assert_eq!(Command::parse(&other_case), Ok(command.clone()));
    assert_eq!(Command::parse(&[data, b"  "].concat()), Ok(command));
}

const START_TLS: u8 = 1;
const AUTH: u8 = 2;
const AUTH_WITHOUT_TLS: u8 = 4;
const AUTH_REQUIRED: u8 = 8;
const TLS: u8 = 16;
const SMALL_OUTPUT: u8 = 32;
const FEW_ERRORS: u8 = 64;
const SLOW: u8 = 128;

/// The whole server machine. An octet of configuration, one of how far the session has come, one of how many
/// answers of the application follow, these, and what happens then (see `machine::script`).
pub fn smtp_server(data: &[u8]) {
    let Some((&[flags, prelude, count], rest)) = data.split_first_chunk() else { return };
    let (answers, rest) = rest.split_at_checked(usize::from(count & 15)).unwrap_or((rest, &[]));
    let (mut flags, mut before) = (flags, vec![]);
    match prelude % 6 {
        0 => {}
        1 => before.push(&b"EHLO c.example\r\n"[..]),
        2 => before.push(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\n"),
        3 => before.push(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
        4 => {
            flags = flags & !TLS | START_TLS;
            before.extend([&b"EHLO c\r\nSTARTTLS\r\n"[..], b"EHLO c\r\n"]);
        }
        _ => {
            flags |= AUTH | AUTH_WITHOUT_TLS;
            before.push(b"EHLO c\r\nAUTH LOGIN\r\n");
        }
    }
    if (2..=3).contains(&(prelude % 6)) {
        flags &= !AUTH_REQUIRED;
    }
    let steps = script(rest);
    let mut bench = start(flags, flags & SLOW != 0, &before, answers, true);
    for step in &steps {
        bench.take(step);
    }
    bench.finish();

    // No time passes, and nothing is checked that depends on what has arrived: any split is the same.
    let tls_may_begin = flags & (START_TLS | TLS) == START_TLS && prelude % 6 != 4;
    let Some(bytes) = bytes_only(&steps).filter(|_| !tls_may_begin) else { return };
    let [whole, cut, octets] = splits(&bytes, count).map(|pieces| {
        let mut bench = start(flags, false, &before, answers, false);
        pieces.iter().for_each(|piece| bench.feed(piece));
        bench.take(&crate::machine::Step::Eof);
        bench.finish()
    });
    same(&cut, &whole);
    same(&octets, &whole);
}

fn same(left: &Seen, right: &Seen) {
    assert_eq!(left.notes, right.notes);
    assert_eq!(left.sent.escape_ascii().to_string(), right.sent.escape_ascii().to_string());
    assert_eq!(left.end, right.end);
}

fn start(
    flags: u8,
    is_slow: bool,
    before: &[&[u8]],
    answers: &[u8],
    may_hold: bool,
) -> Bench<Server, Application> {
    let has = |flag: u8| flags & flag != 0;
    let mut limits = Limits { message_size: 600, message_discard: 300, recipients: 3, ..Limits::default() };
    (limits.line.max, limits.line.discard) = (100, 300);
    (limits.auth_line.max, limits.auth_line.discard) = (120, 300);
    limits.idle_commands = 10;
    limits.errors = if has(FEW_ERRORS) { 2 } else { 20 };
    if has(SMALL_OUTPUT) {
        limits.output = 48;
    }
    let config = Arc::new(Config {
        hostname: "mx.example.org".to_owned(),
        start_tls: has(START_TLS),
        auth_mechanisms: if has(AUTH) { vec!["PLAIN".to_owned(), "LOGIN".to_owned()] } else { vec![] },
        auth_without_tls: has(AUTH_WITHOUT_TLS),
        auth_required: has(AUTH_REQUIRED),
        limits,
        ..Config::default()
    });
    let app = Application { config: Arc::clone(&config), ..Application::default() };
    let mut bench = Bench::new(Server::new(config, has(TLS).then(TlsInfo::default)), app, is_slow);
    bench.settle();
    for bytes in before {
        bench.feed(bytes);
    }
    bench.app.answers = answers.iter().copied().collect();
    bench.app.may_hold = may_hold;
    bench
}

#[derive(Default)]
struct Application {
    config: Arc<Config>,
    answers: VecDeque<u8>,
    may_hold: bool,
    held: Option<Held>,
    /// Octets of the body that is coming.
    body: Option<usize>,
    /// It must not be used.
    aborted: bool,
}

enum Held {
    Hello(Ticket<ask::Hello>),
    Auth(Ticket<ask::Auth>),
    Mail(Ticket<ask::Mail>),
    Rcpt(Ticket<ask::Rcpt>),
    Data(Ticket<ask::Data>),
    Message(Ticket<ask::Message>),
}

impl Application {
    fn answer<Q, T>(
        &mut self,
        server: &mut Server,
        replies: &mut Replies,
        ticket: Ticket<Q>,
        hold: fn(Ticket<Q>) -> Held,
        yes: (T, &'static str),
    ) where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        let choice = self.answers.pop_front().unwrap_or(0);
        let (code, enhanced) = match choice % 8 {
            0..=3 => {
                replies.next(Said::This(yes.1));
                return server.answer(ticket, Ok(yes.0)).expect("in time");
            }
            4 if self.may_hold => {
                self.held = Some(hold(ticket));
                return;
            }
            4 | 5 => (451, (4, 3, 0)),
            6 => (550, (5, 7, 1)),
            _ => (421, (4, 3, 2)),
        };
        replies.next(Said::Not("2"));
        replies.next(Said::Not("3"));
        let rejection = Rejection::new(code, enhanced, text(choice / 8)).expect("a rejection");
        server.answer(ticket, Err(rejection)).expect("in time");
    }
}

impl App<Server> for Application {
    fn event(&mut self, server: &mut Server, event: Event, replies: &mut Replies) -> Note {
        let in_body = self.body.is_some();
        Note::Line(match event {
            Event::Hello { hello, ticket } => {
                self.answer(server, replies, ticket, Held::Hello, ((), "250"));
                format!("{hello:?}")
            }
            Event::Auth { mechanism, initial, ticket } => {
                assert!(self.config.auth_mechanisms.contains(&mechanism));
                assert!(self.config.auth_without_tls || server.tls().is_some());
                let step = match &initial {
                    None => (AuthStep::Challenge(b"User Name\0".to_vec()), "334 "),
                    Some(_) => (AuthStep::Done, "235"),
                };
                self.answer(server, replies, ticket, Held::Auth, step);
                format!("auth {mechanism} {:?}", initial.map(|initial| initial.expose().to_vec()))
            }
            Event::AuthResponse { response, ticket } => {
                let step = match response.expose() {
                    b"more" => (AuthStep::Challenge(vec![]), "334 "),
                    _ => (AuthStep::Done, "235"),
                };
                self.answer(server, replies, ticket, Held::Auth, step);
                format!("response {:?}", response.expose())
            }
            Event::Mail { from, params, ticket } => {
                assert!(!self.config.auth_required || server.is_authenticated());
                self.answer(server, replies, ticket, Held::Mail, ((), "250"));
                format!("mail {from} {params:?}")
            }
            Event::Rcpt { to, params, ticket } => {
                self.answer(server, replies, ticket, Held::Rcpt, ((), "250"));
                format!("rcpt {to} {params:?}")
            }
            Event::Data { ticket } => {
                self.answer(server, replies, ticket, Held::Data, ((), "354"));
                (self.body, self.aborted) = (Some(0), false);
                return Note::Line("data".to_owned());
            }
            Event::Body(chunk) => {
                assert!(!self.aborted && !chunk.is_empty(), "a body that must not be used");
                assert!(chunk.iter().all(|octet| *octet != 0));
                let size = self.body.as_mut().expect("DATA was asked for");
                *size += chunk.len();
                assert!(*size as u64 <= self.config.limits.message_size);
                return Note::Body(chunk.to_vec());
            }
            Event::BodyEnd { size, ticket } => {
                assert!(in_body && !self.aborted, "a body that must not be used has an end");
                assert_eq!(self.body.take().map(|size| size as u64), Some(size));
                let accepted = Accepted::new(text(self.answers.front().copied().unwrap_or(0) / 8));
                self.answer(server, replies, ticket, Held::Message, (accepted, "250"));
                format!("end {size}")
            }
            Event::BodyAborted(why) => {
                assert!(in_body && !self.aborted, "aborted twice");
                self.aborted = true;
                // Whatever comes next, it is not that the message was accepted.
                replies.next(Said::Not("2"));
                format!("aborted: {why}")
            }
            Event::Reset => "reset".to_owned(),
            Event::Refused(rejection) => format!("refused {rejection}"),
            other => panic!("{other:?}"),
        })
    }

    fn late(&mut self, server: &mut Server, _: &mut Replies) {
        let queued = mailwright_core::Machine::output(server).len();
        let taken = match self.held.take() {
            None => return,
            Some(Held::Hello(ticket)) => server.answer(ticket, Ok(())),
            Some(Held::Auth(ticket)) => server.answer(ticket, Ok(AuthStep::Done)),
            Some(Held::Mail(ticket)) => server.answer(ticket, Ok(())),
            Some(Held::Rcpt(ticket)) => server.answer(ticket, Ok(())),
            Some(Held::Data(ticket)) => server.answer(ticket, Ok(())),
            Some(Held::Message(ticket)) => server.answer(ticket, Ok(Accepted::default())),
        };
        let says = mailwright_core::Machine::output(server).len() > queued;
        assert_eq!(taken.is_ok(), says, "a stale answer changes nothing, another is told");
    }

    fn input_max(&self) -> usize {
        self.config.limits.auth_line.max
    }

    fn output_max(&self) -> usize {
        // And one reply.
        self.config.limits.output + 2048
    }

    fn check_sent(&self, sent: &[u8], _: Option<&str>) {
        check_lines(sent);
        for line in sent.split_inclusive(|&octet| octet == b'\n') {
            assert!(matches!(line, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]));
        }
    }
}
