//! From an accepted message to entries of the queue.

use std::collections::BTreeMap;

use mailwright_core::{Address, BlobId, Domain, InvalidAddress, QueueId, ReversePath, Timestamp, TraceId};
use mailwright_store::{NewEntry, QueueEntry, QueueRecipient};

use crate::envelope::{DeliverBy, Envelope, Late};
use crate::recipient::RecipientState;
use crate::retry::RetryConfig;

/// A message that was accepted, and is to go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its trace: the ids of its entries are made of it.
    pub trace: TraceId,
    /// Where failures are reported to.
    pub sender: ReversePath,
    /// The rest of the envelope.
    pub envelope: Envelope,
    /// Its content, in the store.
    pub blob: BlobId,
    /// For whom.
    pub recipients: Vec<OutgoingRecipient>,
}

/// For whom, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRecipient {
    /// What decides on the way: recipients of the same route share entries.
    pub route: Domain,
    /// Who.
    pub address: Address,
    /// What came with RCPT.
    pub state: RecipientState,
}

impl OutgoingRecipient {
    /// By way of the address's own domain.
    ///
    /// # Errors
    /// If that is no domain, which the address's own syntax rules out.
    pub fn new(address: Address, state: RecipientState) -> Result<Self, InvalidAddress> {
        Ok(Self { route: address.domain().parse()?, address, state })
    }
}

/// How messages become entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptConfig {
    /// Recipients of an entry, beyond which there are several for a route: each entry is one transaction.
    /// Default: 100, which any server takes (RFC 5321 §4.5.3.1.8). Zero is taken for one.
    pub recipients_per_entry: usize,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        Self { recipients_per_entry: 100 }
    }
}

impl Outgoing {
    /// Its entries, by route: due when it arrived, or is released (RFC 4865), and until it is given up. Their ids count
    /// from zero, so that the same message always has the same. The caller commits them together, in the batch that
    /// accepts the message.
    pub fn entries(self, accept: &AcceptConfig, retry: &RetryConfig) -> Vec<NewEntry> {
        let begins = self.envelope.begins();
        let expires = match self.envelope.by {
            // RFC 2852 §4.1.2: its time is over then.
            Some(DeliverBy { at, late: Late::Return, .. }) => retry.expires(&self.sender, begins).min(at),
            _ => retry.expires(&self.sender, begins),
        };
        let groups = by_route(self.recipients, accept);
        let entry = |(number, (route, recipients))| NewEntry {
            id: QueueId { trace: self.trace, entry: number },
            route,
            priority: self.envelope.priority.unwrap_or_default(),
            due: begins,
            expires,
            sender: self.sender.clone(),
            recipients,
            envelope: self.envelope.encode(),
            blob: self.blob,
        };
        (0..).zip(groups).map(entry).collect()
    }
}

/// Entries for those whom recipients of `entry` lead to: due `now`, and given up when it would be. The caller commits them
/// with the settlement of `entry`, in which these recipients are
/// [`Requeued`](crate::RecipientOutcome::Requeued) or [`Expanded`](crate::RecipientOutcome::Expanded).
///
/// They are entries of the same message. Their numbers begin at `random`, in the upper half, which those of
/// [`Outgoing::entries`] do not come to; should one be taken all the same, the store says so, and it is to be tried again.
pub fn entries_behind(
    entry: &QueueEntry,
    recipients: Vec<OutgoingRecipient>,
    now: Timestamp,
    random: u32,
    accept: &AcceptConfig,
) -> Vec<NewEntry> {
    let behind = |(offset, (route, recipients))| NewEntry {
        id: QueueId { trace: entry.id.trace, entry: random.wrapping_add(offset) | UPPER_HALF },
        route,
        priority: entry.priority,
        due: now,
        expires: entry.expires,
        sender: entry.sender.clone(),
        recipients,
        envelope: entry.envelope.clone(),
        blob: entry.blob,
    };
    (0..).zip(by_route(recipients, accept)).map(behind).collect()
}

const UPPER_HALF: u32 = 1 << 31;

/// Recipients of the same route together, as many as an entry has.
fn by_route(recipients: Vec<OutgoingRecipient>, accept: &AcceptConfig) -> Vec<(Domain, Vec<QueueRecipient>)> {
    let mut routes: BTreeMap<Domain, Vec<QueueRecipient>> = BTreeMap::new();
    for OutgoingRecipient { route, address, state } in recipients {
        let recipient = QueueRecipient { address, params: state.encode() };
        routes.entry(route).or_default().push(recipient);
    }
    let per_entry = accept.recipients_per_entry.max(1);
    let groups = routes.iter().flat_map(|(route, recipients)| {
        recipients.chunks(per_entry).map(move |recipients| (route.clone(), recipients.to_vec()))
    });
    groups.collect()
}
