//! An application that sends some messages and quits.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::Ticket;
use mailwright_core::testing::{App, Bench, Note, Seen};
use mailwright_smtp::Body;
use mailwright_smtp::client::{Client, Config, Event, Outcome, Recipient, Transaction, Work, ask};

use crate::app::{forward, reverse, show};

/// A message, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) to: Vec<&'static str>,
    pub(crate) content: Vec<u8>,
    pub(crate) body: Option<Body>,
}

impl Job {
    pub(crate) fn new(to: &[&'static str], content: impl Into<Vec<u8>>) -> Self {
        Self { to: to.to_vec(), content: content.into(), body: None }
    }
}

pub(crate) struct Sender {
    jobs: VecDeque<Job>,
    /// Octets of a piece of content.
    step: usize,
    body: Option<Ticket<ask::Body>>,
    piece: Bytes,
    left: Bytes,
    /// What became of each message that was begun.
    pub(crate) outcomes: Vec<Vec<Outcome>>,
}

pub(crate) type Sending = Bench<Client, Sender>;

/// A client with `jobs`, whose content is given in pieces of `step`.
pub(crate) fn sending(config: Config, jobs: &[Job], step: usize) -> Sending {
    let app = Sender {
        jobs: jobs.iter().cloned().collect(),
        step,
        body: None,
        piece: Bytes::new(),
        left: Bytes::new(),
        outcomes: vec![],
    };
    Bench::new(Client::new(Arc::new(config), None), app, Sending::start())
}

impl Sender {
    /// Gives content, as much as there is room for; says whether anything was given.
    fn push(&mut self, client: &mut Client) -> bool {
        let Some(ticket) = self.body.take() else { return false };
        let mut has_given = false;
        loop {
            if self.piece.is_empty() {
                self.piece = self.left.split_to(self.step.min(self.left.len()));
            }
            if self.piece.is_empty() {
                return client.answer(ticket, Ok(())).is_ok();
            }
            let size = self.piece.len();
            if client.body(&ticket, &mut self.piece).is_err() {
                return true;
            }
            if self.piece.len() == size {
                self.body = Some(ticket);
                return has_given;
            }
            has_given = true;
        }
    }
}

impl App<Client> for Sender {
    fn event(&mut self, client: &mut Client, event: Event) -> Note {
        Note::Line(match event {
            Event::Ready { ticket } => {
                let work = match self.jobs.pop_front() {
                    None => Work::Quit,
                    Some(job) => {
                        let to = job.to.iter().map(|to| Recipient::new(forward(to))).collect();
                        self.left = job.content.into();
                        self.outcomes.push(vec![]);
                        let mut transaction = Transaction::new(reverse("<from@example.net>"), to);
                        transaction.params.body = job.body;
                        Work::Send(transaction)
                    }
                };
                client.answer(ticket, work).unwrap();
                "ready".to_owned()
            }
            Event::Body { ticket } => {
                self.body = Some(ticket);
                self.piece = Bytes::new();
                "body".to_owned()
            }
            Event::Outcome(outcome) => {
                let shown = show(&outcome);
                self.outcomes.last_mut().unwrap().push(outcome);
                shown
            }
            other => panic!("{other:?}"),
        })
    }
}

/// Lets the client go on until it waits for the server; gives what was seen.
pub(crate) fn go(bench: &mut Sending) -> Vec<Seen> {
    let mut seen = bench.settle();
    while !bench.is_over() && bench.app.push(&mut bench.machine) {
        seen.extend(bench.settle());
    }
    seen
}

/// The octets for the peer in what was seen.
pub(crate) fn output(seen: &[Seen]) -> Vec<u8> {
    let outputs = seen.iter().filter_map(|seen| match seen {
        Seen::Output(bytes) => Some(&bytes[..]),
        _ => None,
    });
    outputs.collect::<Vec<_>>().concat()
}
