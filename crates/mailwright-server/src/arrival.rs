//! A message that has arrived: whom its recipients lead to, and what is committed for them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use mailwright_core::{Address, BlobId, Domain, ForwardPath, QueueId, ReversePath, Timestamp, TraceId};
use mailwright_delivery::{Expanded, expand, report_arrival};
use mailwright_message::Scan;
use mailwright_queue::{
    AttemptStage, Diagnostic, Outgoing, OutgoingRecipient, RecipientOutcome, RecipientState, SettleConfig,
};
use mailwright_smtp::{MailParams, RcptParams, Rejection};
use mailwright_store::{
    Append, Directory, Op, Opaque, QueueEntry, QueueRecipient, Resolution, Store, Target, canonical,
};
use mailwright_tokio::smtp::Envelope;

use crate::queued;
use crate::shared::Shared;

/// How many addresses are looked at for a message, with those that aliases lead to.
pub(crate) const ADDRESSES_MAX: usize = 10_000;

/// How many of the addresses that an alias leads to are looked at to find somebody, before it is taken on trust.
const TRIED_AT_RCPT: usize = 32;

/// A message that is stored, and not committed.
pub(crate) struct Arrived {
    pub(crate) trace: TraceId,
    /// When MAIL came.
    pub(crate) begun: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) blob: BlobId,
    /// Where its own header is, behind Return-Path, which is not for other servers.
    pub(crate) header: Range<u64>,
    pub(crate) scan: Scan,
    /// Whoever has sent it has logged in.
    pub(crate) is_known: bool,
    /// Who has submitted it, as far as that is believed (RFC 4954 §5).
    pub(crate) auth: Option<ReversePath>,
    /// Where it waits, if it is to be held.
    pub(crate) held: Option<Domain>,
}

impl Arrived {
    pub(crate) fn envelope(&self, to: &Recipients<'_>) -> mailwright_queue::Envelope {
        let times = (self.begun, self.now);
        let envelope = queued::envelope(to.params, self.header.clone(), times, self.is_known);
        mailwright_queue::Envelope { auth: self.auth.clone(), ..envelope }
    }
}

/// Whether a recipient leads to one only.
pub(crate) fn is_one(to: &Expanded) -> bool {
    to.accounts.len() + to.remote.len() == 1 && to.left_out == 0
}

/// Some of the recipients of a message, all domains in their ASCII form.
pub(crate) struct Recipients<'a> {
    pub(crate) sender: ReversePath,
    pub(crate) params: &'a MailParams,
    pub(crate) to: Vec<(Address, &'a RcptParams)>,
}

impl<'a> Recipients<'a> {
    /// All of an envelope.
    pub(crate) fn all(envelope: &'a Envelope) -> Self {
        let to = envelope.to.iter().zip(&envelope.rcpt_params);
        let to = to.filter_map(|(to, params)| Some((canonical(to)?, params))).collect();
        let sender = match &envelope.from {
            ReversePath::Null => ReversePath::Null,
            ReversePath::Address(from) => {
                ReversePath::Address(canonical(from).unwrap_or_else(|| from.clone()))
            }
        };
        Self { sender, params: &envelope.params, to }
    }

    /// Each by itself.
    pub(crate) fn each(self) -> impl Iterator<Item = Self> {
        let Self { sender, params, to } = self;
        to.into_iter().map(move |to| Self { sender: sender.clone(), params, to: vec![to] })
    }
}

/// What is to be committed for recipients, and who of those that an alias leads to is nobody.
pub(crate) struct Plan {
    pub(crate) ops: Vec<Op>,
    pub(crate) unknown: BTreeSet<Address>,
}

impl<S: Store, D: Directory> Shared<S, D> {
    /// Whether an alias leads to anybody, as far as that is looked at.
    pub(crate) async fn leads_somewhere(&self, alias: &Address) -> Result<bool, Rejection> {
        let to = self.reach(expand(&self.directory, [alias.clone()], TRIED_AT_RCPT).await?);
        Ok(!to.is_empty() || to.left_out > 0)
    }

    /// Whom a recipient leads to.
    async fn behind(&self, recipient: &Address) -> Result<Expanded, Rejection> {
        Ok(expand(&self.directory, [recipient.clone()], ADDRESSES_MAX).await?)
    }

    /// Those of them that there is a way to.
    fn reach(&self, mut to: Expanded) -> Expanded {
        if self.outgoing.is_none() {
            to.unknown.append(&mut to.remote);
        }
        to
    }

    /// Whom recipients lead to: one at least.
    async fn expand(&self, recipients: &Recipients<'_>) -> Result<Expanded, Rejection> {
        let to = recipients.to.iter().map(|(to, _)| to.clone());
        let to = self.reach(expand(&self.directory, to, ADDRESSES_MAX).await?);
        if to.left_out > 0 {
            // To some of them it would be lost. RFC 3463 §3.6: whoever sends may do so in parts.
            return Err(Rejection::new(554, (5, 5, 3), "too many addresses that the recipients lead to")?);
        }
        if to.is_empty() {
            // Whoever it was for has gone since RCPT.
            return Err(Rejection::no_such_user());
        }
        Ok(to)
    }

