//! A queue in a directory.

use std::path::PathBuf;
use std::sync::Arc;

use mailwright_store::Unavailable;
use mailwright_store_sqlite::{OpenError, SqliteConfig, SqliteStore};
use tokio::task::spawn_blocking;
use tracing::error;

use super::open::OpenQueue;
use super::started::Queue;

impl Queue<SqliteStore> {
    /// A queue in a directory, which is created if it is not there (the one around it is not), and locked. What is in it
    /// goes on where it was left. To be called within a tokio runtime.
    ///
    /// What the disk has damaged is logged, and everything else is served.
    ///
    /// # Errors
    /// If it cannot be opened, or another process, or another queue of this one, has it open.
    pub async fn open(dir: impl Into<PathBuf>) -> Result<OpenQueue<SqliteStore>, OpenError> {
        let config = SqliteConfig::at(dir);
        let opening = spawn_blocking(move || SqliteStore::open(config)).await;
        // Only if it has panicked.
        let (store, report) = opening.map_err(|error| OpenError::Index(Unavailable::new(error)))??;
        for damage in &report.damage {
            error!(?damage, "a part of the queue is damaged");
        }
        Ok(Self::on(Arc::new(store)).closing(SqliteStore::close))
    }
}
