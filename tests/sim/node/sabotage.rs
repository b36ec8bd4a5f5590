//! What is done to a server to see that it is noticed.

use std::sync::Arc;

use mailwright_delivery::outbound::Outbound;
use mailwright_delivery::{Deliver, Delivery, Parts};
use mailwright_queue::{Attempt, Diagnostic, RecipientOutcome};
use mailwright_store::{Claimed, DynStore, Store};
use mailwright_store_sqlite::testing::SimStore;

use super::tampered::{Breach, TamperedStore};

/// A fault of a server or of what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// There is none.
    None,
    /// Disks say that they have synced, and have not.
    LyingDisks,
    /// The store answers before mail is durable, and so 250 goes out.
    EarlyAnswer,
    /// The store does what is for mailboxes and what is for the queue apart.
    TwoCommits,
    /// What was delivered is now and then delivered again.
    Twice,
    /// Of what is refused for good nobody is told.
    Silence,
    /// What was not sent to its end is taken for sent.
    BrokenIsDone,
    /// What has not come to its end is taken for whole.
    HalfIsWhole,
}

impl Sabotage {
    pub(crate) const ALL: [Self; 7] = [
        Self::LyingDisks,
        Self::EarlyAnswer,
        Self::TwoCommits,
        Self::Twice,
        Self::Silence,
        Self::BrokenIsDone,
        Self::HalfIsWhole,
    ];
}

/// The store that a server gets.
pub(super) fn tampered(store: &SimStore, sabotage: Sabotage) -> Arc<dyn DynStore> {
    let breached = |breach| Arc::new(TamperedStore { store: store.clone(), breach });
    match sabotage {
        Sabotage::EarlyAnswer => breached(Breach::Early),
        Sabotage::TwoCommits => breached(Breach::Twofold),
        _ => Arc::new(store.clone()),
    }
}

/// The way out, tampered with.
pub(super) struct TamperedOutbound {
    pub(super) outbound: Outbound,
    pub(super) sabotage: Sabotage,
}

impl<S: Store> Deliver<S> for TamperedOutbound {
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
                (Sabotage::Silence, RecipientOutcome::Failed(diagnostic)) => *outcome = relayed(diagnostic),
                // A server's reply has a code.
                (Sabotage::BrokenIsDone, RecipientOutcome::Deferred(diagnostic))
                    if diagnostic.code.is_none() =>
                {
                    *outcome = relayed(diagnostic);
                }
                _ => {}
            }
        }
        delivery
    }
}

fn relayed(diagnostic: &Diagnostic) -> RecipientOutcome {
    RecipientOutcome::Relayed { diagnostic: diagnostic.clone(), dsn: true, deliver_by: true }
}
