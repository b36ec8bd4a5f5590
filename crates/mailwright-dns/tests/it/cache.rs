//! The cache, on a clock that moves when told.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use mailwright_core::testing::FakeClock;
use mailwright_dns::{
    Answer, Cache, CacheConfig, LookupError, Name, Question, RecordData, RecordType, Resolver, Zones,
};
use tokio::sync::Semaphore;

use crate::show::{ask, question, show, zones};

struct Fixture {
    zones: Zones,
    clock: Arc<FakeClock>,
    cache: Cache<Zones>,
}

fn fixture(text: &str, config: CacheConfig) -> Fixture {
    let zones = zones(text);
    let clock = Arc::new(FakeClock::new());
    let cache = Cache::new(zones.clone(), config, clock.clone());
    Fixture { zones, clock, cache }
}

impl Fixture {
    /// What is answered, and how often the zones were asked until then.
    async fn ask(&self, text: &str) -> (String, u64) {
        (ask(&self.cache, text).await, self.zones.asked())
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn said(text: &str, asked: u64) -> (String, u64) {
    (text.to_owned(), asked)
}

const FAILED: &str = "the name server failed to find out";

#[tokio::test]
async fn an_answer_is_kept_for_its_time() {
    let f = fixture("a.example. 60 A 192.0.2.1\na.example. SECURE", CacheConfig::default());
    assert_eq!(f.ask("a.example A").await, said("a.example 60: 192.0.2.1 (authentic)", 1));
    f.zones.load("a.example. 60 A 192.0.2.2").unwrap();
    f.pass(59);
    assert_eq!(f.ask("a.example A").await, said("a.example 1: 192.0.2.1 (authentic)", 1));
    f.pass(1);
    assert_eq!(f.ask("a.example A").await, said("a.example 60: 192.0.2.2", 2));
    assert_eq!(f.ask("a.example AAAA").await, said("no records ?", 3), "types are kept apart");
    f.cache.clear();
    assert!(f.cache.is_empty());
    assert_eq!(f.ask("a.example A").await, said("a.example 60: 192.0.2.2", 4));
}

#[tokio::test]
async fn times_are_clamped() {
    let config = CacheConfig {
        ttl_min: Duration::from_secs(10),
        ttl_max: Duration::from_secs(100),
        negative_ttl_max: Duration::from_secs(50),
        ..CacheConfig::default()
    };
    let f = fixture(
        "$TTL 4294967295\n\
         . SOA a b 1 2 3 4 4294967295\n\
         short.example. 0 A 192.0.2.1\n\
         long.example. A 192.0.2.1",
        config,
    );
    for (question, fresh, stale) in [
        ("short.example A", 9, 10),
        ("long.example A", 99, 100),
        ("none.example A", 49, 50),
        ("long.example MX", 49, 50),
    ] {
        let before = f.zones.asked();
        f.ask(question).await;
        f.pass(fresh);
        assert_eq!(f.ask(question).await.1, before + 1, "{question} is kept for {fresh} s");
        f.pass(stale - fresh);
        assert_eq!(f.ask(question).await.1, before + 2, "{question} is not kept for {stale} s");
    }
}

#[tokio::test]
/// RFC 2308 §5
async fn what_does_not_exist_is_remembered() {
    let f = fixture("example. 60 SOA a b 1 2 3 4 30\na.example. A 192.0.2.1", CacheConfig::default());
    assert_eq!(f.ask("x.example A").await, said("no such domain 30", 1));
    assert_eq!(f.ask("a.example MX").await, said("no records 30", 2));
    f.pass(20);
    assert_eq!(f.ask("x.example A").await, said("no such domain 10", 2));
    assert_eq!(f.ask("a.example MX").await, said("no records 10", 2));
    f.zones.add("x.example. A 192.0.2.9").unwrap();
    f.pass(10);
    assert_eq!(f.ask("x.example A").await, said("x.example 300: 192.0.2.9", 3));
}

#[tokio::test]
/// RFC 2308 §5
async fn without_a_time_it_is_not() {
    let f = fixture("", CacheConfig::default());
    assert_eq!(f.ask("x.example A").await, said("no such domain ?", 1));
    assert_eq!(f.ask("x.example A").await, said("no such domain ?", 2));
    assert!(f.cache.is_empty());
}

#[tokio::test]
/// RFC 9520 §3.2
async fn a_failure_is_remembered_for_longer_each_time() {
    let f = fixture("a.example. SERVFAIL", CacheConfig::default());
    let mut asked = 0;
    for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
        asked += 1;
        assert_eq!(f.ask("a.example A").await, said(FAILED, asked));
        f.pass(seconds - 1);
        assert_eq!(f.ask("a.example A").await, said(FAILED, asked), "for {seconds} s");
        f.pass(1);
    }
    f.zones.load("a.example. A 192.0.2.1").unwrap();
    assert_eq!(f.ask("a.example A").await, said("a.example 300: 192.0.2.1", asked + 1));
    f.zones.load("a.example. SERVFAIL").unwrap();
    f.pass(300 + 72 * 3600);
    assert_eq!(f.ask("a.example A").await, said(FAILED, asked + 2));
    f.pass(5);
    assert_eq!(f.ask("a.example A").await, said(FAILED, asked + 3), "after a success it begins anew");
}

#[tokio::test]
/// RFC 9520 §3.2: at least a second, at most five minutes.
async fn how_long_failures_count_has_bounds() {
    for (ttl, ttl_max, least, most) in [(0, 0, 1, 1), (1_000, 10_000, 300, 300), (0, 10_000, 1, 1)] {
        let config = CacheConfig {
            failure_ttl: Duration::from_secs(ttl),
            failure_ttl_max: Duration::from_secs(ttl_max),
            ..CacheConfig::default()
        };
        let f = fixture("a.example. TIMEOUT", config);
        f.ask("a.example A").await;
        f.clock.advance(Duration::from_secs(least) - Duration::from_millis(1));
        assert_eq!(f.ask("a.example A").await.1, 1);
        f.clock.advance(Duration::from_millis(1) + Duration::from_secs(most - least));
        assert_eq!(f.ask("a.example A").await.1, 2);
    }
}

#[tokio::test]
/// RFC 8767 §4
async fn an_old_answer_is_better_than_none() {
    for fault in ["SERVFAIL", "REFUSED", "TIMEOUT"] {
        let f = fixture("a.example. 60 A 192.0.2.1", CacheConfig::default());
        let (_, asked) = f.ask("a.example A").await;
        f.zones.load(&format!("a.example. {fault}")).unwrap();
        f.pass(59);
        assert_eq!(f.ask("a.example A").await, said("a.example 1: 192.0.2.1", asked));
        f.pass(1);
        assert_eq!(f.ask("a.example A").await, said("a.example 30: 192.0.2.1 (stale)", asked + 1));
        f.pass(4);
        assert_eq!(f.ask("a.example A").await, said("a.example 30: 192.0.2.1 (stale)", asked + 1));
        f.pass(1);
        assert_eq!(f.ask("a.example A").await, said("a.example 30: 192.0.2.1 (stale)", asked + 2));
        f.pass(72 * 3600 - 6);
        assert_eq!(f.ask("a.example A").await, said("a.example 30: 192.0.2.1 (stale)", asked + 3));
        f.pass(1);
        let (words, _) = f.ask("a.example A").await;
        assert!(!words.contains("192.0.2.1"), "{words}: three days are over");
    }
}

#[tokio::test]
async fn an_answer_that_something_is_gone_counts_at_once() {
    let f = fixture("a.example. 60 A 192.0.2.1", CacheConfig::default());
    f.ask("a.example A").await;
    f.zones.load("").unwrap();
    f.pass(60);
    assert_eq!(f.ask("a.example A").await, said("no such domain ?", 2));
    f.zones.load("a.example. SERVFAIL").unwrap();
    assert_eq!(f.ask("a.example A").await, said(FAILED, 3), "what was gone does not come back stale");
}

#[tokio::test]
async fn an_old_denial_is_worth_nothing() {
    let f = fixture(". 60 SOA a b 1 2 3 4 60", CacheConfig::default());
    assert_eq!(f.ask("a.example MX").await, said("no such domain 60", 1));
    f.zones.load("a.example. SERVFAIL").unwrap();
    f.pass(60);
    assert_eq!(f.ask("a.example MX").await, said(FAILED, 2));
}

#[tokio::test]
async fn stale_answers_can_be_switched_off() {
    let f =
        fixture("a.example. 60 A 192.0.2.1", CacheConfig { stale: Duration::ZERO, ..CacheConfig::default() });
    f.ask("a.example A").await;
    f.zones.load("a.example. SERVFAIL").unwrap();
    f.pass(60);
    assert_eq!(f.ask("a.example A").await, said(FAILED, 2));
}

/// Answers when it is let, and counts.
struct Held {
    zones: Zones,
    turns: Semaphore,
}

impl Resolver for Held {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let answer = self.zones.lookup(question).await;
        self.turns.acquire().await.unwrap().forget();
        answer
    }
}

