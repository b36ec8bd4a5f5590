//! The release of what was held (RFC 4865): whom its recipients lead to is looked up then. It goes into mailboxes here in
//! the commit that settles it, and for others into entries of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mailwright_core::{
    AccountId, Address, Clock, Domain, EnhancedCode, Entropy, ForwardPath, Stage, Timestamp, TraceEvent,
    Verdict,
};
use mailwright_delivery::{Deliver, Delivery, DynDeliver, Expanded, Parts, Write, expand};
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_queue::{
    AcceptConfig, Attempt, AttemptStage, Diagnostic, Feedback, OutgoingRecipient, RecipientOutcome,
    RecipientState, entries_behind,
};
use mailwright_store::{
    Append, BlobError, BlobReader, Claimed, Directory, Op, Opaque, QueueEntry, Resolution, Store, Target,
    Unavailable,
};
use tracing::warn;

use crate::arrival::{ADDRESSES_MAX, is_one};
use crate::held::is_held;
use crate::queued;

/// Operations of a batch that are left for what is behind aliases, and for settlement, trace and report.
const OPS_RESERVED: usize = 256;

/// A way to deliver that also knows what is held.
pub(crate) struct Releasing<S, D> {
    pub(crate) elsewhere: Arc<dyn DynDeliver<S>>,
    pub(crate) directory: D,
    pub(crate) accept: AcceptConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl<S: Store, D: Directory> Deliver<S> for Releasing<S, D> {
    async fn deliver(&self, store: &Arc<S>, claimed: &Claimed, parts: &Parts) -> Delivery {
        let entry = &claimed.entry;
        if !is_held(&entry.route) {
            return self.elsewhere.deliver(store, claimed, parts).await;
        }
        let mut release = Release::of(entry, self.clock.wall());
        match release.look_up(&self.directory, &parts.recipients, store.limits().ops_per_batch).await {
            Ok(()) => {
                release.fill_mailboxes(&**store).await;
                let mut number = [0; 4];
                self.entropy.fill(&mut number);
                release.go_on(u32::from_be_bytes(number), &self.accept);
            }
            // All of them together, so that nobody is reached by two ways.
            Err(error) => {
                warn!(trace = %entry.id.trace, %error, "the directory cannot tell");
                let failing = release.failing("it cannot be told now who the recipients are");
                release = Release {
                    outcomes: vec![failing; entry.recipients.len()],
                    ..Release::of(entry, release.now)
                };
            }
        }
        Delivery {
            attempt: Attempt::Tried { outcomes: release.outcomes, not_before: None },
            writes: release.writes,
            feedback: Feedback::Served,
            remote: None,
            stages: Vec::new(),
            tls: None,
        }
    }

    async fn close(&self) {
        self.elsewhere.close().await;
    }
}

/// One entry, on its way out.
struct Release<'a> {
    entry: &'a QueueEntry,
    now: Timestamp,
    /// Accounts, and the recipients by which they are reached: places in the entry.
    mailboxes: BTreeMap<AccountId, Vec<usize>>,
    /// Those who get entries of their own.
    onwards: BTreeMap<Address, Onwards>,
    /// Accounts among these, each by the address that was found first.
    members: BTreeMap<AccountId, Address>,
    outcomes: Vec<RecipientOutcome>,
    writes: Vec<Write>,
}

/// Somebody who gets an entry.
struct Onwards {
    route: Domain,
    state: RecipientState,
    /// The recipients who lead there: places in the entry.
    places: BTreeSet<usize>,
}

impl<'a> Release<'a> {
    fn of(entry: &'a QueueEntry, now: Timestamp) -> Self {
        Self {
            entry,
            now,
            mailboxes: BTreeMap::new(),
            onwards: BTreeMap::new(),
            members: BTreeMap::new(),
            outcomes: vec![RecipientOutcome::NotTried; entry.recipients.len()],
            writes: Vec::new(),
        }
    }

