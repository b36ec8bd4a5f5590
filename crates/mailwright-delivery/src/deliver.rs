//! One attempt: the seam between the queue and the ways that mail can take.

use std::sync::Arc;
use std::time::Duration;

use mailwright_queue::{Attempt, AttemptStage, Envelope, Feedback, RecipientState};
use mailwright_store::{Claimed, Store};

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
    /// For the destination.
    pub feedback: Feedback,
    /// The server that was spoken to, if one was: its name and address.
    pub remote: Option<String>,
    /// How long each stage took that was come to, in order; those of an earlier host too.
    pub stages: Vec<(AttemptStage, Duration)>,
    /// The version of TLS, if it was used.
    pub tls: Option<&'static str>,
}