fn held(text: &str) -> Arc<Cache<Held>> {
    let held = Held { zones: zones(text), turns: Semaphore::new(0) };
    Arc::new(Cache::new(held, CacheConfig::default(), Arc::new(FakeClock::new())))
}

#[tokio::test]
async fn many_ask_once() {
    for (text, words) in [
        ("a.example. A 192.0.2.1", "a.example 300: 192.0.2.1"),
        ("", "no such domain ?"),
        ("a.example. SERVFAIL", FAILED),
    ] {
        let cache = held(text);
        let askers: Vec<_> = (0..100)
            .map(|_| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { ask(&*cache, "a.example A").await })
            })
            .collect();
        let other = {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { ask(&*cache, "b.example A").await })
        };
        while cache.resolver().zones.asked() < 2 {
            tokio::task::yield_now().await;
        }
        cache.resolver().turns.add_permits(2);
        for asker in askers {
            assert_eq!(asker.await.unwrap(), words);
        }
        assert_eq!(other.await.unwrap(), "no such domain ?");
        assert_eq!(cache.resolver().zones.asked_for(&question("a.example A")), 1);
    }
}

#[tokio::test]
async fn who_asks_may_go_away() {
    let cache = held("a.example. A 192.0.2.1");
    let question = question("a.example A");
    let mut cx = Context::from_waker(Waker::noop());
    let mut second = pin!(cache.lookup(&question));
    {
        let mut first = pin!(cache.lookup(&question));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert_eq!(cache.resolver().zones.asked(), 1);
    }
    assert!(second.as_mut().poll(&mut cx).is_pending(), "it asks in the place of the first");
    assert_eq!(cache.resolver().zones.asked(), 2);
    cache.resolver().turns.add_permits(1);
    assert_eq!(show(&second.await), "a.example 300: 192.0.2.1");
}

