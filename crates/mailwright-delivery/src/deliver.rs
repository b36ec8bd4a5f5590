//! One attempt: the seam between the queue and the ways that mail can take.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mailwright_queue::{
    Attempt, AttemptStage, Diagnostic, Envelope, Feedback, RecipientOutcome, RecipientState,
};
use mailwright_store::{Claimed, Op, Store};

/// Something that can try to deliver a message once: [`Outbound`](crate::outbound::Outbound) to other servers; a test's
/// own.
pub trait Deliver<S: Store>: Send + Sync + 'static {
    /// Tries a claimed entry once, and says what came of it for each recipient. Never longer than a lease may be
    /// renewed: each stage has a timer of its own.
    ///
    /// Dropped while it runs, it closes its connection: what was not answered was not taken, or
    /// [in doubt](mailwright_smtp::client::Failure::AnswerLost).
    fn deliver(
        &self,
        store: &Arc<S>,
        claimed: &Claimed,
        parts: &Parts,
    ) -> impl Future<Output = Delivery> + Send;

    /// There will be no more attempts: lets go of what was kept for the next one. Does nothing, unless there is
    /// something.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// An entry's opaque parts, decoded.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The rest of the envelope.
    pub envelope: Envelope,
    /// What is known of each recipient, in the order of the entry.
    pub recipients: Vec<RecipientState>,
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// For the entry.
    pub attempt: Attempt,
    /// What makes that true in the store: done in the commit that settles the entry, or not at all. Of what goes
    /// to other servers only what the trace is told.
    pub writes: Vec<Write>,
    /// For the destination.
    pub feedback: Feedback,
    /// The server that was spoken to, if one was: its name and address.
    pub remote: Option<String>,
    /// How long each stage took that was come to, in order; those of an earlier host too.
    pub stages: Vec<(AttemptStage, Duration)>,
    /// The version of TLS, if it was used.
    pub tls: Option<&'static str>,
}

/// Something that an attempt does in the queue's own store.
#[derive(Debug, Clone)]
pub struct Write {
    /// What.
    pub op: Op,
    /// Whose outcomes it makes true, by their places in the entry. If the store refuses it, they are tried again, and
    /// what else was to be done for them is not done.
    pub recipients: Vec<usize>,
}

/// Takes back what the store has refused: those for whom it was are tried again, because of `why`.
pub(crate) fn take_back(attempt: &mut Attempt, writes: &mut Vec<Write>, refused: usize, why: &Diagnostic) {
    if refused >= writes.len() {
        return;
    }
    let mut fallen: BTreeSet<usize> = writes.remove(refused).recipients.into_iter().collect();
    // What is for one of them is for others too, and these fall with it.
    let mut before = usize::MAX;
    while writes.len() < before {
        before = writes.len();
        writes.retain(|write| {
            let stands = !write.recipients.iter().any(|place| fallen.contains(place));
            if !stands {
                fallen.extend(&write.recipients);
            }
            stands
        });
    }
    if let Attempt::Tried { outcomes, .. } = attempt {
        for place in fallen {
            if let Some(outcome) = outcomes.get_mut(place) {
                *outcome = RecipientOutcome::Deferred(why.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::{EnhancedCode, Timestamp, TraceId};

    use super::*;

    /// What is refused falls, with all that is for the same recipients; the rest stands.
    #[test]
    fn what_is_refused_is_taken_back() {
        let why = Diagnostic::local(
            Timestamp(0),
            AttemptStage::End,
            EnhancedCode::new(4, 2, 2).unwrap(),
            "the mailbox is full",
        );
        let (mark, written) =
            (TraceId::new(Timestamp(0), [0; 4]), [&[0][..], &[1, 2], &[2, 3], &[4], &[5, 0]]);
        for (refused, standing, waiting) in [
            (0, vec![&[1, 2][..], &[2, 3], &[4]], vec![0, 5]),
            (1, vec![&[0], &[4], &[5, 0]], vec![1, 2, 3]),
            (3, vec![&[0], &[1, 2], &[2, 3], &[5, 0]], vec![4]),
            (5, written.to_vec(), vec![]),
        ] {
            let write = |recipients: &[usize]| Write {
                op: Op::Trace { id: mark, events: Vec::new() },
                recipients: recipients.to_vec(),
            };
            let mut writes: Vec<Write> = written.map(write).into();
            let outcomes = vec![RecipientOutcome::NotTried; 6];
            let mut attempt = Attempt::Tried { outcomes, not_before: None };
            take_back(&mut attempt, &mut writes, refused, &why);
            let left: Vec<&[usize]> = writes.iter().map(|write| write.recipients.as_slice()).collect();
            assert_eq!(left, standing, "{refused}");
            let Attempt::Tried { outcomes, .. } = attempt else { panic!("it was tried") };
            let waits = |outcome: &RecipientOutcome| *outcome == RecipientOutcome::Deferred(why.clone());
            let found: Vec<usize> = (0..6).filter(|place| waits(&outcomes[*place])).collect();
            assert_eq!(found, waiting, "{refused}");
        }
    }
}
