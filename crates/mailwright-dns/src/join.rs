//! Several futures at once, without a runtime.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// Runs all of them together; their results are in the order of the futures. Each is polled whenever one wakes, so
/// they should be few.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| Join::Running(Box::pin(future))).collect();
    poll_fn(|cx| {
        let mut all = true;
        for join in &mut running {
            if let Join::Running(future) = join {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *join = Join::Done(output),
                    Poll::Pending => all = false,
                }
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let done = running.into_iter().map(|join| match join {
        Join::Done(output) => Some(output),
        Join::Running(_) => None,
    });
    done.flatten().collect()
}

enum Join<F: Future> {
    Running(std::pin::Pin<Box<F>>),
    Done(F::Output),
}
