//! An application for transcripts: does what it is told, when it is told.

use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::testing::{App, Bench, Note, Settings};
use mailwright_core::{ForwardPath, ReversePath, Secret, Ticket, TlsInfo};
use mailwright_smtp::client::{
    Client, Config, Event, GivenUp, Limits, Outcome, Protocol, Recipient, StartTls, Transaction, Work, ask,
};
use mailwright_smtp::{Command, RcptParams};

/// Keeps the last ticket of each kind. Orders (`A< ...`):
///
/// * `send FROM [PARAMETER...], TO [PARAMETER...], ...` as in MAIL and RCPT, `reset`, `quit`
/// * `auth MECHANISM [initial]`, `respond text`, `cancel`
/// * `body text`, with `\r`, `\n`, `\0`; `lines N` for N lines of 16 octets; `more` for what there was no room for,
///   of which `left N` are the octets; `end`, `abandon`
/// * `offers text`: so it stands in what the server offers; `stale order`: its ticket is
#[derive(Default)]
pub(crate) struct TestApp {
    work: Option<Ticket<ask::Work>>,
    challenge: Option<Ticket<ask::Challenge>>,
    body: Option<Ticket<ask::Body>>,
    /// What there was no room for.
    left: Bytes,
}

pub(crate) type TestBench = Bench<Client, TestApp>;

/// Settings: `tls on`, `starttls never|required`, `lmtp on`, `pipelining off`, `chunking off`, `chunk N`, `ahead N`,
/// `output N`, `auth-without-tls on`.
pub(crate) fn bench(settings: &Settings) -> TestBench {
    let is = |name: &str, word: &str| settings.get(name).is_some_and(|value| value == word);
    let number = |name: &str, default| settings.get(name).map_or(default, |value| value.parse().unwrap());
    let limits = Limits {
        reply_line: 200,
        reply_lines: 20,
        reply: 1000,
        reply_text: 60,
        output: number("output", 4000),
        progress: 1,
        chunk: number("chunk", 16),
        chunks_ahead: number("ahead", 2),
    };
    let config = Config {
        protocol: if is("lmtp", "on") { Protocol::Lmtp } else { Protocol::Smtp },
        start_tls: match settings.get("starttls").map(String::as_str) {
            None => StartTls::Opportunistic,
            Some("never") => StartTls::Never,
            Some("required") => StartTls::Required,
            Some(other) => panic!("starttls {other}"),
        },
        auth_without_tls: is("auth-without-tls", "on"),
        pipelining: !is("pipelining", "off"),
        chunking: !is("chunking", "off"),
        limits,
        ..Config::new("me.example.net".parse().unwrap())
    };
    let client = Client::new(Arc::new(config), is("tls", "on").then(TlsInfo::default));
    Bench::new(client, TestApp::default(), TestBench::start())
}

impl TestApp {
    fn do_work(&mut self, client: &mut Client, work: Work) -> Result<(), String> {
        let ticket = self.work.take().ok_or("it is not ready")?;
        client.answer(ticket, work).map_err(|stale| stale.to_string())
    }

    fn respond(&mut self, client: &mut Client, response: Result<Secret, GivenUp>) -> Result<(), String> {
        let ticket = self.challenge.take().ok_or("there is no challenge")?;
        client.answer(ticket, response).map_err(|stale| stale.to_string())
    }

    fn end_body(&mut self, client: &mut Client, end: Result<(), GivenUp>) -> Result<(), String> {
        let ticket = self.body.take().ok_or("no content is due")?;
        client.answer(ticket, end).map_err(|stale| stale.to_string())
    }

    fn give(&mut self, client: &mut Client) -> Result<(), String> {
        let ticket = self.body.as_ref().ok_or("no content is due")?;
        client.body(ticket, &mut self.left).map_err(|stale| stale.to_string())
    }
}