    /// Whom all recipients lead to, as far as one commit has room for it.
    async fn look_up(
        &mut self,
        directory: &impl Directory,
        states: &[RecipientState],
        ops: usize,
    ) -> Result<(), Unavailable> {
        let room = ops.saturating_sub(OPS_RESERVED).max(1);
        let (mut left, mut groups) = (ADDRESSES_MAX, Vec::new());
        let entry = self.entry;
        for (place, (recipient, state)) in entry.recipients.iter().zip(states).enumerate().take(room) {
            let address = &recipient.address;
            match directory.resolve(&ForwardPath::Address(address.clone())).await? {
                Resolution::Local { account, .. } => self.reaches(place, account),
                Resolution::Remote(_) => self.leaves(place, address, state),
                Resolution::Alias(_) => {
                    let behind = expand(directory, [address.clone()], left).await?;
                    if behind.left_out > 0 && left < ADDRESSES_MAX {
                        // In the next commit there is more room for it.
                        continue;
                    }
                    if !is_one(&behind) {
                        left = left.saturating_sub(behind.accounts.len() + behind.remote.len());
                    }
                    self.leads((place, address), behind, state, &mut groups);
                }
                _ => self.fails(place, (5, 1, 1), "there is no such mailbox here any more"),
            }
        }
        groups.into_iter().for_each(|(place, behind, state)| self.members(place, behind, &state));
        Ok(())
    }

    /// A recipient is an alias.
    fn leads(
        &mut self,
        (place, alias): (usize, &Address),
        behind: Expanded,
        state: &RecipientState,
        groups: &mut Vec<(usize, Expanded, RecipientState)>,
    ) {
        if behind.left_out > 0 {
            self.fails(place, (5, 5, 3), "it leads to too many addresses");
        } else if behind.is_empty() {
            self.fails(place, (5, 1, 1), "it leads to nobody any more");
        } else if !is_one(&behind) {
            self.lost(place, &behind);
            groups.push((place, behind, queued::behind_alias(state.clone(), alias)));
        } else {
            self.lost(place, &behind);
            let state = queued::under(state.clone(), alias);
            behind.accounts.into_keys().for_each(|account| self.reaches(place, account));
            behind.remote.iter().for_each(|address| self.leaves(place, address, &state));
        }
    }

    /// A recipient is an account here.
    fn reaches(&mut self, place: usize, account: AccountId) {
        self.mailboxes.entry(account).or_default().push(place);
        self.ends(place, RecipientOutcome::Delivered(self.said(None, "in the mailbox")));
    }

    /// A recipient is somebody elsewhere.
    fn leaves(&mut self, place: usize, address: &Address, state: &RecipientState) {
        let onwards = OutgoingRecipient::new(address.clone(), state.clone());
        match onwards {
            // Else it would come back here for ever.
            Ok(OutgoingRecipient { route, state, .. }) if !is_held(&route) => {
                self.goes_on(place, address, route, state);
                let text = format!("released, and on its way to {address}");
                self.ends(place, RecipientOutcome::Requeued(self.said(None, text)));
            }
            _ => self.fails(place, (5, 1, 2), "there is no such domain"),
        }
    }

    /// A recipient is several, who from now on are recipients themselves.
    fn members(&mut self, place: usize, behind: Expanded, state: &RecipientState) {
        let here = self.entry.route.clone();
        for (account, address) in behind.accounts {
            // Who is reached otherwise needs nothing of a group.
            if !self.mailboxes.contains_key(&account) {
                let address = self.members.entry(account).or_insert(address).clone();
                self.goes_on(place, &address, here.clone(), state.clone());
            }
        }
        for address in behind.remote {
            self.goes_on(place, &address, here.clone(), state.clone());
        }
        let text = "released, and gone on to those behind the address";
        self.ends(place, RecipientOutcome::Expanded(self.said(None, text)));
    }

