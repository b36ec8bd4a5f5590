//! What an administrator does with entries.

use mailwright_core::{Domain, QueueId};
use mailwright_queue::Envelope;
use mailwright_store::{Batch, BatchId, Op, QueueEntry, QueueOp, Store, Unavailable};
use tokio::sync::oneshot;

use super::command::{AdminError, Command};
use super::started::Queue;

/// Entries that are looked at at once.
const PAGE: usize = 100;

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

    /// All that waits for a destination is tried now, also if it is being left alone; what is [held](Self::hold), or was
    /// submitted for later (RFC 4865), waits on. Says how many messages that are, of the first `most`.
    ///
    /// # Errors
    /// If the store cannot; some of them may be tried then.
    pub async fn retry_all(&self, route: &Domain, most: usize) -> Result<usize, AdminError> {
        let (mut after, mut count) = (None, 0);
        while count < most {
            let page = self.store.queue_page(Some(route.clone()), after, PAGE.min(most - count)).await;
            let page = page.map_err(|error| AdminError::Store(error.into()))?;
            let now = self.clock.wall();
            let is_for_later =
                |entry: &QueueEntry| Envelope::decode(&entry.envelope).is_ok_and(|it| it.begins() > now);
            for entry in page.items.iter().filter(|entry| !entry.held && !is_for_later(entry)) {
                count += 1;
                match self.change(entry.id, QueueOp::Retry { due: entry.due.min(now) }).await {
                    Ok(()) | Err(AdminError::NoSuchEntry) => {}
                    Err(error) => return Err(error),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.resume(route.clone());
        Ok(count)
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