impl App<Client> for TestApp {
    fn event(&mut self, _: &mut Client, event: Event) -> Note {
        Note::Line(match event {
            Event::Ready { ticket } => {
                self.work = Some(ticket);
                "ready".to_owned()
            }
            Event::Challenge { challenge, ticket } => {
                self.challenge = Some(ticket);
                format!("challenge {}", challenge.escape_ascii())
            }
            Event::Auth(Ok(())) => "authenticated".to_owned(),
            Event::Auth(Err(failure)) => format!("not authenticated: {failure}"),
            Event::Body { ticket } => {
                self.body = Some(ticket);
                "body".to_owned()
            }
            Event::Outcome(outcome) => show(&outcome),
            other => panic!("{other:?}"),
        })
    }

    fn tell(&mut self, client: &mut Client, line: &str) -> Result<(), String> {
        let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
        match order {
            "send" => self.do_work(client, Work::Send(transaction(rest))),
            "auth" => {
                let (mechanism, initial) = match rest.split_once(' ') {
                    Some((mechanism, initial)) => (mechanism, Some(initial.into())),
                    None => (rest, None),
                };
                self.do_work(client, Work::Auth { mechanism: mechanism.to_owned(), initial })
            }
            "reset" => self.do_work(client, Work::Reset),
            "quit" => self.do_work(client, Work::Quit),
            "respond" => self.respond(client, Ok(rest.into())),
            "cancel" => self.respond(client, Err(GivenUp)),
            "body" => {
                self.left = rest.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0").into();
                self.give(client)
            }
            "lines" => {
                self.left = "0123456789abcd\r\n".repeat(rest.parse().unwrap()).into();
                self.give(client)
            }
            "more" => self.give(client),
            "left" => (self.left.len().to_string() == rest)
                .then_some(())
                .ok_or_else(|| format!("{} octets are left", self.left.len())),
            "end" => self.end_body(client, Ok(())),
            "abandon" => self.end_body(client, Err(GivenUp)),
            "stale" => match self.tell(client, rest) {
                Err(error) if error.starts_with("the question was withdrawn") => Ok(()),
                other => Err(format!("not stale: {other:?}")),
            },
            "offers" => {
                let shown = format!("{:?}", client.capabilities());
                if shown.contains(rest) { Ok(()) } else { Err(shown) }
            }
            _ => Err(format!("unknown order: {line}")),
        }
    }
}

/// An outcome as one line.
pub(crate) fn show(outcome: &Outcome) -> String {
    let Outcome { recipient, stage, took, result, .. } = outcome;
    let took = if took.is_zero() { String::new() } else { format!(" after {took:?}") };
    match result {
        Ok(reply) => format!("{recipient}: taken at {stage}{took}: {reply}"),
        Err(failure) => format!("{recipient}: failed at {stage}{took}: {failure}"),
    }
}

pub(crate) fn reverse(text: &str) -> ReversePath {
    ReversePath::take(text.as_bytes()).unwrap().0
}

pub(crate) fn forward(text: &str) -> ForwardPath {
    ForwardPath::take(text.as_bytes()).unwrap().0
}

fn transaction(text: &str) -> Transaction {
    let mut words = text.split(", ");
    let mail = format!("MAIL FROM:{}", words.next().unwrap());
    let Ok(Command::Mail(from, params)) = Command::parse(mail.as_bytes()) else { panic!("{mail}") };
    let recipients = words.map(|to| match Command::parse(format!("RCPT TO:{to}").as_bytes()) {
        Ok(Command::Rcpt(to, params)) => recipient(to, params),
        other => panic!("{other:?}"),
    });
    let mut transaction = Transaction::new(from, recipients.collect());
    transaction.params = *params;
    transaction
}

fn recipient(to: ForwardPath, params: RcptParams) -> Recipient {
    Recipient { params, ..Recipient::new(to) }
}

/// A configuration for tests without transcripts.
pub(crate) fn config() -> Config {
    Config { start_tls: StartTls::Never, ..Config::new("me.example.net".parse().unwrap()) }
}