/// Has an address for each name, and a text of the length that the name begins with.
struct Everything;

impl Resolver for Everything {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let data = match question.record_type {
            RecordType::A => RecordData::A([192, 0, 2, 1].into()),
            _ => {
                let length: usize = question.name.labels().next().unwrap().parse().unwrap();
                RecordData::Txt(mailwright_dns::Txt { strings: vec![vec![b'x'; 200].into(); length / 200] })
            }
        };
        Ok(Answer::new(question.name.clone(), vec![data], Duration::from_secs(60)))
    }
}

#[tokio::test]
async fn memory_is_bounded() {
    let clock = Arc::new(FakeClock::new());
    for (entries, bytes) in [(1_000, 1 << 30), (100_000, 1 << 20)] {
        let config = CacheConfig { entries, bytes, ..CacheConfig::default() };
        let cache = Cache::new(Everything, config, clock.clone());
        for n in 0..100_000 {
            let name: Name = format!("host{n}.example").parse().unwrap();
            cache.lookup(&Question::new(name, RecordType::A)).await.unwrap();
            assert!(cache.len() <= entries && cache.bytes() <= bytes);
        }
        assert!(cache.len() > 900, "{}", cache.len());
    }
}

#[tokio::test]
async fn the_least_wanted_goes_first() {
    let text: String = (0..10).map(|n| format!("h{n}.example. A 192.0.2.{n}\n")).collect();
    let f = fixture(&text, CacheConfig { entries: 3, ..CacheConfig::default() });
    for n in [0, 1, 2, 0, 3] {
        f.ask(&format!("h{n}.example A")).await;
    }
    assert_eq!((f.zones.asked(), f.cache.len()), (4, 3));
    f.ask("h0.example A").await;
    assert_eq!(f.zones.asked(), 4);
    f.ask("h1.example A").await;
    assert_eq!(f.zones.asked(), 5, "h1 had to go");
}

#[tokio::test]
async fn a_huge_answer_is_passed_on_and_not_kept() {
    let config = CacheConfig { answer_bytes: 10_000, ..CacheConfig::default() };
    let cache = Cache::new(Everything, config, Arc::new(FakeClock::new()));
    for (length, kept) in [(8_000, 1), (20_000, 1), (8_001, 2)] {
        let answer = cache.lookup(&question(&format!("{length}.example TXT"))).await.unwrap();
        assert_eq!(answer.records.len(), 1);
        assert_eq!(cache.len(), kept);
    }
}
