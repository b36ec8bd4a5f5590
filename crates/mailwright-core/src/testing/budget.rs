//! How long a random test runs, and how to run one of its cases again.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::ffi::OsString;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::clock::SeededEntropy;
use crate::time::Entropy;

/// The time of a random test, and the number of cases that it makes however slow the machine is.
///
/// A fixed number of cases is too many for a loaded machine and too few for an idle one. So a test is given time,
/// and a floor that keeps it a test. How many cases it made is printed, past the test harness, in one line:
///
/// ```text
/// budget: mailwright_core::uid_set::tests::it_is_a_set: 1234 cases in 0.30 s (floor 256)
/// ```
///
/// Each case gets a seed, fresh in every run, and is a function of it. A case that fails names its seed.
///
/// The environment changes all budgets: `MAILWRIGHT_BUDGET_SECS` replaces the time (seconds, `0.5` is fine);
/// `MAILWRIGHT_LONG`, if set to anything, replaces time and floor by the long count; `MAILWRIGHT_SEED` runs the
/// one case of this seed, and is best used with the name of the test.
///
/// ```
/// use mailwright_core::Entropy;
/// use mailwright_core::testing::{Budget, SeededEntropy};
///
/// Budget::new().floor(16).seconds(0).run("a round trip", |seed| {
///     let mut octets = [0; 4];
///     SeededEntropy::new(seed).fill(&mut octets);
///     assert_eq!(u32::from_be_bytes(octets).to_be_bytes(), octets);
/// });
/// ```
///
/// With proptest's strategies: [`properties!`](crate::properties).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    floor: u64,
    time: Duration,
    long: u64,
}

impl Budget {
    /// 256 cases and 300 ms, or 20 000 cases in a long run: enough for what takes less than a millisecond, and a
    /// workspace of such tests still runs in seconds.
    pub const fn new() -> Self {
        Self { floor: 256, time: Duration::from_millis(300), long: 20_000 }
    }

    /// The cases that are made even if the time is over. Default: 256. Lower it if a case is slow.
    pub const fn floor(self, cases: u64) -> Self {
        Self { floor: cases, ..self }
    }

    /// How long new cases are begun, in seconds of the wall clock. Default: 0.3.
    pub const fn seconds(self, seconds: u64) -> Self {
        Self { time: Duration::from_secs(seconds), ..self }
    }

    /// The cases of a long run, exactly, whatever time they take. Default: 20 000.
    pub const fn long(self, cases: u64) -> Self {
        Self { long: cases, ..self }
    }

    /// Runs `case` with one fresh seed after the other, at least once, until the floor is reached and the time
    /// is over.
    ///
    /// # Panics
    /// If a case does, after a line with its seed; or if a variable of the environment makes no sense.
    #[expect(clippy::disallowed_methods, reason = "the environment is asked, and the count is told")]
    #[expect(
        clippy::disallowed_types,
        reason = "a test is to see other cases in each run, and names its seeds"
    )]
    pub fn run(self, name: &str, case: impl FnMut(u64)) {
        use std::hash::{BuildHasher, RandomState};
        let tell = |line: &str| {
            // Not `eprintln!`, whose output the harness keeps to itself if the test passes; and in one piece,
            // because tests run in parallel. If nobody listens, that is no fault of the test.
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        };
        let orders = Orders::read(|variable| std::env::var_os(variable));
        self.run_as(&orders, RandomState::new().hash_one(name), name, &tell, case);
    }

    fn run_as(self, orders: &Orders, base: u64, name: &str, tell: &dyn Fn(&str), mut case: impl FnMut(u64)) {
        let (floor, time, why) = match *orders {
            Orders { seed: Some(seed), .. } => (1, Duration::ZERO, format!("seed {seed}")),
            Orders { long: true, .. } => (self.long, Duration::ZERO, "long".to_owned()),
            Orders { time, .. } => (self.floor, time.unwrap_or(self.time), format!("floor {}", self.floor)),
        };
        let seeds = SeededEntropy::new(base);
        let begin = now();
        let mut cases = 0;
        let took = loop {
            let seed = orders.seed.unwrap_or_else(|| next(&seeds));
            let failing = Failing { name, seed, tell };
            case(seed);
            drop(failing);
            cases += 1;
            let took = now() - begin;
            if cases >= floor && took >= time {
                break took;
            }
        };
        tell(&format!("budget: {name}: {cases} cases in {:.2} s ({why})", took.as_secs_f64()));
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// What the environment says to all budgets.
#[derive(Debug, Default, PartialEq)]
struct Orders {
    seed: Option<u64>,
    long: bool,
    time: Option<Duration>,
}

impl Orders {
    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
        let of = |name, what| variable(name).map(|value| Value { name, what, value });
        Self {
            seed: of("MAILWRIGHT_SEED", "a number below 2^64")
                .map(|value| value.parse(|text| text.parse().ok())),
            long: variable("MAILWRIGHT_LONG").is_some(),
            time: of("MAILWRIGHT_BUDGET_SECS", "a number of seconds").map(|value| value.parse(seconds)),
        }
    }
}

