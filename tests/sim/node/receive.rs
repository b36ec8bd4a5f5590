//! Mail on its way in: local recipients and those elsewhere in one commit.

use std::sync::Arc;

use mailwright_core::{Address, Clock, Entropy, ForwardPath};
use mailwright_delivery::expand;
use mailwright_message::{ScanLimits, Scanner};
use mailwright_queue::{
    Body as BodyType, Envelope as Queued, Outgoing, OutgoingRecipient, RecipientState, SettleConfig,
};
use mailwright_smtp::Rejection;
use mailwright_store::{
    Append, Batch, BatchId, BlobHint, BlobWriter, Directory, ManagedDirectory, Op, Resolution, Store, Target,
};
use mailwright_store_sqlite::testing::SimStore;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};

use super::Sabotage;
use crate::clock::SimClock;

pub(super) struct Receive {
    pub(super) store: SimStore,
    pub(super) directory: ManagedDirectory<SimStore>,
    pub(super) settle: SettleConfig,
    pub(super) clock: SimClock,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) sabotage: Sabotage,
}

impl SmtpHandler for Receive {
    async fn rcpt(&self, _: &Ctx, to: &Address) -> Verdict {
        match self.directory.resolve(&ForwardPath::Address(to.clone())).await? {
            Resolution::Unknown => Err(Rejection::no_such_user()),
            _ => Ok(()),
        }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, mut body: Body) -> Verdict<String> {
        let now = self.clock.wall();
        let mut blob = self.store.blob_writer(BlobHint { now, size: None }).await?;
        let mut scanner = Scanner::new(ScanLimits::default());
        while let Some(chunk) = body.chunk().await? {
            scanner.feed(&chunk);
            blob.write(chunk).await?;
        }
        let blob = blob.finish(now).await?.id();
        let to = expand(&self.directory, envelope.to.iter().cloned(), 1000).await?;
        let mut batch = Batch::new(BatchId(self.random()), now);
        let append = |account| Op::Append(Append::new(Target::inbox(account), blob, now));
        batch.ops.extend(to.accounts.into_iter().map(append));
        if self.sabotage == Sabotage::TwoCommits {
            let local =
                Batch { ops: std::mem::take(&mut batch.ops), ..Batch::new(BatchId(self.random()), now) };
            self.store.commit(local).await?;
        }
        let header = scanner.finish().header_range().end;
        let recipient = |to| OutgoingRecipient::new(to, RecipientState::default());
        let outgoing = Outgoing {
            trace: cx.trace_id(),
            sender: envelope.from.clone(),
            envelope: Queued { body: BodyType::SevenBit, header, ..Queued::new(now) },
            blob,
            recipients: to.remote.into_iter().map(recipient).collect::<Result<_, _>>().unwrap(),
        };
        let entries = outgoing.entries(&self.settle.accept, &self.settle.retry);
        batch.ops.extend(entries.into_iter().map(Op::from));
        if self.sabotage == Sabotage::EarlyAnswer {
            let store = self.store.clone();
            tokio::spawn(async move { store.commit(batch).await });
        } else {
            self.store.commit(batch).await?;
        }
        Ok(format!("accepted as {}", cx.trace_id()))
    }
}

impl Receive {
    fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.entropy.fill(&mut octets);
        octets
    }
}
