//! The server's end: a socket in the data directory, for its owner alone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mailwright_delivery::Queue;
use mailwright_store::Store;
use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::execute::execute;
use super::protocol::{
    Answered, Asked, LineError, Outcome, QueueChange, REQUEST_MAX, Reloaded, Reply, Request, VERSION, read,
    write,
};
use super::queue;
use crate::config::Config;
use crate::exit::{Exit, Failure};

/// Its name in the data directory.
const NAME: &str = "control.sock";

/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 16;

/// How long a client may say nothing, or not read.
const IDLE: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the socket of a data directory is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// Somebody waits for a reload.
pub(crate) type ReloadRequest = oneshot::Sender<Result<Reloaded, Failure>>;

/// What the socket's clients can ask for.
pub(crate) struct Control<S> {
    pub(crate) store: S,
    /// What is in force.
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) reload: mpsc::Sender<ReloadRequest>,
    pub(crate) listening: Vec<(String, String)>,
    /// The queue at work, if mail for others is delivered.
    pub(crate) queue: Option<Queue<S>>,
}

/// A socket that is there; gone when dropped.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Bound {
    /// Opens the socket of a data directory, in the place of one that a dead server has left.
    ///
    /// Nobody else can connect at any time: it is made in a folder of its own, and appears with its permissions.
    pub(crate) async fn open(data: &Path) -> Result<Self, Failure> {
        let path = path(data);
        if UnixStream::connect(&path).await.is_ok() {
            let message = format!("a server is running on {} already", data.display());
            return Err(Failure::new(Exit::Unavailable, message).with_remedy(
                "one server at a time uses a data directory: stop it, or give this one another",
            ));
        }
        let listener = bind(data, &path).map_err(|error| {
            let message = format!("cannot open the control socket {}: {error}", path.display());
            match error.kind() {
                // A socket's path has room for 107 octets.
                io::ErrorKind::InvalidInput => {
                    Failure::new(Exit::Config, message).with_remedy("give `data` a shorter path")
                }
                _ => Failure::of_io(message, data, &error),
            }
        })?;
        Ok(Self { listener, path })
    }
}

fn bind(data: &Path, path: &Path) -> io::Result<UnixListener> {
    let folder = data.join("control.tmp");
    // Of a server that died at this very moment.
    let _ = fs::remove_dir_all(&folder);
    DirBuilder::new().mode(0o700).create(&folder)?;
    let inside = folder.join("s");
    let listener = UnixListener::bind(&inside)
        .and_then(|listener| fs::set_permissions(&inside, Permissions::from_mode(0o600)).map(|()| listener))
        .and_then(|listener| fs::rename(&inside, path).map(|()| listener));
    let _ = fs::remove_dir_all(&folder);
    listener
}

impl<S: Store> Control<S> {
    /// Answers until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>, bound: Bound) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            // Never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match bound.listener.accept().await {
                Ok((stream, _)) => {
                    let control = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(error) = control.connection(stream).await {
                            warn!(%error, "control connection given up");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(%error, "no control connection can be taken");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn connection(&self, stream: UnixStream) -> Result<(), LineError> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let late = || LineError::Io(io::ErrorKind::TimedOut.into());
        loop {
            let asked = timeout(IDLE, read::<Asked>(&mut reader, REQUEST_MAX)).await.map_err(|_| late())?;
            let (result, is_last) = match asked {
                Ok(None) => return Ok(()),
                Ok(Some(Asked { version: VERSION, request })) => (self.answer(request).await, false),
                Ok(Some(_)) => (Err(unknown_version()), true),
                Err(error @ LineError::Io(_)) => return Err(error),
                Err(error) => (Err(Failure::new(Exit::Data, error.to_string())), true),
            };
            let result = match result {
                Ok(reply) => Outcome::Ok(reply),
                Err(failure) => Outcome::Error(failure),
            };
            let answered = Answered { version: VERSION, result };
            timeout(IDLE, write(&mut writer, &answered)).await.map_err(|_| late())??;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn answer(&self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Ping => Ok(Reply::Pong { pid: std::process::id(), listening: self.listening.clone() }),
            Request::Reload => {
                let gone = |_| Failure::new(Exit::Unavailable, "the server is stopping");
                let (asks, answer) = oneshot::channel();
                self.reload.send(asks).await.map_err(|_| gone(()))?;
                answer.await.map_err(|_| gone(()))?.map(Reply::Reloaded)
            }
            request => {
                if let (Some(queue), Request::QueueChange { entry, change }) = (&self.queue, &request)
                    && matches!(change, QueueChange::Retry | QueueChange::Bounce)
                {
                    info!(entry, ?change, "done for an administrator");
                    return queue::change_at_work(&self.store, queue, entry, *change).await;
                }
                let config = Arc::clone(&self.config.borrow());
                let what = format!("{request:?}");
                let done = execute(&self.store, &config.root, request).await;
                match &done {
                    Ok(_) => info!(request = what, "done for an administrator"),
                    Err(failure) => {
                        info!(request = what, reason = failure.message, "refused to an administrator");
                    }
                }
                done
            }
        }
    }
}

fn unknown_version() -> Failure {
    Failure::new(
        Exit::Unavailable,
        format!("the running server speaks version {VERSION} of the control protocol"),
    )
    .with_remedy("use the `mailwright` that it was started with, or restart it")
}
