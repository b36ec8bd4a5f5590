//! Reports on their way: written, stored, and put into a mailbox here or into the queue.

use bytes::Bytes;
use mailwright_core::{Timestamp, TraceId};
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_queue::Report;
use mailwright_store::{
    Append, BlobError, BlobHint, BlobReader, BlobWriter, Claimed, Directory, Op, Opaque, Store, Target,
    Unavailable,
};
use thiserror::Error;

use super::expand::expand;
use super::worker::Worker;

/// RFC 5321 §4.4, §4.5.5: for mailboxes here; other servers are not sent it.
const RETURN_PATH: &[u8] = b"Return-Path: <>\r\n";

/// Why a report cannot be sent now.
#[derive(Debug, Error)]
pub(super) enum ReportError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Directory(#[from] Unavailable),
}

impl<S: Store, X, D: Directory> Worker<S, X, D> {
    /// Stores a report, and gives what is to be committed with the settlement that asks for it.
    pub(super) async fn post(
        &self,
        report: &Report,
        claimed: &Claimed,
        now: Timestamp,
    ) -> Result<Vec<Op>, ReportError> {
        let to = expand(&self.directory, [report.to().clone()], self.config.report_accounts).await?;
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
        let appends = to.accounts.iter().map(|account| {
            Op::Append(Append { scan: scan.clone(), ..Append::new(Target::inbox(*account), blob, now) })
        });
        let mut ops: Vec<Op> = appends.collect();
        if !to.remote.is_empty() {
            let trace = TraceId::new(now, self.random());
            let mut outgoing = report.outgoing(trace, now, blob, &written, header);
            outgoing.envelope.begin = RETURN_PATH.len() as u64;
            let entries = outgoing.entries(&self.config.settle.accept, &self.config.settle.retry);
            ops.extend(entries.into_iter().map(Op::from));
        }
        Ok(ops)
    }
}
