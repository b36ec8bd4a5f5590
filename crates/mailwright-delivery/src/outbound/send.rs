//! One message on a connection.

use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{Machine as _, Ticket};
use mailwright_message::conversion::Converter;
use mailwright_smtp::client::{Event, Failure, GivenUp, Outcome, Stage, Transaction, Unsendable, Work, ask};
use mailwright_store::{BlobError, BlobReader, Store};
use mailwright_tokio::{DriverError, Turn};

use super::attempt::Attempt;
use super::connection::{Broken, Connection};
use super::form::Form;
use super::job::Job;
use super::message::transaction;

/// What came of a transaction.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// At most one a recipient, in any order. Whoever has none was not asked about.
    pub(super) outcomes: Vec<Outcome>,
    /// Those for whom there was no room in a transaction (RFC 9422).
    pub(super) later: Vec<usize>,
    /// How the conversation was broken off, if it was.
    pub(super) broken: Option<Broken>,
    /// Why we had not all of the content.
    pub(super) unreadable: Option<BlobError>,
}

impl Sent {
    /// Whether the connection was gone before MAIL was answered: nobody has heard of the message.
    pub(super) fn is_unheard(&self) -> bool {
        self.outcomes.iter().all(|outcome| {
            matches!(outcome.result, Err(Failure::NotSent(_)))
                && matches!(outcome.stage, Stage::Idle | Stage::Mail)
        })
    }
}

impl Sent {
    /// What came of a transaction with these recipients, of which there may be more.
    fn places(mut self, places: &[usize]) -> Self {
        let place = |recipient: usize| places.get(recipient).copied().unwrap_or(usize::MAX);
        for Outcome { recipient, .. } in &mut self.outcomes {
            *recipient = place(*recipient);
        }
        let is_later = |outcome: &mut Outcome| {
            use Unsendable::{AnotherConnection, AnotherTransaction};
            matches!(outcome.result, Err(Failure::Unsendable(AnotherConnection | AnotherTransaction)))
        };
        self.later = self.outcomes.extract_if(.., is_later).map(|outcome| outcome.recipient).collect();
        self
    }

    /// What came of this one, and before it of others.
    fn behind(mut self, mut before: Self) -> Self {
        before.outcomes.append(&mut self.outcomes);
        Self { outcomes: before.outcomes, ..self }
    }
}

impl Attempt<'_> {
    /// Sends a message to all, in as many transactions as the server's limits make of it, unless the connection has
    /// seen enough of them (RFC 9422). `void` says of the first that it does not count: then it was the last.
    pub(super) async fn send_to_all<S: Store>(
        &self,
        connection: &mut Connection,
        job: &Job<'_, S>,
        form: &Form,
        void: impl FnOnce(&Sent) -> bool + Send,
    ) -> Option<Sent> {
        let Job { store, entry, parts } = *job;
        let mut places: Vec<usize> = (0..entry.recipients.len()).collect();
        let send = async |connection: &mut Connection, places: &[usize]| {
            let now = self.shared.environment.clock.wall();
            let transaction = transaction(entry, parts, form, (connection.offers(), now), places);
            self.send(connection, transaction, store, form).await.places(places)
        };
        let mut sent = send(connection, &places).await;
        if void(&sent) && !self.is_over() {
            return None;
        }
        while !sent.later.is_empty() && sent.broken.is_none() && !self.shared.pool.is_worn(connection) {
            places = std::mem::take(&mut sent.later);
            let next = send(connection, &places).await;
            if next.is_unheard() {
                // It takes no more of them, and has not said so.
                (sent.later, sent.broken) = (places, next.broken);
                break;
            }
            sent = next.behind(sent);
        }
        Some(sent)
    }

    /// Sends a message.
    async fn send<S: Store>(
        &self,
        connection: &mut Connection,
        transaction: Transaction,
        store: &S,
        form: &Form,
    ) -> Sent {
        let mut sent = Sent::default();
        let recipients = transaction.recipients.len();
        connection.transactions = connection.transactions.saturating_add(1);
        let ticket = match self.ready(connection).await {
            Ok(ticket) => ticket,
            Err(broken) => {
                sent.broken = broken;
                return sent;
            }
        };
        if connection.driver.machine.client.answer(ticket, Work::Send(transaction)).is_err() {
            // Its time is over, and it says goodbye.
            return sent;
        }
        let (mut content, mut body) = (Content::Unopened, None);
        let environment = &self.shared.environment;
        while sent.outcomes.len() < recipients {
            let broken = match (connection.turn(environment, self.deadline).await, body.take()) {
                (Ok(Turn::Event(event)), open) => {
                    body = open;
                    match event {
                        Event::Outcome(outcome) => sent.outcomes.push(outcome),
                        Event::Body { ticket } => body = Some(ticket),
                        _ => {}
                    }
                    continue;
                }
                (Ok(Turn::Reply), Some(ticket)) => {
                    let piece = connection.driver.attend(content.piece(store, form));
                    let piece = environment.within(Duration::MAX, self.deadline, piece).await;
                    let client = &mut connection.driver.machine.client;
                    // Stale if the server wants no more of it: what it has said comes next.
                    match piece {
                        Ok(Ok(Some(piece))) => body = client.body(&ticket, piece).is_ok().then_some(ticket),
                        Ok(Ok(None)) => {
                            let _ = client.answer(ticket, Ok(()));
                        }
                        Ok(Err(error)) => {
                            sent.unreadable = Some(error);
                            let _ = client.answer(ticket, Err(GivenUp));
                        }
                        Err(_) => return break_off(connection, recipients, Broken::Deadline, sent).await,
                    }
                    continue;
                }
                // Each recipient has had its outcome before.
                (Err(broken @ Broken::Protocol(_)), _) => {
                    sent.broken = Some(broken);
                    return sent;
                }
                (Err(broken), _) => broken,
                (Ok(Turn::Closed | Turn::Reply), _) => Broken::Network("closed too early".to_owned()),
            };
            return break_off(connection, recipients, broken, sent).await;
        }
        sent
    }
}

