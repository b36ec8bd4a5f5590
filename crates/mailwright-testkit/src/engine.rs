//! A thread with a runtime of its own: what is served there goes on while a test blocks, and needs no runtime of the
//! test's.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use mailwright_tokio::Shutdown;
use tokio::runtime::{Builder, Handle};

/// What runs apart, until it is dropped.
pub(crate) struct Engine {
    handle: Handle,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Runs `begin` there, and what it spawns.
    pub(crate) fn start(begin: impl FnOnce(&Shutdown) -> io::Result<()>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, shutdown) = (runtime.handle().clone(), Shutdown::new());
        {
            let _inside = handle.enter();
            begin(&shutdown)?;
        }
        let stopped = shutdown.token().clone();
        // With the runtime go all of its tasks, and their sockets.
        let run = move || runtime.block_on(stopped.cancelled());
        let thread = thread::Builder::new().name("mailwright-testkit".to_owned()).spawn(run)?;
        Ok(Self { handle, shutdown, thread: Some(thread) })
    }

    /// Waits so long, on whatever runtime.
    pub(crate) async fn sleep(&self, time: Duration) {
        // If it was stopped, nothing is to be waited for.
        let _ = self.handle.spawn(async move { tokio::time::sleep(time).await }).await;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown.token().cancel();
        if let Some(thread) = self.thread.take() {
            // If it has panicked, the message is on stderr.
            let _ = thread.join();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits in this thread. What it waits for goes on elsewhere, so that it may stand within a runtime too.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
