//! The command's end.

use std::io;

use mailwright_store::DynStore;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::execute::execute;
use super::protocol::{
    ANSWER_MAX, Answered, Asked, LineError, Outcome, Reply, Request, VERSION, read, write,
};
use super::socket::path;
use crate::config::Config;
use crate::data::{Opened, close_off_thread, open_off_thread};
use crate::exit::{Exit, Failure};

/// Who does it.
pub(crate) enum Office {
    /// The server that runs on the data directory.
    Server(BufReader<OwnedReadHalf>, OwnedWriteHalf),
    /// Nobody else has the data directory.
    Here(Opened),
}

impl Office {
    /// Asks the server, if there is one.
    pub(crate) async fn reach(config: &Config) -> Result<Self, Failure> {
        use io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
        let path = path(&config.data());
        match UnixStream::connect(&path).await {
            Ok(stream) => {
                let (reader, writer) = stream.into_split();
                Ok(Self::Server(BufReader::new(reader), writer))
            }
            Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => {
                open_off_thread(config.storage()).await.map(Self::Here)
            }
            Err(error) => {
                let message = format!("cannot reach the server at {}: {error}", path.display());
                Err(match error.kind() {
                    PermissionDenied => Failure::new(Exit::NoPermission, message)
                        .with_remedy("run this as the user that the server runs as, or as root"),
                    _ => Failure::new(Exit::Unavailable, message),
                })
            }
        }
    }

    pub(crate) async fn ask(&mut self, config: &Config, request: Request) -> Result<Reply, Failure> {
        match self {
            Self::Here(Opened { store, .. }) => {
                let store: &Arc<dyn DynStore> = store;
                execute(store, &config.root, request).await
            }
            Self::Server(reader, writer) => {
                write(writer, &Asked { version: VERSION, request }).await.map_err(broken)?;
                match read::<Answered>(reader, ANSWER_MAX).await.map_err(broken)? {
                    Some(Answered { result: Outcome::Ok(reply), .. }) => Ok(reply),
                    Some(Answered { result: Outcome::Error(failure), .. }) => Err(failure),
                    None => Err(Failure::new(Exit::TempFail, "the server has ended before it answered")),
                }
            }
        }
    }

    /// Lets go of the data directory.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Server(..) => Ok(()),
            Self::Here(opened) => close_off_thread(opened).await,
        }
    }
}

fn broken(error: LineError) -> Failure {
    Failure::new(Exit::Unavailable, format!("the server's answer: {error}"))
}
