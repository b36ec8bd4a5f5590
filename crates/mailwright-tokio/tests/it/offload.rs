//! Password checks on blocking threads.

use mailwright_auth::{Checked, Cost, Offload, PasswordCheck, Verifier};
use mailwright_tokio::{Blocking, BlockingLimits};

fn check(password: &str) -> PasswordCheck {
    let cost = Cost::new(8, 1, 1).unwrap();
    let verifier = Verifier::hash(b"right", [7; 16], cost).unwrap();
    PasswordCheck::new([&verifier], password.into(), cost)
}

#[tokio::test]
async fn right_and_wrong() {
    let blocking = Blocking::default();
    assert_eq!(blocking.check(check("right")).await, Checked::Right(0));
    assert_eq!(blocking.check(check("wrong")).await, Checked::Wrong);
}

#[tokio::test]
async fn a_check_that_needs_more_than_there_is_gets_all_of_it() {
    let blocking = Blocking::new(&BlockingLimits { memory_kib: 1, waiting: 9 });
    assert_eq!(blocking.check(check("right")).await, Checked::Right(0));
}

#[tokio::test]
async fn more_than_may_wait_are_turned_away() {
    let blocking = Blocking::new(&BlockingLimits { memory_kib: 8, waiting: 2 });
    let first = blocking.check(check("right"));
    let second = blocking.check(check("wrong"));
    assert_eq!(blocking.check(check("right")).await, Checked::Unable);
    assert_eq!((first.await, second.await), (Checked::Right(0), Checked::Wrong));
    assert_eq!(blocking.check(check("right")).await, Checked::Right(0));
}

#[tokio::test]
async fn hanging_up_saves_nothing() {
    let blocking = Blocking::new(&BlockingLimits { memory_kib: 8, waiting: 1 });
    drop(blocking.check(check("right")));
    assert_eq!(blocking.check(check("right")).await, Checked::Unable, "the first one still counts");
    for _ in 0..10_000 {
        if blocking.check(check("right")).await == Checked::Right(0) {
            return;
        }
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    panic!("its place was never given back");
}
