//! Connections that are kept for the next message.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailwright_smtp::client::Event;
use mailwright_tokio::Shutdown;
use tokio::sync::oneshot;

use super::config::PoolConfig;
use super::connection::Connection;
use super::plan::Target;

/// Connections without work. Each has a task that sees it end, or its time, or somebody who wants it.
#[derive(Debug)]
pub(super) struct Pool {
    config: PoolConfig,
    tasks: Shutdown,
    /// The oldest first.
    idle: Mutex<VecDeque<Idle>>,
}

#[derive(Debug)]
struct Idle {
    target: Target,
    /// Asks its task for it.
    ask: oneshot::Sender<oneshot::Sender<Connection>>,
}

impl Pool {
    pub(super) fn new(config: PoolConfig) -> Self {
        Self { config, tasks: Shutdown::new(), idle: Mutex::default() }
    }

    /// The connection to `target` that was used last, if there is one that lives.
    pub(super) async fn take(&self, target: &Target) -> Option<Connection> {
        loop {
            let found = {
                let mut idle = self.idle();
                let at = idle.iter().rposition(|idle| idle.target == *target)?;
                idle.remove(at)?
            };
            let (give, given) = oneshot::channel();
            if found.ask.send(give).is_ok()
                && let Ok(connection) = given.await
            {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection after a message, unless it has seen enough of them.
    pub(super) fn keep(&self, connection: Connection) {
        if self.is_worn(&connection) || self.config.idle == 0 || self.config.keep == Duration::ZERO {
            return self.part(connection);
        }
        if !self.has_room() {
            return;
        }
        let (ask, asked) = oneshot::channel();
        let target = connection.target.clone();
        self.tasks.spawn(attend(connection, asked, self.tasks.clone()));
        let mut idle = self.idle();
        idle.retain(|idle| !idle.ask.is_closed());
        idle.push_back(Idle { target, ask });
        if idle.len() > self.config.idle {
            // Its task sees nobody left who could ask.
            idle.pop_front();
        }
    }

    /// Whether a connection has seen enough messages (RFC 9422).
    pub(super) fn is_worn(&self, connection: &Connection) -> bool {
        let allowed = connection.offers().mail_max.unwrap_or(u32::MAX).min(self.config.transactions);
        connection.transactions >= allowed
    }

    /// Says goodbye to a connection, which nobody has to wait for.
    pub(super) fn part(&self, connection: Connection) {
        if self.has_room() {
            self.tasks.spawn(connection.leave());
        }
    }

    /// Lets all connections go, and waits for that, at most as long as `patience`.
    pub(super) async fn close(&self, patience: Duration) {
        self.idle().clear();
        self.tasks.drain(patience).await;
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another task may be begun. Otherwise a connection is closed without a word.
    fn has_room(&self) -> bool {
        let max = self.config.idle.saturating_add(self.config.leaving);
        self.tasks.running() < max && !self.tasks.token().is_cancelled()
    }
}

/// Has a connection until it is wanted, or its time is over: then the machine says goodbye.
async fn attend(
    mut connection: Connection,
    mut asked: oneshot::Receiver<oneshot::Sender<Connection>>,
    shutdown: Shutdown,
) {
    loop {
        tokio::select! {
            biased;
            asked = &mut asked, if connection.ready.is_some() => {
                let unwanted = match asked {
                    Ok(give) => give.send(connection).err(),
                    Err(_) => Some(connection),
                };
                if let Some(connection) = unwanted {
                    connection.leave().await;
                }
                return;
            }
            () = shutdown.token().cancelled() => return connection.leave().await,
            event = connection.driver.next() => match event {
                Ok(Some(Event::Ready { ticket })) => connection.ready = Some(ticket),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            },
        }
    }
}
