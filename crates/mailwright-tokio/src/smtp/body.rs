//! The content of a message, as it arrives.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mailwright_smtp::server::Aborted;
use thiserror::Error;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// Pieces that wait for a handler that is slower than the client. More would only use memory.
const PIECES: usize = 2;

/// The content of a message, dots undone, never longer than the server takes
/// ([`message_size`](mailwright_smtp::server::Limits::message_size), 25 MiB unless configured). All line ends are CRLF.
///
/// It is what the client sent and nothing else: who passes it on, or keeps it as mail, puts Received in front, and on
/// final delivery Return-Path (RFC 5321 §4.4), for which [`Ctx`](super::Ctx) and [`Envelope`](super::Envelope) have what
/// is needed.
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

    /// Writes it to a file and syncs file and directory: it is durable when this returns. The directory has to be
    /// there. The file appears
    /// under its name only whole, in place of one that was there before; until then `.part` is appended to the
    /// name.
    ///
    /// # Errors
    /// If it is cut off, or cannot be written; then nothing is left. Nor is when the future is dropped.
    pub async fn save_to(mut self, path: impl AsRef<Path>) -> Result<(), BodyError> {
        let path = path.as_ref().to_owned();
        let (mut part, file) = Part::create(&path).await?;
        let mut file = File::from_std(file);
        while let Some(chunk) = self.chunk().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        Ok(blocking(move || part.become_whole(path)).await?)
    }
}

/// A file that is removed unless it becomes whole.
struct Part(Option<PathBuf>);

impl Part {
    async fn create(path: &Path) -> io::Result<(Self, std::fs::File)> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        // In one go: if nobody waits any more, what was created is dropped, and so removed, over there.
        blocking(move || {
            let file = std::fs::File::create_new(&part)?;
            Ok((Self(Some(part.into())), file))
        })
        .await
    }

    /// Gives it its name, durably.
    fn become_whole(&mut self, path: PathBuf) -> io::Result<()> {
        if let Some(part) = &self.0 {
            std::fs::rename(part, &path)?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::File::open(folder.unwrap_or(Path::new(".")));
        self.0 = Some(path);
        folder?.sync_all()?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
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