/// A variable of the environment.
struct Value {
    name: &'static str,
    what: &'static str,
    value: OsString,
}

impl Value {
    /// A typing error must not pass for "not set".
    fn parse<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> T {
        let Self { name, what, value } = self;
        value.to_str().and_then(parse).unwrap_or_else(|| panic!("{name} must be {what}, and is {value:?}"))
    }
}

/// Says which case it was, if it is dropped by a panic.
struct Failing<'a> {
    name: &'a str,
    seed: u64,
    tell: &'a dyn Fn(&str),
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { name, seed, tell } = self;
            tell(&format!("{name}: failed at seed {seed}; MAILWRIGHT_SEED={seed} replays it"));
        }
    }
}

fn next(seeds: &SeededEntropy) -> u64 {
    let mut octets = [0; 8];
    seeds.fill(&mut octets);
    u64::from_le_bytes(octets)
}

#[expect(clippy::disallowed_methods, reason = "the time of the tests is what a budget is about")]
fn now() -> Instant {
    Instant::now()
}

/// Tests of properties by proptest's strategies, each with a [`Budget`](crate::testing::Budget).
///
/// Written as in `proptest!`, but all arguments are of the form `pattern in strategy`, and there is a budget instead
/// of a configuration; it is that of all tests of the block, and may be left out. `prop_assert!`, `prop_assume!` and
/// `return Ok(())` do what they do there; a case that `prop_assume!` refuses is replaced and not counted. A failure
/// is shrunk, and told with its seed. The crate that uses this has `proptest` among its dependencies.
///
/// ```
/// use mailwright_core::testing::Budget;
/// use mailwright_core::{Uid, UidSet};
/// use proptest::prelude::*;
///
/// mailwright_core::properties! {
///     #![budget(Budget::new().floor(100).seconds(0))]
///
///     /// However they come.
///     # /*
///     #[test]
///     # */
///     fn uids_are_counted_once(numbers in prop::collection::vec(1..9_u32, 0..20)) {
///         let set: UidSet = numbers.iter().filter_map(|&number| Uid::new(number)).collect();
///         prop_assert!(set.len() <= 8);
///     }
/// }
/// # uids_are_counted_once();
/// ```
#[macro_export]
macro_rules! properties {
    (
        #![budget($budget:expr)]
        $($(#[$meta:meta])* fn $name:ident($($argument:pat in $strategy:expr),+ $(,)?) $body:block)*
    ) => {$(
        $(#[$meta])*
        fn $name() {
            let budget: $crate::testing::Budget = $budget;
            let strategy = ($($strategy,)+);
            budget.run(concat!(env!("CARGO_PKG_NAME"), " ", module_path!(), "::", stringify!($name)), |seed| {
                $crate::properties!(@case seed, &strategy, ($($argument),+), $body)
            });
        }
    )*};
    (@case $seed:expr, $strategy:expr, ($($argument:pat),+), $body:block) => {{
        use ::proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
        let seed: u64 = $seed;
        let mut key = [0; 32];
        $crate::Entropy::fill(&$crate::testing::SeededEntropy::new(seed), &mut key);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
        // Left alone, one case would mean four attempts to shrink it.
        let config =
            Config { cases: 1, max_shrink_iters: 4096, failure_persistence: None, ..Config::default() };
        let tried = TestRunner::new_with_rng(config, rng).run($strategy, |($($argument,)+)| {
            $body
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{error}\nof ({}), from seed {seed}", stringify!($($argument),+));
        }
    }};
    ($(#[$meta:meta])* fn $($tests:tt)*) => {
        $crate::properties! {
            #![budget($crate::testing::Budget::new())]
            $(#[$meta])* fn $($tests)*
        }
    };
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use proptest::prelude::*;

    use super::*;

    const NO_TIME: Budget = Budget::new().floor(10).seconds(0).long(25);

    /// The seeds of a run, and what it told.
    fn run(budget: Budget, orders: &Orders, base: u64) -> (Vec<u64>, String) {
        let (mut seeds, told) = (Vec::new(), RefCell::new(String::new()));
        budget.run_as(orders, base, "a test", &|line| told.borrow_mut().push_str(line), |seed| {
            seeds.push(seed);
        });
        (seeds, told.into_inner())
    }

    #[test]
    fn the_floor_is_reached_without_time() {
        let (seeds, told) = run(NO_TIME, &Orders::default(), 1);
        assert_eq!(seeds.len(), 10);
        assert!(
            seeds.iter().all(|seed| seeds.iter().filter(|other| *other == seed).count() == 1),
            "{seeds:?}"
        );
        assert!(
            told.starts_with("budget: a test: 10 cases in ") && told.ends_with(" s (floor 10)"),
            "{told}"
        );
        assert_ne!(seeds, run(NO_TIME, &Orders::default(), 2).0);
    }

    #[test]
    fn the_time_is_used_past_the_floor() {
        let orders = Orders { time: Some(Duration::from_millis(20)), ..Orders::default() };
        assert!(run(NO_TIME, &orders, 1).0.len() > 10);
    }

    #[test]
    fn a_long_run_has_its_count_exactly() {
        let orders = Orders { long: true, time: Some(Duration::from_secs(3600)), ..Orders::default() };
        let (seeds, told) = run(NO_TIME, &orders, 1);
        assert_eq!(seeds.len(), 25);
        assert!(told.ends_with(" s (long)"), "{told}");
    }

    #[test]
    fn a_seed_runs_alone() {
        let orders = Orders { seed: Some(7), long: true, ..Orders::default() };
        assert_eq!(run(NO_TIME, &orders, 1).0, [7]);
    }

    #[test]
    fn a_failing_case_names_its_seed() {
        let (mut last, told) = (None, RefCell::new(String::new()));
        let failed = catch_unwind(AssertUnwindSafe(|| {
            let tell = |line: &str| told.borrow_mut().push_str(line);
            NO_TIME.run_as(&Orders::default(), 1, "a test", &tell, |seed| {
                assert!(last.replace(seed).is_none(), "the second fails");
            });
        }));
        assert!(failed.is_err());
        let seed = last.unwrap();
        let expected = format!("a test: failed at seed {seed}; MAILWRIGHT_SEED={seed} replays it");
        assert_eq!(told.into_inner(), expected);
    }

    #[test]
    fn the_environment_is_read() {
        let set = |name: &'static str, value: &'static str| {
            Orders::read(move |asked| (asked == name).then(|| value.into()))
        };
        let none = Orders::default;
        assert_eq!(Orders::read(|_| None), none());
        assert_eq!(set("MAILWRIGHT_LONG", "1"), Orders { long: true, ..none() });
        assert_eq!(set("MAILWRIGHT_SEED", "18446744073709551615"), Orders { seed: Some(u64::MAX), ..none() });
        let half = Some(Duration::from_millis(500));
        assert_eq!(set("MAILWRIGHT_BUDGET_SECS", "0.5"), Orders { time: half, ..none() });
        for (name, value) in [
            ("MAILWRIGHT_SEED", "-1"),
            ("MAILWRIGHT_SEED", ""),
            ("MAILWRIGHT_BUDGET_SECS", "long"),
            ("MAILWRIGHT_BUDGET_SECS", "-1"),
            ("MAILWRIGHT_BUDGET_SECS", "NaN"),
            ("MAILWRIGHT_BUDGET_SECS", "inf"),
        ] {
            let text = *catch_unwind(|| set(name, value)).unwrap_err().downcast::<String>().unwrap();
            assert!(text.starts_with(&format!("{name} must be a number")), "{text}");
        }
    }

    /// What the strategies make depends on the seed, and on nothing else.
    #[test]
    fn a_seed_gives_the_same_values_again() {
        let values = |seed| {
            let seen = RefCell::new(None);
            crate::properties!(@case seed, &(any::<u64>(), ".{0,9}"), (number, text), {
                seen.replace(Some((number, text)));
            });
            seen.into_inner().unwrap()
        };
        assert_eq!(values(7), values(7));
        assert_ne!(values(7), values(8));
    }

    #[test]
    fn a_failure_is_shrunk_and_names_its_seed() {
        let failed = catch_unwind(|| {
            crate::properties!(@case 7, &(100..u32::MAX, any::<u8>()), (number, _other), {
                prop_assert!(number < 100, "too large");
            });
        });
        let text = *failed.unwrap_err().downcast::<String>().unwrap();
        assert!(text.contains("too large") && text.contains("    100,\n    0,\n"), "{text}");
        assert!(text.ends_with("of (number, _other), from seed 7"), "{text}");
    }

    /// A case that is refused is no case.
    #[test]
    fn a_refused_case_is_replaced() {
        let done = RefCell::new(0);
        for seed in 0..20 {
            crate::properties!(@case seed, &(any::<bool>(),), (wanted), {
                prop_assume!(wanted);
                *done.borrow_mut() += 1;
            });
        }
        assert_eq!(done.into_inner(), 20);
    }
}
