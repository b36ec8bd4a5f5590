//! The data directory: the one place that chooses what keeps the mail.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mailwright_core::{Entropy as _, UidValidity};
use mailwright_store::DynStore;
use mailwright_store_sqlite::{LockError, OpenError, OpenReport, SqliteConfig, SqliteStore};
use mailwright_tokio::SystemEntropy;

use crate::exit::{Exit, Failure};

/// A data directory that is ours until it is closed.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn DynStore>,
    engine: SqliteStore,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

/// How it cannot be opened, for people.
pub(crate) fn failure(dir: &Path, error: &OpenError) -> Failure {
    match error {
        OpenError::Lock(LockError::Held { .. }) => Failure::new(Exit::Unavailable, error.to_string())
            .with_remedy("is a server running on it? one server at a time uses a data directory"),
        OpenError::Lock(LockError::Io { directory, source }) => {
            Failure::of_io(format!("{error}: {source}"), directory, source)
        }
        OpenError::Io { path, cause } => Failure::of_io(error.to_string(), path, cause),
        other => Failure::new(Exit::IoError, format!("{}: {}", dir.display(), chain(other)))
            .with_remedy(format!("mailwright verify {} says more", dir.display())),
    }
}

/// An error and what lies behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

impl Failure {
    /// Because of what the operating system says of a file.
    pub(crate) fn of_io(message: String, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{
            AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
        };
        let path = path.display();
        match error.kind() {
            PermissionDenied => Self::new(Exit::NoPermission, message).with_remedy(format!(
                "it must belong to the user that the server runs as: chown USER {path}"
            )),
            ReadOnlyFilesystem => Self::new(Exit::NoPermission, message)
                .with_remedy("mail cannot be kept there: mount it for writing, or change `data`"),
            NotFound => Self::new(Exit::CantCreate, message)
                .with_remedy("create the data directory: install -d -m 700 DIR"),
            AlreadyExists | NotADirectory => Self::new(Exit::CantCreate, message).with_remedy(
                "the data directory is to be a folder of its own, and there is a file of that name",
            ),
            StorageFull => Self::new(Exit::IoError, message).with_remedy("the disk is full"),
            _ => Self::new(Exit::IoError, message),
        }
    }
}

/// The file with what the salts of unknown users are made of.
const DECOY_SECRET: &str = "scram.secret";

/// What the salts of unknown users are made of, in a data directory that is open. It is made when it is missing, or not
/// whole.
pub(crate) fn decoy_secret(dir: &Path) -> Result<[u8; 32], Failure> {
    let path = dir.join(DECOY_SECRET);
    let failed = |error: io::Error| Failure::of_io(format!("{}: {error}", path.display()), &path, &error);
    match fs::read(&path) {
        Ok(octets) => {
            if let Ok(secret) = octets.try_into() {
                return Ok(secret);
            }
            fs::remove_file(&path).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut secret = [0; 32];
    SystemEntropy.fill(&mut secret);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(&secret).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(secret)
}

/// Opens a data directory, blocking. Creates it, if what it lies in is there.
pub(crate) fn open(mut config: SqliteConfig) -> Result<Opened, Failure> {
    let dir = config.dir.clone();
    // A directory that was emptied must not give out again what clients remember.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let first = u32::try_from(seconds).ok().and_then(UidValidity::new);
    config.first_uid_validity = first.unwrap_or(config.first_uid_validity);
    let (engine, report) = SqliteStore::open(config).map_err(|error| failure(&dir, &error))?;
    tell(&dir, &report);
    Ok(Opened { store: Arc::new(engine.clone()), engine })
}

/// What was found at the opening, into the log.
fn tell(dir: &Path, report: &OpenReport) {
    let OpenReport { created, replayed, rebuilt, orphans, cut, damage, .. } = report;
    let dir = dir.display();
    for damage in damage {
        tracing::error!(code = "store.damage", %dir, ?damage, "a part of the log is damaged; all else is served");
    }
    if *rebuilt {
        tracing::warn!(code = "store.rebuilt", %dir, "the index was missing or damaged and was built anew from the log");
    }
    tracing::info!(code = "store.open", %dir, created, replayed, orphans, ?cut, "data directory opened");
}

impl Opened {
    /// Lets go of it, blocking.
    pub(crate) fn close(self) {
        drop(self.store);
        self.engine.close();
    }
}

/// The same off the threads that serve.
pub(crate) async fn open_off_thread(config: SqliteConfig) -> Result<Opened, Failure> {
    let opened = tokio::task::spawn_blocking(move || open(config)).await;
    opened.map_err(|error| Failure::new(Exit::Software, error.to_string()))?
}

/// The same off the threads that serve.
pub(crate) async fn close_off_thread(opened: Opened) -> Result<(), Failure> {
    let closed = tokio::task::spawn_blocking(move || opened.close()).await;
    closed.map_err(|error| Failure::new(Exit::Software, error.to_string()))
}
