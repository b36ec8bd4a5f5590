use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{Machine, Ticket, TlsInfo, Uid, UidValidity};
use mailwright_pop3::server::{Limits, Question, ask};
use mailwright_pop3::{
    AuthStep, Command, Config, Event, Flow, Maildrop, Message, Rejection, ResponseCode, Server,
};

use crate::machine::{App, Bench, Note, Replies, Said, Seen, Step, bytes_only, check_lines, script, text};
use crate::pieces::splits;

/// Command lines: read or refused, and what is read does not depend on case.
pub fn pop3_command(data: &[u8]) {
    let Ok(command) = Command::parse(data) else { return };
    match &command {
        Command::User(name) => {
            assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()))
        }
        Command::Pass(password) => {
            assert!(data.ends_with(password.0) && !password.0.iter().any(u8::is_ascii_control));
        }
        Command::Auth { mechanism, initial } => {
            assert!((1..=20).contains(&mechanism.len()));
            assert!(initial.is_none_or(|initial| !initial.0.is_empty() && !initial.0.contains(&b' ')));
        }
        Command::Retr(number) => again(&command, &format!("RETR {number}")),
        Command::Dele(number) => again(&command, &format!("DELE {number}")),
        Command::List(Some(number)) => again(&command, &format!("LIST {number}")),
        Command::Uidl(Some(number)) => again(&command, &format!("UIDL {number}")),
        Command::Top(number, lines) => again(&command, &format!("TOP {number} {lines}")),
        _ => {}
    }
    let keyword = data.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
    let mut other_case = data.to_vec();
    other_case[..keyword].make_ascii_lowercase();
    assert_eq!(Command::parse(&other_case), Ok(command));
}

fn again(command: &Command<'_>, line: &str) {
    assert_eq!(Command::parse(line.as_bytes()).as_ref(), Ok(command), "{line}");
}

const START_TLS: u8 = 1;
const AUTH: u8 = 2;
const LOGIN_WITHOUT_TLS: u8 = 4;
const NO_USER_PASS: u8 = 8;
const TLS: u8 = 16;
const SMALL_OUTPUT: u8 = 32;
const FEW_ERRORS: u8 = 64;
const SLOW: u8 = 128;

/// Of the third, line ends and NUL are as no sender may send them, but as a store may have them.
const MAILS: [&str; 3] = [
    "Subject: one\r\n\r\nHello\r\n",
    "Subject: two\r\n.header: dot\r\n\r\n1\r\n.2\r\n\r\n4\r\n.\r\n6\r\n",
    "Subject: three\n\r\0.\n\n.\r\rno line end",
];

