//! A queue that an application runs by itself.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Clock;
use mailwright_store::Store;
use mailwright_tokio::Shutdown;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::warn;

use super::started::Queue;

/// How often the store drops what nothing refers to, and how much of it at once.
const RECLAIM: (Duration, usize) = (Duration::from_secs(60), 1000);

/// A queue that works as long as this is kept: all that a [`Queue`] can, and an end.
///
/// Whoever only submits is given a clone of the [`Queue`] inside. Dropped, it takes nothing up any more, and what is
/// under way is finished in the background, if the runtime lives so long. Better is [`shutdown`](Self::shutdown). What
/// is left waits in the store in either case.
#[must_use = "a queue stops when this is dropped"]
pub struct RunningQueue<S> {
    queue: Queue<S>,
    shutdown: Shutdown,
    patience: Duration,
    close: fn(&S),
}

impl<S: Store> RunningQueue<S> {
    pub(super) fn new(queue: Queue<S>, shutdown: Shutdown, patience: Duration, close: fn(&S)) -> Self {
        let (store, clock) = (Arc::clone(&queue.store), Arc::clone(&queue.clock));
        shutdown.spawn(tidy(store, clock, shutdown.clone()));
        Self { queue, shutdown, patience, close }
    }

    /// Takes nothing up any more, finishes what is under way, and closes the store if [`Queue::open`] has opened it: it
    /// can then be opened again. Mail that clones of the queue submit is refused from then on.
    ///
    /// Says whether all was finished within the [patience](crate::OpenQueue::patience). Attempts that were not are
    /// broken off, and made again; what was cut off behind the end of its content may arrive twice (RFC 1047).
    pub async fn shutdown(self) -> bool {
        let finished = self.shutdown.drain(self.patience).await;
        let (store, close) = (Arc::clone(&self.queue.store), self.close);
        let _ = spawn_blocking(move || close(&store)).await;
        finished
    }
}

impl<S> Deref for RunningQueue<S> {
    type Target = Queue<S>;

    fn deref(&self) -> &Queue<S> {
        &self.queue
    }
}

impl<S> Drop for RunningQueue<S> {
    fn drop(&mut self) {
        self.shutdown.token().cancel();
    }
}

impl<S> fmt::Debug for RunningQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningQueue").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Keeps the store tidy until the shutdown.
async fn tidy<S: Store>(store: Arc<S>, clock: Arc<dyn Clock>, shutdown: Shutdown) {
    let (period, limit) = RECLAIM;
    loop {
        tokio::select! {
            biased;
            () = shutdown.token().cancelled() => return,
            () = sleep(period) => {}
        }
        let mut more = true;
        while more && !shutdown.token().is_cancelled() {
            more = match store.reclaim(clock.wall(), limit).await {
                Ok(reclaimed) => reclaimed.more,
                Err(error) => {
                    warn!(%error, "the store could not be tidied");
                    false
                }
            };
        }
    }
}
