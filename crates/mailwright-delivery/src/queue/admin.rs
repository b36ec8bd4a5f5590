//! What an administrator does with entries.

use mailwright_core::QueueId;
use mailwright_store::{Batch, BatchId, Op, QueueEntry, QueueOp, Store, Unavailable};
use tokio::sync::oneshot;

use super::command::{AdminError, Command};
use super::started::Queue;

impl<S: Store> Queue<S> {
    /// Nobody tries it until it is [released](Self::release). An attempt under way is finished.
    ///
    /// # Errors
    /// If there is no such entry, or the store cannot.
    pub async fn hold(&self, entry: QueueId) -> Result<(), AdminError> {
        self.change(entry, QueueOp::Hold).await
    }

    /// It may be tried again, when it is due.
    ///
    /// # Errors
    /// If there is no such entry, or the store cannot.
    pub async fn release(&self, entry: QueueId) -> Result<(), AdminError> {
        self.change(entry, QueueOp::Release).await
    }

    /// It is tried now, also if its destination is being left alone.
    ///
    /// # Errors
    /// If there is no such entry, or the store cannot.
    pub async fn retry(&self, entry: &QueueEntry) -> Result<(), AdminError> {
        self.change(entry.id, QueueOp::Retry { due: self.clock.wall() }).await?;
        self.resume(entry.route.clone());
        Ok(())
    }

    /// It goes away, and nobody is told.
    ///
    /// # Errors
    /// If there is no such entry, somebody is delivering it, or the store cannot.
    pub async fn delete(&self, entry: QueueId) -> Result<(), AdminError> {
        self.change(entry, QueueOp::Remove).await
    }

    /// It goes back to its sender, as if all of its recipients had refused it.
    ///
    /// # Errors
    /// If there is no such entry, somebody is delivering it, or the store cannot.
    pub async fn bounce(&self, entry: QueueEntry) -> Result<(), AdminError> {
        let (answer, done) = oneshot::channel();
        let stopped = || AdminError::Store(Unavailable::default().into());
        self.commands.send(Command::Bounce(Box::new(entry), answer)).await.map_err(|_| stopped())?;
        done.await.map_err(|_| stopped())?
    }

    async fn change(&self, entry: QueueId, op: QueueOp) -> Result<(), AdminError> {
        let batch = self.batch().with(Op::Queue { entry, op });
        self.store.commit(batch).await.map(drop).map_err(|rejected| rejected.cause.into())
    }

    fn batch(&self) -> Batch {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        Batch::new(BatchId(id), self.clock.wall())
    }
}