/// The whole server machine, in the shape of `smtp_server`.
pub fn pop3_server(data: &[u8]) {
    let Some((&[flags, prelude, count], rest)) = data.split_first_chunk() else { return };
    let (answers, rest) = rest.split_at_checked(usize::from(count & 15)).unwrap_or((rest, &[]));
    let (mut flags, mut before) = (flags, vec![]);
    match prelude % 6 {
        0 => {}
        1 => {
            flags = flags & !NO_USER_PASS | LOGIN_WITHOUT_TLS;
            before.push(&b"USER ann\r\n"[..]);
        }
        2 => {
            flags = flags & !NO_USER_PASS | LOGIN_WITHOUT_TLS;
            before.push(b"USER ann\r\nPASS right\r\n");
        }
        3 => {
            flags = flags & !NO_USER_PASS | LOGIN_WITHOUT_TLS;
            before.push(b"USER ann\r\nPASS right\r\nDELE 1\r\n");
        }
        4 => {
            flags = flags & !TLS | START_TLS;
            before.push(b"STLS\r\n");
        }
        _ => {
            flags |= AUTH | LOGIN_WITHOUT_TLS;
            before.push(b"AUTH LOGIN\r\n");
        }
    }
    let steps = script(rest);
    let mut bench = start(flags, flags & SLOW != 0, &before, answers, true);
    for step in &steps {
        bench.take(step);
    }
    bench.finish();

    let tls_may_begin = flags & (START_TLS | TLS) == START_TLS && prelude % 6 != 4;
    let Some(bytes) = bytes_only(&steps).filter(|_| !tls_may_begin) else { return };
    let [whole, cut, octets] = splits(&bytes, count).map(|pieces| {
        let mut bench = start(flags, false, &before, answers, false);
        pieces.iter().for_each(|piece| bench.feed(piece));
        bench.take(&Step::Eof);
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
    let mut limits = Limits::default();
    (limits.line.max, limits.line.discard) = (60, 200);
    (limits.auth_line.max, limits.auth_line.discard) = (100, 300);
    (limits.failed_logins, limits.idle_commands) = (3, 10);
    limits.errors = if has(FEW_ERRORS) { 2 } else { 20 };
    limits.output = if has(SMALL_OUTPUT) { 20 } else { 1000 };
    let config = Arc::new(Config {
        hostname: "pop.example.org".to_owned(),
        start_tls: has(START_TLS),
        user_pass: !has(NO_USER_PASS),
        auth_mechanisms: if has(AUTH) { vec!["PLAIN".to_owned(), "LOGIN".to_owned()] } else { vec![] },
        login_without_tls: has(LOGIN_WITHOUT_TLS),
        limits,
        ..Config::default()
    });
    let app = Application {
        config: Arc::clone(&config),
        may_have_tls: has(TLS) || has(START_TLS),
        ..Application::default()
    };
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
    /// TLS was on from the start, or may have come since.
    may_have_tls: bool,
    /// The session has a maildrop, and has not said what becomes of it.
    is_open: bool,
}

enum Held {
    Login(Ticket<ask::Login>),
    Auth(Ticket<ask::Auth>),
    Retrieve(Ticket<ask::Retrieve>),
    Commit(Ticket<ask::Commit>),
}

fn maildrop() -> Maildrop {
    let mut maildrop = Maildrop::new(UidValidity::new(17).expect("not zero"));
    maildrop.push(MAILS[0].len() as u64, Uid::FIRST);
    maildrop.push(MAILS[1].len() as u64, Uid::new(u32::MAX).expect("not zero"));
    maildrop.push_named(MAILS[2].len() as u64, "~".repeat(70)).expect("a unique id");
    maildrop
}

impl Application {
    /// No, if that is what comes next.
    fn refusal(choice: u8) -> Rejection {
        let code = [None, Some(ResponseCode::InUse), Some(ResponseCode::SysTemp)][usize::from(choice % 3)];
        let rejection = Rejection::new(code, text(choice / 8));
        if choice % 8 == 7 { rejection.closing() } else { rejection }
    }

    fn answer<Q, T>(
        &mut self,
        server: &mut Server,
        replies: &mut Replies,
        ticket: Ticket<Q>,
        hold: fn(Ticket<Q>) -> Held,
        (yes, said): (T, &'static str),
    ) -> bool
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        let choice = self.answers.pop_front().unwrap_or(0);
        match choice % 8 {
            0..=3 => {
                replies.next(Said::This(said));
                server.answer(ticket, Ok(yes)).expect("in time");
                true
            }
            4 if self.may_hold => {
                self.held = Some(hold(ticket));
                false
            }
            _ => {
                replies.next(Said::This("-ERR"));
                server.answer(ticket, Err(Self::refusal(choice))).expect("in time");
                false
            }
        }
    }

    fn give(
        &mut self,
        server: &mut Server,
        replies: &mut Replies,
        message: Message,
        ticket: Ticket<ask::Retrieve>,
    ) {
        let choice = self.answers.pop_front().unwrap_or(0);
        let mail = Bytes::from_static(MAILS[message.index].as_bytes());
        let len = match choice % 8 {
            0..=3 => mail.len(),
            4 if self.may_hold => {
                self.held = Some(Held::Retrieve(ticket));
                return;
            }
            // Too little, then yes or no.
            _ => usize::from(choice / 8) % mail.len(),
        };
        for piece in mail[..len].chunks(usize::from(choice / 8) + 1) {
            if server.retrieve(&ticket, mail.slice_ref(piece)).expect("in time") == Flow::Enough {
                break;
            }
        }
        let answer = match choice % 8 {
            0..=3 => {
                replies.next(Said::This("+OK"));
                Ok(())
            }
            4 | 5 => Ok(()),
            _ => Err(Self::refusal(choice)),
        };
        server.answer(ticket, answer).expect("in time");
    }
}

impl App<Server> for Application {
    fn event(&mut self, server: &mut Server, event: Event, replies: &mut Replies) -> Note {
        let is_private = self.config.login_without_tls || self.may_have_tls;
        Note::Line(match event {
            Event::Login { user, password, ticket } => {
                assert!(!self.is_open && is_private && self.config.user_pass);
                self.is_open = self.answer(server, replies, ticket, Held::Login, (maildrop(), "+OK"));
                format!("login {user} {:?}", password.expose())
            }
            Event::Auth { mechanism, initial, ticket } => {
                assert!(!self.is_open && is_private && self.config.auth_mechanisms.contains(&mechanism));
                match &initial {
                    None => {
                        let step = (AuthStep::Challenge(b"User Name\0".to_vec()), "+ ");
                        self.answer(server, replies, ticket, Held::Auth, step);
                    }
                    Some(_) => {
                        let step = (AuthStep::Done(maildrop()), "+OK");
                        self.is_open = self.answer(server, replies, ticket, Held::Auth, step);
                    }
                }
                format!("auth {mechanism} {:?}", initial.map(|initial| initial.expose().to_vec()))
            }
            Event::AuthResponse { response, ticket } => {
                assert!(!self.is_open);
                if response.expose() == b"more" {
                    let step = (AuthStep::Challenge(vec![]), "+ ");
                    self.answer(server, replies, ticket, Held::Auth, step);
                } else {
                    let step = (AuthStep::Done(maildrop()), "+OK");
                    self.is_open = self.answer(server, replies, ticket, Held::Auth, step);
                }
                format!("response {:?}", response.expose())
            }
            Event::Retrieve { message, lines, ticket } => {
                assert!(self.is_open);
                self.give(server, replies, message, ticket);
                format!("retrieve {message:?} {lines:?}")
            }
            Event::Commit { deleted, ticket } => {
                assert!(std::mem::take(&mut self.is_open), "deleted from no maildrop");
                let indexes: Vec<_> = deleted.messages().map(|message| message.index).collect();
                assert!(indexes.len() == deleted.len() && indexes.is_sorted());
                self.answer(server, replies, ticket, Held::Commit, ((), "+OK"));
                format!("commit {indexes:?}")
            }
            Event::Abandoned => {
                assert!(std::mem::take(&mut self.is_open), "no maildrop is abandoned");
                "abandoned".to_owned()
            }
            Event::Refused(rejection) => format!("refused {rejection}"),
            other => panic!("{other:?}"),
        })
    }

    fn late(&mut self, server: &mut Server, _: &mut Replies) {
        let queued = server.output().len();
        let (taken, opens) = match self.held.take() {
            None => return,
            Some(Held::Login(ticket)) => (server.answer(ticket, Ok(maildrop())), true),
            Some(Held::Auth(ticket)) => (server.answer(ticket, Ok(AuthStep::Done(maildrop()))), true),
            Some(Held::Retrieve(ticket)) => (server.answer(ticket, Err(Rejection::broken())), false),
            Some(Held::Commit(ticket)) => (server.answer(ticket, Ok(())), false),
        };
        let says = server.output().len() > queued;
        assert_eq!(taken.is_ok(), says, "a stale answer changes nothing, another is told");
        self.is_open |= opens && taken.is_ok();
    }

    fn input_max(&self) -> usize {
        self.config.limits.auth_line.max
    }

    fn output_max(&self) -> usize {
        // And a reply, or a message.
        self.config.limits.output + 2048
    }

    fn check_sent(&self, sent: &[u8], end: Option<&str>) {
        // A message that is not sent whole may stop anywhere: that the connection ends is all that tells.
        let is_cut = end.is_some_and(|end| end.starts_with("a message was not sent whole"));
        let whole_lines = sent.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
        check_lines(if is_cut { &sent[..whole_lines] } else { sent });
        assert!(sent.starts_with(b"+OK ") || sent.starts_with(b"-ERR "));
    }
}
