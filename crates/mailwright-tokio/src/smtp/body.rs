//! The content of a message, as it arrives.

use std::io;
use std::path::Path;

use bytes::Bytes;
use mailwright_smtp::server::Aborted;
use thiserror::Error;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// Pieces that wait for a handler that is slower than the client. More would only use memory.
const PIECES: usize = 2;

/// The content of a message, dots undone, never longer than the server takes.
///
/// Its end is the end of a whole message: one that is cut off, too large or malformed gives an error instead,
/// and the client is told why whatever the handler answers.
#[derive(Debug)]
pub struct Body {
    pieces: mpsc::Receiver<Piece>,
    state: State,
}

#[derive(Debug)]
enum Piece {
    Chunk(Bytes),
    End,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Coming,
    Ended,
}

/// The other side of a [`Body`].
#[derive(Debug)]
pub(super) struct BodySender(mpsc::Sender<Piece>);

/// Why there is no (more) content.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It was cut off: see [`Aborted`], which the log has.
    #[error("the message was given up before its end")]
    Aborted,
    /// It could not be stored.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Aborted> for BodyError {
    fn from(_: Aborted) -> Self {
        Self::Aborted
    }
}

impl Body {
    pub(super) fn channel() -> (BodySender, Self) {
        let (sender, pieces) = mpsc::channel(PIECES);
        (BodySender(sender), Self { pieces, state: State::Coming })
    }

    /// The next piece; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`BodyError::Aborted`] if the message will have no end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        if let State::Ended = self.state {
            return Ok(None);
        }
        match self.pieces.recv().await {
            Some(Piece::Chunk(chunk)) => Ok(Some(chunk)),
            Some(Piece::End) => {
                self.state = State::Ended;
                Ok(None)
            }
            None => Err(BodyError::Aborted),
        }
    }

    /// All of it, in memory: at most what the server takes.
    ///
    /// # Errors
    /// [`BodyError::Aborted`] if the message will have no end.
    pub async fn bytes(mut self) -> Result<Bytes, BodyError> {
        let mut all = bytes::BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Writes it to a new file and syncs file and directory: it is durable when this returns. The file appears
    /// under its name only whole.
    ///
    /// # Errors
    /// If it is cut off, or cannot be written; then there is no file.
    pub async fn save_to(mut self, path: impl AsRef<Path>) -> Result<(), BodyError> {
        let path = path.as_ref();
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let saved = self.write_to(Path::new(&part), path).await;
        if saved.is_err() {
            let _ = tokio::fs::remove_file(&part).await;
        }
        saved
    }

    async fn write_to(&mut self, part: &Path, path: &Path) -> Result<(), BodyError> {
        let mut file = File::create_new(part).await?;
        while let Some(chunk) = self.chunk().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        tokio::fs::rename(part, path).await?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).await?.sync_all().await?;
        Ok(())
    }
}

impl BodySender {
    /// Waits until the handler has room; does nothing if it no longer listens.
    pub(super) async fn send(&self, chunk: Bytes) {
        let _ = self.0.send(Piece::Chunk(chunk)).await;
    }

    /// The message is whole.
    pub(super) async fn end(self) {
        let _ = self.0.send(Piece::End).await;
    }
}
