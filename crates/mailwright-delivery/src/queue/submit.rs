//! Mail from the application itself: durable before the application is told so.

use std::io;

use bytes::{Bytes, BytesMut};
use mailwright_core::{Address, Stage, Timestamp, TraceEvent, TraceId, Verdict};
use mailwright_queue::{self as queue, Body, Outgoing, OutgoingRecipient, RecipientState};
use mailwright_store::{
    Batch, BatchId, BlobError, BlobHint, BlobWriter, Cause, Health, Op, StagedBlob, Store, Unavailable,
};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::envelope::Envelope;
use super::lines::{InvalidContent, Known, Lines};
use super::started::Queue;

/// Octets of content that are in memory at once.
const PIECE: usize = 64 << 10;

/// Why a message was not taken. Nothing of it is kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// It cannot be sent as it is.
    #[error(transparent)]
    Content(#[from] InvalidContent),
    /// It has more octets than [`SubmitLimits::octets`](crate::SubmitLimits::octets), or than the store takes.
    #[error("the message has more than {limit} octets")]
    TooLarge {
        /// How many it may have.
        limit: u64,
    },
    /// It has more recipients than [`SubmitLimits::recipients`](crate::SubmitLimits::recipients), or they are at more
    /// domains than the store takes at once.
    #[error("the message has {count} recipients, which is too many at once")]
    TooManyRecipients {
        /// How many it has.
        count: usize,
    },
    /// It could not be read from where it comes from.
    #[error("the message cannot be read: {0}")]
    Read(#[source] io::Error),
    /// There is no room.
    #[error("the queue's disk is full")]
    NoSpace,
    /// The store cannot take it now.
    #[error("the queue cannot take mail now: {0}")]
    Store(#[source] Cause),
}

impl SubmitError {
    /// Whether the same message may be taken later: the fault is not in it.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::NoSpace | Self::Store(_) | Self::Read(_))
    }
}

impl<S: Store> Queue<S> {
    /// Takes a message, its header and body as RFC 5322 has them. When this is `Ok`, it is on the disk (as far as the
    /// store's promise goes), and will arrive, or its sender be told why not, also if the process is killed now.
    ///
    /// Lines may end in LF or CRLF. A line of more than 998 octets, a CR by itself and a NUL are refused: other servers
    /// would, and later. Fields are not looked at, and none is added: RFC 5322 §3.6 demands From and Date, and
    /// receivers want a Message-ID.
    ///
    /// The id is that of its trace; all [events](Self::events) of it have it in `entry.trace`.
    ///
    /// # Errors
    /// If it was not taken. If this future is dropped it may have been: see [`submit_once`](Self::submit_once).
    pub async fn submit(&self, envelope: Envelope, mail: impl Into<Bytes>) -> Result<TraceId, SubmitError> {
        self.submit_once(self.new_id(), envelope, mail).await
    }

    /// As [`submit`](Self::submit), with a message that is read as it is stored: it is never in memory as a whole.
    ///
    /// # Errors
    /// If it was not taken, also if it could not be read to its end.
    pub async fn submit_from(
        &self,
        envelope: Envelope,
        mail: impl AsyncRead + Send + Unpin,
    ) -> Result<TraceId, SubmitError> {
        self.take(self.new_id(), envelope, mail).await
    }

    /// As [`submit`](Self::submit), but the same id again changes nothing, within the store's
    /// [`outcome_kept`](mailwright_store::Limits::outcome_kept), 7 days. An application that writes the id down with
    /// what the mail is about, and then submits until that is `Ok`, sends it once, whatever is killed when.
    ///
    /// The id begins with the time in milliseconds, as those of [`new_id`](Self::new_id) and each UUID of version 7
    /// (RFC 9562 §5.7) do: the trace id is the first ten octets of it.
    ///
    /// # Errors
    /// If it was not taken.
    pub async fn submit_once(
        &self,
        id: BatchId,
        envelope: Envelope,
        mail: impl Into<Bytes>,
    ) -> Result<TraceId, SubmitError> {
        let mail: Bytes = mail.into();
        self.take(id, envelope, mail.as_ref()).await
    }

    /// An id for [`submit_once`](Self::submit_once) that nobody has had.
    pub fn new_id(&self) -> BatchId {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let [_, _, time @ ..] = self.clock.wall().as_millis().to_be_bytes();
        id.iter_mut().zip(time).for_each(|(octet, of_time)| *octet = of_time);
        BatchId(id)
    }

    async fn take(
        &self,
        id: BatchId,
        envelope: Envelope,
        mail: impl AsyncRead + Send + Unpin,
    ) -> Result<TraceId, SubmitError> {
        match self.store.health() {
            Health::Ok => {}
            Health::LowSpace => return Err(SubmitError::NoSpace),
            _ => return Err(SubmitError::Store(Unavailable::default().into())),
        }
        let count = envelope.to().len();
        if count > self.config.submit.recipients {
            return Err(SubmitError::TooManyRecipients { count });
        }
        let now = self.clock.wall();
        let (blob, known) = self.keep(now, mail).await?;
        let BatchId([trace @ .., _, _, _, _, _, _]) = id;
        let trace = TraceId::from_bytes(trace);
        let mut batch = Batch::new(id, now);
        batch.ops.push(Op::Trace { id: trace, events: events(&envelope, now) });
        let settle = &self.config.settle;
        let entries = outgoing(trace, envelope, &blob, known, now).entries(&settle.accept, &settle.retry);
        batch.ops.extend(entries.into_iter().map(Op::from));
        match self.store.commit(batch).await {
            Ok(_) => Ok(trace),
            Err(rejected) => Err(match rejected.cause {
                Cause::NoSpace => SubmitError::NoSpace,
                Cause::TooManyOps => SubmitError::TooManyRecipients { count },
                cause => SubmitError::Store(cause),
            }),
        }
    }

    /// Brings the content into the store, piece by piece.
    async fn keep(
        &self,
        now: Timestamp,
        mut mail: impl AsyncRead + Send + Unpin,
    ) -> Result<(StagedBlob, Known), SubmitError> {
        let limit = self.config.submit.octets.min(self.store.limits().blob_bytes);
        let refused = |error| match error {
            BlobError::TooLarge => SubmitError::TooLarge { limit },
            BlobError::NoSpace => SubmitError::NoSpace,
            BlobError::Unavailable(unavailable) => SubmitError::Store(unavailable.into()),
            error => SubmitError::Store(Unavailable::new(error).into()),
        };
        let mut blob = self.store.blob_writer(BlobHint { now, size: None }).await.map_err(refused)?;
        let (mut lines, mut left) = (Lines::default(), limit);
        let mut piece = BytesMut::with_capacity(PIECE);
        loop {
            piece.clear();
            let mut out = BytesMut::with_capacity(PIECE);
            let end = mail.read_buf(&mut piece).await.map_err(SubmitError::Read)? == 0;
            let known = if end {
                Some(std::mem::take(&mut lines).finish(&mut out)?)
            } else {
                lines.push(&piece, &mut out)?;
                None
            };
            left = left.checked_sub(out.len() as u64).ok_or(SubmitError::TooLarge { limit })?;
            if !out.is_empty() {
                blob.write(out.freeze()).await.map_err(refused)?;
            }
            if let Some(known) = known {
                return Ok((blob.finish(self.clock.wall()).await.map_err(refused)?, known));
            }
        }
    }
}

fn outgoing(trace: TraceId, envelope: Envelope, blob: &StagedBlob, known: Known, now: Timestamp) -> Outgoing {
    // Never an error: the domain of an address is one.
    let recipient = |to: &Address| OutgoingRecipient::new(to.clone(), RecipientState::default()).ok();
    Outgoing {
        trace,
        sender: envelope.from().clone(),
        envelope: queue::Envelope {
            body: if known.eight_bit { Body::EightBitMime } else { Body::SevenBit },
            // RFC 6531 §3.4
            smtputf8: !(envelope.from().address().into_iter().chain(envelope.to())).all(Address::is_ascii),
            header: known.header,
            ..queue::Envelope::new(now)
        },
        blob: blob.id(),
        recipients: envelope.to().iter().filter_map(recipient).collect(),
    }
}

/// How it came here, for its trace.
fn events(envelope: &Envelope, now: Timestamp) -> Vec<TraceEvent> {
    let event = |stage, text: String| TraceEvent::new(now, stage, Verdict::Pass, text);
    let to = envelope.to().iter().map(|to| event(Stage::Rcpt, to.to_string()));
    let from = [event(Stage::Mail, envelope.from().to_string())];
    from.into_iter().chain(to).chain([event(Stage::Commit, "submitted".to_owned())]).collect()
}