    /// Addresses behind an alias are nobody's.
    fn lost(&mut self, place: usize, behind: &Expanded) {
        let (Some(lost), count) = (behind.unknown.first(), behind.unknown.len()) else { return };
        let trace = self.entry.id.trace;
        warn!(address = %lost, count, %trace, "an alias leads to nobody");
        let what = format!("{lost} leads to nobody");
        let event = TraceEvent::new(self.now, Stage::Rcpt, Verdict::Reject, what);
        let events = vec![event.with_evidence("addresses", count.to_string())];
        self.writes.push(Write { op: Op::Trace { id: trace, events }, recipients: vec![place] });
    }

    fn goes_on(&mut self, place: usize, address: &Address, route: Domain, state: RecipientState) {
        let onwards = self.onwards.entry(address.clone());
        onwards.or_insert_with(|| Onwards { route, state, places: BTreeSet::new() }).places.insert(place);
    }

    fn fails(&mut self, place: usize, (class, subject, detail): (u8, u16, u16), text: &str) {
        let why = self.said(EnhancedCode::new(class, subject, detail), text);
        self.ends(place, RecipientOutcome::Failed(why));
    }

    fn ends(&mut self, place: usize, outcome: RecipientOutcome) {
        if let Some(before) = self.outcomes.get_mut(place) {
            *before = outcome;
        }
    }

    fn said(&self, enhanced: Option<EnhancedCode>, text: impl Into<String>) -> Diagnostic {
        let stage = AttemptStage::End;
        Diagnostic { at: self.now, stage, code: None, enhanced, text: text.into(), remote: None }
    }

    /// What it is to be tried again for.
    fn failing(&self, text: &str) -> RecipientOutcome {
        // RFC 3463 §3.4
        RecipientOutcome::Deferred(self.said(EnhancedCode::new(4, 3, 0), text))
    }

    /// The commit that settles the entry puts the message into the mailboxes.
    async fn fill_mailboxes(&mut self, store: &impl Store) {
        if self.mailboxes.is_empty() {
            return;
        }
        let (mailboxes, trace) = (std::mem::take(&mut self.mailboxes), self.entry.id.trace);
        let scan = match scanned(store, self.entry).await {
            Ok(scan) => scan,
            Err(error) => {
                warn!(%trace, %error, "a message that was held cannot be read");
                let failing = self.failing("the message cannot be read now");
                let places = mailboxes.into_values().flatten();
                return places.for_each(|place| self.ends(place, failing.clone()));
            }
        };
        for (account, recipients) in mailboxes {
            let append = Append::new(Target::inbox(account), self.entry.blob, self.now);
            let op = Op::Append(Append { scan: scan.clone(), ..append });
            self.writes.push(Write { op, recipients });
        }
    }

    /// And begins the entries of all others.
    fn go_on(&mut self, number: u32, accept: &AcceptConfig) {
        let recipients = self.onwards.iter().map(|(address, Onwards { route, state, .. })| {
            OutgoingRecipient { route: route.clone(), address: address.clone(), state: state.clone() }
        });
        for new in entries_behind(self.entry, recipients.collect(), self.now, number, accept) {
            let of = new.recipients.iter().filter_map(|recipient| self.onwards.get(&recipient.address));
            let places: BTreeSet<usize> = of.flat_map(|onwards| &onwards.places).copied().collect();
            self.writes.push(Write { op: Op::from(new), recipients: places.into_iter().collect() });
        }
    }
}

/// What the scanner finds in the message.
async fn scanned(store: &impl Store, entry: &QueueEntry) -> Result<Opaque, BlobError> {
    let mut scanner = Scanner::new(ScanLimits::default());
    let mut reader = store.read_blob(entry.blob, 0..entry.size).await?;
    while let Some(piece) = reader.next().await? {
        scanner.feed(&piece);
    }
    let scan = scanner.finish().fit(store.limits().scan_bytes);
    Ok(Opaque { version: Scan::VERSION, bytes: scan.octets().clone() })
}
