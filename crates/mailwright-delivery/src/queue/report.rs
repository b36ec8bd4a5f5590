//! Reports on their way: written, stored, and put into a mailbox here or into the queue.

use bytes::Bytes;
use mailwright_core::{Entropy, Timestamp, TraceId};
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_queue::{Attempt, RecipientOutcome, Report, SettleConfig};
use mailwright_store::{
    Append, BlobError, BlobHint, BlobReader, BlobWriter, Claimed, Directory, Fence, Lease, Op, Opaque,
    QueueEntry, Store, Target, Unavailable,
};
use thiserror::Error;

use super::config::REPORT_ACCOUNTS;
use super::expand::expand;

/// RFC 5321 §4.4, §4.5.5: for mailboxes here; other servers are not sent it.
const RETURN_PATH: &[u8] = b"Return-Path: <>\r\n";

/// Why a report cannot be sent now.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It could not be stored.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It cannot be told who gets it.
    #[error(transparent)]
    Directory(#[from] Unavailable),
}

/// Where reports are put.
pub(super) struct Post<'a, S, D> {
    pub(super) store: &'a S,
    pub(super) directory: &'a D,
    pub(super) settle: &'a SettleConfig,
    /// How many addresses are looked at that the sender leads to.
    pub(super) accounts_max: usize,
    pub(super) entropy: &'a dyn Entropy,
}

/// Reports what has become of recipients at once, while the message is taken: that it was delivered here, or has gone on
/// to others, to senders who want to know (RFC 3461 §5.2.3). Gives what is to be committed with the message; nothing, if
/// nobody is to be told.
///
/// `entry` is as if the recipients had waited in the queue, each with its outcome. Nothing of the message is returned,
/// since it is not committed yet.
///
/// # Errors
/// [`ReportError`].
pub async fn report_arrival<S: Store, D: Directory>(
    (store, directory): (&S, &D),
    entry: QueueEntry,
    outcomes: Vec<RecipientOutcome>,
    now: Timestamp,
    entropy: &dyn Entropy,
    settle: &SettleConfig,
) -> Result<Vec<Op>, ReportError> {
    // Nobody has a lease on it, and the settlement is not committed.
    let lease = Lease { entry: entry.id, until: now, fence: Fence { epoch: 0, counter: 0 } };
    let claimed = Claimed { lease, entry };
    let attempt = Attempt::Tried { outcomes, not_before: None };
    let Some(mut report) = mailwright_queue::settle(&claimed, attempt, now, 0, settle).report else {
        return Ok(Vec::new());
    };
    report.message.returned = None;
    let post = Post { store, directory, settle, accounts_max: REPORT_ACCOUNTS, entropy };
    post.post(&report, &claimed, now).await
}

impl<S: Store, D: Directory> Post<'_, S, D> {
    /// Stores a report, and gives what is to be committed with the settlement that asks for it.
    pub(super) async fn post(
        &self,
        report: &Report,
        claimed: &Claimed,
        now: Timestamp,
    ) -> Result<Vec<Op>, ReportError> {
        let to = expand(self.directory, [report.to().clone()], self.accounts_max).await?;
        if to.is_empty() {
            return Ok(Vec::new());
        }
        let written = report.message.write(now, self.random());
        let mut scanner = Scanner::new(ScanLimits::default());
        let mut blob = self.store.blob_writer(BlobHint { now, size: None }).await?;
        scanner.feed(RETURN_PATH);
        blob.write(Bytes::from_static(RETURN_PATH)).await?;
        scanner.feed(&written.head);
        blob.write(written.head.clone()).await?;
        if let Some(original) = written.original.clone() {
            let mut reader = self.store.read_blob(claimed.entry.blob, original).await?;
            while let Some(piece) = reader.next().await? {
                scanner.feed(&piece);
                blob.write(piece).await?;
            }
        }
        scanner.feed(&written.tail);
        blob.write(written.tail.clone()).await?;
        let blob = blob.finish(now).await?.id();
        let scan = scanner.finish();
        let header = scan.header_range().end;
        let scan = Opaque {
            version: Scan::VERSION,
            bytes: scan.fit(self.store.limits().scan_bytes).octets().clone(),
        };
        let appends = to.accounts.keys().map(|account| {
            Op::Append(Append { scan: scan.clone(), ..Append::new(Target::inbox(*account), blob, now) })
        });
        let mut ops: Vec<Op> = appends.collect();
        if !to.remote.is_empty() {
            let trace = TraceId::new(now, self.random());
            let mut outgoing = report.outgoing(trace, now, blob, &written, header);
            outgoing.envelope.begin = RETURN_PATH.len() as u64;
            let entries = outgoing.entries(&self.settle.accept, &self.settle.retry);
            ops.extend(entries.into_iter().map(Op::from));
        }
        Ok(ops)
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.entropy.fill(&mut octets);
        octets
    }
}
