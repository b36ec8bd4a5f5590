//! Threads that read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use mailwright_store::Unavailable;
use mailwright_store::model::State;
use tokio::sync::oneshot;

use crate::index::{Fault, Index};
use crate::shared::Generation;

type Read = Box<dyn FnOnce(&mut Reader) + Send>;

/// Threads that read the index, each by its own connection. They end when it is dropped and all is done that was asked.
#[derive(Debug)]
pub(crate) struct Pool {
    reads: mpsc::SyncSender<Read>,
}

/// What a thread reads with.
pub(crate) struct Reader {
    path: PathBuf,
    generation: Arc<Generation>,
    /// The connection, and which index it is to.
    open: Option<(u64, Index, State<Index>)>,
    damaged: Arc<dyn Fn() + Send + Sync>,
}

impl Reader {
    /// Reads one state of the index, as of the last commit.
    fn read<T>(&mut self, read: impl FnOnce(&State<Index>, &Index) -> T) -> Result<T, Unavailable> {
        let result = self.try_read(read);
        if result.is_err() && self.open.take().is_some_and(|(_, index, _)| index.is_damaged()) {
            (self.damaged)();
        }
        result.map_err(Unavailable::new)
    }

    fn try_read<T>(&mut self, read: impl FnOnce(&State<Index>, &Index) -> T) -> Result<T, Fault> {
        let present = self.generation.get();
        if self.open.as_ref().is_none_or(|(generation, ..)| *generation != present) {
            let index = Index::open_for_reading(&self.path)?;
            let state = State::new(index.clone());
            self.open = Some((present, index, state));
        }
        let Some((_, index, state)) = &self.open else { return Err(rusqlite::Error::InvalidQuery.into()) };
        index.begin_reading()?;
        let read = read(state, index);
        index.take_fault()?;
        index.end_reading()?;
        Ok(read)
    }
}

impl Pool {
    /// `threads` threads for which at most `waiting` calls wait. They read the index at `path`, and call `damaged` when it is not what was written.
    pub(crate) fn start(
        threads: usize,
        waiting: usize,
        path: &Path,
        generation: &Arc<Generation>,
        damaged: &Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let (reads, waiting) = mpsc::sync_channel::<Read>(waiting);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            let (path, generation, damaged) = (path.to_owned(), Arc::clone(generation), Arc::clone(damaged));
            thread::Builder::new().name("mailwright-read".to_owned()).spawn(move || {
                let mut reader = Reader { path, generation, open: None, damaged };
                // Opened before it is needed: later there may be no file descriptor left.
                let _ = reader.read(|_, _| ());
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(read) = next else { break };
                    read(&mut reader);
                }
            })?;
        }
        Ok(Self { reads })
    }

    /// Reads one state of the index.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State<Index>, &Index) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.run(move |reader| reader.read(read)).await?
    }

    /// Runs what may wait for the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (answer, done) = oneshot::channel();
        // Who no longer waits does not want it.
        let job: Read = Box::new(move |reader| drop(answer.send(run(reader))));
        self.reads.try_send(job).map_err(|_| Unavailable::default())?;
        done.await.map_err(|_| Unavailable::default())
    }

    /// Runs it some time, for nobody.
    pub(crate) fn later(&self, run: impl FnOnce() + Send + 'static) {
        let _ = self.reads.try_send(Box::new(move |_| run()));
    }
}
