//! Closing without cutting anybody off.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tells all listeners and connections to finish, and knows when they have.
///
/// Clones are the same shutdown.
///
/// ```no_run
/// use std::time::Duration;
///
/// use mailwright_tokio::smtp::on_message;
/// use mailwright_tokio::{Shutdown, SmtpServer};
/// use tokio::net::TcpListener;
///
/// # async fn ctrl_c() {}
/// # async fn main_() -> std::io::Result<()> {
/// let shutdown = Shutdown::new();
/// let server = SmtpServer::new("mx.example.org", on_message(|_mail| async { Ok(()) })).shutdown(shutdown.clone());
/// tokio::spawn(server.serve(TcpListener::bind("127.0.0.1:2525").await?));
/// ctrl_c().await; // in earnest, that of tokio::signal
/// let all_finished = shutdown.drain(Duration::from_secs(30)).await;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    begun: CancellationToken,
    over: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Nobody is told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the shutdown begins: take no new work, finish what is under way.
    pub fn token(&self) -> &CancellationToken {
        &self.begun
    }

    /// Runs `task` as one that a shutdown waits for, and drops it when patience is over.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = over.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// How many tasks are running.
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Begins the shutdown and waits until all tasks have finished, or `patience` is over and they are
    /// dropped. Says whether all finished.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.begun.cancel();
        self.tasks.close();
        let finished = timeout(patience, self.tasks.wait()).await.is_ok();
        if !finished {
            self.over.cancel();
            self.tasks.wait().await;
        }
        finished
    }
}
