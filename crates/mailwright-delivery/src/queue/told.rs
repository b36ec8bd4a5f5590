//! What is told of an attempt.

use mailwright_core::Timestamp;
use mailwright_queue::{Attempt, Diagnostic, RecipientOutcome, Settled};
use mailwright_store::{Op, QueueEntry, QueueRecipient, Settlement};

use super::event::QueueEvent;

/// What has happened to each recipient.
pub(super) fn told(entry: &QueueEntry, attempt: &Attempt, settled: &Settled) -> Vec<QueueEvent> {
    let (left, next) = left(entry, settled);
    let (outcomes, why) = match attempt {
        Attempt::Tried { outcomes, .. } => (outcomes.as_slice(), None),
        Attempt::Untried { why, .. } => (&[][..], why.as_ref()),
    };
    let outcomes = outcomes.iter().map(Some).chain(std::iter::repeat(None));
    let events = entry.recipients.iter().zip(outcomes).map(|(recipient, outcome)| {
        let (entry, to) = (entry.id, recipient.address.clone());
        let reply: Option<&Diagnostic> = match outcome {
            Some(
                RecipientOutcome::Delivered(reply)
                | RecipientOutcome::Expanded(reply)
                | RecipientOutcome::Relayed { diagnostic: reply, .. },
            ) => return Some(QueueEvent::Delivered { entry, to, reply: reply.clone() }),
            // What becomes of it, its other entry tells.
            Some(RecipientOutcome::Requeued(_)) => return None,
            Some(RecipientOutcome::Deferred(reply) | RecipientOutcome::Failed(reply)) => Some(reply),
            Some(RecipientOutcome::NotTried) | None => why,
        };
        // One that is not refused, and not left either, has expired.
        match reply {
            reply if left.iter().any(|left| left.address == to) => {
                Some(QueueEvent::Deferred { entry, to, reply: reply.cloned(), next })
            }
            Some(reply) => Some(QueueEvent::Bounced { entry, to, reply: reply.clone() }),
            None => None,
        }
    });
    events.flatten().collect()
}

/// Who has not got it yet, and when they are due.
fn left<'a>(entry: &'a QueueEntry, settled: &'a Settled) -> (&'a [QueueRecipient], Option<Timestamp>) {
    match settled.ops.first() {
        Some(Op::Settle { settlement: Settlement::Defer { due, recipients, .. }, .. }) => {
            (recipients.as_slice(), Some(*due))
        }
        Some(Op::Settle { settlement: Settlement::Return { due }, .. }) => {
            (entry.recipients.as_slice(), Some(*due))
        }
        _ => (&[], None),
    }
}
