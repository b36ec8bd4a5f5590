use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{ForwardPath, ReversePath, Secret, Ticket, TlsInfo};
use mailwright_smtp::client::{
    Client, Config, Event, Failure, GivenUp, Limits, Protocol, Recipient, StartTls, Transaction, Work, ask,
};

use crate::machine::{App, Bench, Note, Replies, script};

const LMTP: u8 = 1;
const TLS_REQUIRED: u8 = 2;
const TLS: u8 = 4;
const SMALL_OUTPUT: u8 = 8;
const NO_PIPELINING: u8 = 16;
const NO_CHUNKING: u8 = 32;
const AUTH_WITHOUT_TLS: u8 = 64;
const SLOW: u8 = 128;

const OFFERED: &[u8] = b"250-mx\r\n250-PIPELINING\r\n250-SIZE 500\r\n250-DSN\r\n250 AUTH PLAIN\r\n";

/// The whole client machine. An octet of configuration, one of how far the session has come, one of how many
/// answers of the application follow, these, and what the server says then (see `machine::script`).
pub fn smtp_client(data: &[u8]) {
    let Some((&[flags, prelude, count], rest)) = data.split_first_chunk() else { return };
    let (answers, rest) = rest.split_at_checked(usize::from(count & 15)).unwrap_or((rest, &[]));
    let (mut flags, mut before) = (flags, vec![&b"220 mx\r\n"[..]]);
    match prelude % 6 {
        0 => before.clear(),
        1 => {}
        2 => before.push(OFFERED),
        3 => before.push(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
        4 => before.push(b"250 mx\r\n"),
        _ => {
            flags &= !TLS;
            before.extend([&b"250-mx\r\n250 STARTTLS\r\n"[..], b"220 go\r\n", OFFERED]);
        }
    }
    let mut bench = start(flags, answers);
    for bytes in before {
        bench.feed(bytes);
    }
    for step in &script(rest) {
        bench.take(step);
    }
    bench.finish();
}

fn start(flags: u8, answers: &[u8]) -> Bench<Client, Application> {
    let has = |flag: u8| flags & flag != 0;
    let config = Config {
        protocol: if has(LMTP) { Protocol::Lmtp } else { Protocol::Smtp },
        start_tls: if has(TLS_REQUIRED) { StartTls::Required } else { StartTls::Opportunistic },
        auth_without_tls: has(AUTH_WITHOUT_TLS),
        pipelining: !has(NO_PIPELINING),
        chunking: !has(NO_CHUNKING),
        limits: Limits {
            reply_line: 100,
            reply_lines: 8,
            reply: 300,
            reply_text: 50,
            output: if has(SMALL_OUTPUT) { 20 } else { 300 },
            progress: 10,
            chunk: 16,
            chunks_ahead: 2,
        },
        ..Config::new("me.example.net".parse().expect("a domain"))
    };
    let app = Application { answers: answers.iter().copied().collect(), ..Application::default() };
    let client = Client::new(Arc::new(config), has(TLS).then(TlsInfo::default));
    let mut bench = Bench::new(client, app, has(SLOW));
    bench.settle();
    bench
}

#[derive(Default)]
struct Application {
    answers: VecDeque<u8>,
    held: Option<Held>,
    /// The recipients of the message under way that have no outcome.
    open: Vec<usize>,
    /// All of its content was given.
    has_ended: bool,
}

enum Held {
    Work(Ticket<ask::Work>),
    Challenge(Ticket<ask::Challenge>),
    Body(Ticket<ask::Body>),
}

impl Application {
    /// The next answer; one that comes to an end if all are given.
    fn choose(&mut self) -> u8 {
        self.answers.pop_front().unwrap_or(7)
    }

    fn work(&mut self, client: &mut Client, ticket: Ticket<ask::Work>, choice: u8) {
        let recipient = |name: u8| {
            let address = format!("{}@example.org", char::from(b'a' + name % 26));
            Recipient::new(ForwardPath::Address(address.parse().expect("an address")))
        };
        let work = match choice % 8 {
            0..=3 => {
                let to = (0..choice / 8 % 4).map(recipient).collect();
                let mut transaction = Transaction::new(ReversePath::Null, to);
                transaction.params.size = (choice % 8 > 1).then_some(u64::from(choice) * 3);
                (self.open, self.has_ended) = ((0..transaction.recipients.len()).collect(), false);
                Work::Send(transaction)
            }
            4 => Work::Auth { mechanism: "plain".to_owned(), initial: None },
            5 => {
                let initial = Secret::new(vec![b'x'; usize::from(choice) * 3]);
                Work::Auth { mechanism: "PLAIN".to_owned(), initial: Some(initial) }
            }
            6 => Work::Reset,
            _ => Work::Quit,
        };
        client.answer(ticket, work).expect("in time");
    }

    /// Gives content: sound, then the end; or with a fault; or given up.
    fn body(&mut self, client: &mut Client, ticket: Ticket<ask::Body>, choice: u8) {
        let content = match choice % 8 {
            0..=2 => ".\r\n..text\r\n\r\n".repeat(usize::from(choice / 8)),
            3 => "a long line ".repeat(usize::from(choice / 8)),
            4 => "text\r".to_owned(),
            5 => "a\nb".to_owned(),
            6 => "a\0".to_owned(),
            _ => String::new(),
        };
        let mut content = Bytes::from(content);
        let size = content.len();
        if client.body(&ticket, &mut content).is_err() {
            return;
        }
        if !content.is_empty() && content.len() < size {
            // There was no room for all of it: the rest later, or never.
            self.held = Some(Held::Body(ticket));
        } else if choice % 8 == 7 {
            client.answer(ticket, Err(GivenUp)).expect("in time");
        } else if client.answer(ticket, Ok(())).is_ok() {
            self.has_ended = matches!(choice % 8, 0..=3);
        }
    }

    fn respond(&mut self, client: &mut Client, ticket: Ticket<ask::Challenge>, choice: u8) {
        let response = Secret::new(vec![choice; usize::from(choice)]);
        let response = if choice % 4 == 3 { Err(GivenUp) } else { Ok(response) };
        client.answer(ticket, response).expect("in time");
    }
}

impl App<Client> for Application {
    fn event(&mut self, client: &mut Client, event: Event, _: &mut Replies) -> Note {
        let choice = match &event {
            Event::Ready { .. } | Event::Challenge { .. } | Event::Body { .. } => self.choose(),
            _ => 0,
        };
        // Every eighth answer is held back.
        let holds = choice >= 224;
        Note::Line(match event {
            Event::Ready { ticket } => {
                assert!(self.open.is_empty(), "recipients without an outcome");
                if holds {
                    self.held = Some(Held::Work(ticket));
                } else {
                    self.work(client, ticket, choice);
                }
                "ready".to_owned()
            }
            Event::Challenge { challenge, ticket } => {
                if holds {
                    self.held = Some(Held::Challenge(ticket));
                } else {
                    self.respond(client, ticket, choice);
                }
                format!("challenge {challenge:?}")
            }
            Event::Auth(how) => format!("{how:?}"),
            Event::Body { ticket } => {
                assert!(!self.open.is_empty(), "content for nobody");
                if holds {
                    self.held = Some(Held::Body(ticket));
                } else {
                    self.body(client, ticket, choice);
                }
                "body".to_owned()
            }
            Event::Outcome(outcome) => {
                let at = self.open.iter().position(|open| *open == outcome.recipient);
                self.open.remove(at.expect("one outcome for each recipient"));
                match &outcome.result {
                    Ok(_) | Err(Failure::AnswerLost(_)) => {
                        assert!(self.has_ended, "{outcome:?} of a content without end");
                    }
                    Err(_) => {}
                }
                assert!(outcome.reply().is_none_or(|reply| reply.text.len() <= 50), "{outcome:?}");
                format!("{outcome:?}")
            }
            other => panic!("{other:?}"),
        })
    }

    fn late(&mut self, client: &mut Client, _: &mut Replies) {
        // Any of them may be stale by now.
        match self.held.take() {
            None => {}
            Some(Held::Work(ticket)) => {
                let _ = client.answer(ticket, Work::Quit);
            }
            Some(Held::Challenge(ticket)) => {
                let _ = client.answer(ticket, Err(GivenUp));
            }
            Some(Held::Body(ticket)) => {
                if client.body(&ticket, &mut Bytes::from("late\r\n")).is_ok()
                    && client.answer(ticket, Ok(())).is_ok()
                {
                    self.has_ended = true;
                }
            }
        }
    }

    fn input_max(&self) -> usize {
        100
    }

    fn output_max(&self) -> usize {
        // What there was room for with its dots doubled, a chunk, and one command.
        2 * 300 + 16 + 1100
    }

    fn check_sent(&self, sent: &[u8], end: Option<&str>) {
        for (at, octet) in sent.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| sent[before]);
            match octet {
                0 => panic!("NUL: {}", sent.escape_ascii()),
                b'\n' => assert_eq!(before, Some(b'\r'), "bare LF: {}", sent.escape_ascii()),
                _ => assert_ne!(before, Some(b'\r'), "bare CR: {}", sent.escape_ascii()),
            }
        }
        assert!(end.is_none() || self.open.is_empty(), "recipients without an outcome at the end");
    }
}