    /// Puts a message into mailboxes here, and into the queue for those who are elsewhere; all of one that is held.
    pub(crate) async fn plan(&self, arrived: &Arrived, to: &Recipients<'_>) -> Result<Plan, Rejection> {
        let Expanded { accounts, remote, unknown, .. } = self.expand(to).await?;
        if let (Some(route), Some(settle)) = (&arrived.held, self.outgoing.as_deref()) {
            return Ok(Plan { ops: self.hold(arrived, to, route, settle), unknown: BTreeSet::new() });
        }
        let scan = arrived.scan.clone().fit(self.store.limits().scan_bytes);
        let scan = Opaque { version: Scan::VERSION, bytes: scan.octets().clone() };
        let append = |account| {
            let append = Append::new(Target::inbox(account), arrived.blob, arrived.now);
            Op::Append(Append { scan: scan.clone(), ..append })
        };
        let mut ops: Vec<Op> = accounts.into_keys().map(append).collect();
        let Some(settle) = self.outgoing.as_deref() else { return Ok(Plan { ops, unknown }) };
        if !remote.is_empty() {
            let message = Outgoing {
                trace: arrived.trace,
                sender: to.sender.clone(),
                envelope: arrived.envelope(to),
                blob: arrived.blob,
                recipients: self.elsewhere(to, remote).await?,
            };
            let entries = message.entries(&settle.accept, &settle.retry);
            ops.extend(entries.into_iter().map(Op::from));
        }
        ops.extend(self.told_at_once(arrived, to, settle).await?);
        Ok(Plan { ops, unknown })
    }

    /// Those who are elsewhere, each with what was said of the recipient that leads there.
    async fn elsewhere(
        &self,
        to: &Recipients<'_>,
        remote: BTreeSet<Address>,
    ) -> Result<Vec<OutgoingRecipient>, Rejection> {
        let mut states: BTreeMap<Address, RecipientState> = BTreeMap::new();
        for (recipient, params) in &to.to {
            if remote.contains(recipient) {
                states.insert(recipient.clone(), queued::state(params));
            } else if params.notify.is_some() || params.orcpt.is_some() {
                let behind = self.behind(recipient).await?;
                let state = match is_one(&behind) {
                    true => queued::under(queued::state(params), recipient),
                    false => queued::behind_alias(queued::state(params), recipient),
                };
                for behind in behind.remote {
                    states.entry(behind).or_insert_with(|| state.clone());
                }
            }
        }
        let state = |to: &Address| states.get(to).cloned().unwrap_or_default();
        let each = remote.into_iter().map(|to| {
            let state = state(&to);
            OutgoingRecipient::new(to, state)
        });
        each.collect::<Result<_, _>>().map_err(|_| Rejection::no_such_user())
    }

    /// The report for a sender who wants to know of success, on those who have the message now.
    async fn told_at_once(
        &self,
        arrived: &Arrived,
        to: &Recipients<'_>,
        settle: &SettleConfig,
    ) -> Result<Vec<Op>, Rejection> {
        let (mut recipients, mut outcomes) = (Vec::new(), Vec::new());
        for (address, params) in &to.to {
            if !params.notify.is_some_and(mailwright_smtp::Notify::success) {
                continue;
            }
            let said = |text: &str| Diagnostic {
                at: arrived.now,
                stage: AttemptStage::End,
                code: None,
                enhanced: None,
                text: text.to_owned(),
                remote: None,
            };
            let outcome = match self.directory.resolve(&ForwardPath::Address(address.clone())).await? {
                Resolution::Local { .. } => RecipientOutcome::Delivered(said("in the mailbox")),
                Resolution::Alias(_) => match self.behind(address).await? {
                    one if is_one(&one) && one.accounts.is_empty() => continue,
                    one if is_one(&one) => RecipientOutcome::Delivered(said("in the mailbox")),
                    _ => RecipientOutcome::Expanded(said("gone on to those behind the address")),
                },
                _ => continue,
            };
            outcomes.push(outcome);
            let params = queued::state(params).encode();
            recipients.push(QueueRecipient { address: address.clone(), params });
        }
        if recipients.is_empty() {
            return Ok(Vec::new());
        }
        let entry = QueueEntry {
            id: QueueId { trace: arrived.trace, entry: 0 },
            route: self.hostname.clone(),
            priority: Default::default(),
            due: arrived.now,
            expires: arrived.now,
            queued: arrived.now,
            attempts: 0,
            note: String::new(),
            held: false,
            lease: None,
            sender: to.sender.clone(),
            recipients,
            envelope: arrived.envelope(to).encode(),
            blob: arrived.blob,
            // Nothing of it is returned.
            size: 0,
        };
        let here = (&self.store, &self.directory);
        Ok(report_arrival(here, entry, outcomes, arrived.now, &*self.entropy, settle).await?)
    }
}
