//! What is done to a server to see that it is noticed.

use std::sync::Arc;

use mailwright_delivery::outbound::Outbound;
use mailwright_delivery::{Deliver, Delivery, Parts};
use mailwright_queue::{Attempt, RecipientOutcome};
use mailwright_store::{Claimed, Store};

/// A fault of a server or of what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// There is none.
    None,
    /// Disks say that they have synced, and have not.
    LyingDisks,
    /// 250 goes out before the commit.
    EarlyAnswer,
    /// Local recipients and the others are committed apart.
    TwoCommits,
    /// What was delivered is now and then delivered again.
    Twice,
    /// Of what is refused for good nobody is told.
    Silence,
}

impl Sabotage {
    pub(crate) const ALL: [Self; 5] =
        [Self::LyingDisks, Self::EarlyAnswer, Self::TwoCommits, Self::Twice, Self::Silence];
}

/// The way out, tampered with.
pub(super) struct Tampered {
    pub(super) outbound: Outbound,
    pub(super) sabotage: Sabotage,
}

impl<S: Store> Deliver<S> for Tampered {
    async fn deliver(&self, store: &Arc<S>, claimed: &Claimed, parts: &Parts) -> Delivery {
        let mut delivery = self.outbound.deliver(store, claimed, parts).await;
        let Attempt::Tried { outcomes, .. } = &mut delivery.attempt else { return delivery };
        for outcome in outcomes {
            match (self.sabotage, &*outcome) {
                (Sabotage::Twice, RecipientOutcome::Relayed { diagnostic, .. })
                    if claimed.entry.attempts == 0 =>
                {
                    *outcome = RecipientOutcome::Deferred(diagnostic.clone());
                }
                (Sabotage::Silence, RecipientOutcome::Failed(diagnostic)) => {
                    *outcome = RecipientOutcome::Relayed { diagnostic: diagnostic.clone(), dsn: true };
                }
                _ => {}
            }
        }
        delivery
    }
}
