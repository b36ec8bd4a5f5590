//! The scheduler's answers, one by one.

use std::time::{Duration, Instant};

use mailwright_core::testing::FakeClock;
use mailwright_core::{Clock, QueueId, TraceId};
use mailwright_queue::{Feedback, Scheduler, SchedulerConfig, Work};
use mailwright_store::Selector;

use crate::fixture::{ARRIVED, domain, no_answer, said};

struct Bench {
    scheduler: Scheduler,
    now: Instant,
    numbers: u32,
}

impl Bench {
    fn new() -> Self {
        Self {
            scheduler: Scheduler::new(SchedulerConfig::default()),
            now: FakeClock::new().mono(),
            numbers: 0,
        }
    }

    /// `claim 100 any 5 a.example=0`, `sweep a.example`, `wait 60s`, `wait`
    fn next(&mut self) -> String {
        match self.scheduler.next(self.now) {
            Work::Claim { selector: Selector::Any { room, except }, limit } => {
                let except: String = except.iter().map(|(route, room)| format!(" {route}={room}")).collect();
                format!("claim {limit} any {room}{except}")
            }
            Work::Sweep { route, limit, .. } => format!("sweep {limit} {route}"),
            Work::Wait { until: Some(until) } => format!("wait {}s", (until - self.now).as_secs()),
            Work::Wait { until: None } => "wait".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// The store gives so many entries of `a.example`.
    fn claimed(&mut self, count: u32, next_due: Option<u64>) -> Vec<QueueId> {
        let first = self.numbers;
        self.numbers += count;
        let id = |entry| QueueId { trace: TraceId::new(ARRIVED, [0; 4]), entry };
        let ids: Vec<QueueId> = (first..self.numbers).map(id).collect();
        let entries = ids.iter().map(|id| (*id, domain("a.example")));
        self.scheduler.claimed(entries, next_due.map(Duration::from_secs), self.now);
        ids
    }

    fn finish(&mut self, ids: Vec<QueueId>, feedback: Feedback) {
        ids.into_iter().for_each(|id| self.scheduler.finished(id, feedback.clone(), self.now));
    }
}

#[test]
fn the_store_is_asked_until_it_has_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.next(), "claim 100 any 1");
    assert_eq!(bench.next(), "wait", "it has not answered");
    let first = bench.claimed(1, Some(0));
    assert_eq!(bench.next(), "claim 100 any 2 a.example=2", "nobody else waits");
    bench.claimed(2, Some(0));
    assert_eq!(bench.next(), "claim 100 any 4 a.example=2");
    bench.claimed(0, Some(90));
    assert_eq!(bench.next(), "wait 90s");
    bench.scheduler.changed();
    assert_eq!(bench.next(), "claim 100 any 5 a.example=2");
    bench.scheduler.changed();
    bench.claimed(0, Some(90));
    assert_eq!(bench.next(), "claim 100 any 5 a.example=2", "it has changed meanwhile");
    bench.claimed(0, None);
    assert_eq!(bench.next(), "wait");
    bench.finish(first.clone(), Feedback::Served);
    assert_eq!(bench.next(), "wait", "it had room, and there was nothing");
    bench.finish(first, Feedback::Served);
    assert_eq!(bench.scheduler.usage().active, 2, "what has ended does not end again");
}

#[test]
fn what_is_due_and_cannot_be_tried_is_asked_for_now_and_then() {
    let mut bench = Bench::new();
    bench.next();
    bench.claimed(0, Some(0));
    assert_eq!(bench.next(), "wait 5s");
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.next(), "claim 100 any 2");
}

#[test]
fn pauses_grow_and_end_with_one_attempt() {
    let mut bench = Bench::new();
    let unreachable = || Feedback::Unreachable(no_answer());
    bench.next();
    let all = bench.claimed(5, None);
    bench.now += Duration::from_secs(30);
    bench.finish(all, unreachable());
    let mut pauses = Vec::new();
    for _ in 0..9 {
        bench.next();
        bench.claimed(0, None);
        while bench.next().starts_with("claim") {
            bench.claimed(0, None);
        }
        let (_, pause) = bench.scheduler.pause(&domain("a.example"), bench.now).unwrap();
        pauses.push(pause.as_secs() / 60);
        bench.now += pause;
        let next = loop {
            let next = bench.next();
            match next.starts_with("sweep") {
                true => bench.scheduler.swept(&domain("a.example"), 0, bench.now),
                false => break next,
            }
        };
        assert!(next.ends_with("a.example=1"), "{next}");
        let one = bench.claimed(1, None);
        bench.now += Duration::from_secs(30);
        bench.finish(one, unreachable());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    bench.now += Duration::from_secs(3_600);
    bench.next();
    let one = bench.claimed(1, None);
    bench.finish(one, Feedback::Served);
    assert_eq!(bench.scheduler.pause(&domain("a.example"), bench.now), None);
    assert_eq!(bench.scheduler.usage().destinations, 0, "it is like any other again");
}

#[test]
fn too_much_is_halved_once_for_all_that_were_under_way() {
    let mut bench = Bench::new();
    let room = |bench: &mut Bench| {
        bench.scheduler.changed();
        let text = bench.next();
        let room = text.split_once("a.example=").map(|(_, room)| room.parse::<usize>().unwrap());
        bench.claimed(0, None);
        while bench.next().starts_with("claim") {
            bench.claimed(0, None);
        }
        room
    };
    bench.scheduler.changed();
    bench.next();
    let all = bench.claimed(5, None);
    bench.now += Duration::from_secs(1);
    let busy = Feedback::Busy(said("421 4.7.0 too many connections"));
    bench.finish(all[..3].to_vec(), busy);
    bench.finish(all[3..].to_vec(), Feedback::Served);
    assert_eq!(room(&mut bench), Some(2), "half of five, and two were taken");
    for _ in 0..20 {
        bench.scheduler.changed();
        bench.next();
        let two = bench.claimed(2, None);
        bench.now += Duration::from_secs(1);
        bench.finish(two, Feedback::Served);
    }
    assert_eq!(room(&mut bench), Some(2), "it is known that three are too many");
    bench.now += Duration::from_secs(600);
    bench.scheduler.changed();
    bench.next();
    let two = bench.claimed(2, None);
    bench.finish(two, Feedback::Served);
    assert_eq!(room(&mut bench), Some(3), "after a while it is tried again");
}
