//! Futures of the driver may be dropped wherever they are.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use mailwright_tokio::DriverError;
use tokio::task::yield_now;

use crate::driver::{Notes, SmtpDriver, driver, run, say_yes, whole_session};
use crate::io::Script;

/// Polls once, without anybody who could be woken, and drops.
fn glance<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// `next`, given up `times` before it is waited for.
async fn hesitant_next(
    driver: &mut SmtpDriver,
    times: usize,
) -> Result<Option<mailwright_smtp::Event>, DriverError<mailwright_smtp::server::Error>> {
    for _ in 0..times {
        if let Some(done) = glance(driver.next()) {
            return done;
        }
    }
    driver.next().await
}

/// Work that takes a while, attended by attendants who give up.
async fn hesitant_attend(driver: &mut SmtpDriver, times: usize) {
    let mut work = pin!(async {
        for _ in 0..5 {
            yield_now().await;
        }
        7
    });
    for _ in 0..times {
        if let Some(done) = glance(driver.attend(work.as_mut())) {
            assert_eq!(done, 7);
            return;
        }
    }
    assert_eq!(driver.attend(work).await, 7);
}

#[tokio::test(start_paused = true)]
async fn next_and_attend_lose_nothing_when_dropped() {
    let (expected, _) = run(driver(Script::new(&whole_session(), 1000, false))).await;
    for step in [1, 10, 1000] {
        for times in [1, 2, 20] {
            let script = Script::new(&whole_session(), step, true);
            let written = Arc::clone(&script.written);
            let mut driver = driver(script);
            let mut notes = Notes::default();
            while let Some(event) = hesitant_next(&mut driver, times).await.unwrap() {
                hesitant_attend(&mut driver, times).await;
                say_yes(&mut driver, event, &mut notes);
            }
            assert_eq!(notes, expected, "{step} octets, given up {times} times");
            assert!(written.lock().unwrap().ends_with(b"closing\r\n"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attending_between_events_loses_none() {
    let (expected, _) = run(driver(Script::new(&whole_session(), 1000, false))).await;
    let mut driver = driver(Script::new(&whole_session(), 100, true));
    let mut notes = Notes::default();
    loop {
        // No question is open: the machine goes on meanwhile.
        driver.attend(wake_often(20)).await;
        match driver.next().await.unwrap() {
            Some(event) => say_yes(&mut driver, event, &mut notes),
            None => break,
        }
    }
    assert_eq!(notes, expected);
}

async fn wake_often(times: usize) {
    let mut left = times;
    poll_fn(|cx| {
        left = left.saturating_sub(1);
        cx.waker().wake_by_ref();
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
