//! One message on a connection.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{BlobId, Machine as _};
use mailwright_smtp::client::{Event, Failure, GivenUp, Outcome, Stage, Transaction, Work};
use mailwright_store::{BlobError, BlobReader, Store};
use mailwright_tokio::{DriverError, Turn};

use super::attempt::Attempt;
use super::connection::{Broken, Connection};

/// What came of a transaction.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// At most one a recipient, in any order. Whoever has none was not asked about.
    pub(super) outcomes: Vec<Outcome>,
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

impl Attempt<'_> {
    /// Sends a message.
    pub(super) async fn send<S: Store>(
        &self,
        connection: &mut Connection,
        transaction: Transaction,
        store: &S,
        (blob, octets): (BlobId, Range<u64>),
    ) -> Sent {
        let mut sent = Sent::default();
        let recipients = transaction.recipients.len();
        connection.transactions = connection.transactions.saturating_add(1);
        let Some(ticket) = connection.ready.take() else { return sent };
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
                    let piece = connection.driver.attend(content.piece(store, blob, &octets));
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
    Open { reader: R, piece: Bytes },
}

impl<R: BlobReader> Content<R> {
    /// What is left of a piece, or the next one.
    async fn piece<S: Store<BlobReader = R>>(
        &mut self,
        store: &S,
        blob: BlobId,
        octets: &Range<u64>,
    ) -> Result<Option<&mut Bytes>, BlobError> {
        if let Self::Unopened = self {
            let reader = store.read_blob(blob, octets.clone()).await?;
            *self = Self::Open { reader, piece: Bytes::new() };
        }
        let Self::Open { reader, piece } = self else { return Ok(None) };
        if piece.is_empty() {
            match reader.next().await? {
                Some(next) => *piece = next,
                None => return Ok(None),
            }
        }
        Ok(Some(piece))
    }
}
