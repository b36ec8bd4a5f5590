//! What all sessions of a server share.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use mailwright_auth::{Cost, Lockout, Offload};
use mailwright_core::{Clock, Domain, Entropy, Timestamp};
use mailwright_delivery::Queue;
use mailwright_message::submission::HeaderLimits;
use mailwright_queue::SettleConfig;
use mailwright_store::{Batch, BatchId, Directory, Store};

use crate::chaos::Chaos;
use crate::settings::Scram;
use crate::tokens::CheckToken;

/// Store, directory, and the environment.
pub(crate) struct Shared<S, D> {
    pub(crate) hostname: Domain,
    /// The domain of those who log in without one.
    pub(crate) home: String,
    pub(crate) store: S,
    pub(crate) directory: D,
    pub(crate) lockout: Arc<Mutex<Lockout>>,
    /// What a password check costs, also one of an unknown user.
    pub(crate) cost: Cost,
    pub(crate) offload: Arc<dyn Offload>,
    /// What salts of users who have none are made of.
    pub(crate) decoy: [u8; 32],
    pub(crate) scram: Scram,
    /// Who says whose a token is.
    pub(crate) tokens: Option<Arc<dyn CheckToken>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Whether whoever logs in under a new name gets an account.
    pub(crate) creates_unknown: bool,
    /// Whether a user may send only as himself.
    pub(crate) check_sender: bool,
    /// Whether that holds for From and Sender in the header too.
    pub(crate) check_from: bool,
    /// How much header a user may send.
    pub(crate) header_limits: HeaderLimits,
    /// How long a message may be held.
    pub(crate) hold_max: Duration,
    /// How many messages of a user may be held.
    pub(crate) hold_messages: u64,
    pub(crate) chaos: Chaos,
    /// How mail for others becomes entries of the queue; without, it is refused.
    pub(crate) outgoing: Option<Arc<SettleConfig>>,
    /// The queue, once it works.
    pub(crate) queue: Arc<OnceLock<Queue<S>>>,
}

impl<S: Store, D: Directory> Shared<S, D> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(crate) fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        random(&*self.entropy)
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::new(BatchId(self.random()), self.now())
    }
}

pub(crate) fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut octets = [0; N];
    entropy.fill(&mut octets);
    octets
}