impl Attempt<'_> {
    /// The right to send a message. `None` if the session has ended as it should.
    async fn ready(&self, connection: &mut Connection) -> Result<Ticket<ask::Work>, Option<Broken>> {
        loop {
            if let Some(ticket) = connection.ready.take() {
                return Ok(ticket);
            }
            match connection.turn(&self.shared.environment, self.deadline).await {
                Ok(Turn::Event(Event::Ready { ticket })) => connection.ready = Some(ticket),
                Ok(Turn::Event(_)) => {}
                Ok(Turn::Closed | Turn::Reply) => return Err(None),
                Err(broken) => return Err(Some(broken)),
            }
        }
    }
}

/// Nothing more is read or written: lets the machine say what has become of each recipient.
async fn break_off(connection: &mut Connection, recipients: usize, broken: Broken, mut sent: Sent) -> Sent {
    connection.driver.machine.handle_eof();
    while sent.outcomes.len() < recipients {
        match connection.driver.turn().await {
            Ok(Turn::Event(Event::Outcome(outcome))) => sent.outcomes.push(outcome),
            // What the network has to say about it is told once.
            Ok(Turn::Event(_)) | Err(DriverError::Io(_) | DriverError::NotReading) => {}
            Ok(Turn::Closed | Turn::Reply) | Err(_) => break,
        }
    }
    sent.broken = Some(broken);
    sent
}

/// The content on its way out of the store.
enum Content<R> {
    Unopened,
    Open { reader: R, converter: Converter, piece: Bytes },
}

impl<R: BlobReader> Content<R> {
    /// What is left of a piece, or the next one.
    async fn piece<S: Store<BlobReader = R>>(
        &mut self,
        store: &S,
        form: &Form,
    ) -> Result<Option<&mut Bytes>, BlobError> {
        if let Self::Unopened = self {
            let reader = store.read_blob(form.blob, form.octets.clone()).await?;
            *self = Self::Open { reader, converter: Converter::new(&form.conversion), piece: Bytes::new() };
        }
        let Self::Open { reader, converter, piece } = self else { return Ok(None) };
        while piece.is_empty() {
            let Some(next) = reader.next().await? else { return Ok(None) };
            *piece = if form.conversion.is_empty() {
                next
            } else {
                let mut converted = Vec::with_capacity(next.len());
                converter.feed(&next, &mut converted);
                converted.into()
            };
        }
        Ok(Some(piece))
    }
}
